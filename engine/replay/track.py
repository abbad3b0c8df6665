"""The poses found in a recording so far, a place for each of its frames."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.learn.metrics import joint_errors_mm
from engine.skeleton import JOINT_COUNT
from engine.types import FloatArray, Pose, Truth

HEAT_BYTES = 128 << 20
"""Room for heatmaps; those that were put away first are let go."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    pose: Pose
    """Without its heatmaps."""
    shape: tuple[int, ...]


class Track:
    """What one estimator found in each frame. Written by several threads, read by any: a place is filled at once."""

    def __init__(self, frames: int) -> None:
        self._poses: list[_Kept | None] = [None] * frames
        self._glimpses: dict[int, Pose] = {}
        self._heat: dict[int, bytes] = {}
        self._heat_bytes = 0
        self.errors_mm: FloatArray = np.full((frames, JOINT_COUNT), np.nan, np.float32, "F")
        """(N, 15) distance of each joint to its truth, as the network found it; NaN where either is not known.
        Each joint's lie side by side in memory, as they are drawn."""
        self.mpjpe_mm: FloatArray = np.full(frames, np.nan, np.float32)
        """(N,) mean over the joints of each frame that are known; NaN where none is."""
        self.known: NDArray[np.bool_] = np.zeros(frames, np.bool_)
        """(N,) which frames have been looked at."""
        self.confidence: FloatArray = np.full(frames, np.nan, np.float32)
        """(N,) mean over the joints; NaN where there is no pose."""

    def __len__(self) -> int:
        return len(self.known)

    @property
    def count(self) -> int:
        """How many frames have been looked at."""
        return int(self.known.sum())

    def keep(self, index: int, pose: Pose, truth: Truth | None) -> None:
        """The pose in a frame, and what is known of the wearer there."""
        heat = (np.clip(np.nan_to_num(pose.heatmaps), 0, 1) * 255).astype(np.uint8)
        packed = zlib.compress(heat.tobytes(), 1)
        self._heat_bytes += len(packed) - len(self._heat.pop(index, b""))
        self._heat[index] = packed
        while self._heat_bytes > HEAT_BYTES:
            self._heat_bytes -= len(self._heat.pop(next(iter(self._heat))))
        bare = replace(pose, heatmaps=heat[:0].astype(np.float32))
        if truth is not None:
            errors = joint_errors_mm(pose.joints_m, truth.joints_m)
            self.errors_mm[index] = errors
            known = errors[np.isfinite(errors)]
            self.mpjpe_mm[index] = known.mean() if known.size else np.nan
        if np.isfinite(pose.joints_m).any():
            self.confidence[index] = float(np.mean(pose.confidence))
        self._poses[index] = _Kept(bare, heat.shape)
        self.known[index] = True
        self._glimpses.pop(index, None)

    def glimpse(self, index: int, pose: Pose) -> None:
        """A pose that was found with less than all that it depends on: nearly right, and no more than on the way."""
        if not self.known[index]:
            self._glimpses[index] = replace(pose, heatmaps=pose.heatmaps[:0])

    def past(self, index: int) -> Pose | None:
        """The pose of a frame without its heatmaps, a glimpse where no more is known; None where not even that."""
        kept = self._poses[index]
        return kept.pose if kept is not None else self._glimpses.get(index)

    def pose(self, index: int) -> Pose | None:
        """As it was kept, the heatmaps to a 255th and nothing where their room was needed; None where not known."""
        kept = self._poses[index]
        if kept is None:
            return None
        packed = self._heat.get(index)
        heat = np.zeros(kept.shape, np.float32)
        if packed is not None:
            heat = (np.frombuffer(zlib.decompress(packed), np.uint8).reshape(kept.shape) / 255).astype(np.float32)
        return replace(kept.pose, heatmaps=heat)

    def worst(self, count: int, apart: int) -> tuple[int, ...]:
        """The frames with the largest error, at least so many frames from each other, the worst first."""
        errors = np.nan_to_num(self.mpjpe_mm, nan=-1.0)
        found: list[int] = []
        while len(found) < count and len(errors):
            at = int(errors.argmax())
            if errors[at] < 0:
                break
            found.append(at)
            errors[max(at - apart, 0) : at + apart + 1] = -1.0
        return tuple(found)
