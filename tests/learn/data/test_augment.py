"""Augmentation keeps picture and truth together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import canonical_uv
from engine.learn.data.augment import MAX_ROLL, covered, mirrored, relit, rolled, softened
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


def test_a_covered_joint_is_hidden_and_no_other() -> None:
    side = 64
    pictures = np.full((2, side, side, 3), 7, np.uint8)
    places = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(1, -1, 2) + 0.5) / side
    uv = np.repeat(places, 2, 0).astype(np.float32)
    visible = np.ones(uv.shape[:2], bool)
    hits = 0
    for seed in range(40):
        changed, still = covered(pictures, uv, visible, np.random.default_rng(seed))
        touched = (changed != pictures).any(-1).reshape(2, -1)
        # Grain may happen to have the picture's colour: what is seen to change is hidden, and little more.
        assert not (touched & still).any()
        assert (~still).sum() <= touched.sum() * 1.1
        hits += bool(touched.any())
        again = covered(pictures, uv, visible, np.random.default_rng(seed))
        assert np.array_equal(again[0], changed)
        assert np.array_equal(again[1], still)
    assert 3 <= hits <= 20
    outside = np.full((2, 1, 2), 1.7, np.float32)
    for seed in range(10):
        covered(pictures, outside, visible[:, :1], np.random.default_rng(seed))


def test_softening_loses_detail_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    sharp = np.repeat(rng.integers(60, 190, (1, 32, 32, 1), dtype=np.uint8), 3, -1)
    results = [softened(sharp, np.random.default_rng(seed)) for seed in range(40)]
    changed = [out for out in results if not np.array_equal(out, sharp)]
    assert 5 <= len(changed) <= 25
    for out in changed:
        assert out.shape == sharp.shape
        assert abs(float(out.mean()) - float(sharp.mean())) < 3
        assert 0.3 < np.corrcoef(out.ravel(), sharp.ravel())[0, 1] < 0.999
