"""Pictures of printed boards, as a known camera would take them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calib.cv import cv2
from calib.models.base import Array, CameraModel
from calib.targets.board import Board
from calib.targets.printing import layout

_PIXELS_A_MM = 5
_SUPERSAMPLING = 2


def paint(board: Board) -> tuple[NDArray[np.uint8], Array]:
    """The printed page at 5 pixels a millimetre, to be drawn on, and where point 0 is on it, in millimetres."""
    paper, origin = _paint(board)
    return paper.copy(), origin


@lru_cache(maxsize=8)
def _paint(board: Board) -> tuple[NDArray[np.uint8], Array]:
    page = layout(board)
    paper = np.full((round(page.height * _PIXELS_A_MM), round(page.width * _PIXELS_A_MM)), 255, np.uint8)
    for x, y, width, height in page.rectangles * _PIXELS_A_MM:
        paper[round(y) : round(y + height), round(x) : round(x + width)] = 0
    for x, y, radius in page.circles * _PIXELS_A_MM:
        centre = (round((x - 0.5) * 256), round((y - 0.5) * 256))
        cv2.circle(paper, centre, round(radius * 256), 0, -1, cv2.LINE_AA, 8)
    # Softened to what a sample of the picture covers, or the edges would alias.
    return np.asarray(cv2.GaussianBlur(paper, (0, 0), 1.0), np.uint8), page.origin


@lru_cache(maxsize=1)
def _rays(camera: CameraModel, size: tuple[int, int]) -> Array:
    x, y = np.meshgrid(*((np.arange(side * _SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - 0.5 for side in size))
    return np.nan_to_num(camera.unproject(np.stack([x, y], -1))[0])


def render(
    board: Board, camera: CameraModel, size: tuple[int, int], turn: Array, shift: Array
) -> tuple[NDArray[np.uint8], Array]:
    """A grey picture of the board, and (N, 2) pixels where its points truly are.

    Camera from board: a rotation vector and a translation in metres.
    """
    paper, origin = _paint(board)
    rotation = Rotation.from_rotvec(turn).as_matrix()
    rays = _rays(camera, size) @ rotation
    eye = -rotation.T @ shift
    depth = rays[..., 2]
    distance = -eye[2] / np.where(depth > 1e-9, depth, -1.0)
    plane = (eye + distance[..., None] * rays)[..., :2]
    plane[distance <= 0.0] = -1e3
    entries = ((1e3 * plane + origin) * _PIXELS_A_MM - 0.5).astype(np.float32)
    seen = cv2.remap(
        paper, entries[..., 0], entries[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=180
    )
    blurred = cv2.GaussianBlur(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), (0, 0), 0.6)
    truth, _ = camera.project(board.points @ rotation.T + shift)
    return np.asarray(blurred, np.uint8), truth
