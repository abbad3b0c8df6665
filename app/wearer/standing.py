"""Whether a wearer stands still where all that is needed is seen, and for how long. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.motion.filter import GAP_NS, OneEuro, broken
from engine.motion.settings import DEFAULT_SMOOTHING
from engine.motion.stillness import Movement, movement, unseen
from engine.types import FloatArray

STAND_S = 3.0
"""How long the wearer stands still."""
RECENT_S = 1.0
"""What the movement is told from."""
STILL_M = 0.02
"""What trunk and legs may move. Wearers who stand, look about and talk with their hands have 0.003 to 0.018 m after the
network and the filter, those who walk or turn 0.023 m and more."""
LOOSE_M = 0.04
"""What they may where nothing better comes."""
PATIENCE_S = 20.0
"""After this long the quietest `STAND_S` so far count, or the wearer is told what was in the way."""
_EVERY_S = 0.2
"""How often the last `STAND_S` are looked at as a whole."""

Measured = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(N, 15, 3) joints and (N, 15) confidence."""


class Hint(StrEnum):
    """What the wearer is to do."""

    WAIT = "wait"
    SHOW = "show"
    STILL_TRUNK = "still trunk"
    STILL_LEGS = "still legs"
    HOLD = "hold"
    DONE = "done"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One pose."""

    time_ns: int
    """In the time of what is shown: `engine.motion.stage.media_ns`."""
    joints_m: FloatArray
    """(15, 3) as the network found them."""
    confidence: FloatArray
    """(15,) in 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pose:
    time_ns: int
    raw_m: FloatArray
    steady_m: FloatArray
    """What the filter makes of it: the network's tremble is not the wearer's."""
    confidence: FloatArray


class Standing:
    """Poses of a wearer who is asked to stand still: `add` them until the hint is DONE or GAVE_UP.

    The time stood still begins anew when trunk or legs move or are not seen.
    """

    def __init__(self) -> None:
        self.hint = Hint.WAIT
        self.missing: tuple[str, ...] = ()
        self.quietest: Movement | None = None
        """Of the best `STAND_S` so far; None where there were none with all that is needed in them."""
        self.waited_s = 0.0
        self.held: Measured = (np.empty((0, 15, 3), np.float32), np.empty((0, 15), np.float32))
        """Once it is DONE: the poses of the time stood still, as the network found them."""
        self._filter = OneEuro(DEFAULT_SMOOTHING)
        self._poses: list[_Pose] = []
        """Of the last `STAND_S`, without a gap."""
        self._since_ns: int | None = None
        self._best: Measured = self.held
        self._looked_s = 0.0

    @property
    def share(self) -> float:
        """Of the time that has to be stood still, 0..1."""
        return min(1.0, self._stood_s / STAND_S)

    @property
    def settles_s(self) -> float | None:
        """Seconds until the quietest time so far counts; None where that moves too much to be of use."""
        usable = self.quietest is not None and self.quietest.most_m <= LOOSE_M
        return max(0.0, PATIENCE_S - self.waited_s) if usable else None

    @property
    def _stood_s(self) -> float:
        return 0.0 if self._since_ns is None else (self._poses[-1].time_ns - self._since_ns) / 1e9

    def add(self, sample: Sample) -> None:
        """The next pose; the same moment again changes nothing."""
        last_ns = self._poses[-1].time_ns if self._poses else None
        if sample.time_ns == last_ns:
            return
        if last_ns is None or broken(last_ns, sample.time_ns):
            self._poses, self._since_ns = [], None
            self.waited_s += 0.0 if last_ns is None else GAP_NS / 1e9
        else:
            self.waited_s += (sample.time_ns - last_ns) / 1e9
        steady = self._filter.update(sample.joints_m, sample.time_ns).astype(np.float32)
        self._poses.append(_Pose(sample.time_ns, sample.joints_m, steady, sample.confidence))
        self._poses = self._last(STAND_S)
        self.hint = self._judged()
        if self.hint is Hint.DONE:
            self.held = _measured(self._poses)
            return
        self._consider()
        if self.waited_s >= PATIENCE_S and self.hint is not Hint.HOLD:
            self.hint = Hint.GAVE_UP if self.settles_s is None else Hint.DONE
            self.held = self._best

    def _judged(self) -> Hint:
        recent = self._last(RECENT_S)
        confidence = np.array([one.confidence for one in recent])
        self.missing = unseen(confidence)
        if self.missing:
            self._since_ns = None
            return Hint.SHOW
        if _span_s(recent) < RECENT_S / 2:
            return Hint.WAIT
        moved = movement(np.array([one.steady_m for one in recent]), confidence)
        if moved.most_m > STILL_M:
            self._since_ns = None
            return Hint.STILL_LEGS if moved.legs_m >= moved.trunk_m else Hint.STILL_TRUNK
        if self._since_ns is None:
            self._since_ns = recent[0].time_ns
        return Hint.DONE if self._stood_s >= STAND_S else Hint.HOLD

    def _consider(self) -> None:
        """Whether the last `STAND_S` are the quietest so far."""
        if self.waited_s - self._looked_s < _EVERY_S or _span_s(self._poses) < STAND_S - _EVERY_S:
            return
        self._looked_s = self.waited_s
        confidence = np.array([one.confidence for one in self._poses])
        if unseen(confidence):
            return
        moved = movement(np.array([one.steady_m for one in self._poses]), confidence)
        if self.quietest is None or moved.most_m < self.quietest.most_m:
            self.quietest, self._best = moved, _measured(self._poses)

    def _last(self, seconds: float) -> list[_Pose]:
        now_ns = self._poses[-1].time_ns
        return [one for one in self._poses if now_ns - one.time_ns <= seconds * 1e9]


def _measured(poses: list[_Pose]) -> Measured:
    return np.array([one.raw_m for one in poses]), np.array([one.confidence for one in poses])


def _span_s(poses: list[_Pose]) -> float:
    return (poses[-1].time_ns - poses[0].time_ns) / 1e9 if poses else 0.0
