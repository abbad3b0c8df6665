"""The kinematic skeleton and its world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.motion.kinematics import (
    BONE_COUNT,
    BONE_NAMES,
    BONE_OF_JOINT,
    BONE_PARENTS,
    IDENTITY,
    BodyMotion,
    KinematicSkeleton,
    forward,
    matrices,
    quaternions,
)
from engine.motion.profile import from_height
from engine.motion.world import CAMERA_HEIGHT_M, CAMERA_TILT, CAMERA_TO_WORLD, to_camera, to_world
from engine.skeleton import JOINTS, MIRROR

SKELETON = from_height(1.75).skeleton()


def bone(name: str) -> int:
    return BONE_NAMES.index(name)


def random_rotations(seed: int) -> np.ndarray:
    return Rotation.random(BONE_COUNT, random_state=np.random.default_rng(seed)).as_quat()


def test_the_world_is_right_handed_with_the_camera_above_its_origin() -> None:
    assert np.linalg.det(CAMERA_TO_WORLD) == pytest.approx(1)
    assert to_world(np.zeros(3)) == pytest.approx([0, CAMERA_HEIGHT_M, 0])
    assert to_world([1.0, 0, 0], 0) == pytest.approx([-1, 0, 0])  # image right is the wearer's right
    axis = to_world([0.0, 0, 1], 0)
    assert axis == pytest.approx([0, -np.cos(CAMERA_TILT), np.sin(CAMERA_TILT)])  # down and a little ahead
    assert to_world([0.0, -1, 0], 0)[2] > 0.9  # the picture's top is ahead


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.floats(0.5, 2.5))
def test_there_and_back(point: list[float], height: float) -> None:
    assert to_camera(to_world(point, height), height) == pytest.approx(point)


def test_parents_come_first_and_every_joint_has_a_bone() -> None:
    assert BONE_PARENTS[0] == -1
    assert all(parent < child for child, parent in enumerate(BONE_PARENTS))
    assert len(set(BONE_OF_JOINT)) == len(JOINTS)
    assert [BONE_NAMES[b] for b in BONE_OF_JOINT[:4]] == ["neck", "right_upper_arm", "right_lower_arm", "right_hand"]


def test_the_rest_pose_is_a_t_pose_that_mirrors_itself() -> None:
    positions, turned = forward(SKELETON, np.zeros(3), IDENTITY)
    assert turned == pytest.approx(np.tile(np.eye(3), (BONE_COUNT, 1, 1)))
    joints = positions[list(BONE_OF_JOINT)]
    assert joints[list(MIRROR)] == pytest.approx(joints * [-1, 1, 1])
    wrist, elbow, shoulder = (joints[JOINTS.index(f"left_{name}")] for name in ("wrist", "elbow", "shoulder"))
    assert wrist[0] > elbow[0] > shoulder[0] > 0  # the left is +x
    assert wrist[1:] == pytest.approx(shoulder[1:])
    foot, ankle = (joints[JOINTS.index(f"left_{name}")] for name in ("foot", "ankle"))
    assert foot[2] > ankle[2]  # toes ahead
    assert SKELETON.tips_m[bone("right_hand"), 0] < 0 < SKELETON.tips_m[bone("left_hand"), 0]
    childless = set(range(BONE_COUNT)) - set(BONE_PARENTS)
    assert set(np.flatnonzero(np.isfinite(SKELETON.tips_m).all(-1))) == childless


@given(st.integers(0, 2**32 - 1))
def test_bones_keep_their_lengths_in_any_pose(seed: int) -> None:
    positions, _ = forward(SKELETON, np.array([0.1, 0.9, 0.2]), random_rotations(seed))
    lengths = np.linalg.norm(positions[1:] - positions[list(BONE_PARENTS[1:])], axis=-1)
    assert lengths == pytest.approx(np.linalg.norm(SKELETON.offsets_m[1:], axis=-1), abs=1e-12)
    trunk = np.linalg.norm(positions[bone("left_upper_leg")] - positions[bone("right_upper_leg")])
    assert trunk == pytest.approx(SKELETON.lengths.hips)


def test_many_poses_at_once_are_each_of_them() -> None:
    many = np.array([[random_rotations(3 * i + j) for j in range(3)] for i in range(2)])
    roots = np.random.default_rng(0).normal(size=(2, 3, 3))
    positions, turned = forward(SKELETON, roots, many)
    for i, j in np.ndindex(2, 3):
        one = forward(SKELETON, roots[i, j], many[i, j])
        assert positions[i, j] == pytest.approx(one[0])
        assert turned[i, j] == pytest.approx(one[1])


def test_matrices_are_scipys() -> None:
    rotations = random_rotations(1)
    assert matrices(rotations) == pytest.approx(Rotation.from_quat(rotations).as_matrix(), abs=1e-15)


@given(st.integers(0, 2**31))
def test_quaternions_are_scipys(seed: int) -> None:
    turns = Rotation.from_quat(random_rotations(seed))
    found = quaternions(turns.as_matrix())
    assert np.abs((found * turns.as_quat()).sum(-1)) == pytest.approx(1)
    assert (found[:, 3] >= 0).all()
    halves = np.array([np.diag(signs) for signs in ([1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1.0, 1, 1])])
    assert np.abs(quaternions(halves)) == pytest.approx(np.eye(4))


def test_a_turned_bone_takes_its_children_along() -> None:
    rotations = IDENTITY.copy()
    rotations[bone("left_upper_arm")] = Rotation.from_euler("z", -90, degrees=True).as_quat()  # the arm hangs
    motion = BodyMotion(0, 0, SKELETON, np.array([0.0, 1.0, 0.0]), rotations, np.zeros(15))
    shoulder, wrist = (motion.joints_m[JOINTS.index(f"left_{name}")] for name in ("shoulder", "wrist"))
    assert wrist - shoulder == pytest.approx([0, -SKELETON.lengths.upper_arm - SKELETON.lengths.lower_arm, 0])
    assert motion.world_rotations[bone("left_hand")] @ [1, 0, 0] == pytest.approx([0, -1, 0])


def test_a_standing_body_has_its_feet_on_the_floor() -> None:
    tall = from_height(1.80)
    assert KinematicSkeleton(tall.lengths).standing_m == pytest.approx(0.53 * 1.80, rel=0.06)  # Drillis and Contini
