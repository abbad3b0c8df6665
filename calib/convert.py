"""A camera in another model, with how far the two are apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import polynomial

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats import Format, camera_text
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.polynomial import IDENTITY_AFFINE, Scaramuzza
from calib.solve.lens import fit_kind, level

CLOSE = 0.1
"""Pixels up to which a conversion passes without a warning."""
PAIR, PLAIN_PAIR = "scaramuzza", "scaramuzza without affine"
"""Polynomials both ways, as files of OCamCalib and of the egocentric data sets hold them."""
_FIT = 33
_CHECK = 129
"""Pixels across the picture's long side at which lenses are fitted, and at which they are compared."""
_DEGREES = range(4, 13)
_PLENTY = 0.003
"""Pixels: a polynomial that is no farther off has terms enough."""
_KINDS: dict[Format, tuple[str, ...]] = {
    "egocentric": (PLAIN_PAIR,),
    "opencv": ("kannala_brandt", "radial_tangential"),
    "ros": ("kannala_brandt", "radial_tangential"),
    "kalibr": ("kannala_brandt", "double_sphere", "eucm", "mei"),
    "basalt": ("kannala_brandt", "double_sphere", "eucm", "ucm"),
    "ocamcalib": (PAIR,),
    "mrcal": ("radial_tangential",),
    "realsense": ("kannala_brandt", "radial_tangential"),
}
"""What to turn a lens into that a format cannot hold, in the order of trial."""


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
    """The same camera as another kind of lens: a name of `calib.solve.lens.starters`, `PAIR` or `PLAIN_PAIR`.

    Fitted to the picture's pixels whose bearings lie within the valid angle, so that the greatest distance is least;
    compared on a denser grid of them, through the projection of the same bearings. Raises CalibrationError where
    the other kind does not reach so far.
    """
    model = calibration.model
    if not isinstance(model, DifferentiableModel):
        raise CalibrationError(f"{calibration.name}: a {model.kind} lens cannot be converted: calibrate it as {kind}")
    lens: DifferentiableModel
    if kind in (PAIR, PLAIN_PAIR):
        lens = _pair(calibration, model, kind == PAIR)
        # The polynomials are two lenses that should be one: both are compared.
        ways: tuple[DifferentiableModel, ...] = (lens, Scaramuzza(lens.centre, None, lens.c2w, lens.affine))
    else:
        near = _bearings(calibration, _FIT)
        lens = level(fit_kind(kind, model, near), near, model.project(near)[0])
        ways = (lens,)
    rays = _bearings(calibration, _CHECK)
    here = model.project(rays)[0]
    apart = np.array([_apart(way, rays, here) for way in ways])
    if not np.isfinite(apart).all():
        raise CalibrationError(f"{calibration.name}: a {kind} lens does not reach its valid angle: use a wider model")
    worst, rms = float(apart.max()), float(np.sqrt((apart**2).mean(1).max()))
    note = f"converted from {model.kind}, at most {worst:.3g} px apart"
    provenance = f"{calibration.provenance}; {note}" if calibration.provenance else note
    valid_angle = min(calibration.valid_angle, *(way.max_angle for way in ways))
    converted = replace(calibration, model=lens, valid_angle=valid_angle, provenance=provenance)
    return Conversion(converted, worst, rms)


def convert_for(calibration: Calibration, form: Format, kind: str | None = None) -> Conversion:
    """The camera as a format can hold it: as it is where that goes, else as the first kind of lens that is close, or
    the closest; `kind` asks for one. Raises CalibrationError where there is none."""
    refused: CalibrationError | None = None
    best: Conversion | None = None
    try:
        if kind is None:
            camera_text(calibration, form)
            return Conversion(calibration, 0.0, 0.0)
    except CalibrationError as error:
        refused = error
    for one in _KINDS.get(form, ()) if kind is None else (kind,):
        try:
            found = convert(calibration, one)
            camera_text(found.calibration, form)
        except CalibrationError as error:
            refused = error
            continue
        if best is None or found.worst < best.worst:
            best = found
        if found.worst <= CLOSE:
            break
    if best is None:
        raise CalibrationError(f"{calibration.name}: a {form} file cannot hold this camera: {refused}") from refused
    return best


def _apart(lens: DifferentiableModel, rays: Array, pixels: Array) -> Array:
    """(N,) pixels from where a lens has (N, 3) rays to (N, 2) others; infinite where it does not see one."""
    off = lens.project(rays)[0] - pixels
    return np.nan_to_num(np.hypot(off[:, 0], off[:, 1]), nan=np.inf)


def _pair(calibration: Calibration, model: DifferentiableModel, affine: bool) -> Scaramuzza:
    """Both polynomials, each by linear least squares with as few terms as bring it close.

    W2C gives rho by theta; C2W gives z by rho, its errors weighed by what they are in pixels. The centre and, with
    `affine`, the affine part are those of the lens at its axis. Raises CalibrationError.
    """
    if isinstance(model, Scaramuzza) and model.w2c and model.c2w and (affine or model.affine == IDENTITY_AFFINE):
        return model
    axis, by_point, _, _ = model.project_with_jacobians(np.array([[0.0, 0.0, 1.0]]))
    (one, e), (d, c) = by_point[0, :, :2] / by_point[0, 0, 0]
    parts = (float(c), float(d), float(e)) if affine else IDENTITY_AFFINE
    linear = np.array([[one, e], [d, c]]) if affine else np.eye(2)
    rays = _bearings(calibration, _FIT)
    theta = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2])
    off = theta > 1e-3
    rays, theta = rays[off], theta[off]
    pixels = model.project(rays)[0]
    rho = np.linalg.norm((pixels - axis[0]) @ np.linalg.inv(linear).T, axis=1)
    slope = np.interp(theta, *_slope(theta, rho))
    centre = (float(axis[0, 0]), float(axis[0, 1]))
    largest = float(rho.max())
    best: tuple[float, Scaramuzza] | None = None
    refused: CalibrationError | None = None
    for degree in _DEGREES:
        w2c = _fitted_terms(theta - 0.5 * np.pi, rho, degree, np.ones(len(rho)))
        c2w = _fitted_terms(rho / largest, -rho / np.tan(theta), degree, slope * np.sin(theta) ** 2 / rho, skip=1)
        try:
            lens = Scaramuzza(centre, w2c.tolist(), (c2w / largest ** np.arange(degree + 1)).tolist(), parts)
        except CalibrationError as error:
            refused = error
            continue
        other = Scaramuzza(centre, None, lens.c2w, parts)
        worst = max(float(_apart(way, rays, pixels).max()) for way in (lens, other))
        if best is None or worst < best[0]:
            best = worst, lens
        if worst <= _PLENTY:
            break
    if best is None:
        raise refused or CalibrationError(f"{calibration.name}: no polynomial fits: use another model")
    return best[1]


def _slope(theta: Array, rho: Array) -> tuple[Array, Array]:
    """Angles in their order, and how fast the radius rises there."""
    terms = polynomial.polyfit(theta, rho, 7)
    at = np.linspace(theta.min(), theta.max(), 64)
    return at, np.asarray(polynomial.polyval(at, polynomial.polyder(terms)), float)


def _fitted_terms(x: Array, y: Array, degree: int, weights: Array, skip: int | None = None) -> Array:
    """Coefficients, low to high, by weighted least squares; that of the power `skip` is zero."""
    powers = np.array([power for power in range(degree + 1) if power != skip])
    columns = weights[:, None] * x[:, None] ** powers
    scale = 1.0 / np.linalg.norm(columns, axis=0)
    out = np.zeros(degree + 1)
    out[powers] = scale * np.linalg.lstsq(columns * scale, weights * y, rcond=1e-13)[0]
    return out


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
