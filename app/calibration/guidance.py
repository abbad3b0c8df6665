"""Where to hold the board next: in words, and as a pose to draw. No Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from app.calibration.coverage import SECTOR_WORDS, Cell, Coverage, direction
from app.calibration.views import Taken
from app.translation import noted, tr
from calib.models.base import Array, CameraModel
from calib.solve.start import pose_on_rays
from calib.targets.board import Board

_TILT = float(np.radians(32.0))
_FLAT = float(np.radians(14.0))
_WIDTH = float(np.radians(20.0))
"""Half of what the ghost takes up of the view, across its diagonal."""
_FARTHEST_MIDDLE = float(np.radians(80.0))
"""A board whose middle is farther out than this is hardly ever found."""
_STEPS = 12


class Tilt(StrEnum):
    """How the board is turned against the line of sight, in words for people."""

    LEFT_AWAY = noted("its left edge tilted away")
    RIGHT_AWAY = noted("its right edge tilted away")
    TOP_AWAY = noted("its top edge tilted away")
    BOTTOM_AWAY = noted("its bottom edge tilted away")
    FLAT = noted("facing the camera")


_TURNS = {
    Tilt.BOTTOM_AWAY: (_TILT, 0.0, 0.0),
    Tilt.TOP_AWAY: (-_TILT, 0.0, 0.0),
    Tilt.LEFT_AWAY: (0.0, _TILT, 0.0),
    Tilt.RIGHT_AWAY: (0.0, -_TILT, 0.0),
    Tilt.FLAT: (0.0, 0.0, 0.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """The view that would help most."""

    cell: Cell
    tilt: Tilt
    text: str
    outlines: tuple[Array, ...]
    """(N, 2) pixels each: the board's border, then the lines between its squares."""


def suggest(
    board: Board,
    model: CameraModel,
    size: tuple[int, int],
    coverage: Coverage,
    taken: Sequence[Taken],
    skipped: Collection[Cell] = (),
) -> Suggestion | None:
    """The nearest cell without any point, else the one whose projection is least sure, at the tilt used least.

    None where the picture shows no cell that is left.
    """
    order = _by_need(coverage)
    cell = next((cell for cell in order if cell not in skipped), None)
    if cell is None:
        return None
    tilt = least_used_tilt(board, model, taken)
    outlines = _ghost(board, model, size, cell, tilt)
    where = tr("in the middle of the picture") if cell.whole else _where(cell)
    return Suggestion(cell, tilt, tr("Hold the board {where}, {tilt}.", where=where, tilt=tr(tilt.value)), outlines)


def _where(cell: Cell) -> str:
    word = SECTOR_WORDS[cell.sector]
    degrees = f"{np.degrees(cell.theta):.0f}"
    return tr("towards the {side} of the picture, about {degrees}° from its middle", side=tr(word), degrees=degrees)


def _by_need(coverage: Coverage) -> list[Cell]:
    """The reachable cells: first those without points from the axis outwards, then the least sure first."""
    chosen = [i for i, cell in enumerate(coverage.cells) if coverage.reachable[i] and cell.theta <= _FARTHEST_MIDDLE]
    empty = [i for i in chosen if coverage.counts[i] == 0]
    if np.isfinite(coverage.sigma).any():
        rest = sorted((i for i in chosen if i not in empty), key=lambda i: -float(np.nan_to_num(coverage.sigma[i])))
    else:
        rest = sorted((i for i in chosen if i not in empty), key=lambda i: int(coverage.counts[i]))
    return [coverage.cells[i] for i in (*empty, *rest)]


def facing(theta: float, phi: float) -> Array:
    """(3, 3) camera from board for a board that faces the camera from there, upright in the picture."""
    z = direction(theta, phi)
    x = np.cross([0.0, 1.0, 0.0], z)
    if np.linalg.norm(x) < 1e-6:
        x = np.array([1.0, 0.0, 0.0])
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], -1)


def tilt_of(rotation: Array, shift: Array) -> Tilt:
    """The nearest of the tilts to a pose (camera from board)."""
    sight = shift / np.linalg.norm(shift)
    theta, phi = float(np.arccos(np.clip(sight[2], -1.0, 1.0))), float(np.arctan2(sight[1], sight[0]))
    normal = facing(theta, phi).T @ rotation[:, 2]
    # A board is printed on one side only, whichever way its points are numbered.
    normal = normal if normal[2] > 0.0 else -normal
    if np.arccos(np.clip(normal[2], -1.0, 1.0)) < _FLAT:
        return Tilt.FLAT
    if abs(normal[0]) > abs(normal[1]):
        return Tilt.LEFT_AWAY if normal[0] > 0.0 else Tilt.RIGHT_AWAY
    return Tilt.BOTTOM_AWAY if normal[1] < 0.0 else Tilt.TOP_AWAY


def least_used_tilt(board: Board, model: CameraModel, taken: Sequence[Taken]) -> Tilt:
    """The tilt that the views have used least, the strongly tilted ones first."""
    used: Counter[Tilt] = Counter()
    for one in taken:
        rays, valid = model.unproject(one.detection.pixels)
        if one.used and valid.all():
            points = board.points[one.detection.ids]
            rotation, shift = pose_on_rays(points, rays)
            used[tilt_of(rotation, shift + rotation @ points.mean(0))] += 1
    return min(Tilt, key=lambda tilt: used[tilt])


def _ghost(board: Board, model: CameraModel, size: tuple[int, int], cell: Cell, tilt: Tilt) -> tuple[Array, ...]:
    """The board there, nearer or farther and a little inwards until all of it is in the picture."""
    low, high = board.points[:, :2].min(0) - board.pitch, board.points[:, :2].max(0) + board.pitch
    middle = np.array([*(0.5 * (low + high)), 0.0])
    nearest = 0.5 * float(np.hypot(*(high - low))) / np.tan(_WIDTH)
    best: tuple[Array, ...] = ()
    for inwards in (0.0, 0.1, 0.2, 0.3):
        theta = max(0.0, cell.theta - inwards)
        rotation = facing(theta, cell.phi) @ Rotation.from_rotvec(_TURNS[tilt]).as_matrix()
        for farther in (1.0, 1.4, 2.0):
            shift = farther * nearest * direction(theta, cell.phi) - rotation @ middle
            lines = tuple(model.project(line @ rotation.T + shift) for line in _lines(board, low, high))
            pixels = np.concatenate([found for found, _ in lines])
            valid = np.concatenate([ok for _, ok in lines])
            best = tuple(found[ok] for found, ok in lines)
            if valid.all() and ((pixels >= 0.0) & (pixels < size)).all():
                return best
    return best


def _lines(board: Board, low: Array, high: Array) -> list[Array]:
    """(N, 3) each, in the board's frame: a closed border, and the lines between the squares."""
    t = np.linspace(0.0, 1.0, _STEPS)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]], low])
    border = np.concatenate([a + (b - a) * t[:, None] for a, b in pairwise(corners)])
    flat = [border]
    for x in np.unique(board.points[:, 0].round(6)):
        flat.append(np.stack([np.full(_STEPS, x), low[1] + (high[1] - low[1]) * t], -1))
    for y in np.unique(board.points[:, 1].round(6)):
        flat.append(np.stack([low[0] + (high[0] - low[0]) * t, np.full(_STEPS, y)], -1))
    return [np.concatenate([line, np.zeros((len(line), 1))], -1) for line in flat]
