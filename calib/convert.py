"""A camera in another model, with how far the two are apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.solve.lens import fit_kind, level

CLOSE = 0.1
"""Pixels up to which a conversion passes without a warning."""
_FIT = 33
_CHECK = 129
"""Pixels across the picture's long side at which lenses are fitted, and at which they are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """The converted camera, and its distance from the first in pixels, over the picture within the valid angle."""

    calibration: Calibration
    worst: float
    rms: float

    @property
    def warning(self) -> str:
        """One line for people where the two are more than a tenth of a pixel apart; else empty."""
        if self.worst <= CLOSE:
            return ""
        kind, name = self.calibration.model.kind, self.calibration.name
        return f"{name}: as a {kind} lens it is up to {self.worst:.3g} px off: use another model if that matters"


def convert(calibration: Calibration, kind: str) -> Conversion:
    """The same camera as another kind of lens (a name of `calib.solve.lens.starters`).

    Fitted to the picture's pixels whose bearings lie within the valid angle, so that the greatest distance is least;
    compared on a denser grid of them, through the projection of the same bearings. Raises CalibrationError where
    the other kind does not reach so far.
    """
    model = calibration.model
    if not isinstance(model, DifferentiableModel):
        raise CalibrationError(f"{calibration.name}: a {model.kind} lens cannot be converted: calibrate it as {kind}")
    near = _bearings(calibration, _FIT)
    lens = level(fit_kind(kind, model, near), near, model.project(near)[0])
    rays = _bearings(calibration, _CHECK)
    pixels, valid = lens.project(rays)
    if not valid.all():
        raise CalibrationError(f"{calibration.name}: a {kind} lens does not reach its valid angle: use a wider model")
    apart = np.linalg.norm(pixels - model.project(rays)[0], axis=1)
    worst, rms = float(apart.max()), float(np.sqrt((apart**2).mean()))
    note = f"converted from {model.kind}, at most {worst:.3g} px apart"
    provenance = f"{calibration.provenance}; {note}" if calibration.provenance else note
    valid_angle = min(calibration.valid_angle, lens.max_angle)
    converted = replace(calibration, model=lens, valid_angle=valid_angle, provenance=provenance)
    return Conversion(converted, worst, rms)


def _bearings(calibration: Calibration, columns: int) -> Array:
    """(N, 3) of a grid of pixels, edges included, within the valid angle, and of that angle's rim in the picture."""
    width, height = calibration.size
    rows = max(9, round(columns * height / width))
    grid = np.meshgrid(np.linspace(0.0, width - 1.0, columns), np.linspace(0.0, height - 1.0, rows))
    rays, valid = calibration.model.unproject(np.stack(grid, -1).reshape(-1, 2))
    inside = rays[valid & (rays[:, 2] >= np.cos(calibration.valid_angle))]
    phi = np.arange(4 * columns) * (0.5 * np.pi / columns)
    # A little within, or rounding would put it beyond the lens.
    theta = calibration.valid_angle * (1.0 - 1e-9)
    rim = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.full(len(phi), np.cos(theta))], -1)
    pixels, seen = calibration.model.project(rim)
    with np.errstate(invalid="ignore"):
        seen &= ((pixels >= 0.0) & (pixels <= [width - 1.0, height - 1.0])).all(1)
    return np.concatenate([inside, rim[seen]])
