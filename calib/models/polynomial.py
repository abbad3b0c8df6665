"""The polynomial fisheye.

Scaramuzza, Martinelli, Siegwart: "A Toolbox for Easily Calibrating Omnidirectional Cameras", IROS 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.polynomial import polynomial

from calib.errors import CalibrationError
from calib.models.base import Array, Mask
from calib.models.radial import RadialModel, first_fall, invert_rising

MAX_ANGLE = float(np.radians(110.0))
"""A profile that still rises here is cut: nothing is known of a real lens so far out."""

IDENTITY_AFFINE = (1.0, 0.0, 0.0)
_HOLE = 0.01
"""How far from zero rho(0) may be, as a part of the largest radius."""

_WIDEST = 100.0
"""A profile given by C2W alone is followed up to this many times |c0| from the centre."""


class Scaramuzza(RadialModel):
    """A fisheye given by one or both of two polynomials, coefficients low to high, in pixels and radians.

    W2C (world to camera): rho = sum a_i (theta - pi/2)^i, theta the angle from the optical axis.
    C2W (camera to world): the ray through the plane point (X, Y) at radius rho is (X, Y, -sum c_i rho^i).
    Pixels: u = cx + X + e Y, v = cy + d X + c Y, with affine (c, d, e) as in OCamCalib, whose
    first axis is the picture's row.

    The two polynomials of a file are separate fits, about 0.01 degrees apart, so only one
    defines the model: W2C where it is given, inverted numerically, so that projection and
    unprojection agree to rounding; else C2W. A C2W given beside W2C is kept only to write
    the file back. Where W2C leaves rho(0) above zero (1e-5 pixels in the published files), pixels
    closer to the centre unproject to the axis.

    params: cx, cy, c, d, e, then the coefficients of the defining polynomial.
    """

    kind = "scaramuzza"

    def __init__(
        self,
        centre: tuple[float, float],
        w2c: Sequence[float] | None = None,
        c2w: Sequence[float] | None = None,
        affine: tuple[float, float, float] = IDENTITY_AFFINE,
    ) -> None:
        """Raises CalibrationError where the numbers do not describe a lens."""
        self.w2c = None if w2c is None else tuple(map(float, w2c))
        self.c2w = None if c2w is None else tuple(map(float, c2w))
        self.affine = (float(affine[0]), float(affine[1]), float(affine[2]))
        self._centre = (float(centre[0]), float(centre[1]))
        if not (self.w2c or self.c2w):
            raise CalibrationError("a polynomial camera needs the W2C or the C2W polynomial: give at least one")
        numbers = (*self._centre, *self.affine, *(self.w2c or ()), *(self.c2w or ()))
        if not np.isfinite(numbers).all():
            raise CalibrationError("a polynomial camera has a parameter that is not finite: calibrate it again")
        if self.affine[0] - self.affine[1] * self.affine[2] <= 0.0:
            raise CalibrationError("the affine part of a polynomial camera mirrors or flattens: check c, d and e")
        if self.w2c is None and self._defining[0] >= 0.0:
            raise CalibrationError("the first term of C2W must be below zero, minus the focal length: check its sign")
        if self.max_angle <= 0.0:
            raise CalibrationError("the polynomial does not rise at the centre: check the order and sign of its terms")
        if abs(float(self.radius(np.zeros(1))[0])) > _HOLE * self.max_radius:
            raise CalibrationError("the W2C polynomial does not start at the centre: check the order of its terms")

    @property
    def params(self) -> Array:
        """(5 + terms,) cx, cy, c, d, e, then the coefficients of the defining polynomial, low to high."""
        return np.array([*self._centre, *self.affine, *self._defining])

    @property
    def _defining(self) -> tuple[float, ...]:
        return self.w2c or self.c2w or ()

    @property
    def centre(self) -> tuple[float, float]:
        """(cx, cy)."""
        return self._centre

    @cached_property
    def linear(self) -> Array:
        """[[1, e], [d, c]]."""
        c, d, e = self.affine
        return np.array([[1.0, e], [d, c]])

    @property
    def param_names(self) -> tuple[str, ...]:
        """See `DifferentiableModel.param_names`; a0, a1, ... are W2C's terms, c0, c1, ... C2W's."""
        letter = "a" if self.w2c else "c"
        return ("cx", "cy", "c", "d", "e", *(f"{letter}{i}" for i in range(len(self._defining))))

    @property
    def fitted(self) -> Mask:
        """All but e, which with d turns the picture as the poses do, and C2W's c1, a cusp at the centre."""
        fixed = {"e"} if self.w2c else {"e", "c1"}
        return np.array([name not in fixed for name in self.param_names])

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float], degree: int = 4) -> Scaramuzza:
        """The nearly equidistant C2W lens of this focal length, to fit from: z = rho / tan(rho / focal) in series."""
        series = [-focal, 0.0, 1.0 / (3.0 * focal), 0.0, 1.0 / (45.0 * focal**3)]
        return cls(centre, None, [*series, *[0.0] * (degree - 4)][: degree + 1])

    def with_params(self, params: Array) -> Scaramuzza:
        """See `DifferentiableModel.with_params`; a polynomial kept beside the defining one is dropped."""
        cx, cy, c, d, e, *terms = np.asarray(params, float).tolist()
        w2c, c2w = (terms, None) if self.w2c else (None, terms)
        return Scaramuzza((cx, cy), w2c, c2w, (c, d, e))

    @cached_property
    def max_angle(self) -> float:
        """Where rho(theta) stops rising, at most 110 degrees."""
        if self.w2c:
            return first_fall(lambda theta: self.profile(theta)[1], MAX_ANGLE)
        return float(self._c2w_curve(np.array([self._c2w_end]))[0][0])

    @cached_property
    def _c2w_end(self) -> float:
        """The radius where theta(rho) of C2W stops rising or reaches the largest angle."""
        # The range is narrowed first, so that the search for the end is as fine as the lens is small.
        radii = np.geomspace(1e-3, 1.0, 1024) * _WIDEST * abs(self._defining[0])
        theta, slope = self._c2w_curve(radii)
        past = np.flatnonzero((theta >= MAX_ANGLE) | ~(slope > 0.0))
        end = first_fall(lambda rho: self._c2w_curve(rho)[1], float(radii[past[0] if past.size else -1]))
        if end > 0.0 and self._c2w_curve(np.array([end]))[0][0] > MAX_ANGLE:
            return float(invert_rising(self._c2w_curve, np.array([MAX_ANGLE]), end)[0])
        return end

    @cached_property
    def _terms(self) -> tuple[Array, Array]:
        """The defining polynomial and its derivative."""
        terms = np.array(self._defining)
        return terms, polynomial.polyder(terms)

    def _c2w_curve(self, rho: Array) -> tuple[Array, Array]:
        """rho to theta and d theta / d rho."""
        z, fall = (-polynomial.polyval(rho, terms) for terms in self._terms)
        square = rho * rho + z * z
        return np.arctan2(rho, z), (z - rho * fall) / np.where(square > 0.0, square, 1.0)

    def profile(self, theta: Array) -> tuple[Array, Array]:
        """rho in pixels and its slope."""
        if self.w2c:
            value, slope = (np.asarray(polynomial.polyval(theta - 0.5 * np.pi, terms), float) for terms in self._terms)
            return value, np.broadcast_to(slope, value.shape)
        rho = invert_rising(self._c2w_curve, theta, self._c2w_end)
        rise = self._c2w_curve(rho)[1]
        return rho, 1.0 / np.where(rise > 0.0, rise, np.inf)

    def angle(self, radius: Array) -> Array:
        """theta(rho) in radians."""
        if self.w2c:
            return super().angle(radius)
        return self._c2w_curve(np.clip(radius, 0.0, self._c2w_end))[0]

    def _params_jacobian(self, along: Array, theta: Array, rho: Array) -> Array:
        powers = np.arange(len(self._defining))
        if self.w2c:
            by_terms = (theta - 0.5 * np.pi)[:, None] ** powers
        else:
            # At a fixed angle: d rho / d c_i = -(d theta / d c_i) / (d theta / d rho).
            z, fall = (-polynomial.polyval(rho, terms) for terms in self._terms)
            by_terms = -(rho[:, None] ** (powers + 1)) / (z - rho * fall)[:, None]
        x, y = rho * along[:, 0], rho * along[:, 1]
        out = np.zeros((len(theta), 2, 5 + len(powers)))
        out[:, 0, 0] = out[:, 1, 1] = 1.0
        out[:, 1, 2], out[:, 1, 3], out[:, 0, 4] = y, x, y
        out[:, :, 5:] = (along @ self.linear.T)[:, :, None] * by_terms[:, None, :]
        return out

    def rescaled(self, scale: float, offset: tuple[float, float]) -> Scaramuzza:
        """See `CameraModel.rescaled`."""
        centre = tuple(scale * (c + 0.5) - 0.5 + o for c, o in zip(self._centre, offset, strict=True))
        w2c = None if self.w2c is None else [scale * a for a in self.w2c]
        c2w = None if self.c2w is None else [c * scale ** (1 - i) for i, c in enumerate(self.c2w)]
        return Scaramuzza((centre[0], centre[1]), w2c, c2w, self.affine)
