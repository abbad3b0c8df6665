"""A source and an estimator whose timing and faults are told to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from engine.capture.source import Source, SourceInfo
from engine.live.estimator import Estimator, Seen
from engine.types import Frame, Pose

NOTHING = np.zeros(0, np.float32)


class FakeSource(Source):
    """Black frames at a rate, live or as fast as they are taken."""

    def __init__(
        self, frames: int | None = None, fps: float | None = None, fail_at: int | None = None, side: int = 32
    ) -> None:
        self.frames, self.fps, self.fail_at, self.side = frames, fps, fail_at, side
        self.closed = threading.Event()
        self._seq = 0
        self._due = 0.0

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(
            "fake", "fake:0", (self.side, self.side), self.fps, "", self.fps is not None, False, self.frames
        )

    def open(self) -> None:
        self._due = time.monotonic()

    def read(self) -> Frame | None:
        if self.fail_at == self._seq:
            raise RuntimeError("the fake source was told to fail")
        if self._seq == self.frames:
            return None
        if self.fps is not None:
            self._due += 1 / self.fps
            if self.closed.wait(max(0.0, self._due - time.monotonic())):
                return None
        frame = Frame(np.zeros((self.side, self.side, 3), np.uint8), self._seq, time.monotonic_ns(), "fake:0")
        self._seq += 1
        return frame

    def close(self) -> None:
        self.closed.set()


class FakeEstimator(Estimator):
    """A pose of zeros after a while, interruptible by nothing, as a real network."""

    runtime, network, actions = "fake", "fake", ()

    def __init__(self, seconds: float = 0.0, each: Callable[[Frame], None] = lambda frame: None) -> None:
        self.seconds, self.each = seconds, each
        self.closed = False
        self.motions: list[bool] = []
        """Of each frame, whether it was to have motion."""

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        self.motions.append(motion)
        self.each(frame)
        time.sleep(self.seconds)
        joints = np.full((15, 3), frame.seq, np.float32)
        confidence, uv = np.ones(15, np.float32), np.zeros((15, 2), np.float32)
        return Pose(
            frame.seq, frame.capture_ns, joints, confidence, uv, NOTHING, NOTHING, {"network": int(self.seconds * 1e9)}
        )

    def close(self) -> None:
        self.closed = True
