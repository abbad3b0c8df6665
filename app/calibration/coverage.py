"""Where around the axis a camera has seen the board, and how surely it is known there. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.translation import noted
from calib.cv import cv2
from calib.models.base import Array, CameraModel, Mask
from calib.models.kannala_brandt import KannalaBrandt
from engine.types import ImageArray

RING = float(np.radians(15.0))
SECTORS = 8
SECTOR_WORDS = (
    noted("right"), noted("lower right"), noted("bottom"), noted("lower left"),
    noted("left"), noted("upper left"), noted("top"), noted("upper right"),
)  # fmt: skip
"""Of the picture, in the order of the sectors: the first is around +x, then towards +y."""
_GRID = 48
_LIT = (36, 48)
_DARK = 18
"""Of 255."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of the view: a ring of angles from the axis, cut into sectors except around the axis itself."""

    ring: int
    sector: int

    @property
    def whole(self) -> bool:
        """Whether it is the disc around the axis."""
        return self.ring == 0

    @property
    def theta(self) -> float:
        """Radians from the axis of its middle."""
        return 0.0 if self.whole else (self.ring + 0.5) * RING

    @property
    def phi(self) -> float:
        """Radians around the axis of its middle, from image right towards image bottom."""
        return self.sector * 2.0 * np.pi / SECTORS


def assumed_lens(size: tuple[int, int]) -> KannalaBrandt:
    """An equidistant lens that shows 180 degrees across the picture's shorter side: before anything is known."""
    centre = (0.5 * size[0] - 0.5, 0.5 * size[1] - 0.5)
    return KannalaBrandt.start(0.5 * min(size) / (0.5 * np.pi), centre)


@dataclass(frozen=True, eq=False)
class Coverage:
    """What has been seen, in cells of angle and direction."""

    angles: Array
    """(N, 2) theta and phi of every used point."""
    rings: int
    counts: NDArray[np.int64]
    """(cells,) used points in each cell."""
    sigma: Array
    """(cells,) pixels: mean standard deviation of a projection; NaN before the first solve and outside the lens."""
    reachable: Mask
    """(cells,) whether the picture shows the middle of the cell."""

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """In the order of the arrays."""
        return _cells(self.rings)


class Lit:
    """Where a camera's pictures were ever bright: a place that never was lies outside the lens."""

    def __init__(self) -> None:
        self._most = np.zeros(_LIT, np.uint8)

    def see(self, image: ImageArray) -> bool:
        """Take in an (H, W, 3) picture; whether more of it is lit than before."""
        before = self._most > _DARK
        small = cv2.resize(image, _LIT[::-1], interpolation=cv2.INTER_AREA).max(-1)
        self._most = np.maximum(self._most, small)
        return not np.array_equal(before, self._most > _DARK)

    @property
    def mask(self) -> Mask | None:
        """(rows, columns); None while all is dark."""
        lit = self._most > _DARK
        return lit if lit.any() else None


def _cells(rings: int) -> tuple[Cell, ...]:
    return (Cell(0, 0), *(Cell(ring, sector) for ring in range(1, rings) for sector in range(SECTORS)))


def polar(bearings: Array) -> Array:
    """(N, 3) bearings to (N, 2) theta from the axis and phi around it."""
    theta = np.arctan2(np.hypot(bearings[:, 0], bearings[:, 1]), bearings[:, 2])
    return np.stack([theta, np.arctan2(bearings[:, 1], bearings[:, 0])], -1)


def direction(theta: float, phi: float) -> Array:
    """(3,) the unit bearing."""
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def _index(angles: Array, rings: int) -> NDArray[np.int64]:
    """(N,) cell of each; -1 beyond the last ring."""
    ring = np.floor(angles[:, 0] / RING).astype(np.int64)
    sector = np.round(angles[:, 1] / (2.0 * np.pi / SECTORS)).astype(np.int64) % SECTORS
    return np.where(ring == 0, 0, np.where(ring < rings, 1 + (ring - 1) * SECTORS + sector, -1))


def cover(
    model: CameraModel,
    size: tuple[int, int],
    pixels: Array,
    sigma_map: Array | None = None,
    lit: Mask | None = None,
) -> Coverage:
    """The coverage of a (width, height) picture by (N, 2) points.

    `sigma_map` is that of a solve; `lit` a (rows, columns) mask of where the picture is not black for good.
    """
    grid = _middles(size, (_GRID * size[1] // size[0] or 1, _GRID))
    bearings, seen = model.unproject(grid)
    theta = polar(np.where(seen[:, None], bearings, 0.0))[:, 0]
    widest = float(theta[seen].max()) if seen.any() else RING
    rings = int(np.clip(np.ceil(widest / RING), 1, 8))
    cells = _cells(rings)
    rays, valid = model.unproject(pixels)
    angles = polar(rays[valid])
    index = _index(angles, rings)
    counts = np.bincount(index[index >= 0], minlength=len(cells))
    sigma = np.full(len(cells), np.nan)
    if sigma_map is not None:
        sigma = _mean_sigma(model, size, sigma_map, rings, len(cells))
    middles = np.array([direction(cell.theta, cell.phi) for cell in cells])
    return Coverage(angles, rings, counts, sigma, _shown(model, size, middles, lit))


def _mean_sigma(model: CameraModel, size: tuple[int, int], sigma_map: Array, rings: int, count: int) -> Array:
    rays, valid = model.unproject(_middles(size, sigma_map.shape))
    values = sigma_map.ravel()
    known = valid & np.isfinite(values)
    index = _index(polar(rays[known]), rings)
    inside, values = index >= 0, values[known]
    sums = np.bincount(index[inside], weights=values[inside], minlength=count)
    numbers = np.bincount(index[inside], minlength=count)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def _shown(model: CameraModel, size: tuple[int, int], rays: Array, lit: Mask | None) -> Mask:
    pixels, valid = model.project(rays)
    pixels = np.where(valid[:, None], pixels, -1.0)
    inside = valid & ((pixels >= 0.0) & (pixels <= np.array(size) - 1.0)).all(-1)
    if lit is None:
        return np.asarray(inside)
    at = np.clip(pixels / np.array(size) * lit.shape[::-1], 0, np.array(lit.shape[::-1]) - 1).astype(int)
    return np.asarray(inside & lit[at[:, 1], at[:, 0]])


def _middles(size: tuple[int, int], shape: tuple[int, ...]) -> Array:
    """(rows * columns, 2) pixels in the middle of the cells of a grid over the picture."""
    x = (np.arange(shape[1]) + 0.5) * size[0] / shape[1] - 0.5
    y = (np.arange(shape[0]) + 0.5) * size[1] / shape[0] - 0.5
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def trusted_sigma(model: CameraModel, size: tuple[int, int], sigma_map: Array, valid_angle: float) -> Array:
    """(N,) the finite entries of a sigma map that lie within the valid angle."""
    rays, valid = model.unproject(_middles(size, sigma_map.shape))
    values = sigma_map.ravel()
    inside = valid & np.isfinite(values)
    inside[inside] &= polar(rays[inside])[:, 0] <= valid_angle
    return np.asarray(values[inside])


def border_line(model: CameraModel, angle: float, count: int = 120) -> Array:
    """(N, 2) pixels at an angle from the axis, all around it."""
    phi = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    rays = np.stack([np.sin(angle) * np.cos(phi), np.sin(angle) * np.sin(phi), np.full(count, np.cos(angle))], -1)
    pixels, valid = model.project(rays)
    return np.asarray(pixels[valid])
