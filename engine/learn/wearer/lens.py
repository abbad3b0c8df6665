"""A radially symmetric lens as the renderer needs it: a table of radius over angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL
from calib.remap import fit_camera
from engine.errors import EgoposeError

_ENTRIES = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """Where directions fall in the picture."""

    size: tuple[int, int]
    """(width, height) in pixels."""
    centre: tuple[float, float]
    """Pixel of the optical axis, the centre of the top-left pixel being (0, 0)."""
    end_angle: float
    """Radians from the axis up to which the lens sees."""
    radii: NDArray[np.float64]
    """(N,) pixels from the centre at the angles linspace(0, end_angle, N), rising."""

    def angles(self, radii: NDArray[np.float64]) -> NDArray[np.float64]:
        """Radians from the axis at radii in pixels; past the end of the lens, its end angle."""
        return np.interp(radii, self.radii, np.linspace(0, self.end_angle, len(self.radii)))

    def scaled(self, factor: float) -> Lens:
        """The lens on pictures of about `factor` times the size."""
        width, height = (round(side * factor) for side in self.size)
        if (width, height) == self.size:
            return self
        exact = width / self.size[0]
        u, v = ((c + 0.5) * exact - 0.5 for c in self.centre)
        return Lens((width, height), (u, v), self.end_angle, self.radii * exact)

    def project(self, points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """(..., 3) points in the camera's frame to (..., 2) pixels and whether the lens sees them.

        Directions past the end angle fall outside the circle, on the straight continuation of the table.
        """
        n = np.hypot(points[..., 0], points[..., 1])
        theta = np.arctan2(n, points[..., 2])
        step = self.end_angle / (len(self.radii) - 1)
        slope = (self.radii[-1] - self.radii[-2]) / step
        radius = np.interp(theta, np.linspace(0, self.end_angle, len(self.radii)), self.radii)
        radius = radius + slope * np.maximum(theta - self.end_angle, 0)
        along = points[..., :2] / np.maximum(n, 1e-12)[..., None]
        pixels = np.asarray(self.centre) + radius[..., None] * along
        inside = (pixels >= -0.5).all(-1) & (pixels < np.asarray(self.size) - 0.5).all(-1)
        return pixels, (theta <= self.end_angle) & inside


def lens_of(calibration: Calibration) -> Lens:
    """The lens of a calibrated camera. Raises EgoposeError where it is not radially symmetric."""
    theta = np.linspace(0, calibration.valid_angle, _ENTRIES)
    tables = []
    for turn in (0.0, 0.5 * np.pi, 1.1):
        axis = np.array([np.cos(turn), np.sin(turn)])
        points = np.column_stack([np.sin(theta)[:, None] * axis, np.cos(theta)])
        pixels, valid = calibration.model.project(points)
        # The last point may fall past the end by a rounding error.
        pixels[-1] = pixels[-1] if valid[-1] else 2 * pixels[-2] - pixels[-3]
        tables.append((pixels - pixels[0]) @ axis)
    spread = np.ptp(np.array(tables), axis=0).max()
    if not spread < 0.5 or not (np.diff(tables[0]) > 0).all():
        raise EgoposeError(f"camera {calibration.name} is not radially symmetric; give one that is, such as sceneego")
    u, v = calibration.model.project(np.array([0.0, 0.0, 1.0]))[0]
    return Lens(calibration.size, (float(u), float(v)), calibration.valid_angle, tables[0])


def canonical_lens(side: int) -> Lens:
    """The canonical view as a square of `side` pixels."""
    return lens_of(fit_camera(CANONICAL, (side, side)))
