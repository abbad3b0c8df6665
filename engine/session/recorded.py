"""The poses of a session as they were recorded, in place of a network."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

import numpy as np

from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.errors import EgoposeError
from engine.live.estimator import Estimator, Seen
from engine.session import layout
from engine.session.reader import Session
from engine.skeleton import JOINT_COUNT
from engine.types import Frame, Pose

_NO_HEAT = np.zeros((JOINT_COUNT, 8, 8), np.float32)
"""What the network saw is not recorded."""
NOWHERE = Pose(
    0, 0, np.full((JOINT_COUNT, 3), np.nan, np.float32), np.zeros(JOINT_COUNT, np.float32),
    np.full((JOINT_COUNT, 2), np.nan, np.float32), _NO_HEAT, np.zeros(0, np.float32),
)  # fmt: skip
"""Of a frame without a recorded pose."""


class RecordedPoses(Estimator):
    """Gives each frame of a session the pose that was recorded with it; one of no confidence where there is none.

    The session may be read as it is or played as a camera. Raises EgoposeError where it holds no poses.
    """

    actions: tuple[str, ...] = ()

    def __init__(self, path: Path, camera: Calibration) -> None:
        self._session = Session(path)
        if not self._session.pose_count:
            self._session.close()
            raise EgoposeError(f"{path} holds no poses: leave --recorded away to have the network find them")
        self.network = self._session.metadata.get(layout.NETWORK_KEY) or "unknown network"
        self.runtime = "as recorded"
        self._camera = camera
        self._view: CanonicalView | None = None

    @property
    def view(self) -> CanonicalView | None:
        return self._view

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        height, width = frame.image.shape[:2]
        if self._view is None or self._view.size != (width, height):
            self._view = CanonicalView(self._camera, (width, height))
        pose = self._found(frame.capture_ns)
        if pose is None and frame.device_ns is not None:
            pose = self._found(frame.device_ns)  # A session that is played has its own time beside the host's.
        return replace(pose or NOWHERE, seq=frame.seq, capture_ns=frame.capture_ns, heatmaps=_NO_HEAT)

    def recalled(self, media_ns: int) -> Pose:
        """As it was recorded; one of no confidence where none was."""
        return self._found(media_ns) or NOWHERE

    def close(self) -> None:
        self._session.close()

    def _found(self, media_ns: int) -> Pose | None:
        stamps = self._session.stamps
        index = bisect_left(stamps, media_ns, key=lambda stamp: stamp.capture_ns)
        if index >= len(stamps) or stamps[index].capture_ns != media_ns:
            return None
        return self._session.pose(index)
