"""Errors against cases worked out by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from engine.learn.metrics import (
    STANDARD_BONES_M,
    accelerations,
    align,
    ba_errors_mm,
    ba_mpjpe_mm,
    bone_lengths_m,
    interval,
    joint_errors_mm,
    mpjpe_mm,
    pa_errors_mm,
    pa_mpjpe_mm,
    standardised,
)
from engine.skeleton import PARENTS


def skeletons(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.4, (count, 15, 3))


def test_mpjpe_of_a_case_worked_out_by_hand() -> None:
    truth = np.zeros((1, 2, 3))
    predicted = np.array([[[0.003, 0.004, 0.0], [0.0, 0.0, 0.1]]])
    assert joint_errors_mm(predicted, truth).tolist() == [[pytest.approx(5.0), pytest.approx(100.0)]]
    assert mpjpe_mm(predicted, truth) == pytest.approx(52.5)


def test_joints_without_truth_are_left_out() -> None:
    truth = np.zeros((1, 2, 3))
    truth[0, 1] = np.nan
    assert mpjpe_mm(np.full((1, 2, 3), 0.01), truth) == pytest.approx(np.sqrt(3) * 10)
    assert np.isnan(mpjpe_mm(truth, np.full((1, 2, 3), np.nan)))
    assert np.isnan(pa_mpjpe_mm(truth, truth))


def test_alignment_is_for_frames_that_are_known_whole() -> None:
    truth = skeletons(0)
    truth[1, 3] = np.nan
    errors = pa_errors_mm(skeletons(1), truth)
    assert np.isnan(errors[1]).all()
    assert np.isfinite(errors[[0, 2, 3]]).all()


@given(st.integers(0, 10_000), st.floats(0.2, 5.0))
def test_a_similarity_leaves_no_error(seed: int, scale: float) -> None:
    truth = skeletons(seed)
    turned = scale * Rotation.random(random_state=seed).apply(truth.reshape(-1, 3)).reshape(truth.shape) + 0.7
    assert pa_mpjpe_mm(turned, truth) < 1e-6
    assert ba_mpjpe_mm(turned, truth) < 1e-6


def test_a_mirror_image_is_not_aligned_away() -> None:
    truth = skeletons(1)
    assert pa_mpjpe_mm(truth * [-1, 1, 1], truth) > 50


def test_alignment_of_a_case_worked_out_by_hand() -> None:
    # A cross of arms 1 and 1 against one of arms 1 and 2: no turn, the best scale is (1 + 2) / 2.
    cross = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    errors = pa_errors_mm(cross[None], (cross * [1, 2, 1])[None])
    assert errors.tolist() == [pytest.approx([500, 500, 500, 500])]


@given(st.integers(0, 10_000))
def test_alignment_reaches_scipys_optimum(seed: int) -> None:
    truth, predicted = skeletons(seed, 1), skeletons(seed + 1, 1)
    ours = ((align(predicted, truth) - truth) ** 2).sum()
    spread = ((truth - truth.mean(1, keepdims=True)) ** 2).sum()
    _, _, allowing_reflection = procrustes(truth[0], predicted[0])
    assert ours >= allowing_reflection * spread - 1e-9
    mirrored = ((align(predicted * [-1, 1, 1], truth) - truth) ** 2).sum()
    assert min(ours, mirrored) == pytest.approx(allowing_reflection * spread, rel=1e-6)


@given(st.integers(0, 10_000))
def test_alignment_equals_orthogonal_procrustes_where_that_needs_no_reflection(seed: int) -> None:
    truth = skeletons(seed, 1)
    predicted = truth + np.random.default_rng(seed).normal(0, 0.05, truth.shape)
    p, t = (x[0] - x[0].mean(0) for x in (predicted, truth))
    rotation, total = orthogonal_procrustes(p, t)
    assert np.linalg.det(rotation) > 0
    expected = p @ rotation * (total / (p**2).sum()) + truth[0].mean(0)
    assert np.allclose(align(predicted, truth)[0], expected, atol=1e-9)


def test_the_standard_bones_in_a_case_worked_out_by_hand() -> None:
    # Every bone one metre straight down its chain's axis: lengths add up along the way from the neck.
    joints = np.zeros((1, 15, 3))
    for child in range(1, 15):
        joints[0, child] = joints[0, PARENTS[child]] + [0, 1, 0]
    result = standardised(joints)[0] * 1e3
    assert result[0].tolist() == [0, 0, 0]
    assert result[3] == pytest.approx([0, 146.8 + 220.0 + 144.5, 0])
    assert result[10] == pytest.approx([0, 146.8 + 455.0 + 362.1 + 316.1 + 157.2, 0])
    assert result[14] == pytest.approx([0, 147.7 + 458.4 + 366.2 + 317.8 + 152.8, 0])


@given(st.integers(0, 10_000), st.floats(0.3, 3.0))
def test_ba_asks_for_directions_alone(seed: int, factor: float) -> None:
    truth = skeletons(seed)
    assert np.allclose(bone_lengths_m(standardised(truth)), STANDARD_BONES_M)
    stretched = truth.copy()
    for child in range(1, 15):
        bone = truth[:, child] - truth[:, PARENTS[child]]
        stretched[:, child] = stretched[:, PARENTS[child]] + bone * (factor if child % 2 else 1.0)
    assert ba_mpjpe_mm(stretched, truth) < 1e-6
    expected = pa_errors_mm(standardised(skeletons(seed + 1)), standardised(truth))
    assert np.allclose(ba_errors_mm(skeletons(seed + 1), truth), expected)


def test_a_bone_without_length_gives_a_number() -> None:
    assert np.isfinite(ba_errors_mm(np.zeros((1, 15, 3)), skeletons(0, 1))).all()


@given(st.integers(0, 1000))
def test_constant_acceleration_is_found_however_the_frames_lie_in_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.uniform(0.02, 0.06, 9))
    pull = rng.normal(0, 5, (15, 3))
    joints = 0.5 * pull * time_s[:, None, None] ** 2 + rng.normal(0, 1, (15, 3)) * time_s[:, None, None]
    clip = np.array([0] * 5 + [1] * 4)
    found = accelerations(joints, time_s, clip)
    known = [1, 2, 3, 6, 7]
    assert np.allclose(found[known], pull, rtol=1e-6, atol=1e-6)
    assert np.isnan(found[[0, 4, 5, 8]]).all()
    assert np.isnan(accelerations(joints[:2], time_s[:2], clip[:2])).all()


def test_the_interval_covers_what_it_says() -> None:
    # Means of 40 clips of unit normals: 95 % of the intervals hold the true mean, give or take sampling.
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        sums = rng.normal(3, 1, 40)
        low, high = interval(sums, np.ones(40), draws=400, seed=trial)
        hits += low <= 3 <= high
    assert 175 <= hits <= 198
    assert np.isnan(interval(np.array([1.0, 0.0]), np.array([1.0, 0.0]))[0])
    assert interval(np.array([4.0, 8.0, 2.0]), np.array([2.0, 4.0, 1.0])) == (2.0, 2.0)
