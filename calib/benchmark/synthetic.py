"""Cameras made at random, and views of a board through them with noise, hidden parts and gross errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.radial import RadialModel
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera
from calib.solve.problem import View
from calib.targets.board import Board, parse_board

BOARD = parse_board("10x7:30mm")
FIELDS = (100.0, 220.0)
"""Degrees across the image circle."""
SIZES = ((1280, 960), (1280, 1024), (1280, 720), (640, 480), (848, 800))
_STEEPEST, _FLATTEST = 3.0, 0.3
"""How the rise of a lens's radius at its edge may compare with that at its centre."""
_LEAST_POINTS = 15
_NEVER = 2000
"""Places tried for a view before the camera is given up."""


@dataclass(frozen=True, slots=True, eq=False)
class MadeCamera:
    """A camera that is known exactly."""

    model: DifferentiableModel
    size: tuple[int, int]
    half_field: float
    """Radians from the axis to the edge of the image circle; nothing is seen beyond."""

    def valid_pixels(self, columns: int = 24) -> tuple[Array, Array]:
        """(N, 2) pixels of a grid over the picture and inside the image circle, and (N, 3) their bearings."""
        rows = round(columns * self.size[1] / self.size[0])
        x, y = ((np.arange(n) + 0.5) * side / n - 0.5 for n, side in zip((columns, rows), self.size, strict=True))
        pixels = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        rays, valid = self.model.unproject(pixels)
        inside = valid & (np.nan_to_num(rays[:, 2], nan=-1.0) >= np.cos(self.half_field))
        return pixels[inside], rays[inside]


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What is wrong with measurements."""

    noise: float = 0.2
    """Pixels: the standard deviation of each coordinate."""
    outliers: float = 0.03
    """The part of the points that are 5 to 50 pixels off."""
    hidden: float = 0.3
    """The part of the views in which something covers a part of the board."""


def made_camera(rng: np.random.Generator) -> MadeCamera:
    """A lens of a random kind and shape, 100 to 220 degrees across, on a picture of a random size."""
    while True:
        size = SIZES[rng.integers(len(SIZES))]
        half_field = 0.5 * float(np.radians(rng.uniform(*FIELDS)))
        # The circle's edge lies between the picture's short sides and its corners.
        radius = rng.uniform(0.5 * min(size), 0.5 * float(np.hypot(*size)))
        aspect = 1.0 + 0.004 * rng.standard_normal()
        centre = 0.5 * np.array(size) - 0.5 + 0.015 * np.array(size) * rng.standard_normal(2)
        try:
            shape = _shape(rng, half_field)
        except CalibrationError:
            continue
        if shape is None:
            continue
        focal = radius / float(shape.radius(np.array([half_field]))[0])
        params = np.array([focal, focal * aspect, *centre, *shape.params[4:]])
        return MadeCamera(shape.with_params(params), size, half_field)


def _shape(rng: np.random.Generator, half_field: float) -> RadialModel | None:
    """A lens of focal length one that rises well up to the edge; None where this one does not."""
    lens: RadialModel
    match rng.integers(5):
        case 0:
            lens = UnifiedCamera([1.0, 1.0, 0.0, 0.0, rng.uniform(0.4, 0.8)])
        case 1:
            lens = EnhancedUnifiedCamera([1.0, 1.0, 0.0, 0.0, rng.uniform(0.4, 0.8), rng.uniform(0.6, 1.8)])
        case 2:
            lens = DoubleSphere([1.0, 1.0, 0.0, 0.0, rng.uniform(-0.4, 0.2), rng.uniform(0.4, 0.7)])
        case _:
            terms = rng.standard_normal(4) * [0.05, 0.02, 0.005, 0.001]
            lens = KannalaBrandt([1.0, 1.0, 0.0, 0.0, *terms])
    if lens.max_angle < 1.03 * half_field:
        return None
    rise = lens.profile(np.linspace(0.0, half_field, 64))[1]
    return lens if rise.min() > _FLATTEST * rise[0] and rise.max() < _STEEPEST * rise[0] else None


def made_views(
    camera: MadeCamera,
    count: int,
    rng: np.random.Generator,
    spoiling: Spoiling = Spoiling(),
    warp: tuple[float, float] = (0.0, 0.0),
    board: Board = BOARD,
) -> list[View]:
    """Views of a board held anywhere in the picture, so near that its points often leave it.

    `warp` in metres, as in `Unknowns.warp`. Raises CalibrationError where the camera sees no board.
    """
    points = board.points
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    unit = (2.0 * points[:, :2] - low - high) / (high - low)
    bent = points - points.mean(0)
    bent[:, 2] += (1.0 - unit**2) @ warp
    _, rays = camera.valid_pixels()
    width = float(np.ptp(points[:, 0]))
    views = list[View]()
    for _ in range(_NEVER):
        seen = _held(bent, rays[rng.integers(len(rays))], width, rng)
        angles = np.arctan2(np.hypot(seen[:, 0], seen[:, 1]), seen[:, 2])
        pixels, visible = camera.model.project(seen)
        with np.errstate(invalid="ignore"):
            visible &= (angles <= camera.half_field) & (pixels >= 0.0).all(1)
            visible &= (pixels <= np.array(camera.size) - 1.0).all(1)
        if rng.random() < spoiling.hidden:
            # Something straight lies over up to half of the board.
            away = rng.standard_normal(2)
            side = unit @ away
            visible &= side >= np.quantile(side, rng.uniform(0.1, 0.5))
        if visible.sum() < _LEAST_POINTS or np.linalg.matrix_rank(unit[visible] - unit[visible].mean(0)) < 2:
            continue
        measured = _spoilt(pixels[visible], spoiling, rng)
        views.append(View(points[visible], measured, f"view {len(views)}"))
        if len(views) == count:
            return views
    raise CalibrationError(f"a made {camera.model.kind} camera saw {len(views)} boards of {count}: draw another one")


def _held(points: Array, ray: Array, width: float, rng: np.random.Generator) -> Array:
    """(N, 3) the board around a bearing, turned towards the camera and then tilted, in the camera's frame."""
    facing = Rotation.align_vectors([ray], [[0.0, 0.0, 1.0]])[0]
    spin = Rotation.from_rotvec([0.0, 0.0, rng.uniform(-np.pi, np.pi)])
    tilt = Rotation.from_rotvec([*rng.uniform(-0.7, 0.7, 2), 0.0])
    return np.asarray((facing * tilt * spin).apply(points) + ray * width * rng.uniform(0.6, 1.8), float)


def _spoilt(pixels: Array, spoiling: Spoiling, rng: np.random.Generator) -> Array:
    out = pixels + spoiling.noise * rng.standard_normal(pixels.shape)
    wrong = rng.random(len(pixels)) < spoiling.outliers
    turn = rng.uniform(0.0, 2.0 * np.pi, len(pixels))
    off = rng.uniform(5.0, 50.0, len(pixels))[:, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
    return np.where(wrong[:, None], out + off, out)
