"""Whether a wearer stands still where all that is needed is seen, and for how long. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.motion.profile import FAINT
from engine.skeleton import JOINTS
from engine.types import FloatArray

STAND_S = 3.0
"""How long the wearer stands still."""
STILL_M = 0.04
"""What a joint may move about its place; of a wearer who gestures or walks, one moves by 0.1 m and more."""
RECENT_S = 1.0
"""What the movement is told from."""
_GAP_S = 0.5
"""Between two poses, more is another recording or place in it."""


class Hint(StrEnum):
    """What the wearer is to do."""

    WAIT = "wait"
    SHOW = "show"
    STILL = "still"
    HOLD = "hold"
    DONE = "done"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One pose."""

    time_ns: int
    """In the time of what is shown: `engine.motion.stage.media_ns`."""
    joints_m: FloatArray
    """(15, 3) as the network found them."""
    confidence: FloatArray
    """(15,) in 0..1."""


def unseen(confidence: NDArray[np.float32]) -> tuple[str, ...]:
    """Parts of the body of which too little is seen to measure them: both hips and the neck, of the others one side."""
    seen = dict(zip(JOINTS, (np.asarray(confidence) >= FAINT).tolist(), strict=True))
    parts = {name.rpartition("_")[2]: True for name in JOINTS}
    for part in parts:
        sides = [on for name, on in seen.items() if name.rpartition("_")[2] == part]
        parts[part] = all(sides) if part == "hip" else any(sides)
    return tuple(part for part, on in parts.items() if not on)


def movement_m(joints_m: NDArray[np.float32], confidence: NDArray[np.float32]) -> float:
    """How far the joint that moves most is from its own place, both medians over N poses: one bad pose tells nothing.

    `joints_m` is (N, 15, 3) metres, `confidence` (N, 15); joints that are not seen throughout do not count.
    """
    seen = (confidence >= FAINT).all(0)
    if not seen.any():
        return 0.0
    joints = joints_m[:, seen].astype(np.float64)
    away = np.linalg.norm(joints - np.median(joints, axis=0), axis=-1)
    return float(np.median(away, axis=0).max())


class Standing:
    """Poses of a wearer who is asked to stand still. What is kept begins anew when they move or are not seen."""

    def __init__(self) -> None:
        self._recent: list[Sample] = []
        self._held: list[Sample] = []
        self.hint = Hint.WAIT
        self.missing: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the time that has to be stood still, 0..1."""
        return min(1.0, _span_s(self._held) / STAND_S)

    @property
    def held(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, 15, 3) joints and (N, 15) confidence of the time stood still."""
        return np.array([one.joints_m for one in self._held]), np.array([one.confidence for one in self._held])

    def add(self, sample: Sample) -> None:
        """The next pose; the same moment again changes nothing."""
        if self._recent and sample.time_ns == self._recent[-1].time_ns:
            return
        if self._recent and not 0 < sample.time_ns - self._recent[-1].time_ns <= _GAP_S * 1e9:
            self._recent, self._held = [], []
        self._recent.append(sample)
        self._recent = [one for one in self._recent if sample.time_ns - one.time_ns <= RECENT_S * 1e9]
        self.missing = unseen(sample.confidence)
        self.hint = self._judged(sample)
        if self.hint in (Hint.SHOW, Hint.STILL):
            self._held = []

    def _judged(self, sample: Sample) -> Hint:
        if self.missing:
            return Hint.SHOW
        joints = np.array([one.joints_m for one in self._recent])
        if movement_m(joints, np.array([one.confidence for one in self._recent])) > STILL_M:
            return Hint.STILL
        if not self._held and _span_s(self._recent) < RECENT_S / 2:
            return Hint.WAIT
        self._held = [*self._held, sample] if self._held else list(self._recent)
        return Hint.DONE if self.share >= 1 else Hint.HOLD


def _span_s(samples: list[Sample]) -> float:
    return (samples[-1].time_ns - samples[0].time_ns) / 1e9 if samples else 0.0
