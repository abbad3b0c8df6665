from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calib.calibrate import Result, calibrate, calibrate_views
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.formats import load_camera, save_camera
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.problem import View
from calib.targets.board import parse_board
from calib.targets.detect import detect
from tests.calib.rendering import render
from tests.calib.test_solve import DATA, LENS, SIZE, chessboard, views_of

BOARD = parse_board("9x6:25mm")
LENS_SMALL = KannalaBrandt([230.0, 230.5, 402.0, 297.0, -0.02, 0.005, -0.003, 0.0005])
SMALL = (800, 600)
QUICK = ("kannala_brandt", "ucm")


@pytest.fixture(scope="module")
def pictures() -> list[tuple[str, NDArray[np.uint8]]]:
    rng = np.random.default_rng(3)
    made = []
    for x in (-0.22, -0.1, 0.02):
        for y in (-0.16, -0.07, 0.02):
            turn, shift = rng.uniform(-0.4, 0.4, 3), np.array([x, y, rng.uniform(0.17, 0.25)])
            made.append((f"picture {len(made)}", render(BOARD, LENS_SMALL, SMALL, turn, shift)[0]))
    return made


@pytest.fixture(scope="module")
def result(pictures: list[tuple[str, NDArray[np.uint8]]]) -> Result:
    blank = ("blank", np.full((600, 800), 120, np.uint8))
    return calibrate(BOARD, [*pictures, blank], "made", QUICK)


def test_rendered_pictures_give_their_lens_back(result: Result) -> None:
    assert result.rms < 0.15
    assert result.held_out < 0.2
    calibration = result.calibration
    assert (calibration.name, calibration.size, calibration.assumed) == ("made", SMALL, False)
    assert 0.6 < calibration.valid_angle < 1.5
    # Where a calibration may differ is a common turn: distances between projections are compared.
    theta, phi = np.meshgrid(np.linspace(0.05, 0.9 * calibration.valid_angle, 6), np.arange(0.0, 6.0, 0.7))
    rays = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    np.testing.assert_allclose(calibration.model.project(rays)[0], LENS_SMALL.project(rays)[0], atol=1.0)


def test_every_picture_is_accounted_for(result: Result) -> None:
    assert [view.name for view in result.views][-1] == "blank"
    assert result.views[-1].note == "the board was not found"
    assert len(result.views) == 10
    assert len(result.used_views) >= 8
    assert sum(view.points for view in result.views) == len(result.pixels) == len(result.residuals)
    for view in result.views:
        assert np.isfinite(view.rms) == (view.points > 0)
        assert view.points == 54 or view.note


def test_figures_agree_with_each_other(result: Result) -> None:
    assert np.sqrt((result.residuals**2).sum(1).mean()) == pytest.approx(result.rms)
    assert result.coverage.sum() == len(result.pixels)
    assert {tried.kind for tried in result.tried} == set(QUICK)
    assert result.sigma_map.shape == (24, 32)
    assert result.figures["views"] == len(result.used_views)
    assert any("views were used" in line for line in result.advice)


def test_the_camera_can_be_kept(result: Result, tmp_path: Path) -> None:
    save_camera(result.calibration, tmp_path / "camera.json", residuals=result.figures)
    back = load_camera(tmp_path / "camera.json")
    assert back.model.params.tolist() == result.calibration.model.params.tolist()
    assert "calibrated from" in back.provenance


def test_a_real_camera_with_a_bent_board() -> None:
    told: list[tuple[str, float]] = []
    result = calibrate_views(chessboard("left"), SIZE, kinds=QUICK, progress=lambda *step: told.append(step))
    assert result.held_out < 0.14
    np.testing.assert_allclose(np.array(result.warp) / 0.025, (0.025, 0.015), atol=2e-3)
    assert result.shape is not None
    parts = [part for _, part in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert [what for what, _ in told if what.startswith("trying")] == [f"trying the {kind} lens" for kind in QUICK]
    assert not any("views were used" in line for line in result.advice)


def test_a_flat_board_is_not_bent() -> None:
    result = calibrate_views(views_of(LENS, 14, noise=0.2), SIZE, kinds=QUICK)
    assert result.warp == (0.0, 0.0)
    assert result.shape is None


def test_a_real_picture_is_detected_as_before() -> None:
    board = parse_board("10x7:25mm")
    found = detect(board, np.asarray(cv2.imread(str(DATA / "board_10x7.jpg"), cv2.IMREAD_GRAYSCALE), np.uint8))
    assert found is not None
    np.testing.assert_allclose(found.pixels, chessboard("left")[5].pixels, atol=0.1)


def test_boards_held_one_way_are_advised_against() -> None:
    views = []
    for x in np.linspace(-0.25, 0.1, 4):
        for y in np.linspace(-0.2, 0.05, 3):
            pixels, _ = LENS.project(BOARD.points + np.array([x, y, 0.2 + 0.3 * x * x + y * y]))
            views.append(View(BOARD.points, pixels, f"{x} {y}"))
    rng = np.random.default_rng(0)
    noisy = [View(view.points, view.pixels + 0.1 * rng.standard_normal(view.pixels.shape), view.name) for view in views]
    result = calibrate_views(noisy, SIZE, kinds=("kannala_brandt",), may_bend=False)
    assert any("same way" in line for line in result.advice)


def test_what_stops_a_calibration(pictures: list[tuple[str, NDArray[np.uint8]]]) -> None:
    with pytest.raises(CalibrationError, match="no pictures"):
        calibrate(BOARD, [])
    with pytest.raises(CalibrationError, match="found in 0 of 2 pictures"):
        calibrate(BOARD, [(str(i), np.zeros((100, 100), np.uint8)) for i in range(2)])
    with pytest.raises(CalibrationError, match="one resolution"):
        calibrate(BOARD, [pictures[0], ("odd", np.zeros((10, 10), np.uint8))])

    class StopError(Exception):
        pass

    def stop(what: str, part: float) -> None:
        raise StopError(what)

    with pytest.raises(StopError, match="picture 0: board found"):
        calibrate(BOARD, pictures, progress=stop)
