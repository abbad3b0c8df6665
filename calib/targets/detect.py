"""Finding a board's points in a picture, to a few hundredths of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from calib.cv import cv2
from calib.models.base import Array, Mask
from calib.targets.board import TAG_BORDER, Board, BoardKind
from calib.targets.complete import missing_neighbours, predict, saddles

Picture = NDArray[np.uint8]
Ids = NDArray[np.int64]

_WIDEST = 15
_LEAST_POINTS = 8
_SEARCHED, _GLANCED = 1400, 960
"""Pixels of the longer side in which chessboards are looked for first, and where there is no time for more."""
_STRAY = 0.1
"""How far a point may lie from where its neighbours predict it, in pitches."""
_NUDGE = 0.1
"""Pixels off a first guess that refinement starts from."""
_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 60, 1e-4)


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The points of a board that were found in a picture."""

    ids: Ids
    """(N,) which of `Board.points`."""
    pixels: Array
    """(N, 2)."""


def detect(board: Board, picture: Picture, quick: bool = False) -> Detection | None:
    """The board's points in an (H, W) grey or (H, W, 3) BGR picture, or None where it is not found.

    Chessboards and circles are found whole; charuco and aprilgrid may be partly hidden. `quick` is for
    pictures that come by themselves: chessboards are looked for once, in a smaller picture.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture, np.uint8)
    match board.kind:
        case BoardKind.CHESSBOARD:
            found = _chessboard(board, grey, quick)
        case BoardKind.CIRCLES:
            return _circles(board, grey)
        case BoardKind.CHARUCO:
            found = _charuco(board, grey)
        case BoardKind.APRILGRID:
            found = _aprilgrid(board, grey)
    if found is None or len(found.ids) < _LEAST_POINTS:
        return None
    refined = _refine(board, grey, found)
    if board.marker_count:
        refined = _completed(board, grey, refined)
    return refined if len(refined.ids) >= _LEAST_POINTS else None


def _completed(board: Board, grey: Picture, found: Detection) -> Detection:
    """A marker board's other points: fisheye pictures hide markers whose corners are still plain to see."""
    found = _proven(board, grey, found)
    while len(found.ids) >= _LEAST_POINTS:
        wanted = missing_neighbours(board, found.ids)
        guesses = predict(board, found.ids, found.pixels, wanted)
        inside = _inside(guesses, grey)
        both = _joined(found, Detection(wanted[inside], guesses[inside]))
        proven = _proven(board, grey, _refine(board, grey, both))
        if len(proven.ids) <= len(found.ids):
            break
        found = proven
    return found


def _proven(board: Board, grey: Picture, found: Detection) -> Detection:
    """Without what does not look like a corner or does not lie as its neighbours say."""
    if len(found.ids) < _LEAST_POINTS:
        return found
    scales = _scales(board, found)
    kept = saddles(grey, found.pixels, np.maximum(0.8 * board.clearance * scales, 2.0))
    off = np.linalg.norm(predict(board, found.ids, found.pixels, found.ids) - found.pixels, axis=1)
    kept &= ~(off > np.maximum(1.0, _STRAY * board.pitch * scales))
    return Detection(found.ids[kept], found.pixels[kept])


def _joined(one: Detection, other: Detection) -> Detection:
    return Detection(np.concatenate([one.ids, other.ids]), np.concatenate([one.pixels, other.pixels]))


def _inside(pixels: Array, grey: Picture) -> Mask:
    return np.asarray(((pixels >= 0.0) & (pixels <= [grey.shape[1] - 1, grey.shape[0] - 1])).all(-1))


def _whole(board: Board, pixels: NDArray[Any]) -> Detection:
    return Detection(np.arange(len(board.points)), np.asarray(pixels, float).reshape(-1, 2))


def _chessboard(board: Board, grey: Picture, quick: bool) -> Detection | None:
    size = (board.columns, board.rows)
    # Large pictures are searched small first, which is fast and no less sure; corners are refined in full size.
    shrink = max(1.0, max(grey.shape) / (_GLANCED if quick else _SEARCHED))
    small = (
        cv2.resize(grey, None, fx=1.0 / shrink, fy=1.0 / shrink, interpolation=cv2.INTER_AREA) if shrink > 1.0 else grey
    )
    flags = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
    searches: list[tuple[Any, float]] = [(small, shrink)]
    if shrink > 1.0 and not quick:
        searches.append((grey, 1.0))
    for searched, scale in searches:
        found, pixels = cv2.findChessboardCorners(searched, size, flags=flags)
        if found:
            return _whole(board, (np.asarray(pixels, float) + 0.5) * scale - 0.5)
    if quick:
        return None
    found, pixels = cv2.findChessboardCornersSB(small, size, flags=cv2.CALIB_CB_NORMALIZE_IMAGE)
    return _whole(board, (np.asarray(pixels, float) + 0.5) * shrink - 0.5) if found else None


def _circles(board: Board, grey: Picture) -> Detection | None:
    parameters = cv2.SimpleBlobDetector.Params()
    parameters.maxArea = grey.size / len(board.points)
    blobs = cv2.SimpleBlobDetector.create(parameters)
    # The plain search stands blobs that are not the board's, clustering stands steep views.
    for flags in (cv2.CALIB_CB_ASYMMETRIC_GRID, cv2.CALIB_CB_ASYMMETRIC_GRID | cv2.CALIB_CB_CLUSTERING):
        found, pixels = cv2.findCirclesGrid(grey, (board.columns, board.rows), flags=flags, blobDetector=blobs)
        if found:
            return _whole(board, pixels)
    return None


@lru_cache(maxsize=4)
def _charuco_detector(board: Board) -> cv2.aruco.CharucoDetector:
    size = (board.columns, board.rows)
    return cv2.aruco.CharucoDetector(cv2.aruco.CharucoBoard(size, board.pitch, board.second, board.dictionary))


def _charuco(board: Board, grey: Picture) -> Detection | None:
    pixels, ids, _, _ = _charuco_detector(board).detectBoard(grey)
    if ids is None or len(ids) == 0:
        return None
    return Detection(np.asarray(ids, np.int64).ravel(), np.asarray(pixels, float).reshape(-1, 2))


@lru_cache(maxsize=4)
def _tag_detector(board: Board) -> cv2.aruco.ArucoDetector:
    parameters = cv2.aruco.DetectorParameters()
    parameters.markerBorderBits = TAG_BORDER
    return cv2.aruco.ArucoDetector(board.dictionary, parameters)


def _aprilgrid(board: Board, grey: Picture) -> Detection | None:
    found, numbers, _ = _tag_detector(board).detectMarkers(grey)
    if numbers is None:
        return None
    tags, corners = np.asarray(numbers, np.int64).ravel(), np.asarray(found, float).reshape(-1, 4, 2)
    own = tags < board.marker_count
    ids = (4 * tags[own, None] + np.arange(4)).ravel()
    return Detection(ids, corners[own].reshape(-1, 2))


def _refine(board: Board, grey: Picture, found: Detection) -> Detection:
    """Sub-pixel corners, each with a window of its own size; those that leave it are dropped."""
    windows = np.clip(np.round(board.clearance * _scales(board, found)), 2, _WIDEST).astype(int)
    refined = found.pixels.copy()
    for window in np.unique(windows):
        chosen = windows == window
        start = (found.pixels[chosen] + _NUDGE).astype(np.float32).reshape(-1, 1, 2)
        refined[chosen] = cv2.cornerSubPix(grey, start, (int(window), int(window)), (-1, -1), _STOP).reshape(-1, 2)
    moved = np.linalg.norm(refined - (found.pixels + _NUDGE), axis=1)
    # OpenCV puts a corner that left its window back where it began, which no good start is after the nudge.
    kept = _inside(refined, grey) & (moved > 1e-3) & (moved <= windows)
    return Detection(found.ids[kept], refined[kept])


def _scales(board: Board, found: Detection) -> Array:
    """(N,) pixels a metre around each point, the least over its nearest neighbours on the board."""
    points = board.points[found.ids]
    distances, neighbours = cKDTree(points).query(points, k=4)
    spans = np.linalg.norm(found.pixels[neighbours[:, 1:]] - found.pixels[:, None], axis=-1)
    return np.asarray((spans / distances[:, 1:]).min(1), float)
