"""Rolling figures: rates and percentiles of the last few hundred frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection

from engine.types import Percentiles

NS_PER_MS = 1e6


class Durations:
    """Percentiles of the last `keep` durations. Written by one thread, read by any."""

    def __init__(self, keep: int = 256) -> None:
        self._values: deque[int] = deque(maxlen=keep)
        self._lock = threading.Lock()
        self._told: Percentiles | None = None
        """Until there is another duration: whoever draws asks more often than frames come."""

    def add(self, ns: int) -> None:
        """One more duration in nanoseconds."""
        with self._lock:
            self._values.append(ns)
            self._told = None

    def percentiles(self) -> Percentiles:
        """In milliseconds."""
        with self._lock:
            if self._told is None:
                self._told = percentiles_ms(self._values)
            return self._told


def percentiles_ms(durations_ns: Collection[int]) -> Percentiles:
    """The percentiles in milliseconds of durations in nanoseconds, linear between them; NaN of none.

    As numpy's, which takes five times as long for so few.
    """
    if not durations_ns:
        return Percentiles(float("nan"), float("nan"), float("nan"))
    rising = sorted(durations_ns)
    last = len(rising) - 1

    def at(share: float) -> float:
        below = int(share * last)
        low, high = rising[below], rising[min(below + 1, last)]
        return (low + (share * last - below) * (high - low)) / NS_PER_MS

    return Percentiles(at(0.50), at(0.95), at(0.99))


class Rate:
    """Events a second over the last `keep` events. Written by one thread, read by any."""

    def __init__(self, keep: int = 60) -> None:
        self._times: deque[int] = deque(maxlen=keep)
        self._lock = threading.Lock()

    def tick(self, now_ns: int) -> None:
        """One more event."""
        with self._lock:
            self._times.append(now_ns)

    def per_second(self) -> float:
        """0 before the second event."""
        with self._lock:
            if len(self._times) < 2:
                return 0.0
            span, count = self._times[-1] - self._times[0], len(self._times) - 1
        return count * 1e9 / span if span > 0 else 0.0
