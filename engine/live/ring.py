"""The ring of the last T motion features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.types import FloatArray


class Ring:
    """The last `length` features of `width` numbers, readable as one contiguous window.

    Each feature is written twice, `length` rows apart, so that the window is always one
    slice and is never copied. Used from one thread.
    """

    __slots__ = ("_length", "_next", "_rows", "_written", "count")

    def __init__(self, length: int, width: int) -> None:
        self._length = length
        self._rows = np.zeros((2 * length, width), np.float32)
        # Its slices are what `valid` says, for every count.
        self._written = np.arange(2 * length) >= length
        self._next = 0
        self.count = 0
        """How many features the window holds, at most its length."""

    def push(self, feature: FloatArray) -> None:
        """Add the newest feature, (width,); the oldest is forgotten."""
        rows, at, length = self._rows, self._next, self._length
        rows[at] = feature
        rows[at + length] = feature
        self._next = at + 1 if at + 1 < length else 0
        if self.count < length:
            self.count += 1

    def window(self) -> FloatArray:
        """(length, width) oldest first, a view that the next push changes; rows never written hold zeros."""
        return self._rows[self._next : self._next + self._length]

    def valid(self) -> NDArray[np.bool_]:
        """(length,) which rows of the window hold a feature; not to be written to."""
        return self._written[self.count : self.count + self._length]

    def rows(self) -> FloatArray:
        """(count, width) a copy of the features, oldest first."""
        return self.window()[self._length - self.count :].copy()

    def fill(self, rows: FloatArray) -> None:
        """Hold these features alone, (n, width) oldest first; the last `length` of them where there are more."""
        self.clear()
        for row in rows:
            self.push(row)

    def clear(self) -> None:
        """Forget everything, as after a gap in time."""
        self._rows[:] = 0.0
        self._next = self.count = 0
