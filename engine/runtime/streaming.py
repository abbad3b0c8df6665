"""A runtime of parts: whatever compiled them, they are run, and what is remembered is kept, in the same way.

Needs no torch. What the parts are stands in `engine/runtime/parts.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.live.ring import Ring
from engine.network.config import NetworkConfig
from engine.runtime.runtime import Result, Runtime
from engine.types import FloatArray, ImageArray

SPATIAL, MOTION, POSE = "spatial", "motion", "pose"
"""Names of the parts, and of the files they are exported to."""
SEEN = ("heatmaps", "uv", "spread", "height", "confidence", "tokens")
"""What the spatial part gives, in its order; behind it "feature" where the motion shares its encoder."""
ASKED = ("tokens", "uv", "spread", "height", "features", "valid")
"""What the pose part takes, in its order."""


class Seen(NamedTuple):
    """What the spatial part says of one picture. May be valid until the next picture only."""

    heatmaps: FloatArray
    """(1, 15, h, h) in 0..1."""
    uv: FloatArray
    """(1, 15, 2) canonical coordinates, 0..1 across the picture."""
    spread: FloatArray
    """(1, 15, 1) same units."""
    height: FloatArray
    """(1, 15, 1)."""
    confidence: FloatArray
    """(1, 15) in 0..1."""
    tokens: FloatArray
    """(1, 15, joint_dim)."""
    feature: FloatArray | None = None
    """(1, motion_dim), where the motion shares the spatial encoder."""


class Parts(ABC):
    """The parts of one network, ready to run."""

    @abstractmethod
    def see(self, picture: ImageArray) -> Seen:
        """(side, side, 3) uint8 BGR to what the spatial part says."""

    @abstractmethod
    def move(self, picture: ImageArray) -> FloatArray:
        """(side, side, 3) uint8 BGR to the (1, motion_dim) feature of a motion encoder of its own.

        Runs beside `see`, on another thread.
        """

    @abstractmethod
    def pose(self, seen: Seen, features: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """What was seen and the (T, memory_dim) and (T,) memory with it, to (1, 15, 3) joints and (1, A) actions."""

    def close(self) -> None:  # noqa: B027
        """Release what is held. Idempotent."""


class StreamingRuntime(Runtime):
    """Runs the parts frame by frame. Each picture's row is computed once and kept in a ring.

    Where the motion stream has an encoder of its own, the two streams run side by side, one thread each.
    """

    def __init__(self, parts: Parts, config: NetworkConfig, description: str, *, side_by_side: bool = True) -> None:
        """`side_by_side=False`: one stream after the other, on the caller's thread."""
        self.parts, self.config = parts, config
        self.network, self.side, self.actions = config.name, config.side, config.actions
        self.description = description
        self.spares_motion = config.motion == "resnet50"
        self._pool = (
            ThreadPoolExecutor(1, thread_name_prefix="motion stream") if self.spares_motion and side_by_side else None
        )
        self._ring = Ring(config.window, config.memory_dim)
        self._motion_dim = config.motion_dim
        self._row = np.zeros(config.memory_dim, np.float32)
        self._moved = False
        """Whether the row begins with the motion feature of a frame, as it does after the first."""

    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        picture = np.ascontiguousarray(picture)
        feature: FloatArray | None = None
        coming: Future[FloatArray] | None = None
        if self.spares_motion and (motion or not self._moved):
            if self._pool is None:
                feature = self.parts.move(picture)
            else:
                coming = self._pool.submit(self.parts.move, picture)
        seen = self.parts.see(picture)
        if coming is not None:
            feature = coming.result()
        elif not self.spares_motion:
            feature = seen.feature
        if feature is not None:
            self._row[: self._motion_dim] = feature[0]
            self._moved = True
        if len(self._row) > self._motion_dim:
            np.concatenate([seen.tokens.reshape(-1), seen.uv.reshape(-1)], out=self._row[self._motion_dim :])
        self._ring.push(self._row)
        joints, actions = self.parts.pose(seen, self._ring.window(), self._ring.valid())
        # Copies: the parts write the next frame's into the same memory.
        return Result(
            joints_m=joints[0].copy(),
            heatmaps=seen.heatmaps[0].copy(),
            uv=seen.uv[0].copy(),
            confidence=seen.confidence[0].copy(),
            action_scores=actions[0].copy(),
        )

    def reset(self) -> None:
        self._ring.clear()
        self._moved = False

    def memory(self) -> FloatArray:
        return self._ring.rows()

    def recall(self, memory: FloatArray) -> None:
        self._ring.fill(memory)
        self._moved = len(memory) > 0
        if self._moved:
            self._row[:] = memory[-1]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        self.parts.close()
