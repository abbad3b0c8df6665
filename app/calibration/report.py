"""What a calibration found, as a record for programs and as text for people. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.calibration.coverage import trusted_sigma
from app.calibration.gather import Dropped
from calib.calibrate import Result
from calib.targets.board import Board
from engine.errors import EgoposeError

_WORST_SIGMA = 0.01
"""Part of the picture's width: a lens that is less sure than this in the median is no result."""


def sigma_of(result: Result) -> tuple[float, float]:
    """Median and maximum of the projection's standard deviation within the valid angle, in pixels."""
    camera = result.calibration
    values = trusted_sigma(camera.model, camera.size, result.sigma_map, camera.valid_angle)
    return (float(np.median(values)), float(values.max())) if len(values) else (float("nan"), float("nan"))


def check_sure(result: Result, where: str) -> None:
    """Raises EgoposeError where the views, which are in `where`, do not tell the lens."""
    median, _ = sigma_of(result)
    if not median <= _WORST_SIGMA * result.calibration.size[0]:
        raise EgoposeError(
            f"the {len(result.used_views)} views in {where} are too alike to tell the lens (projection sigma "
            f"{median:.0f} px); hold the board near, in every part of the picture, and tilted each way"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A finished calibration with everything that is told of it."""

    board: Board
    result: Result
    dropped: tuple[Dropped, ...]
    """Pictures that were not given to the solver."""
    seconds: float

    @property
    def sigma(self) -> tuple[float, float]:
        """Median and maximum of the projection's standard deviation within the valid angle, in pixels."""
        return sigma_of(self.result)

    @property
    def all_dropped(self) -> tuple[Dropped, ...]:
        """Those and the ones the solver left out."""
        left_out = [Dropped(view.name, view.note) for view in self.result.views if not view.points]
        return (*self.dropped, *left_out)

    @property
    def warp_squares(self) -> tuple[float, float]:
        """How far the board's middle stands out across its columns and its rows, in squares."""
        return self.result.warp[0] / self.board.pitch, self.result.warp[1] / self.board.pitch

    @property
    def uneven(self) -> float:
        """Metres RMS that the board's points lie off their places, beside the warp; zero where they do not."""
        shape = self.result.shape
        return 0.0 if shape is None else float(np.sqrt((shape.offsets**2).sum(1).mean()))

    def record(self) -> dict[str, Any]:
        """What report.json holds; numbers that are not known are null."""
        result, camera = self.result, self.result.calibration
        median, worst = self.sigma
        used = result.used_views
        return {
            "model": camera.model.kind,
            "rms_px": _rounded(result.rms),
            "heldout_rms_px": _rounded(result.held_out),
            "views_used": {"count": len(used), "list": [view.name for view in used]},
            "views_dropped": [{"name": one.name, "why": one.why} for one in self.all_dropped],
            "warp": [_rounded(value) for value in self.warp_squares],
            "uneven": _rounded(self.uneven / self.board.pitch),
            "sigma_px": {"median": _rounded(median), "max": _rounded(worst)},
            "seconds": _rounded(self.seconds),
            "board": str(self.board),
            "size": list(camera.size),
            "valid_angle_deg": _rounded(float(np.degrees(camera.valid_angle))),
        }

    def text(self) -> str:
        """What report.txt holds."""
        result, camera = self.result, self.result.calibration
        median, worst = self.sigma
        used = result.used_views
        lines = [
            f"{camera.name}: {camera.model.kind} lens of {camera.size[0]}x{camera.size[1]} pictures, "
            f"trusted to {np.degrees(camera.valid_angle):.0f} degrees from its axis",
            f"board {self.board}" + self._bend(),
            "",
            f"error                {result.rms:.3f} px RMS, {_number(result.held_out)} px on views left out of the fit",
            f"noise of detection   {result.sigma:.3f} px",
            f"projection sigma     {_number(median)} px in the median, {_number(worst)} px at the worst place",
            f"views                {len(used)} used, {len(self.all_dropped)} left out; {self.seconds:.1f} s",
            "",
            "models that competed, held-out RMS in px:",
            *(f"  {tried.kind:20s} {_number(tried.held_out)}" for tried in result.tried),
            "",
            "views used, RMS in px:",
            *(f"  {view.rms:6.3f}  {view.name}" + (f"  ({view.note})" if view.note else "") for view in used),
        ]
        if self.all_dropped:
            lines += ["", "left out:", *(f"  {one.name}: {one.why}" for one in self.all_dropped)]
        if result.advice:
            lines += ["", "to do better:", *(f"  {line}" for line in result.advice)]
        return "\n".join(lines) + "\n"

    def _bend(self) -> str:
        across, down = self.result.warp
        bent = f", bent by {1e3 * across:.1f} mm across its columns and {1e3 * down:.1f} mm across its rows"
        uneven = f", its points {1e3 * self.uneven:.2f} mm off their places" if self.uneven else ""
        return (", flat" if self.result.warp == (0.0, 0.0) else bent) + uneven

    def summary(self) -> str:
        """A few lines for the terminal."""
        result, camera = self.result, self.result.calibration
        median, worst = self.sigma
        lines = [
            f"{camera.model.kind}: error {result.rms:.3f} px RMS, {_number(result.held_out)} px held out; "
            f"projection sigma {_number(median)} px, at the worst place {_number(worst)} px",
            f"{len(result.used_views)} views used, {len(self.all_dropped)} left out; "
            f"trusted to {np.degrees(camera.valid_angle):.0f} degrees; {self.seconds:.1f} s",
            *(f"left out: {line}" for line in _few(self.all_dropped)),
            *(f"to do better: {line}" for line in result.advice),
        ]
        return "\n".join(lines)


def _few(dropped: Sequence[Dropped], most: int = 8) -> list[str]:
    lines = [f"{one.name}: {one.why}" for one in dropped[:most]]
    return lines if len(dropped) <= most else [*lines, f"and {len(dropped) - most} more, named in the report"]


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "unknown"


def _rounded(value: float) -> float | None:
    return round(value, 5) if np.isfinite(value) else None
