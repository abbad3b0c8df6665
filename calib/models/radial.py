"""What rotationally symmetric lenses share: a rising profile rho(theta), its safe inverse and its derivatives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array, Mask
from calib.models.differentiable import DifferentiableModel, focal_params, rescaled_focal

Curve = Callable[[Array], tuple[Array, Array]]
"""x to (value, slope), elementwise."""

_HEAD = ("fx", "fy", "cx", "cy")
_EPS = float(np.finfo(float).eps)
_TABLE = 513
_ITERATIONS = 60
_REFINED, _ROUNDS = 33, 7
"""A fall is bracketed 32 times more closely in each round."""


def first_fall(slope: Callable[[Array], Array], end: float, samples: int = 4097) -> float:
    """The first x in (0, end] where `slope` is no longer positive, or `end`; 0 where it never is positive.

    Falls shorter than end / samples may be missed.
    """
    low, high = 0.0, end
    for count in (samples, *[_REFINED] * _ROUNDS):
        x = np.linspace(low, high, count)
        falling = np.flatnonzero(~(slope(x) > 0.0))
        if falling.size == 0:
            return high
        if falling[0] == 0:
            return low
        low, high = float(x[falling[0] - 1]), float(x[falling[0]])
    return low


def invert_rising(curve: Curve, target: Array, end: float) -> Array:
    """x in [0, end] with curve(x) = target, for a curve that rises there; targets outside are clamped.

    A table brackets each solution, Newton's method refines it, and a step that would
    leave the bracket is replaced by bisection.
    """
    grid = np.linspace(0.0, end, _TABLE)
    table = curve(grid)[0]
    target = np.clip(target, table[0], table[-1])
    cell = np.clip(np.searchsorted(table, target), 1, _TABLE - 1)
    low, high = grid[cell - 1], grid[cell]
    x = np.interp(target, table, grid)
    for _ in range(_ITERATIONS):
        value, slope = curve(x)
        error = value - target
        low, high = np.where(error <= 0.0, x, low), np.where(error >= 0.0, x, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - error / slope
        moved = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        # Where the curve is flat x has no more digits to gain once its value has none.
        done = (np.abs(moved - x) <= 4.0 * _EPS * end) | (np.abs(error) <= 2.0 * _EPS * np.abs(target))
        x = moved
        if done.all():
            break
    return x


class RadialModel(DifferentiableModel):
    """p = centre + L (x, y) / n * rho(theta), n = hypot(x, y), theta = atan2(n, z); L is a 2x2 matrix."""

    @property
    @abstractmethod
    def centre(self) -> tuple[float, float]:
        """Where the optical axis meets the picture, in pixels."""

    @property
    @abstractmethod
    def linear(self) -> Array:
        """(2, 2) from profile units to pixels."""

    @abstractmethod
    def profile(self, theta: Array) -> tuple[Array, Array]:
        """rho and d rho / d theta in profile units; beyond `max_angle` the slope is not positive."""

    @abstractmethod
    def _params_jacobian(self, along: Array, theta: Array, rho: Array) -> Array:
        """(N, 2, P) d pixel / d params; `along` is (N, 2), the direction (x, y) / n."""

    def radius(self, theta: Array) -> Array:
        """rho(theta) in profile units, for theta in [0, max_angle]."""
        return self.profile(theta)[0]

    def angle(self, radius: Array) -> Array:
        """The inverse of `radius`; radii outside the profile's range are clamped to it."""
        return invert_rising(self.profile, radius, self.max_angle)

    @cached_property
    def max_radius(self) -> float:
        """rho(max_angle)."""
        return float(self.radius(np.array([self.max_angle]))[0])

    def project(self, points: Array) -> tuple[Array, Mask]:
        """See `CameraModel.project`."""
        theta, along, valid = self._polar(np.asarray(points, float))
        pixels = np.asarray(self.centre) + (self.radius(theta)[..., None] * along) @ self.linear.T
        pixels[~valid] = np.nan
        return pixels, valid

    def _polar(self, points: Array) -> tuple[Array, Array, Mask]:
        """Angle, unit direction (zero on the axis) and validity; zeros where invalid."""
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        n = np.hypot(x, y)
        theta = np.arctan2(n, z)
        valid: Mask = np.isfinite(points).all(-1) & (theta <= self.max_angle) & ((n > 0.0) | (z > 0.0))
        off_axis = valid & (n > 0.0)
        safe = np.where(off_axis, n, 1.0)
        along = np.stack([np.where(off_axis, x, 0.0) / safe, np.where(off_axis, y, 0.0) / safe], -1)
        return np.where(valid, theta, 0.0), along, valid

    def unproject(self, pixels: Array) -> tuple[Array, Mask]:
        """See `CameraModel.unproject`."""
        pixels = np.asarray(pixels, float)
        plane = (pixels - np.asarray(self.centre)) @ np.linalg.inv(self.linear).T
        rho = np.hypot(plane[..., 0], plane[..., 1])
        # The last bits of a projection at max_angle may land just past the end.
        valid: Mask = np.isfinite(rho) & (rho <= self.max_radius * (1.0 + 1e-12))
        rho = np.where(valid, rho, 0.0)
        theta = self.angle(rho)
        along = np.where(valid[..., None], plane, 0.0) / np.where(rho > 0.0, rho, 1.0)[..., None]
        bearings = np.concatenate([np.sin(theta)[..., None] * along, np.cos(theta)[..., None]], -1)
        bearings[rho <= 0.0] = (0.0, 0.0, 1.0)
        bearings[~valid] = np.nan
        return bearings, valid

    def project_with_jacobians(self, points: Array) -> tuple[Array, Array, Array, Mask]:
        """See `DifferentiableModel.project_with_jacobians`."""
        points = np.asarray(points, float)
        theta, along, valid = self._polar(points)
        rho, slope = self.profile(theta)
        n, z = np.hypot(points[:, 0], points[:, 1]), points[:, 2]
        square = np.where(valid, n * n + z * z, 1.0)
        # Across the radius a point moves by rho / n, along it by the slope; on the axis both are the same.
        onwards = slope * z / square
        across = np.where(n > 1e-9 * np.abs(z), rho / np.where(n > 0.0, n, 1.0), onwards)
        outer = along[:, :, None] * along[:, None, :]
        plane = across[:, None, None] * np.eye(2) + (onwards - across)[:, None, None] * outer
        depth = -(slope * n / square)[:, None] * along
        by_point = np.einsum("ij,njk->nik", self.linear, np.concatenate([plane, depth[:, :, None]], -1))
        by_params = self._params_jacobian(along, theta, rho)
        pixels = np.asarray(self.centre) + (rho[:, None] * along) @ self.linear.T
        for values in (pixels, by_point, by_params):
            values[~valid] = np.nan
        return pixels, by_point, by_params, valid


class FocalModel(RadialModel):
    """A radial lens with params fx, fy, cx, cy and then the shape of its profile; L = diag(fx, fy)."""

    shape_names: ClassVar[tuple[str, ...]]
    optional: ClassVar[int] = 0
    """How many of the last shape parameters may be left out."""
    widest: ClassVar[float] = float(np.pi)

    def __init__(self, params: Sequence[float] | Array) -> None:
        """Raises CalibrationError where the numbers do not describe a lens."""
        self._params = focal_params(self.kind, (*_HEAD, *self.shape_names), self.optional, params)
        if self.max_angle <= 0.0:
            raise CalibrationError(f"the {self.kind} camera sees nothing with these parameters: calibrate it again")

    @classmethod
    @abstractmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """A plain lens of this kind with d rho / d theta = `focal` pixels at the centre, to fit from."""

    @property
    def params(self) -> Array:
        """(P,) fx, fy, cx, cy, then the shape."""
        return self._params

    @property
    def param_names(self) -> tuple[str, ...]:
        """See `DifferentiableModel.param_names`."""
        return (*_HEAD, *self.shape_names)[: len(self._params)]

    @property
    def shape(self) -> Array:
        """(P - 4,) the parameters of the profile."""
        return self._params[4:]

    @property
    def centre(self) -> tuple[float, float]:
        """(cx, cy)."""
        return float(self._params[2]), float(self._params[3])

    @cached_property
    def linear(self) -> Array:
        """diag(fx, fy)."""
        return np.diag(self._params[:2])

    @cached_property
    def max_angle(self) -> float:
        """Where rho(theta) stops rising."""
        return first_fall(lambda theta: self.profile(theta)[1], self.widest)

    def with_params(self, params: Array) -> Self:
        """See `DifferentiableModel.with_params`."""
        return type(self)(params)

    def rescaled(self, scale: float, offset: tuple[float, float]) -> Self:
        """See `CameraModel.rescaled`."""
        return type(self)(rescaled_focal(self._params, scale, offset))

    @abstractmethod
    def shape_jacobian(self, theta: Array, rho: Array) -> Array:
        """(N, P - 4) d rho / d shape."""

    def _params_jacobian(self, along: Array, theta: Array, rho: Array) -> Array:
        out = np.zeros((len(theta), 2, len(self._params)))
        out[:, 0, 0], out[:, 1, 1] = rho * along[:, 0], rho * along[:, 1]
        out[:, 0, 2] = out[:, 1, 3] = 1.0
        out[:, :, 4:] = (along * self._params[:2])[:, :, None] * self.shape_jacobian(theta, rho)[:, None, :]
        return out
