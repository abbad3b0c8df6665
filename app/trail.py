"""Where one joint has been of late. Pure numpy, no Qt."""

from __future__ import annotations

from collections import deque

import numpy as np

from app.orbit import Points

TRAIL_NS = 2_000_000_000
"""How long a place is remembered."""
GAP_NS = 250_000_000
"""Places further apart in time than this are not joined: nothing is known of the way between."""


class Trail:
    """The places of one joint, newest last, in the display frame."""

    def __init__(self) -> None:
        self._places: deque[tuple[int, Points]] = deque()

    def add(self, time_ns: int, place: Points) -> None:
        """(3,) metres at a time; NaN is a gap. A step back in time begins anew."""
        if self._places and time_ns <= self._places[-1][0]:
            self._places.clear()
        self._places.append((time_ns, place))
        while self._places[0][0] < time_ns - TRAIL_NS:
            self._places.popleft()

    def clear(self) -> None:
        """Forget it."""
        self._places.clear()

    def lines(self) -> tuple[Points, Points]:
        """(N, 2, 3) pieces of the way, and (N,) how fresh each is, 1 now to 0 when it is forgotten."""
        if len(self._places) < 2:
            return np.zeros((0, 2, 3)), np.zeros(0)
        times = np.array([time for time, _ in self._places])
        places = np.array([place for _, place in self._places])
        joined = (np.diff(times) <= GAP_NS) & np.isfinite(places[:-1] + places[1:]).all(axis=1)
        pieces = np.stack([places[:-1], places[1:]], axis=1)[joined]
        fresh: Points = 1.0 - (times[-1] - times[1:][joined]) / TRAIL_NS
        return pieces, fresh
