"""From a frame of any camera to the pose of its wearer."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.runtime.runtime import Runtime
from engine.types import Frame, Pose

GAP_NS = 500_000_000
"""A longer silence than this, and the motion before it says nothing of the motion after."""
NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


class Estimator(ABC):
    """Turns frames into poses, in the order of their time. Used from one thread."""

    runtime: str
    network: str
    actions: tuple[str, ...]
    reason: str = ""
    """See `Runtime.reason`, as the two that follow."""
    building: str = ""
    notice: str = ""

    @property
    def view(self) -> CanonicalView | None:
        """The canonical view of the last frame; None before the first."""
        return None

    @abstractmethod
    def estimate(self, frame: Frame) -> Pose:
        """The pose in this frame, given those before it."""

    def close(self) -> None:  # noqa: B027
        """Release threads and devices; most have none. Idempotent."""


class PoseEstimator(Estimator):
    """Canonical view, network, and back to the picture's pixels."""

    def __init__(self, runtime: Runtime, camera: Calibration) -> None:
        self._runtime, self._camera = runtime, camera
        self.network, self.actions = runtime.network, runtime.actions
        self._tell()
        self._view: CanonicalView | None = None
        self._last: Frame | None = None

    @property
    def view(self) -> CanonicalView | None:
        return self._view

    def estimate(self, frame: Frame) -> Pose:
        """Raises ValueError where the picture is not (H, W, 3) uint8."""
        began = time.monotonic_ns()
        view = self._view_for(frame)
        if not self._follows(frame):
            self._runtime.reset()
        # Without its picture, which would be kept alive for nothing.
        self._last = replace(frame, image=NO_PICTURE, encoded=None)
        picture = view.image(frame.image)
        seen = time.monotonic_ns()
        result = self._runtime.run(picture)
        self._tell()
        known = time.monotonic_ns()
        uv = view.to_picture(result.uv.astype(np.float64)).astype(np.float32)
        stages = {"canonical view": seen - began, "network": known - seen, "overlay": time.monotonic_ns() - known}
        return Pose(
            seq=frame.seq,
            capture_ns=frame.capture_ns,
            joints_m=result.joints_m,
            confidence=result.confidence,
            uv_px=uv,
            heatmaps=result.heatmaps,
            action_scores=result.action_scores,
            stage_ns=stages,
        )

    def _tell(self) -> None:
        """What runs may have changed between two frames."""
        runtime = self._runtime
        self.runtime, self.reason = runtime.description, runtime.reason
        self.building, self.notice = runtime.building, runtime.notice

    def _view_for(self, frame: Frame) -> CanonicalView:
        height, width = frame.image.shape[:2]
        if self._view is None or self._view.size != (width, height):
            self._view = CanonicalView(self._camera, (width, height), self._runtime.side)
        return self._view

    def _follows(self, frame: Frame) -> bool:
        """Whether the frame goes on from the last one, without a gap or a step back in time."""
        last = self._last
        if last is None:
            return False  # the runtime may remember what another estimator showed it
        steps = [frame.capture_ns - last.capture_ns]
        if frame.device_ns is not None and last.device_ns is not None:
            # A recording that is played jumps in its own time where it is positioned or begins anew.
            steps.append(frame.device_ns - last.device_ns)
        return frame.source_id == last.source_id and all(0 < step <= GAP_NS for step in steps)

    def close(self) -> None:
        self._runtime.close()
