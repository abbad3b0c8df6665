"""When a view is taken, and where the board is wanted next. Without Qt and without threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.coverage import RING, Cell, assumed_lens, border_line, cover, direction
from app.calibration.guidance import Tilt, facing, least_used_tilt, suggest, tilt_of
from app.calibration.views import NEW_SHARE, Stillness, Taken, is_new, moved, spread_out
from calib.targets.detect import Detection
from tests.app.calibration.boards import BOARD, LENS, SIZE, pose

MS = 1_000_000
DIAGONAL = float(np.hypot(*SIZE))


def seen(degrees: float, around: float, turn: tuple[float, float, float] = (0, 0, 0), far: float = 0.35) -> Detection:
    rotation, shift = pose(degrees, around, turn, far)
    pixels, valid = LENS.project(BOARD.points @ rotation.T + shift)
    assert valid.all()
    return Detection(np.arange(len(BOARD.points)), pixels)


def shifted(detection: Detection, x: float) -> Detection:
    return Detection(detection.ids, detection.pixels + np.array([x, 0.0]))


def test_still_is_less_than_a_pixel_for_a_third_of_a_second() -> None:
    stillness, board = Stillness(BOARD), seen(0, 0)
    assert stillness.share(board, 1000 * MS) == 0.0
    assert stillness.share(shifted(board, 0.5), 1100 * MS) == pytest.approx(1 / 3)
    assert stillness.share(board, 1200 * MS) == pytest.approx(2 / 3)
    assert stillness.share(board, 1300 * MS) == 1.0
    assert stillness.share(shifted(board, 1.5), 1400 * MS) == 0.0
    assert stillness.share(shifted(board, 1.5), 1500 * MS) == pytest.approx(1 / 3)
    assert stillness.share(None, 1600 * MS) == 0.0
    assert stillness.share(board, 1700 * MS) == 0.0


def test_a_gap_in_time_is_no_stillness() -> None:
    stillness, board = Stillness(BOARD), seen(0, 0)
    stillness.share(board, 0)
    assert stillness.share(board, 5000 * MS) == 0.0
    assert stillness.share(board, 4000 * MS) == 0.0


def test_a_new_view_differs_from_all_that_were_taken() -> None:
    board = seen(0, 0)
    assert is_new(BOARD, board, [], SIZE)
    far = NEW_SHARE * DIAGONAL
    assert not is_new(BOARD, shifted(board, 0.9 * far), [board], SIZE)
    assert is_new(BOARD, shifted(board, 1.1 * far), [board], SIZE)
    assert not is_new(BOARD, shifted(board, 1.1 * far), [board, shifted(board, 1.5 * far)], SIZE)


def test_a_chessboard_found_from_its_other_end_has_not_moved() -> None:
    board = seen(20, 40)
    assert moved(BOARD, board, Detection(board.ids, board.pixels[::-1])) == 0.0


def test_boards_that_share_few_points_are_different() -> None:
    board = seen(0, 0)
    some, others = Detection(board.ids[:10], board.pixels[:10]), Detection(board.ids[8:20], board.pixels[8:20])
    assert moved(BOARD, some, others) == float("inf")


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12), st.integers(1, 6), st.floats(0, 50))
def test_the_views_that_are_kept_differ(places: list[float], most: int, least: float) -> None:
    board = seen(0, 0)
    views = [shifted(board, x) for x in places]
    chosen = spread_out(BOARD, views, most, least)
    assert 1 <= len(chosen) <= most
    assert chosen == sorted(set(chosen))
    for i in chosen:
        for j in chosen:
            if i != j:
                assert abs(places[i] - places[j]) >= least - 1e-9


def test_points_are_counted_where_they_are() -> None:
    pixels, _ = LENS.project(np.array([[0.0, 0.0, 1.0], direction(0.6 * RING * 3, 0.0), direction(2.5 * RING, np.pi)]))
    coverage = cover(LENS, SIZE, pixels)
    counted = {coverage.cells[i] for i in np.flatnonzero(coverage.counts)}
    assert counted == {Cell(0, 0), Cell(1, 0), Cell(2, 4)}
    assert coverage.counts.sum() == 3


def test_guidance_picks_the_sector_that_is_not_covered() -> None:
    taken = [Taken(str(i), seen(24, around)) for i, around in enumerate((0, 45, 90, 135, 225, 270, 315))]
    taken.append(Taken("middle", seen(0, 0)))
    pixels = np.concatenate([one.detection.pixels for one in taken])
    coverage = cover(LENS, SIZE, pixels)
    wanted = suggest(BOARD, LENS, SIZE, coverage, taken)
    assert wanted is not None
    index = coverage.cells.index(wanted.cell)
    assert coverage.counts[index] == 0
    nearer = [i for i, cell in enumerate(coverage.cells) if cell.ring < wanted.cell.ring and coverage.reachable[i]]
    assert (coverage.counts[nearer] > 0).all()
    if wanted.cell.ring <= 2:
        assert wanted.cell.sector == 4
        assert "left of the picture" in wanted.text
    other = suggest(BOARD, LENS, SIZE, coverage, taken, [wanted.cell])
    assert other is not None
    assert other.cell != wanted.cell


def test_guidance_picks_what_is_least_sure_once_all_is_covered() -> None:
    grid = np.stack(np.meshgrid(np.arange(0.0, 640.0, 4.0), np.arange(0.0, 480.0, 4.0)), -1).reshape(-1, 2)
    sigma = np.full((24, 32), 0.1)
    sigma[:, :6] = 3.0
    coverage = cover(LENS, SIZE, grid, sigma)
    wanted = suggest(BOARD, LENS, SIZE, coverage, [])
    assert wanted is not None
    assert wanted.cell.sector == 4


def test_the_dark_rim_of_the_picture_is_not_asked_for() -> None:
    lit = np.zeros((36, 48), bool)
    lit[12:24, 18:30] = True
    coverage = cover(LENS, SIZE, np.empty((0, 2)), lit=lit)
    reached = [coverage.cells[i].ring for i in np.flatnonzero(coverage.reachable)]
    assert max(reached) <= 2
    nothing = cover(LENS, SIZE, np.empty((0, 2)), lit=np.zeros((36, 48), bool))
    assert suggest(BOARD, LENS, SIZE, nothing, []) is None


@pytest.mark.parametrize("around", [0, 100, 250])
@pytest.mark.parametrize(
    ("turn", "tilt"),
    [((0.5, 0, 0), Tilt.BOTTOM_AWAY), ((-0.5, 0, 0), Tilt.TOP_AWAY), ((0, 0.5, 0), Tilt.LEFT_AWAY),
     ((0, -0.5, 0), Tilt.RIGHT_AWAY), ((0, 0, 0.5), Tilt.FLAT)],
)  # fmt: skip
def test_tilts_are_told_apart(around: float, turn: tuple[float, float, float], tilt: Tilt) -> None:
    rotation, shift = pose(30, around, turn, 0.4)
    assert tilt_of(rotation, shift + rotation @ BOARD.points.mean(0)) is tilt


def test_bottom_away_means_that_the_bottom_is_farther() -> None:
    rotation, shift = pose(0, 0, (0.5, 0, 0), 0.4)
    in_camera = BOARD.points @ rotation.T + shift
    assert in_camera[-1, 2] > in_camera[0, 2]


def test_the_tilt_used_least_is_wanted() -> None:
    turns = {tilt: turn for turn, tilt in (((0.5, 0, 0), Tilt.BOTTOM_AWAY), ((0, 0.5, 0), Tilt.LEFT_AWAY),
                                           ((0, -0.5, 0), Tilt.RIGHT_AWAY), ((0, 0, 0), Tilt.FLAT))}  # fmt: skip
    taken = [Taken(tilt, seen(0, 0, turn)) for tilt, turn in turns.items()]
    assert least_used_tilt(BOARD, LENS, taken) is Tilt.TOP_AWAY


def test_the_ghost_lies_in_the_picture_and_in_its_direction() -> None:
    lens = assumed_lens(SIZE)
    wanted = suggest(BOARD, lens, SIZE, cover(lens, SIZE, np.empty((0, 2))), [])
    assert wanted is not None
    assert wanted.cell == Cell(0, 0)
    border = wanted.outlines[0]
    assert ((border >= 0) & (border < SIZE)).all()
    np.testing.assert_allclose(border.mean(0), lens.project(np.array([0.0, 0.0, 1.0]))[0], atol=40)
    assert len(wanted.outlines) == 1 + BOARD.columns + BOARD.rows


def test_facing_is_a_rotation_towards_the_board() -> None:
    rotation = facing(0.7, 2.0)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation[:, 2], direction(0.7, 2.0), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_the_border_of_what_is_trusted() -> None:
    rays, _ = LENS.unproject(border_line(LENS, 0.8))
    np.testing.assert_allclose(np.arccos(rays[:, 2]), 0.8, atol=1e-9)
