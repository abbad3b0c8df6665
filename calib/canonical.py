"""The canonical camera: the lens of the training data, centred in a square. It is what the network sees.

Canonical uv are continuous in [0, 1]^2: u = 0 is the left edge of the square and 1 the
right one, v likewise from top to bottom; pixel i of a picture of side S has its centre at
(i + 0.5) / S. The normalised radius is the distance from the square's centre in half sides:
1 at the middle of an edge, where the published image circle of 512 pixels ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.models.base import Array, Mask
from calib.models.polynomial import Scaramuzza

SCENE_EGO_W2C = (
    478.5893205484341,
    350.371582898077,
    79.00065565120241,
    62.28794005673283,
    32.64466851189552,
    15.68380500967838,
    7.766879336977007,
    2.190791369989537,
    -0.1084229689289942,
    -0.1903842667463734,
    -0.02776267870029922,
)
"""The lens of the SceneEgo camera, rho in its pixels over theta - pi/2, low to high."""

_CIRCLE = 512.0
"""SceneEgo pixels at the normalised radius 1."""

_LENS = Scaramuzza((_CIRCLE - 0.5, _CIRCLE - 0.5), SCENE_EGO_W2C)

CANONICAL_MAX_ANGLE = float(_LENS.angle(np.array([_CIRCLE]))[0])
"""Radians from the axis at the normalised radius 1."""

CANONICAL = Calibration(
    name="canonical",
    model=_LENS,
    size=(int(2 * _CIRCLE), int(2 * _CIRCLE)),
    valid_angle=CANONICAL_MAX_ANGLE,
    provenance="the SceneEgo lens, centred in a square around its image circle",
)
"""The canonical camera at its native side of 1024 pixels; see `fit_camera` for others."""

_END_ANGLE = _LENS.max_angle
_END_RADIUS = _LENS.max_radius / _CIRCLE
_END_SLOPE = float(np.diff(_LENS.radius(np.array([_END_ANGLE - 1e-4, _END_ANGLE])))[0] / 1e-4 / _CIRCLE)


def canonical_angle(radius: Array) -> Array:
    """Normalised radius, any shape, to radians from the axis; past the lens's own end it goes on straight, up to pi."""
    radius = np.asarray(radius, float)
    inside = _LENS.angle(np.minimum(radius, _END_RADIUS) * _CIRCLE)
    return np.minimum(inside + np.maximum(radius - _END_RADIUS, 0.0) / _END_SLOPE, np.pi)


def canonical_radius(theta: Array) -> Array:
    """The inverse of `canonical_angle`, for theta in [0, pi]."""
    theta = np.asarray(theta, float)
    inside = _LENS.radius(np.minimum(theta, _END_ANGLE)) / _CIRCLE
    return inside + np.maximum(theta - _END_ANGLE, 0.0) * _END_SLOPE


def canonical_bearings(uv: Array) -> Array:
    """(..., 2) canonical uv to (..., 3) unit bearings in the camera's frame.

    Defined beyond the circle and the square too, by the straight continuation of the lens.
    """
    plane = 2.0 * np.asarray(uv, float) - 1.0
    radius = np.hypot(plane[..., 0], plane[..., 1])
    theta = canonical_angle(radius)
    along = plane * (np.sin(theta) / np.where(radius > 0.0, radius, 1.0))[..., None]
    return np.concatenate([along, np.cos(theta)[..., None]], -1)


def canonical_uv(points: Array) -> tuple[Array, Mask]:
    """(..., 3) points in the camera's frame, any length, to (..., 2) canonical uv and (...) validity.

    Valid are points that the view shows: at most CANONICAL_MAX_ANGLE from the axis. Others
    have the uv of the straight continuation, for use as a target, except points without
    a direction (the camera's centre, straight behind, not finite), which are NaN.
    """
    points = np.asarray(points, float)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    n = np.hypot(x, y)
    theta = np.arctan2(n, z)
    directed = np.isfinite(points).all(-1) & ((n > 0.0) | (z > 0.0))
    radius = canonical_radius(np.where(directed, theta, 0.0))
    scale = np.where(n > 0.0, radius, 0.0) / np.where(n > 0.0, n, 1.0)
    uv = 0.5 + 0.5 * scale[..., None] * np.where(directed[..., None], points[..., :2], 0.0)
    uv[~directed] = np.nan
    return uv, directed & (theta <= CANONICAL_MAX_ANGLE)


def canonical_angle_table(n: int) -> NDArray[np.float32]:
    """(n,) radians from the axis at the normalised radii linspace(0, 1.5, n)."""
    return canonical_angle(np.linspace(0.0, 1.5, n)).astype(np.float32)
