"""Rolling figures: rates and percentiles of the last few hundred frames."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from engine.types import Percentiles

NS_PER_MS = 1e6


class Durations:
    """Percentiles of the last `keep` durations. Written by one thread, read by any."""

    def __init__(self, keep: int = 256) -> None:
        self._values: deque[int] = deque(maxlen=keep)
        self._lock = threading.Lock()

    def add(self, ns: int) -> None:
        """One more duration in nanoseconds."""
        with self._lock:
            self._values.append(ns)

    def percentiles(self) -> Percentiles:
        """In milliseconds."""
        with self._lock:
            values = list(self._values)
        return percentiles_ms(values)


def percentiles_ms(durations_ns: list[int]) -> Percentiles:
    """The percentiles in milliseconds of durations in nanoseconds; NaN of none."""
    if not durations_ns:
        return Percentiles(float("nan"), float("nan"), float("nan"))
    return Percentiles(*(float(v) / NS_PER_MS for v in np.percentile(durations_ns, (50, 95, 99))))


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
