"""The One-Euro filter: steady while the wearer is still, quick while the wearer moves.

Casiez, Roussel, Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems",
CHI 2012: a first-order low-pass whose cutoff grows with the speed. Here the speed is that of the joint in space,
so that turning the axes turns the result and nothing else. Weighting by the network's confidence was tried on the
demo session: it only moves along the same trade of jitter for lag, so it is left out.
"""

from __future__ import annotations

from math import exp, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.motion.world import Array

GAP_NS = 500_000_000
"""A longer silence than this, and the joints before it say nothing of those after."""
SPEED_CUTOFF_HZ = 1.0
"""Of the low-pass on the speed, as in the paper."""
TOLD_S = 1.0
"""Seconds over which the lag is told: after so long, what was before counts a third."""
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
        """By how much moving points lag behind after the last `update`: the one shift of all of them over the last
        `TOLD_S` that undoes most of the error. A point that moves at v behind a low-pass of 1 / (2 pi cutoff) is v
        times that behind, so the shift is the mean of these delays weighted by v squared: a moment of rest, in which
        the cutoff is low and nothing is behind, has no share in it."""
        self._time_ns: int | None = None
        self._points: Array = np.empty((0, 3))
        self._velocity = self._points
        self._moved = self._points
        """Velocity of the filtered points, low-passed as that of the raw ones is: without it noise counts as motion."""
        self._delays = self._weights = 0.0

    def reset(self) -> None:
        """Forget the past."""
        self._time_ns, self.lag_ns = None, 0

    def update(self, points: NDArray[Any], time_ns: int) -> Array:
        """(J, 3) at a time, in any frame of axes, to the same filtered. A gap, or a step back in time, begins anew."""
        raw = np.array(points, np.float64)
        before_ns, self._time_ns = self._time_ns, time_ns
        if before_ns is None or broken(before_ns, time_ns) or self._points.shape != raw.shape:
            self._points, self._velocity, self.lag_ns = raw, np.zeros_like(raw), 0
            self._moved, self._delays, self._weights = np.zeros_like(raw), 0.0, 0.0
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
        self.lag_ns = self._lag(cutoff, np.where(fresh, 0.0, (self._points - before) / step_s), step_s)
        return self._points.copy()

    def _lag(self, cutoff: Array, moved: Array, step_s: float) -> int:
        if self.smoothing <= 0:
            self._delays = self._weights = 0.0
            return 0
        held = np.nan_to_num(self._moved)
        self._moved = held + _alpha(SPEED_CUTOFF_HZ, step_s) * (np.nan_to_num(moved) - held)
        weight = (self._moved**2).sum(-1, keepdims=True)
        fades = exp(-step_s / TOLD_S)
        self._delays = fades * self._delays + float((weight / (2 * pi * np.nan_to_num(cutoff, nan=1.0))).sum()) * step_s
        self._weights = fades * self._weights + float(weight.sum()) * step_s
        return round(1e9 * self._delays / self._weights) if self._weights > 0 else 0


def _alpha(cutoff_hz: Any, step_s: float) -> Any:
    """The share of the new value: 1 / (1 + tau / step), tau = 1 / (2 pi cutoff)."""
    return 1.0 / (1.0 + 1.0 / (2 * pi * cutoff_hz * step_s))
