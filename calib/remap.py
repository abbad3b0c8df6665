"""Any calibrated camera's picture to the canonical view, and the way back for what is drawn."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from math import isnan, nan
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL_MAX_ANGLE, canonical_bearings, canonical_uv
from calib.cv import cv2
from calib.models.base import Array, Mask

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]
AnyArray = NDArray[Any]
Level = TypeVar("Level", np.float32, np.uint8)

_OUTSIDE = -16.0
"""A map entry that reads the border's black, whatever the interpolation."""

_NOWHERE = nan, nan
_WHOLE = slice(None), slice(None)

_BAND = 16
"""Rows of the view that are made at a time: what is between the picture and the view then stays in the cache."""

_CACHED_SIZES = 4
_NODES = 80_000
"""About how many entries of a `spread` map are computed exactly, the others being interpolated."""


def fit_camera(camera: Calibration, size: tuple[int, int]) -> Calibration:
    """The same camera for pictures of another (width, height).

    The picture is imagined scaled uniformly, and centred, inside the size that the
    calibration speaks of; it is never squashed. Where the shapes differ that is an
    assumption about how the camera crops, and the provenance says so.
    """
    if size == camera.size:
        return camera
    (width, height), (full_width, full_height) = size, camera.size
    scale = max(width / full_width, height / full_height)
    offset = (0.5 * (width - scale * full_width), 0.5 * (height - scale * full_height))
    note = f"scaled from {full_width}x{full_height} to {width}x{height}"
    if max(map(abs, offset)) > 0.5:
        note += ", letter-boxed because the shapes differ"
    provenance = f"{camera.provenance}; {note}" if camera.provenance else note
    return replace(camera, model=camera.model.rescaled(scale, offset), size=size, provenance=provenance)


class _Band(NamedTuple):
    """Some rows of the view, from the first to the last column that shows anything."""

    rows: slice
    columns: slice
    map: tuple[AnyArray, AnyArray]
    """Of twice as many rows and columns, in fixed point."""


class CanonicalView:
    """The canonical view of one camera at one picture size, and the maps between the two.

    The view is the disc of normalised radius 1; points outside it are invalid.
    """

    def __init__(self, camera: Calibration, size: tuple[int, int], side: int = 256) -> None:
        """`size` is the (width, height) of the pictures, `side` that of the square view, in pixels."""
        self.camera = fit_camera(camera, size)
        self.calibrated_size = camera.size
        self.size = size
        self.side = side
        axis = (np.arange(2 * side) + 0.5) / (2 * side)
        grid = np.stack(np.meshgrid(axis, axis), -1)
        source = self.to_picture(grid)
        self._places = source.astype(np.float32).reshape(-1).data
        self._disc = _disc_where_canonical(source, grid, size, side)
        self._shrunk = _shrunk_size(source, size)
        # Pixel centres are at +0.5: the shrink is folded into the map.
        ratio = np.array(self._shrunk) / np.array(size)
        entries = np.where(np.isfinite(source), (source + 0.5) * ratio - 0.5, _OUTSIDE).astype(np.float32)
        self._bands = _bands(entries)
        self._spread_maps: OrderedDict[tuple[int, ...], tuple[Map, Map]] = OrderedDict()

    def image(self, picture: Picture) -> Picture:
        """(H, W, 3) picture to the (side, side, 3) view, antialiased; black where the camera sees nothing.

        Raises ValueError where the picture has not the size that the view was made for.
        """
        width, height = self.size
        if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
            raise ValueError(f"the view is for ({height}, {width}, 3) uint8, not {picture.shape} {picture.dtype}")
        if self._disc is not None:
            # Resampling twice would blur what only has to change its size.
            view = cv2.resize(picture, (self.side, self.side), interpolation=cv2.INTER_AREA)
            return np.asarray(cv2.bitwise_and(view, self._disc), np.uint8)
        source: AnyArray = picture
        if self._shrunk != self.size:
            source = cv2.resize(picture, self._shrunk, interpolation=cv2.INTER_AREA)
        seen = np.zeros((self.side, self.side, 3), np.uint8)
        for band in self._bands:
            double = cv2.remap(source, *band.map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
            part = seen[band.rows, band.columns]
            cv2.resize(double, part.shape[1::-1], part, interpolation=cv2.INTER_AREA)
        return seen

    def to_picture(self, uv: Array) -> Array:
        """(..., 2) canonical uv to (..., 2) pixels; NaN outside the view, the camera's lens or the picture."""
        uv = np.asarray(uv, float)
        pixels, valid = self.camera.model.project(canonical_bearings(uv))
        # A unit in the last place more than 1, or the rim itself would be lost to rounding.
        disc = np.hypot(2.0 * uv[..., 0] - 1.0, 2.0 * uv[..., 1] - 1.0) <= 1.0 + 1e-12
        pixels[~(valid & disc & _inside(pixels, self.size))] = np.nan
        return pixels

    def place(self, uv: Map) -> Map:
        """(N, 2) canonical uv to (N, 2) pixels as `to_picture` has them, in a thirtieth of the time for a few points.

        Read from the table that the view is made with: within 0.03 pixels for the lenses of head-mounted cameras.
        Between two frames every function of numpy has to be fetched into the cache anew, which for a few points costs
        more than the numbers one by one.
        """
        pixels = np.empty(uv.shape, np.float32)
        for i, (u, v) in enumerate(uv.tolist()):
            pixels[i] = self._placed(u, v)
        return pixels

    def _placed(self, u: float, v: float) -> tuple[float, float]:
        """One point, by the four entries of the table around it."""
        if not (2 * u - 1) ** 2 + (2 * v - 1) ** 2 <= 1.0:
            return _NOWHERE
        width, table = 2 * self.side, self._places
        x, y = u * width - 0.5, v * width - 0.5
        column, row = min(max(int(x), 0), width - 2), min(max(int(y), 0), width - 2)
        x, y = x - column, y - row
        above = 2 * (row * width + column)
        below = above + 2 * width
        a, b, c, d = (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y
        across = a * table[above] + b * table[above + 2] + c * table[below] + d * table[below + 2]
        down = a * table[above + 1] + b * table[above + 3] + c * table[below + 1] + d * table[below + 3]
        if isnan(across):
            # On the rim some of the four are known and the point may be as well; beyond it, none is.
            if all(isnan(table[entry]) for entry in (above, above + 2, below, below + 2)):
                return _NOWHERE
            across, down = self.to_picture(np.array([u, v])).tolist()
        within = -0.5 <= across <= self.size[0] - 0.5 and -0.5 <= down <= self.size[1] - 0.5
        return (across, down) if within else _NOWHERE

    def from_picture(self, pixels: Array) -> Array:
        """(..., 2) pixels to (..., 2) canonical uv; NaN outside the picture, the camera's lens or the view."""
        pixels = np.asarray(pixels, float)
        bearings, valid = self.camera.model.unproject(pixels)
        uv, _ = canonical_uv(bearings)
        uv[~(valid & (bearings[..., 2] >= np.cos(CANONICAL_MAX_ANGLE) - 1e-12) & _inside(pixels, self.size))] = np.nan
        return uv

    def spread(
        self, heatmap: NDArray[Level], size: tuple[int, int], part: tuple[slice, slice] = _WHOLE
    ) -> NDArray[Level]:
        """A (h, w) map over the canonical square, float32 or uint8, seen on the picture shown at `size` (width,
        height), or on these rows and columns of it; 0 outside.

        The look-up table of each size is made on first use and the last few are kept.
        """
        key = (*size, *heatmap.shape)
        if key not in self._spread_maps:
            self._spread_maps[key] = self._spread_map(size, heatmap.shape)
            if len(self._spread_maps) > _CACHED_SIZES:
                self._spread_maps.popitem(last=False)
        self._spread_maps.move_to_end(key)
        x, y = self._spread_maps[key]
        spread = cv2.remap(heatmap, x[part], y[part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(spread, heatmap.dtype)

    def _spread_map(self, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[Map, Map]:
        """(H, W) x and (H, W) y of the heatmap pixel for each pixel of the shown picture.

        Computed every few pixels and interpolated, so that a new window size costs tens of
        milliseconds: exact to about 0.05 heatmap pixels, and cut that few pixels before the lens's own end.
        """
        width, height = size
        coarse = max(1, round((width * height / _NODES) ** 0.5))
        x, y = (np.arange(length // coarse + 2, dtype=float) * coarse for length in size)
        shown = np.stack(np.meshgrid(x, y), -1)
        scale = np.array(self.size) / np.array(size)
        bearings, valid = self.camera.model.unproject((shown + 0.5) * scale - 0.5)
        uv, _ = canonical_uv(bearings)
        uv[~valid] = np.nan
        columns, rows = np.meshgrid(np.arange(width) / coarse, np.arange(height) / coarse)
        steps = columns.astype(np.float32), rows.astype(np.float32)
        fine = np.asarray(cv2.remap(uv.astype(np.float32), *steps, cv2.INTER_LINEAR), np.float32)
        disc = ((2.0 * fine - 1.0) ** 2).sum(-1) <= 1.0
        u, v = (
            np.where(disc, np.clip(fine[..., i] * length - 0.5, 0.0, length - 1.0), _OUTSIDE).astype(np.float32)
            for i, length in enumerate((shape[1], shape[0]))
        )
        return u, v


def _bands(entries: Map) -> list[_Band]:
    """The (2 side, 2 side, 2) map's entries by bands, without the corners that the round view leaves black."""
    bands = []
    shows = entries[..., 0] > _OUTSIDE
    for top in range(0, len(entries), 2 * _BAND):
        columns = np.flatnonzero(shows[top : top + 2 * _BAND].any(0))
        if len(columns):
            left, right = int(columns[0]) // 2, int(columns[-1]) // 2 + 1
            part = entries[top : top + 2 * _BAND, 2 * left : 2 * right]
            rows = slice(top // 2, top // 2 + len(part) // 2)
            maps = cv2.convertMaps(part[..., 0], part[..., 1], cv2.CV_16SC2)
            bands.append(_Band(rows, slice(left, right), maps))
    return bands


def _inside(pixels: Array, size: tuple[int, int]) -> Mask:
    """Which pixels lie on the picture's area, half a pixel around the outermost centres included."""
    inside = (pixels >= -0.5) & (pixels <= np.array(size) - 0.5)
    return np.asarray(inside[..., 0] & inside[..., 1])


def _disc_where_canonical(source: Array, grid: Array, size: tuple[int, int], side: int) -> Picture | None:
    """Of a camera whose pictures are the canonical view already: (side, side, 3), 255 in its disc. Else None."""
    if size[0] != size[1]:
        return None
    shown = np.hypot(2.0 * grid[..., 0] - 1.0, 2.0 * grid[..., 1] - 1.0) <= 1.0
    # Half a per cent of the view's own pixel: no picture shows that.
    if not (np.abs(source[shown] - (grid[shown] * size[0] - 0.5)) < 0.005 * size[0] / side).all():
        return None
    centres = (np.arange(side) + 0.5) / side * 2.0 - 1.0
    disc = np.where(np.hypot(*np.meshgrid(centres, centres)) <= 1.0, np.uint8(255), np.uint8(0))
    return np.repeat(disc[..., None], 3, -1)


def _shrunk_size(source: Array, size: tuple[int, int]) -> tuple[int, int]:
    """The picture's size after the whole-number shrink that leaves about two of its pixels to a map step."""
    step = np.hypot(*np.moveaxis(np.diff(source, axis=1), -1, 0))
    if not np.isfinite(step).any():
        return size
    factor = max(1, round(float(np.nanmedian(step)) / 2.0))
    return -(-size[0] // factor), -(-size[1] // factor)
