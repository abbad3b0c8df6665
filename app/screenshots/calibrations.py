"""The calibration's pages: a board before a made lens."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from app.calibration.coverage import assumed_lens, cover
from app.calibration.feed import Sighting
from app.calibration.guidance import facing, suggest
from app.calibration.look import Look
from app.calibration.page import CalibrationPage
from app.calibration.views import Taken
from app.screenshots.studio import Studio
from calib.cv import cv2
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.targets.board import Board, parse_board
from calib.targets.detect import detect
from engine.types import Frame, ImageArray

_SIZE = 640, 480
_BOARD = "7x5:30mm"
_LENS = KannalaBrandt([185.0, 185.4, 321.0, 238.0, -0.02, 0.005, -0.003, 0.0005])
_PLACES = ((0, 0), (28, 0), (30, 60), (30, 120), (28, 180), (30, 240), (30, 300), (50, 30), (50, 170), (12, 90))
"""Degrees away from the axis and around it, at which the board is held."""
_FAR_M = 0.3


def setup(studio: Studio) -> None:
    """The choices before the first view."""
    studio.window.calibrate()


def setup_tags(studio: Studio) -> None:
    """Another board, and fields that cannot be."""
    studio.window.calibrate()
    page = _page(studio)
    page.setup.kind.setCurrentIndex(2)
    page.setup.columns.setValue(64)
    page.setup.rows.setValue(64)


def taking(studio: Studio) -> None:
    """Three views of a camera are taken, and the next place is shown."""
    studio.window.calibrate(parse_board(_BOARD))
    page, board = _page(studio), parse_board(_BOARD)
    taken = []
    frame = None
    for number, picture in enumerate(_pictures()[:4]):
        frame = Frame(picture, number, number, "camera:0")
        found = detect(board, picture)
        if found is not None and number < 3:
            taken.append(Taken(f"view-{number:03d}", found))
    assert frame is not None  # just made
    lens = assumed_lens(_SIZE)
    covered = cover(lens, _SIZE, np.concatenate([one.detection.pixels for one in taken]), None, None)
    wanted = suggest(board, lens, _SIZE, covered, taken)
    seen = Sighting(frame, detect(board, frame.image))
    page.stack.setCurrentWidget(page.bench)
    page.bench.show_look(
        Look(frame, seen, 0.6, tuple(taken), None, covered, wanted, wanted.text if wanted is not None else ""), True
    )
    page.bench.show_targets([("camera:0", "for Fisheye 190")])


def solved(studio: Studio) -> None:
    """A folder's pictures, solved: what is covered."""
    _solved(studio)


def uncertainty(studio: Studio) -> None:
    """How sure the lens is where."""
    _solved(studio).bench.tabs.setCurrentIndex(1)


def residuals(studio: Studio) -> None:
    """What is left between the lens and the corners; one view is struck out."""
    page = _solved(studio)
    page.bench.tabs.setCurrentIndex(2)
    assert page.session is not None  # it was begun
    page.session.set_used("03.png", False)
    studio.wait_for(lambda: page.bench.figures.text().startswith("9 "))


def errors(studio: Studio) -> None:
    """The errors in numbers, the picture as a perspective camera would see it."""
    page = _solved(studio)
    page.bench.tabs.setCurrentIndex(3)
    page.bench.flat_box.setChecked(True)


def too_few(studio: Studio) -> None:
    """A folder in which there is no such board."""
    _begin(studio, 1, "9x6:25mm")
    page = _page(studio)
    studio.wait_for(lambda: page.bench.say.text().startswith("0 usable"))


def _page(studio: Studio) -> CalibrationPage:
    page = studio.window.calibration
    assert page is not None  # the scene shows it
    return page


def _solved(studio: Studio) -> CalibrationPage:
    _begin(studio, len(_PLACES), _BOARD)
    page = _page(studio)
    studio.wait_for(page.bench.save_button.isEnabled)
    return page


def _begin(studio: Studio, count: int, board: str) -> None:
    """Go through so many pictures in a folder."""
    folder = tempfile.TemporaryDirectory()
    studio.leave += [studio.window.calibrating.leave, folder.cleanup]
    place = Path(folder.name) / "boards"
    place.mkdir()
    for number, picture in enumerate(_pictures()[:count]):
        cv2.imwrite(str(place / f"{number:02d}.png"), picture)
    studio.window.run()
    studio.window.calibrate(parse_board(board))
    page = _page(studio)
    page.setup.choose_source(str(place))
    page.setup.start.click()


@cache
def _pictures() -> tuple[ImageArray, ...]:
    """(480, 640, 3) BGR, twice as fine before it is made smaller: the board in one place after the other."""
    board, made = parse_board(_BOARD), []
    rng = np.random.default_rng(4)
    axes = ((np.arange(2 * side) + 0.5) / 2 - 0.5 for side in _SIZE)
    rays = np.nan_to_num(_LENS.unproject(np.stack(np.meshgrid(*axes), -1))[0])
    for degrees, around in _PLACES:
        theta, phi = np.radians([degrees, around])
        turn = facing(theta, phi) @ Rotation.from_rotvec(rng.uniform(-0.5, 0.5, 3)).as_matrix()
        middle = _FAR_M * np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
        grey = _seen(board, rays, turn, middle - turn @ board.points.mean(0)) + rng.normal(0, 1.5, rays.shape[:2])
        fine = np.clip(grey, 0, 255).astype(np.uint8)
        small = cv2.resize(fine, _SIZE, interpolation=cv2.INTER_AREA)
        made.append(np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR), np.uint8))
    return tuple(made)


def _seen(board: Board, rays: Array, turn: Array, shift: Array) -> Array:
    """(h, w) grey levels along the rays: a chessboard on white paper before a grey wall."""
    along, eye = rays @ turn, -turn.T @ shift
    depth = along[..., 2]
    distance = -eye[2] / np.where(depth > 1e-9, depth, -1.0)
    square = np.floor((eye + distance[..., None] * along)[..., :2] / board.pitch)
    x, y = square[..., 0], square[..., 1]
    on_paper = (distance > 0) & (np.minimum(x, y) >= -2) & (x <= board.columns) & (y <= board.rows)
    printed = (np.minimum(x, y) >= -1) & (x < board.columns) & (y < board.rows)
    return np.where(on_paper, np.where(printed & ((x + y) % 2 == 0), 25.0, 225.0), 70.0)
