from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from calib.benchmark import __main__ as command
from calib.benchmark.recovery import find_bends, projection_error, recover_one
from calib.benchmark.rivals import RECIPES, Compared, _planar, _refitted, real_sets
from calib.benchmark.scatter import scatter
from calib.benchmark.synthetic import BOARD, FIELDS, Spoiling, made_camera, made_views
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.fit import fit
from calib.solve.heldout import refit_poses
from calib.solve.problem import Problem
from tests.calib.test_solve import DATA, SIZE, views_of

FISHEYE = ("kannala_brandt",)


def test_made_cameras_are_recovered() -> None:
    errors = np.array([recover_one(7, number, 16, FISHEYE).error for number in range(12)])
    assert errors.max() < 3.0
    assert np.median(errors) < 0.25


def test_a_made_camera_is_its_own_for_every_number() -> None:
    cameras = [made_camera(np.random.default_rng([0, number])) for number in range(20)]
    assert len({camera.model.kind for camera in cameras}) >= 3
    for camera in cameras:
        assert FIELDS[0] <= np.degrees(2.0 * camera.half_field) <= FIELDS[1]
        pixels, rays = camera.valid_pixels()
        assert len(pixels) > 100
        assert np.arccos(rays[:, 2]).max() <= camera.half_field + 1e-9
        np.testing.assert_allclose(camera.model.project(rays)[0], pixels, atol=1e-6)
    again = made_camera(np.random.default_rng([0, 3]))
    assert again.model.params.tolist() == cameras[3].model.params.tolist()


def test_made_views_are_spoilt_as_told() -> None:
    camera = made_camera(np.random.default_rng(4))
    assert camera.model.kind == "kannala_brandt"
    clean = made_views(camera, 30, np.random.default_rng(2), Spoiling(noise=0.0, outliers=0.0, hidden=0.0))
    assert 0.2 < np.mean([len(view.points) < len(BOARD.points) for view in clean]) < 1.0
    exact = fit(clean, camera.size, camera.model.kind, cull=False)
    assert exact.solution.rms < 1e-4
    noisy = made_views(camera, 30, np.random.default_rng(2), Spoiling(noise=0.3, outliers=0.0))
    assert fit(noisy, camera.size, camera.model.kind).sigma == pytest.approx(0.3, rel=0.1)
    wrong = made_views(camera, 30, np.random.default_rng(2), Spoiling(noise=0.1, outliers=0.03))
    kept = fit(wrong, camera.size, camera.model.kind)
    left_out = sum(rejection.points for rejection in kept.rejections) / sum(len(view.points) for view in wrong)
    assert left_out == pytest.approx(0.03, abs=0.012)


def test_the_error_of_a_camera_is_told_without_its_turn() -> None:
    camera = made_camera(np.random.default_rng(5))
    assert projection_error(camera, camera.model) < 1e-9
    params = camera.model.params.copy()
    params[2] += 10.0
    # Much of a shifted centre is a turn, the rest is not.
    assert 0.1 < projection_error(camera, camera.model.with_params(params)) < 7.0
    assert projection_error(camera, KannalaBrandt([1e4, 1e4, 0.0, 0.0, -9.0, 0.0, 0.0, 0.0])) == np.inf


def test_bends_are_found_and_flat_boards_are_flat() -> None:
    flat, *bent = find_bends(3, 0)
    assert flat.made == (0.0, 0.0)
    assert flat.error < 0.004
    assert max(one.error for one in bent) < 0.004


def test_predicted_scatter_is_the_scatter() -> None:
    one = scatter(0, 0, 60)
    assert one.ratio == pytest.approx(1.0, abs=0.2)
    assert 0.92 < one.coverage < 0.98


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_opencv_is_given_a_fair_chance(name: str) -> None:
    widest = 0.6 if name == "rational" else 1.1
    lens = KannalaBrandt([390.0, 392.0, 631.0, 484.0, -0.03, 0.0, 0.0, 0.0])
    views = views_of(lens, 10, widest=widest)
    matrix = np.array([[380.0, 0.0, 640.0], [0.0, 380.0, 480.0], [0.0, 0.0, 1.0]])
    planar = [view for whole in views for view in _planar(whole, views)]
    assert len(planar) == len(views)
    theirs = RECIPES[name]([one.points for one in planar], [one.pixels for one in planar], SIZE, matrix)
    others = Problem(tuple(views_of(lens, 3, seed=9, widest=widest)))
    near = refit_poses(others, fit(views, SIZE).solution.unknowns).unknowns.poses
    assert np.sqrt(_refitted(theirs, others, near) / len(others.points)) < 0.02


def test_a_cube_is_planes_to_opencv() -> None:
    cube = {real.name: real for real in real_sets(DATA)}["ov_cube"]
    parts = _planar(cube.views[0], cube.views)
    assert 2 <= len(parts) <= 5
    assert sum(len(part.points) for part in parts) == len(cube.views[0].points)
    assert all((part.points[:, 2] == 0.0).all() for part in parts)
    assert Compared("x", 0.3, {"a": np.inf, "b": 0.4}).ratio == pytest.approx(0.75)


def test_the_command_writes_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["benchmark", "--parts", "cameras", "--cameras", "1", "--json", str(out)])
    assert command.main() == 0
    figures = json.loads(out.read_text())["cameras"]
    assert figures["recovered"] == 1.0
    assert figures["all"][0]["error"] == figures["p95_px"] < 1.0
    monkeypatch.setattr(sys, "argv", ["benchmark", "--real", str(tmp_path)])
    with pytest.raises(SystemExit):
        command.main()
