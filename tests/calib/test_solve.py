from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.registry import MODELS
from calib.models.sphere import DoubleSphere, UnifiedCamera
from calib.models.tangential import Mei, RadialTangential
from calib.solve.adjust import Options, adjust
from calib.solve.fit import Fit, fit, refine
from calib.solve.heldout import choose, held_out_rms, refit_poses
from calib.solve.lens import fit_kind, fit_lens, level, starters
from calib.solve.problem import Poses, Problem, Unknowns, View
from calib.solve.start import first_guess, pose_on_rays
from calib.solve.uncertainty import projection_sigma, sigma_at
from calib.targets.board import parse_board

DATA = Path(__file__).parent / "data"
SIZE = (1280, 960)
BOARD = parse_board("9x7:40mm")
LENS = KannalaBrandt([390.0, 392.0, 631.0, 484.0, -0.03, 0.004, -0.006, 0.001])


def views_of(
    lens: DifferentiableModel,
    count: int = 12,
    noise: float = 0.0,
    seed: int = 0,
    warp: tuple[float, float] = (0.0, 0.0),
    widest: float = 1.35,
) -> list[View]:
    """A board at random places around a lens, all its points seen within `widest` radians of the axis."""
    rng = np.random.default_rng(seed)
    points = BOARD.points - BOARD.points.mean(0)
    unit = points[:, :2] / np.abs(points[:, :2]).max(0)
    bent = points.copy()
    bent[:, 2] += (1.0 - unit**2) @ warp
    views: list[View] = []
    while len(views) < count:
        theta, phi = widest * np.sqrt(rng.random()), 2.0 * np.pi * rng.random()
        ray = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
        # Facing the camera, then tilted and turned.
        facing = Rotation.align_vectors([ray], [[0.0, 0.0, 1.0]])[0]
        turn = facing * Rotation.from_rotvec(rng.uniform(-0.6, 0.6, 3))
        seen = turn.apply(bent) + ray * rng.uniform(0.3, 0.5)
        if np.arctan2(np.hypot(seen[:, 0], seen[:, 1]), seen[:, 2]).max() > widest:
            continue
        pixels, valid = lens.project(seen)
        assert valid.all()
        views.append(View(points, pixels + noise * rng.standard_normal(pixels.shape), f"view {len(views)}"))
    return views


def measured(name: str, part: str) -> tuple[list[View], tuple[int, int]]:
    with np.load(DATA / f"{name}.npz") as data:
        ends = np.cumsum(data[f"{part}_counts"])[:-1]
        pairs = zip(np.split(data[f"{part}_points"], ends), np.split(data[f"{part}_pixels"], ends), strict=True)
        views = [View(points.astype(float), pixels.astype(float), str(i)) for i, (points, pixels) in enumerate(pairs)]
        return views, (int(data["size"][0]), int(data["size"][1]))


def chessboard(side: str) -> list[View]:
    board = parse_board("10x7:25mm")
    with np.load(DATA / "board_10x7.npz") as data:
        return [View(board.points, pixels.astype(float), f"{side} {i + 1}") for i, pixels in enumerate(data[side])]


@pytest.mark.parametrize("flat", [True, False])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_a_pose_on_exact_rays_is_exact_in_any_direction(flat: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1.0, 1.0, (20, 3)) * [1.0, 0.7, 0.0 if flat else 0.5]
    # Any plane, not only z = 0, and at any place.
    points = Rotation.random(random_state=rng).apply(points) + rng.uniform(-3.0, 3.0, 3)
    turn = Rotation.random(random_state=rng).as_matrix()
    shift = -turn @ points.mean(0) + 2.5 * Rotation.random(random_state=rng).apply([0.0, 0.0, 1.0])
    seen = points @ turn.T + shift
    got_turn, got_shift = pose_on_rays(points, seen / np.linalg.norm(seen, axis=1, keepdims=True))
    np.testing.assert_allclose(got_turn, turn, atol=1e-6)
    np.testing.assert_allclose(got_shift, shift, atol=1e-5)


def test_the_first_guess_finds_the_field_of_view() -> None:
    guess = first_guess(Problem(tuple(views_of(LENS))), SIZE)
    assert guess.focal == pytest.approx(390.0, rel=0.2)
    assert len(guess.poses) == 12


LENSES: dict[str, DifferentiableModel] = {
    "kannala_brandt": LENS,
    "ucm": UnifiedCamera([390.0, 392.0, 631.0, 484.0, 0.62]),
    "double_sphere": DoubleSphere([310.0, 312.0, 631.0, 484.0, -0.2, 0.6]),
    "mei": Mei([800.0, 802.0, 631.0, 484.0, 1.05, -0.05, 0.01, 5e-4, -3e-4]),
    "radial_tangential": RadialTangential([600.0, 602.0, 631.0, 484.0, -0.2, 0.05, 5e-4, -3e-4, -0.005]),
}


@pytest.mark.parametrize("kind", sorted(LENSES))
def test_without_noise_the_lens_is_recovered(kind: str) -> None:
    widest = 0.7 if kind == "radial_tangential" else 1.35
    found = fit(views_of(LENSES[kind], widest=widest), SIZE, kind)
    assert found.solution.rms < 1e-5
    np.testing.assert_allclose(found.model.params, LENSES[kind].params, rtol=1e-3, atol=1e-4)
    assert found.widest_angle <= widest
    assert not found.rejections


def test_a_lens_past_the_horizon_is_recovered() -> None:
    lens = KannalaBrandt([280.0, 281.0, 640.0, 480.0, 0.02, -0.003, 0.0005, -0.00005])
    found = fit(views_of(lens, 16, widest=1.85), SIZE)
    assert found.widest_angle > np.radians(97.0)
    np.testing.assert_allclose(found.model.params, lens.params, rtol=1e-4, atol=1e-5)


def test_the_solution_is_scipys() -> None:
    problem = Problem(tuple(views_of(LENS, 4, noise=0.3)))
    guess = first_guess(problem, SIZE)
    start = Unknowns(KannalaBrandt.start(guess.focal, guess.centre), guess.poses)
    ours = adjust(problem, start, Options(robust=1.0))
    count = len(problem.views)
    turns = Rotation.from_matrix(ours.unknowns.poses.rotations).as_rotvec()
    packed = np.concatenate([ours.unknowns.model.params, turns.ravel(), ours.unknowns.poses.translations.ravel()])

    def lengths(x: Array) -> Array:
        rotations = Rotation.from_rotvec(x[8 : 8 + 3 * count].reshape(-1, 3)).as_matrix()
        poses = Poses(rotations, x[8 + 3 * count :].reshape(-1, 3))
        points, _ = problem.in_camera(Unknowns(LENS, poses))
        square = ((KannalaBrandt(x[:8]).project(points)[0] - problem.pixels) ** 2).sum(1)
        return np.asarray(np.sqrt(2.0 * (np.sqrt(1.0 + square) - 1.0)))

    oracle = least_squares(lengths, packed, x_scale=np.maximum(np.abs(packed), 1e-2), xtol=1e-14, ftol=1e-14)
    assert (lengths(packed) ** 2).sum() <= 2.0 * oracle.cost * (1.0 + 1e-6)
    np.testing.assert_allclose(packed[:4], oracle.x[:4], atol=0.02)


FIGURES = {
    ("ov_plane", "kannala_brandt"): (0.4815, 0.4746),
    ("ov_plane", "double_sphere"): (0.4914, 0.4797),
    ("ov_plane", "mei"): (0.4809, 0.4743),
    ("ov_plane", "scaramuzza7"): (0.4865, 0.479),
    ("ov_cube", "kannala_brandt"): (0.263, 0.2935),
    ("ov_cube", "eucm"): (0.2645, 0.2935),
    ("ov_cube", "mei"): (0.2605, 0.294),
    ("ov_cube", "scaramuzza4"): (0.555, 0.6005),
}


@pytest.mark.parametrize(("name", "kind"), sorted(FIGURES))
def test_real_lenses_are_explained_as_well_as_they_can_be(name: str, kind: str) -> None:
    views, size = measured(name, "train")
    found = fit(views, size, kind, cull=False, robust=None)
    train, test = FIGURES[name, kind]
    assert found.solution.rms <= train + 1e-4
    others = Problem(tuple(measured(name, "test")[0]))
    assert refit_poses(others, found.solution.unknowns).rms <= test + 1e-4


@pytest.mark.parametrize(
    ("side", "plain", "warped", "warp"),
    [("left", 0.206, 0.176, (0.025, 0.014)), ("right", 0.218, 0.177, (0.024, 0.019))],
)
def test_a_real_board_is_found_to_be_bent(side: str, plain: float, warped: float, warp: tuple[float, float]) -> None:
    views = chessboard(side)
    assert fit(views, SIZE, cull=False, robust=None).solution.rms <= plain
    bent = fit(views, SIZE, warp=True, cull=False, robust=None)
    assert bent.solution.rms <= warped
    np.testing.assert_allclose(np.array(bent.solution.unknowns.warp) / 0.025, warp, atol=1.5e-3)
    assert held_out_rms(bent, Options(warp=True)) < 1.05 * bent.solution.rms


def test_held_out_error_of_the_real_board() -> None:
    flat = fit(chessboard("left"), SIZE)
    assert held_out_rms(flat, Options()) <= 0.217


def test_a_known_bend_is_measured() -> None:
    found = fit(views_of(LENS, 14, noise=0.05, warp=(0.002, -0.001)), SIZE, warp=True)
    np.testing.assert_allclose(found.solution.unknowns.warp, (0.002, -0.001), atol=1e-4)


def test_outliers_are_left_out_with_reasons() -> None:
    views = views_of(LENS, 12, noise=0.1)
    views[3].pixels[10] += [25.0, -10.0]
    rng = np.random.default_rng(5)
    views[7] = View(views[7].points, rng.uniform(100.0, 800.0, views[7].pixels.shape), "nonsense")
    found = fit(views, SIZE)
    np.testing.assert_allclose(found.model.params[:4], LENS.params[:4], atol=1.0)
    by_view = {rejection.view: rejection for rejection in found.rejections}
    assert by_view["nonsense"].points == 63
    assert "too many of its points" in by_view["nonsense"].reason
    assert by_view["view 3"].points == 1
    assert "robust sigma" in by_view["view 3"].reason
    assert len(found.problem.views) == 11
    assert sum(len(view.points) for view in found.problem.views) >= 11 * 63 - 6


def test_clean_measurements_lose_almost_nothing() -> None:
    found = fit(views_of(LENS, 12, noise=0.2), SIZE)
    assert len(found.problem.points) >= 12 * 63 - 3
    assert found.sigma == pytest.approx(0.2, rel=0.1)
    assert found.view_rms.shape == (12,)
    assert found.view_rms.max() < 0.4


def test_the_model_is_chosen_by_held_out_error() -> None:
    views = views_of(LENSES["ucm"], 12, noise=0.2)
    best, tried = choose(views, SIZE, ("kannala_brandt", "ucm", "double_sphere", "radial_tangential"))
    assert best.kind == "ucm"
    assert {one.kind for one in tried} >= {"kannala_brandt", "ucm", "double_sphere"}
    assert best.held_out == pytest.approx(0.2 * np.sqrt(2.0), rel=0.15)
    bad, _ = choose(views_of(LENS, 12, noise=0.1), SIZE, ("kannala_brandt", "scaramuzza4"))
    assert bad.kind == "kannala_brandt"


def test_covariance_is_the_scatter_of_repeated_calibrations() -> None:
    clean = views_of(LENS, 8)
    problem = Problem(tuple(clean))
    truth = adjust(problem, fit(clean, SIZE, cull=False).solution.unknowns, Options(robust=None))
    rng = np.random.default_rng(1)
    options, fits = Options(robust=None), list[Fit]()
    for _ in range(60):
        noisy = Problem(tuple(View(v.points, v.pixels + 0.2 * rng.standard_normal(v.pixels.shape)) for v in clean))
        fits.append(Fit(noisy, adjust(noisy, truth.unknowns, options), tuple(range(8))))
    scatter = np.std([one.model.params for one in fits], axis=0)
    told = np.sqrt(np.diag(fits[0].covariance))
    np.testing.assert_allclose(scatter / told, 1.0, atol=0.35)
    # The projection's own scatter, a common turn taken out.
    x, y = np.meshgrid(*((np.arange(8) + 0.5) * side / 8 - 0.5 for side in SIZE))
    grid = np.stack([x, y], -1).reshape(-1, 2)
    rays, seen = LENS.unproject(grid)
    inside = seen & (rays[:, 2] >= np.cos(fits[0].widest_angle))
    moved = []
    for one in fits:
        theirs, _ = one.model.unproject(grid[inside])
        turn = Rotation.align_vectors(theirs, rays[inside])[0]
        moved.append(one.model.project(turn.apply(rays[inside]))[0] - grid[inside])
    spread = np.sqrt(np.linalg.eigvalsh(np.einsum("kna,knb->nab", moved, moved) / len(moved))[:, -1])
    told_map = projection_sigma(fits[0], SIZE, 8)
    assert told_map.shape == (6, 8)
    told_at = sigma_at(fits[0], rays[inside])
    assert np.median(spread / told_at) == pytest.approx(1.0, abs=0.25)
    assert np.nanmax(told_map) > 2.0 * np.nanmin(told_map)


@pytest.mark.parametrize("kind", sorted(set(MODELS) - {"mei"}))
def test_lenses_take_each_others_shape(kind: str) -> None:
    theta, phi = np.meshgrid(np.linspace(0.0, 1.0, 12), np.linspace(0.0, 6.0, 12))
    rays = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    lens = fit_kind(kind, LENS, rays)
    assert lens.kind == kind
    assert np.abs(lens.project(rays)[0] - LENS.project(rays)[0]).max() < 1.0


def test_fitting_a_lens_to_its_own_rays_is_exact() -> None:
    truth = LENSES["double_sphere"]
    rays = BOARD.points + np.array([-0.2, -0.1, 0.2])
    found = fit_lens(DoubleSphere.start(390.0, (640.0, 480.0)), rays, truth.project(rays)[0])
    np.testing.assert_allclose(found.project(rays)[0], truth.project(rays)[0], atol=1e-6)


def test_what_cannot_be_calibrated_says_why() -> None:
    views = views_of(LENS, 4)
    with pytest.raises(CalibrationError, match="too few"):
        fit(views[:2], SIZE)
    with pytest.raises(CalibrationError, match="no lens model is named"):
        fit(views, SIZE, "magic")
    with pytest.raises(CalibrationError, match="fewer than 6 points"):
        fit([*views, View(np.zeros((3, 3)), np.zeros((3, 2)), "x")], SIZE)
    with pytest.raises(CalibrationError, match="not finite"):
        fit([*views, View(BOARD.points, np.full((63, 2), np.nan), "x")], SIZE)
    wide = views_of(KannalaBrandt([280.0, 281.0, 640.0, 480.0, 0.02, -0.003, 0.0005, -0.00005]), 16, widest=1.85)
    with pytest.raises(CalibrationError, match="wider view"):
        fit(wide, SIZE, "radial_tangential")
    rng = np.random.default_rng(0)
    scrambled = [View(BOARD.points, rng.uniform(0.0, 900.0, (63, 2)), str(i)) for i in range(5)]
    with pytest.raises(CalibrationError):
        fit(scrambled, SIZE)
    narrow = RadialTangential([300.0, 300.0, 640.0, 480.0, -0.3, 0.0, 0.0, 0.0])
    with pytest.raises(CalibrationError, match="outside"):
        refit_poses(Problem(tuple(views)), Unknowns(narrow, Poses(np.eye(3), np.zeros(3))))


def test_more_views_are_solved_from_the_last_fit() -> None:
    views = views_of(LENS, 16, noise=0.2)
    rng = np.random.default_rng(5)
    first = fit(views[:10], SIZE)
    nonsense = View(BOARD.points, rng.uniform(200.0, 700.0, (63, 2)), "nonsense")
    again, anew = refine(first, [nonsense, *views[4:]]), fit([nonsense, *views[4:]], SIZE)
    assert again.indices == anew.indices == tuple(range(1, 13))
    assert next(rejection.view for rejection in again.rejections) == "nonsense"
    np.testing.assert_allclose(again.model.params, anew.model.params, rtol=1e-4, atol=1e-5)
    bent = fit(views_of(LENS, 10, noise=0.05, warp=(0.002, -0.001)), SIZE, warp=True)
    more = refine(bent, views_of(LENS, 14, noise=0.05, warp=(0.002, -0.001), seed=1))
    np.testing.assert_allclose(more.solution.unknowns.warp, (0.002, -0.001), atol=1e-4)
    with pytest.raises(CalibrationError, match="from the start"):
        refine(first, [View(BOARD.points, np.full((63, 2), 1e4), str(i)) for i in range(3)])


def test_a_lens_that_cannot_win_is_not_held_out() -> None:
    views = views_of(LENS, 10, noise=0.1)
    told = list[tuple[str, float]]()
    best, tried = choose(views, SIZE, ("kannala_brandt", "scaramuzza4"), progress=lambda *step: told.append(step))
    assert best.kind == "kannala_brandt"
    assert np.isnan(tried[1].held_out)
    assert tried[1].fit.solution.rms > 1.1 * best.held_out
    assert [part for _, part in told] == [0.0, 0.5]


def test_levelling_makes_the_worst_better() -> None:
    rays = (BOARD.points + np.array([-0.2, -0.1, 0.15])) @ np.diag([2.0, 2.0, 1.0])
    pixels = LENS.project(rays)[0]
    plain = fit_lens(UnifiedCamera.start(390.0, (640.0, 480.0)), rays, pixels)
    levelled = level(plain, rays, pixels)
    worst, best = (np.linalg.norm(lens.project(rays)[0] - pixels, axis=1).max() for lens in (plain, levelled))
    assert best < 0.9 * worst


def test_every_starter_has_the_focal_length_it_is_given() -> None:
    for name, made in starters().items():
        for start in made:
            _, by_point, _, _ = start(200.0, (3.0, 4.0)).project_with_jacobians(np.array([[0.0, 0.0, 1.0]]))
            np.testing.assert_allclose(by_point[0, :, :2], 200.0 * np.eye(2), atol=1e-9, err_msg=name)
