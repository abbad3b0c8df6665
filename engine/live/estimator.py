"""From a frame of any camera to the pose of its wearer."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.runtime.runtime import Runtime
from engine.types import Frame, ImageArray, Pose

GAP_NS = 500_000_000
"""A longer silence than this, and the motion before it says nothing of the motion after."""
NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


class SupersededError(Exception):
    """Raised by an estimator of a recording that is played: another frame is wanted than the one in hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network is shown of a frame."""

    picture: ImageArray
    """(side, side, 3) uint8 BGR, the canonical view."""
    view: CanonicalView
    took_ns: int


class Estimator(ABC):
    """Turns frames into poses, in the order of their time. Used from one thread, but for `see`."""

    runtime: str
    network: str
    actions: tuple[str, ...]
    reason: str = ""
    """See `Runtime.reason`, as the three that follow."""
    building: str = ""
    notice: str = ""
    spares_motion: bool = False

    @property
    def view(self) -> CanonicalView | None:
        """The canonical view of the last frame; None before the first."""
        return None

    def see(self, frame: Frame) -> Seen | None:
        """What `estimate` needs of a frame and can be made before its turn, on any thread; None where that is nothing.

        Raises ValueError where the picture is not (H, W, 3) uint8.
        """
        return None

    @abstractmethod
    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        """The pose in this frame, given those before it.

        `seen` is what `see` made of it, None where that was not called. With `motion=False` the temporal stream is
        spared on this frame where it can be.
        """

    def recalled(self, media_ns: int) -> Pose | None:
        """The pose in the frame of that time, where it is known without its picture; else None."""
        return None

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
        self._making = threading.Lock()
        self._made: CanonicalView | None = None
        """The view of the size that came last; `_view` is that of the frame estimated last."""

    @property
    def view(self) -> CanonicalView | None:
        return self._view

    def see(self, frame: Frame) -> Seen:
        """Raises ValueError where the picture is not (H, W, 3) uint8."""
        began = time.monotonic_ns()
        view = self._view_for(frame)
        picture = view.image(frame.image)
        return Seen(picture, view, time.monotonic_ns() - began)

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        """Raises ValueError where the picture is not (H, W, 3) uint8."""
        seen = seen or self.see(frame)
        began = time.monotonic_ns()
        self._view = view = seen.view
        if not self._follows(frame):
            self._runtime.reset()
        # Without its picture, which would be kept alive for nothing.
        self._last = replace(frame, image=NO_PICTURE, encoded=None)
        result = self._runtime.run(seen.picture, motion=motion)
        self._tell()
        known = time.monotonic_ns()
        uv = view.place(result.uv)
        stages = {"canonical view": seen.took_ns, "network": known - began, "overlay": time.monotonic_ns() - known}
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
        self.spares_motion = runtime.spares_motion

    def _view_for(self, frame: Frame) -> CanonicalView:
        height, width = frame.image.shape[:2]
        with self._making:
            if self._made is None or self._made.size != (width, height):
                self._made = CanonicalView(self._camera, (width, height), self._runtime.side)
            return self._made

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
