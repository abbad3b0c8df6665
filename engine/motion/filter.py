"""The One-Euro filter: steady while the wearer is still, quick while the wearer moves.

Casiez, Roussel, Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems",
CHI 2012: a first-order low-pass whose cutoff grows with the speed. Here the speed is that of the joint in space,
so that turning the axes turns the result and nothing else. Weighting by the network's confidence was tried on the
demo session: it only moves along the same trade of jitter for lag, so it is left out.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.motion.world import Array

GAP_NS = 500_000_000
"""A longer silence than this, and the joints before it say nothing of those after."""
SPEED_CUTOFF_HZ = 1.0
"""Of the low-pass on the speed, as in the paper."""
_CUTOFF_HZ, _CUTOFF_RANGE = 1.0, 8.0
_SLOPE, _SLOPE_RANGE = 4.0, 4.0


def broken(before_ns: int | None, now_ns: int) -> bool:
    """Whether a frame does not go on from the one before it: none was there, a gap, or a step back in time."""
    return before_ns is None or not 0 < now_ns - before_ns <= GAP_NS


def coefficients(smoothing: float) -> tuple[float, float]:
    """Cutoff at rest in Hz, and how much it grows with the speed in Hz per m/s, for a strength of 0..1.

    Each is a power: 8 Hz and 16 at 0, 1 Hz and 4 in the middle, 0.125 Hz and 1 at 1.
    """
    strength = min(max(smoothing, 0.0), 1.0)
    return _CUTOFF_HZ * _CUTOFF_RANGE ** (1 - 2 * strength), _SLOPE * _SLOPE_RANGE ** (1 - 2 * strength)


class OneEuro:
    """Filters points that come one frame after the other. A point that is NaN stays so and begins anew afterwards."""

    def __init__(self, smoothing: float) -> None:
        """`smoothing` 0..1; 0 passes everything on as it is."""
        self.smoothing = smoothing
        """May be changed at any time."""
        self.lag_ns = 0
        """By how much moving points lag behind after the last `update`: the mean of their low-passes' delays at
        zero frequency, 1 / (2 pi cutoff), weighted by the speed squared: the shift that undoes most of the error."""
        self._time_ns: int | None = None
        self._points: Array = np.empty((0, 3))
        self._velocity = self._points

    def reset(self) -> None:
        """Forget the past."""
        self._time_ns, self.lag_ns = None, 0

    def update(self, points: NDArray[Any], time_ns: int) -> Array:
        """(J, 3) at a time, in any frame of axes, to the same filtered. A gap, or a step back in time, begins anew."""
        raw = np.array(points, np.float64)
        before_ns, self._time_ns = self._time_ns, time_ns
        if before_ns is None or broken(before_ns, time_ns) or self._points.shape != raw.shape:
            self._points, self._velocity, self.lag_ns = raw, np.zeros_like(raw), 0
            return raw.copy()
        step_s = (time_ns - before_ns) / 1e9
        fresh = ~np.isfinite(self._points).all(-1, keepdims=True)
        before = np.where(fresh, raw, self._points)
        held = np.where(fresh, 0.0, self._velocity)
        self._velocity = held + _alpha(SPEED_CUTOFF_HZ, step_s) * ((raw - before) / step_s - held)
        speed = np.linalg.norm(self._velocity, axis=-1, keepdims=True)
        lowest, slope = coefficients(self.smoothing)
        cutoff = lowest + slope * speed
        share = _alpha(cutoff, step_s) if self.smoothing > 0 else np.ones_like(cutoff)
        self._points = before + share * (raw - before)
        self.lag_ns = self._lag(cutoff, speed) if self.smoothing > 0 else 0
        return self._points.copy()

    @staticmethod
    def _lag(cutoff: Array, speed: Array) -> int:
        weight = np.nan_to_num(speed) ** 2
        total = float(weight.sum())
        return round(1e9 * float((weight / (2 * pi * np.nan_to_num(cutoff, nan=1.0))).sum()) / total) if total else 0


def _alpha(cutoff_hz: Any, step_s: float) -> Any:
    """The share of the new value: 1 / (1 + tau / step), tau = 1 / (2 pi cutoff)."""
    return 1.0 / (1.0 + 1.0 / (2 * pi * cutoff_hz * step_s))
