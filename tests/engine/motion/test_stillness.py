"""Stillness is the body's own: what the head does tells nothing of it, what trunk and legs do is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.motion.stillness import Movement, laid_over, movement, often_seen, unseen
from engine.skeleton import JOINT_COUNT, JOINTS
from tests.engine.motion.bodies import standing

SURE = np.ones(JOINT_COUNT)
ARMS = [i for i, name in enumerate(JOINTS) if name.endswith(("elbow", "wrist"))]
LEGS = [i for i, name in enumerate(JOINTS) if name.endswith(("knee", "ankle", "foot"))]


def poses(count: int = 31) -> np.ndarray:
    return np.repeat(np.asarray(standing()).reshape(1, JOINT_COUNT, 3), count, 0)


@given(st.integers(0, 1000), st.floats(0.0, 3.0))
def test_turning_and_shifting_the_camera_is_no_movement(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    joints = poses()
    turns = Rotation.from_rotvec(rng.normal(0, size, (31, 3))).as_matrix()
    seen = np.einsum("nij,nkj->nki", turns, joints) + rng.normal(0, size, (31, 1, 3))
    seen[:, ARMS] += rng.normal(0, 0.3, (31, len(ARMS), 3))
    assert movement(seen, np.ones((31, JOINT_COUNT))).most_m < 1e-9
    placed = laid_over(seen[:, LEGS])
    np.testing.assert_allclose(placed, np.repeat(placed[:1], 31, 0), atol=1e-9)


@given(st.floats(0.01, 0.3), st.sampled_from(["legs", "trunk"]))
def test_what_moves_is_told_apart(swing: float, part: str) -> None:
    joints = poses(60)
    if part == "legs":  # a step on the spot: one leg, then the other
        for side, sign in (("left", 1.0), ("right", -1.0)):
            moved = [JOINTS.index(f"{side}_{name}") for name in ("knee", "ankle", "foot")]
            joints[:, moved, 1] += swing * np.maximum(0, sign * np.sin(np.arange(60) / 3))[:, None]
    else:
        joints[:, [0, 1, 4]] += swing * np.sin(np.arange(60) / 3)[:, None, None]
    found = movement(joints, np.ones((60, JOINT_COUNT)))
    assert (found.legs_m > found.trunk_m) is (part == "legs")
    assert found.most_m > 0.1 * swing
    joints[:5] += np.random.default_rng(0).normal(0, 9.0, (5, JOINT_COUNT, 3))  # a few bad poses tell nothing
    assert movement(joints, np.ones((60, JOINT_COUNT))).most_m < 2 * swing


def test_a_joint_that_is_seldom_seen_does_not_count() -> None:
    joints, confidence = poses(), np.ones((31, JOINT_COUNT))
    foot = JOINTS.index("left_foot")
    joints[:, foot] = np.random.default_rng(0).normal(0, 1, (31, 3))
    assert movement(joints, confidence).legs_m > 0.1
    confidence[:16, foot] = 0.01
    assert not often_seen(confidence)[foot]
    assert movement(joints, confidence).most_m < 1e-9
    assert movement(joints, np.zeros((31, JOINT_COUNT))) == Movement(0.0, 0.0), "nobody to be seen does not move"


def test_one_side_is_enough_but_for_the_hips() -> None:
    confidence = np.repeat(SURE[None], 3, 0)
    for name in ("left_elbow", "right_foot"):
        confidence[:, JOINTS.index(name)] = 0.0
    assert unseen(confidence) == ()
    for name in ("left_hip", "left_foot"):
        confidence[1:, JOINTS.index(name)] = 0.0
    assert unseen(confidence) == ("hip", "foot")


@pytest.mark.parametrize("count", [1, 2])
def test_few_poses_are_still(count: int) -> None:
    assert movement(poses(count), np.ones((count, JOINT_COUNT))).most_m < 1e-12
