"""Errors against cases worked out by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from engine.learn.metrics import align, joint_errors_mm, mpjpe_mm, pa_mpjpe_mm


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


@given(st.integers(0, 10_000), st.floats(0.2, 5.0))
def test_a_similarity_leaves_no_error(seed: int, scale: float) -> None:
    truth = skeletons(seed)
    turned = scale * Rotation.random(random_state=seed).apply(truth.reshape(-1, 3)).reshape(truth.shape) + 0.7
    assert pa_mpjpe_mm(turned, truth) < 1e-6


def test_a_mirror_image_is_not_aligned_away() -> None:
    truth = skeletons(1)
    assert pa_mpjpe_mm(truth * [-1, 1, 1], truth) > 50


@given(st.integers(0, 10_000))
def test_alignment_reaches_scipys_optimum(seed: int) -> None:
    truth, predicted = skeletons(seed, 1), skeletons(seed + 1, 1)
    ours = ((align(predicted, truth) - truth) ** 2).sum()
    spread = ((truth - truth.mean(1, keepdims=True)) ** 2).sum()
    _, _, allowing_reflection = procrustes(truth[0], predicted[0])
    assert ours >= allowing_reflection * spread - 1e-9
    mirrored = ((align(predicted * [-1, 1, 1], truth) - truth) ** 2).sum()
    assert min(ours, mirrored) == pytest.approx(allowing_reflection * spread, rel=1e-6)
