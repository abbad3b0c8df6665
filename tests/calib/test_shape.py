"""Targets whose points are not where they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.benchmark.recovery import projection_error
from calib.benchmark.synthetic import MadeCamera
from calib.calibrate import calibrate_views
from calib.models.base import Array
from calib.solve.adjust import Options, linearise
from calib.solve.fit import Fit, bend, fit, release, unsure_of_shape
from calib.solve.heldout import fold_shapes, held_out_rms
from calib.solve.problem import Problem, Shape, View
from tests.calib.test_solve import BOARD, LENS, SIZE, chessboard, views_of

PLACES = BOARD.points - BOARD.points.mean(0)
OFF = np.random.default_rng(8).standard_normal(PLACES.shape) * [1e-4, 1e-4, 4e-4]
OPTIONS = Options()


def uneven_views(count: int = 20, seed: int = 0) -> list[View]:
    """Views of a board whose points are off by `OFF`, measured as if they were not."""
    clean = views_of(LENS, count, seed=seed)
    poses = fit(clean, SIZE, cull=False).solution.unknowns.poses
    rng = np.random.default_rng(seed)
    views = []
    for view, rotation, shift in zip(clean, poses.rotations, poses.translations, strict=True):
        pixels, _ = LENS.project((PLACES + OFF) @ rotation.T + shift)
        views.append(View(view.points, pixels + 0.05 * rng.standard_normal(pixels.shape), view.name))
    return views


@pytest.fixture(scope="module")
def even() -> Fit:
    return fit(uneven_views(), SIZE)


@pytest.fixture(scope="module")
def uneven(even: Fit) -> Fit:
    return release(even, warp=False)


def without_motion(offsets: Array) -> Array:
    """What no motion and no change of size of the target explains."""
    moves = [np.cross(axis, PLACES) for axis in np.eye(3)] + [np.tile(axis, (len(PLACES), 1)) for axis in np.eye(3)]
    basis = np.stack([move.ravel() for move in (*moves, PLACES)], -1)
    flat = offsets.ravel()
    return (flat - basis @ np.linalg.lstsq(basis, flat, rcond=None)[0]).reshape(-1, 3)


def test_the_shape_is_found_and_the_lens_gains(even: Fit, uneven: Fit) -> None:
    shape = uneven.solution.unknowns.shape
    assert shape is not None
    found, made = without_motion(shape.on(PLACES)), without_motion(OFF)
    assert np.abs(found - made).max() < 2e-4
    assert np.corrcoef(found.ravel(), made.ravel())[0, 1] > 0.98
    np.testing.assert_allclose(shape.spread, [1e-4, 1e-4, 4e-4], rtol=0.3)
    assert uneven.sigma == pytest.approx(0.05, rel=0.1)
    assert len(PLACES) * 3 - 40 < shape.freedom < len(PLACES) * 3

    truth = MadeCamera(LENS, SIZE, 1.3)
    assert projection_error(truth, uneven.model) < 0.6 * projection_error(truth, even.model)


def test_views_that_were_left_out_tell_that_the_board_is_uneven(even: Fit) -> None:
    shapes = fold_shapes(even, OPTIONS)
    assert len(shapes) == 5
    assert held_out_rms(even, OPTIONS, shapes) < 0.3 * held_out_rms(even, OPTIONS)
    result = calibrate_views(uneven_views(), SIZE, kinds=("kannala_brandt",))
    assert result.shape is not None
    assert result.held_out < 0.12


def test_an_even_board_stays_even() -> None:
    views = views_of(LENS, 14, noise=0.2)
    shape = release(fit(views, SIZE), warp=False).solution.unknowns.shape
    assert shape is not None
    assert np.abs(shape.offsets).max() < 5e-5
    assert calibrate_views(views, SIZE, kinds=("kannala_brandt",)).shape is None


def test_two_real_cameras_find_the_same_board() -> None:
    found = [release(bend(fit(views, SIZE), views), warp=True) for views in (chessboard("left"), chessboard("right"))]
    left, right = (one.solution.unknowns for one in found)
    assert left.shape is not None
    assert right.shape is not None
    for axis, least in enumerate((0.6, 0.6, 0.9)):
        assert np.corrcoef(left.shape.offsets[:, axis], right.shape.offsets[:, axis])[0, 1] > least
    np.testing.assert_allclose(left.warp, right.warp, atol=4e-3 * 0.025)
    for one in found:
        assert one.solution.rms < 0.125


def test_the_covariance_knows_that_the_shape_is_not_known(uneven: Fit) -> None:
    few = uneven.problem.chosen(range(4))
    poses = uneven.solution.unknowns.poses.chosen([0, 1, 2, 3])
    unknowns = replace(uneven.solution.unknowns, poses=poses)
    linear = linearise(few, unknowns, OPTIONS)
    assert linear is not None
    solution = replace(uneven.solution, unknowns=unknowns, residuals=linear.residuals)
    small = replace(uneven, problem=few, solution=solution)
    told = unsure_of_shape(small, warp=False).solution.information
    # Everything in one matrix: lens, poses, and every point.
    shared, count = linear.derivatives.shape[2] - 6, len(few.distinct)
    whole = np.zeros((len(few.points), 2, shared + 24 + 3 * count))
    by_point = unknowns.model.project_with_jacobians(few.in_camera(unknowns)[0])[1] @ poses.rotations[few.owner]
    for i, (view, point) in enumerate(zip(few.owner, few.which, strict=True)):
        whole[i, :, :shared] = linear.derivatives[i, :, :shared]
        whole[i, :, shared + 6 * view : shared + 6 * view + 6] = linear.derivatives[i, :, shared:]
        whole[i, :, shared + 24 + 3 * point : shared + 27 + 3 * point] = by_point[i]
    rows = whole.reshape(-1, whole.shape[2])
    normal = rows.T @ rows
    assert unknowns.shape is not None
    free = 24 + shared + unknowns.shape.freedom
    noise = (linear.residuals**2).sum() / max(linear.residuals.size - free, 1.0)
    prior = np.concatenate([np.zeros(shared + 24), np.tile(noise / unknowns.shape.spread**2, count)])
    covariance = np.linalg.pinv(normal + np.diag(prior), rcond=1e-15, hermitian=True)[:shared, :shared]
    np.testing.assert_allclose(np.diag(np.linalg.inv(told)), np.diag(covariance), rtol=1e-3)


def test_a_shape_speaks_of_its_own_places_alone() -> None:
    shape = Shape(PLACES, OFF, np.ones(3), 1.0)
    others = np.concatenate([PLACES[[5, 2]], [[9.0, 9.0, 9.0]]])
    np.testing.assert_array_equal(shape.on(others), np.concatenate([OFF[[5, 2]], np.zeros((1, 3))]))
    minus = Problem((View(-0.0 * PLACES[:8] + PLACES[:8], np.zeros((8, 2))),))
    assert minus.which.tolist() == np.argsort(np.lexsort(PLACES[:8].T[::-1])).tolist()
