"""Calibrating while views are being taken: every solve goes on from the one before."""

from __future__ import annotations

from collections.abc import Sequence

from calib.calibrate import Result, result_of
from calib.errors import CalibrationError
from calib.solve.fit import Fit, fit, refine
from calib.solve.heldout import Judged
from calib.solve.problem import View

_TRUSTED = 0.9
"""The part of the points that must agree with the last lens, or the next solve begins from the start."""


class Follower:
    """Holds the last fit of one camera and one board; a Kannala-Brandt lens and a flat board, quickly."""

    def __init__(self) -> None:
        self._last: Fit | None = None

    def solve(self, views: Sequence[View], size: tuple[int, int], name: str = "camera") -> Result:
        """The camera from these views; with no view left out, so that `held_out` is NaN.

        Raises CalibrationError where the views do not give a lens.
        """
        self._last = fitted = self._refined(views) or fit(views, size)
        judged = Judged(fitted, float("nan"), fitted.model.kind)
        return result_of(judged, [judged], views, size, name)

    def _refined(self, views: Sequence[View]) -> Fit | None:
        """From the last lens; None where the views do not agree with it, as after a start from too few."""
        if self._last is None:
            return None
        try:
            refined = refine(self._last, views)
        except CalibrationError:
            return None
        given = sum(len(view.points) for view in views)
        return refined if len(refined.problem.points) >= _TRUSTED * given else None
