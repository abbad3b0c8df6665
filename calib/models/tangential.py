"""Lenses with tangential distortion: Mei's unified camera and the pinhole with OpenCV's five terms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array, Mask
from calib.models.differentiable import DifferentiableModel, focal_params, rescaled_focal
from calib.models.radial import first_fall, invert_rising

_FARTHEST = 100.0
"""The undistorted plane is cut this many focal lengths from the centre."""
_DIRECTIONS = 16
"""Directions around the axis in which the distortion must stay invertible."""
_NEWTON = 30


class TangentialModel(DifferentiableModel):
    """m = (x, y) / (z + xi d), d the point's distance; then radial and tangential distortion; then fx, fy, cx, cy.

    With r = |m|: m' = m (1 + k1 r^2 + k2 r^4 + k3 r^6) + t,
    t = (2 p1 mx my + p2 (r^2 + 2 mx^2), p1 (r^2 + 2 my^2) + 2 p2 mx my).
    """

    names: ClassVar[tuple[str, ...]]
    optional: ClassVar[int] = 0
    """How many of the last parameters may be left out."""

    def __init__(self, params: Sequence[float] | Array) -> None:
        """Raises CalibrationError where the numbers do not describe a lens."""
        self._params = focal_params(self.kind, self.names, self.optional, params)
        if self.max_angle <= 0.0:
            raise CalibrationError(f"the {self.kind} camera sees nothing with these parameters: calibrate it again")

    @classmethod
    @abstractmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """A lens without distortion with d rho / d theta = `focal` pixels at the centre, to fit from."""

    @property
    @abstractmethod
    def xi(self) -> float:
        """How far the centre of projection lies behind the sphere's centre."""

    @property
    def params(self) -> Array:
        """(P,) in the order of `param_names`."""
        return self._params

    @property
    def param_names(self) -> tuple[str, ...]:
        """See `DifferentiableModel.param_names`."""
        return self.names[: len(self._params)]

    @cached_property
    def _named(self) -> dict[str, float]:
        return dict(zip(self.param_names, self._params.tolist(), strict=True))

    @cached_property
    def _radial(self) -> tuple[float, float, float]:
        return self._named["k1"], self._named["k2"], self._named.get("k3", 0.0)

    @cached_property
    def max_angle(self) -> float:
        """Where some direction around the axis stops being invertible, at most pi."""
        return first_fall(self._rise, float(np.pi), samples=513)

    def _rise(self, theta: Array) -> Array:
        """The least determinant of the distortion around the axis, by the rise of |m|; not positive past the pole."""
        depth = np.cos(theta) + self.xi
        seen = depth > np.sin(theta) / _FARTHEST
        m = np.where(seen, np.sin(theta) / np.where(seen, depth, 1.0), np.nan)
        phi = np.arange(_DIRECTIONS) * (2.0 * np.pi / _DIRECTIONS)
        xx, xy, yy = self._stretch(m[:, None] * np.cos(phi), m[:, None] * np.sin(phi))
        rise = (xx * yy - xy * xy).min(-1) * (1.0 + self.xi * np.cos(theta))
        # The determinant alone comes back above zero when both directions have turned.
        return np.where((xx + yy).min(-1) > 0.0, rise, -1.0)

    def _distort(self, plane: Array) -> tuple[Array, Array]:
        """(..., 2) undistorted to (..., 2) distorted, and (..., 2, 2) the derivative."""
        (k1, k2, k3), p1, p2 = self._radial, self._named["p1"], self._named["p2"]
        x, y = plane[..., 0], plane[..., 1]
        square = x * x + y * y
        radial = 1.0 + square * (k1 + square * (k2 + square * k3))
        out = np.stack(
            [
                x * radial + 2.0 * p1 * x * y + p2 * (square + 2.0 * x * x),
                y * radial + p1 * (square + 2.0 * y * y) + 2.0 * p2 * x * y,
            ],
            -1,
        )
        xx, xy, yy = self._stretch(x, y)
        return out, np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)

    def _stretch(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """d x' / d x, d x' / d y = d y' / d x, and d y' / d y of the distortion."""
        (k1, k2, k3), p1, p2 = self._radial, self._named["p1"], self._named["p2"]
        square = x * x + y * y
        radial = 1.0 + square * (k1 + square * (k2 + square * k3))
        growth = 2.0 * (k1 + square * (2.0 * k2 + square * 3.0 * k3))
        xx = radial + growth * x * x + 2.0 * p1 * y + 6.0 * p2 * x
        yy = radial + growth * y * y + 6.0 * p1 * y + 2.0 * p2 * x
        return xx, growth * x * y + 2.0 * p1 * x + 2.0 * p2 * y, yy

    def _valid(self, points: Array) -> Mask:
        n = np.hypot(points[..., 0], points[..., 1])
        seen: Mask = np.isfinite(points).all(-1) & ((n > 0.0) | (points[..., 2] > 0.0))
        return seen & (np.arctan2(n, points[..., 2]) <= self.max_angle)

    def project(self, points: Array) -> tuple[Array, Mask]:
        """See `CameraModel.project`."""
        points = np.asarray(points, float)
        valid = self._valid(points)
        safe = np.where(valid[..., None], points, (0.0, 0.0, 1.0))
        depth = safe[..., 2] + self.xi * np.linalg.norm(safe, axis=-1)
        pixels = self._distort(safe[..., :2] / depth[..., None])[0] * self._params[:2] + self._params[2:4]
        pixels[~valid] = np.nan
        return pixels, valid

    def unproject(self, pixels: Array) -> tuple[Array, Mask]:
        """See `CameraModel.unproject`. Newton's method from the inverse of the radial part."""
        pixels = np.asarray(pixels, float)
        target = (pixels - self._params[2:4]) / self._params[:2]
        finite: Mask = np.asarray(np.isfinite(target).all(-1))
        target = np.where(finite[..., None], target, 0.0)
        plane = self._first_plane(target)
        for _ in range(_NEWTON):
            value, by_plane = self._distort(plane)
            step = _solve(by_plane, target - value)
            plane = plane + np.clip(step, -0.5, 0.5)
            if not np.any(np.abs(step) > 1e-15 * (1.0 + np.abs(plane))):
                break
        value, _ = self._distort(plane)
        met = np.linalg.norm(value - target, axis=-1) <= 1e-12 * (1.0 + np.linalg.norm(target, axis=-1))
        bearings = self._lift(plane)
        valid: Mask = finite & met & (np.arctan2(np.hypot(*bearings[..., :2].T).T, bearings[..., 2]) <= self._reach)
        bearings[~valid] = np.nan
        return bearings, valid

    @property
    def _reach(self) -> float:
        # The last bits of a projection at max_angle may land just past the end.
        return self.max_angle * (1.0 + 1e-9)

    def _first_plane(self, target: Array) -> Array:
        k1, k2, k3 = self._radial

        def curve(r: Array) -> tuple[Array, Array]:
            square = r * r
            return (
                r * (1.0 + square * (k1 + square * (k2 + square * k3))),
                1.0 + square * (3.0 * k1 + square * (5.0 * k2 + square * 7.0 * k3)),
            )

        edge = float(np.sin(self.max_angle) / max(np.cos(self.max_angle) + self.xi, 1e-9))
        end = first_fall(lambda r: curve(r)[1], min(edge, _FARTHEST))
        length = np.hypot(target[..., 0], target[..., 1])
        return target * (invert_rising(curve, length, end) / np.where(length > 0.0, length, 1.0))[..., None]

    def _lift(self, plane: Array) -> Array:
        """(..., 2) on the plane to (..., 3) unit bearings; NaN beyond the sphere's outline."""
        square = (plane * plane).sum(-1)
        inside = 1.0 + (1.0 - self.xi * self.xi) * square
        scale = (self.xi + np.sqrt(np.where(inside >= 0.0, inside, np.nan))) / (1.0 + square)
        return np.concatenate([plane * scale[..., None], (scale - self.xi)[..., None]], -1)

    def project_with_jacobians(self, points: Array) -> tuple[Array, Array, Array, Mask]:
        """See `DifferentiableModel.project_with_jacobians`."""
        points = np.asarray(points, float)
        valid = self._valid(points)
        safe = np.where(valid[:, None], points, (0.0, 0.0, 1.0))
        distance = np.linalg.norm(safe, axis=1)
        depth = safe[:, 2] + self.xi * distance
        plane = safe[:, :2] / depth[:, None]
        value, by_plane = self._distort(plane)
        depth_by_point = self.xi * safe / distance[:, None] + [0.0, 0.0, 1.0]
        plane_by_point = (np.eye(2, 3) - plane[:, :, None] * depth_by_point[:, None, :]) / depth[:, None, None]
        focal = self._params[:2, None]
        pixels = value * self._params[:2] + self._params[2:4]
        by_point = focal * (by_plane @ plane_by_point)
        by_params = np.zeros((len(points), 2, len(self._params)))
        by_params[:, 0, 0], by_params[:, 1, 1] = value[:, 0], value[:, 1]
        by_params[:, 0, 2] = by_params[:, 1, 3] = 1.0
        columns = self._shape_columns(plane)
        if "xi" in self._named:
            columns["xi"] = (by_plane @ (-plane * (distance / depth)[:, None])[:, :, None])[:, :, 0]
        for i, name in enumerate(self.param_names[4:], 4):
            by_params[:, :, i] = columns[name] * self._params[:2]
        for values in (pixels, by_point, by_params):
            values[~valid] = np.nan
        return pixels, by_point, by_params, valid

    @staticmethod
    def _shape_columns(plane: Array) -> dict[str, Array]:
        """(N, 2) d m' / d each distortion term."""
        x, y = plane[:, 0], plane[:, 1]
        square = x * x + y * y
        columns = {f"k{i}": plane * (square**i)[:, None] for i in (1, 2, 3)}
        columns["p1"] = np.stack([2.0 * x * y, square + 2.0 * y * y], -1)
        columns["p2"] = np.stack([square + 2.0 * x * x, 2.0 * x * y], -1)
        return columns

    def with_params(self, params: Array) -> Self:
        """See `DifferentiableModel.with_params`."""
        return type(self)(params)

    def rescaled(self, scale: float, offset: tuple[float, float]) -> Self:
        """See `CameraModel.rescaled`."""
        return type(self)(rescaled_focal(self._params, scale, offset))


def _solve(matrix: Array, right: Array) -> Array:
    """(..., 2) solutions of (..., 2, 2) systems; zero where singular."""
    (a, b), (c, d) = np.moveaxis(matrix, (-2, -1), (0, 1))
    det = a * d - b * c
    x, y = d * right[..., 0] - b * right[..., 1], a * right[..., 1] - c * right[..., 0]
    usable = np.isfinite(det) & (det != 0.0)
    return np.stack([np.where(usable, v, 0.0) / np.where(usable, det, 1.0) for v in (x, y)], -1)


class Mei(TangentialModel):
    """Mei and Rives, "Single View Point Omnidirectional Camera Calibration from Planar Grids", ICRA 2007.

    params: fx, fy, cx, cy, xi, k1, k2, p1, p2.
    """

    kind = "mei"
    names = ("fx", "fy", "cx", "cy", "xi", "k1", "k2", "p1", "p2")

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float], xi: float = 1.0) -> Self:
        """See `TangentialModel.start`."""
        return cls([(1.0 + xi) * focal, (1.0 + xi) * focal, *centre, xi, 0.0, 0.0, 0.0, 0.0])

    @property
    def xi(self) -> float:
        """The parameter."""
        return float(self._params[4])


class RadialTangential(TangentialModel):
    """The pinhole with OpenCV's distortion terms (also plumb_bob). Sees less than 90 degrees from the axis.

    params: fx, fy, cx, cy, k1, k2, p1, p2, k3; k3 may be left out.
    """

    kind = "radial_tangential"
    names = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
    optional = 1

    @property
    def xi(self) -> float:
        """Zero: a pinhole."""
        return 0.0

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """See `TangentialModel.start`."""
        return cls([focal, focal, *centre, 0.0, 0.0, 0.0, 0.0, 0.0])
