"""Augmentation keeps picture and truth together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import canonical_uv
from engine.learn.data.augment import MAX_ROLL, mirrored, relit, rolled
from tests.learn.data.making import SIDE, centroid, shard_arrays

DATA = shard_arrays(4)
TRUTH = DATA["joints_m"], DATA["uv"]


@pytest.mark.parametrize("angle", [-0.2, 0.0, 0.15])
def test_a_rolled_picture_shows_the_joint_where_the_truth_says(angle: float) -> None:
    pictures, joints, uv = rolled(DATA["image"], *TRUTH, angle)
    for picture, where in zip(pictures, uv, strict=True):
        assert np.abs(centroid(picture) - where[3]).max() < 0.5 / SIDE
    assert np.allclose(uv, canonical_uv(joints.astype(np.float64))[0], atol=2e-6)


def test_a_mirrored_picture_shows_the_other_hand() -> None:
    pictures, joints, uv, visible = mirrored(DATA["image"], *TRUTH, DATA["visible"])
    for picture, where in zip(pictures, uv, strict=True):
        assert np.abs(centroid(picture) - where[6]).max() < 0.5 / SIDE
    assert np.array_equal(visible[:, 6], DATA["visible"][:, 3])
    twice = mirrored(pictures, joints, uv, visible)
    assert np.array_equal(twice[0], DATA["image"])
    assert np.allclose(twice[1], DATA["joints_m"])


@given(st.floats(-MAX_ROLL, MAX_ROLL), st.floats(-MAX_ROLL, MAX_ROLL))
def test_rolls_add_up(a: float, b: float) -> None:
    pictures = DATA["image"][:, :8, :8]
    _, joints, uv = rolled(pictures, *rolled(pictures, *TRUTH, a)[1:], b)
    _, at_once, uv_at_once = rolled(pictures, *TRUTH, a + b)
    assert np.allclose(joints, at_once, atol=1e-6)
    assert np.allclose(uv, uv_at_once, atol=1e-6)


def test_light_is_the_same_for_a_whole_window_and_repeats() -> None:
    grey = np.full((2, 8, 8, 3), 120, np.uint8)
    seen = {seed: relit(grey, np.random.default_rng(seed)) for seed in range(30)}
    means = np.array([changed.mean((1, 2)) for changed in seen.values()])
    assert np.abs(means[:, 0] - means[:, 1]).max() < 4
    assert means.std() > 10
    assert np.array_equal(seen[7], relit(grey, np.random.default_rng(7)))
