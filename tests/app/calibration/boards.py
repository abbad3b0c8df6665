"""Pictures of a board before a known fisheye, and a camera that is shown them."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from app.calibration.guidance import facing
from calib.cv import cv2
from calib.models.kannala_brandt import KannalaBrandt
from calib.targets.board import parse_board
from engine.capture.source import Source, SourceInfo
from engine.types import Frame
from tests.calib.rendering import render

BOARD_TEXT = "7x5:30mm"
BOARD = parse_board(BOARD_TEXT)
SIZE = (640, 480)
LENS = KannalaBrandt([185.0, 185.4, 321.0, 238.0, -0.02, 0.005, -0.003, 0.0005])
_PLACES = ((0, 0), (28, 0), (30, 60), (30, 120), (28, 180), (30, 240), (30, 300), (50, 30), (50, 170), (12, 90))


def pose(degrees: float, around: float, turn: tuple[float, float, float], far: float) -> tuple[np.ndarray, np.ndarray]:
    """Camera from board: (3, 3) and (3,)."""
    theta, phi = np.radians([degrees, around])
    rotation = facing(theta, phi) @ Rotation.from_rotvec(turn).as_matrix()
    middle = far * np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    return rotation, middle - rotation @ BOARD.points.mean(0)


@cache
def pictures() -> tuple[np.ndarray, ...]:
    """Ten (480, 640, 3) views that differ."""
    rng = np.random.default_rng(4)
    made = []
    for degrees, around in _PLACES:
        turn = tuple(rng.uniform(-0.5, 0.5, 3))
        rotation, shift = pose(degrees, around, turn, 0.3)
        grey, _ = render(BOARD, LENS, SIZE, Rotation.from_matrix(rotation).as_rotvec(), shift)
        noisy = np.clip(grey + rng.normal(0.0, 1.5, grey.shape), 0, 255).astype(np.uint8)
        made.append(cv2.cvtColor(noisy, cv2.COLOR_GRAY2BGR))
    return tuple(made)


def folder(path: Path, count: int = 10) -> Path:
    """The pictures in a folder."""
    path.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures()[:count]):
        cv2.imwrite(str(path / f"{number:02d}.png"), picture)
    return path


class HeldBoard(Source):
    """A live camera before which the board is held in one place after the other; then it stays at the last, or is
    unplugged."""

    def __init__(self, held: int = 6, places: int = 10, unplugged: bool = False) -> None:
        self._held, self._places, self._unplugged = held, places, unplugged
        self._next = 0
        self._closed = threading.Event()

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("Held board", "camera:held", SIZE, 10.0, "", live=True, seekable=False)

    def open(self) -> None:
        self._next = 0

    def read(self) -> Frame | None:
        from engine.errors import EgoposeError  # noqa: PLC0415

        # Slow enough that none is lost between two threads, which would make the board look as if it had moved.
        if self._closed.wait(0.03):
            return None
        place = self._next // self._held
        if place >= self._places:
            if self._unplugged:
                raise EgoposeError("Camera held gives no more pictures: plug it in again.")
            place = self._places - 1
        seq, self._next = self._next, self._next + 1
        return Frame(pictures()[place], seq, 100_000_000 * (seq + 1), "camera:held")

    def close(self) -> None:
        self._closed.set()
