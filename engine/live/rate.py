"""How often the temporal stream runs, so that a machine that is too slow for a source loses as little as it must.

No clock, no thread: what happened is told to it. The spatial stream runs on every frame in any case.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """When the rate changes. Loads are the work of a frame in the mean, over the source's period."""

    crowded: float = 0.97
    """Above this load frames are lost: more is spared once it has lasted `slower_after_ns`."""
    roomy: float = 0.80
    """Below this load at the next faster rate, that rate is taken once it has lasted a while."""
    slower_after_ns: int = 1 * SECOND
    faster_after_ns: int = 4 * SECOND
    """At first; twice as long each time that the room did not last."""
    longest_ns: int = 120 * SECOND
    lasting: int = 10
    """Room has lasted where the faster rate held for so many `faster_after_ns`."""
    slowest: int = 3
    """The temporal stream runs on every so-manieth frame at least."""
    worthwhile: float = 0.92
    """A spared frame must cost at most this share of a whole one, or nothing is spared."""
    remembered: int = 31
    """Frames of each kind over which the median is taken."""
    enough: int = 8
    """Fewer of a kind say nothing yet."""


LIMITS = Limits()


class TemporalRate:
    """Whether the next frame is to have a motion feature of its own. Used from one thread."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self.every = 1
        """The temporal stream runs on every so-manieth frame."""
        self._whole: deque[int] = deque(maxlen=limits.remembered)
        self._spared: deque[int] = deque(maxlen=limits.remembered)
        """How long the last frames of each kind took."""
        self._since_motion = 0
        self._wanted: tuple[int, int] | None = None
        """A rate that has been called for without a break, and since when."""
        self._changed_ns: int | None = None
        self._quickened = False
        """Whether the last change was to a faster rate."""
        self._patience_ns = limits.faster_after_ns
        self._useless_until_ns: int | None = None

    def next(self) -> bool:
        """Whether the next frame in time is one with motion."""
        return self._since_motion + 1 >= self.every

    def expected_ns(self, motion: bool) -> int:
        """How long a frame with or without motion takes in the median, 0 while nothing is known."""
        took = self._whole if motion else self._spared
        return round(median(took)) if took else 0

    def took(self, now_ns: int, took_ns: int, period_ns: float, *, motion: bool) -> None:
        """A frame is done: how long it took, the source's period (0 while not known), and whether it had motion."""
        self._since_motion = 0 if motion else self._since_motion + 1
        (self._whole if motion else self._spared).append(took_ns)
        wanted = self._called_for(now_ns, period_ns) if period_ns > 0 else self.every
        if wanted == self.every:
            self._wanted = None
        elif self._wanted is None or self._wanted[0] != wanted:
            self._wanted = wanted, now_ns
        elif now_ns - self._wanted[1] >= self._wait_ns(wanted):
            self._change(wanted, now_ns)

    def _called_for(self, now_ns: int, period_ns: float) -> int:
        """The rate that would be right if things stayed as they are."""
        limits, every = self._limits, self.every
        if len(self._whole) < limits.enough or (every > 1 and len(self._spared) < limits.enough):
            return every
        if every > 1 and median(self._spared) > limits.worthwhile * median(self._whole):
            return 1  # the streams run side by side, and the other one is what takes long
        if every < limits.slowest and self._load(every) > limits.crowded * period_ns:
            waits = self._useless_until_ns is not None and now_ns < self._useless_until_ns
            return every if waits else every + 1
        if every > 1 and self._load(every - 1) < limits.roomy * period_ns:
            return every - 1
        return every

    def _load(self, every: int) -> float:
        """Nanoseconds of a frame in the mean, were motion looked at on every so-manieth."""
        spared = median(self._spared) * (every - 1) if every > 1 else 0.0
        return (median(self._whole) + spared) / every

    def _wait_ns(self, wanted: int) -> int:
        return self._limits.slower_after_ns if wanted > self.every else self._patience_ns

    def _change(self, wanted: int, now_ns: int) -> None:
        limits = self._limits
        slower = wanted > self.every
        if slower and self._quickened and self._changed_ns is not None:
            lasted = now_ns - self._changed_ns >= limits.lasting * limits.faster_after_ns
            patience = self._patience_ns // 2 if lasted else self._patience_ns * 2
            self._patience_ns = min(max(patience, limits.faster_after_ns), limits.longest_ns)
        if not slower and median(self._spared) > limits.worthwhile * median(self._whole):
            self._useless_until_ns = now_ns + limits.longest_ns
        if self.every == 1:
            self._spared.clear()  # of long ago
        self.every, self._changed_ns, self._quickened, self._wanted = wanted, now_ns, not slower, None
