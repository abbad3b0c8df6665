"""The fit against forward kinematics: what it must return, keep, limit and survive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.motion.fit import ANKLE, COLLAR, Fitter
from engine.motion.geometry import between, halfway, toward, within
from engine.motion.kinematics import BONE_NAMES, BONE_PARENTS, BodyMotion
from engine.skeleton import JOINTS, MIRROR
from tests.engine.motion.bodies import SKELETON, bone, random_joints, reach, standing

SEEDS = st.integers(0, 2**31)


def fitted(points: np.ndarray) -> BodyMotion:
    motion = Fitter(SKELETON).fit(points)
    assert motion is not None
    return motion


def joint(name: str) -> int:
    return JOINTS.index(name)


@given(SEEDS)
@example(6973006)  # a thigh lifted and turned until the knee looks behind the hips
@example(18700)  # an elbow bent so little that it keeps its old axis
@settings(max_examples=200)
def test_points_made_by_forward_kinematics_come_back(seed: int) -> None:
    points = random_joints(seed)
    motion = fitted(points)
    assert motion.joints_m == pytest.approx(points, abs=1e-7)
    assert motion.error_m.max() < 1e-6


@given(SEEDS, st.floats(0, 0.2))
def test_bones_keep_their_lengths_whatever_the_points(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    motion = fitted(random_joints(seed) + rng.normal(0, noise, (15, 3)))
    lengths = np.linalg.norm(motion.positions_m[1:] - motion.positions_m[list(BONE_PARENTS[1:])], axis=-1)
    assert lengths == pytest.approx(np.linalg.norm(SKELETON.offsets_m[1:], axis=-1), abs=1e-9)
    assert np.linalg.norm(motion.rotations, axis=-1) == pytest.approx(1)


@given(SEEDS, st.floats(0, 0.05))
def test_each_joint_takes_the_nearest_place_its_parent_allows(seed: int, noise: float) -> None:
    """The knee and the foot of a leg whose points are off."""
    rng = np.random.default_rng(seed)
    points = random_joints(seed) + rng.normal(0, noise, (15, 3))
    motion = fitted(points)
    hip, knee = (motion.joints_m[joint(f"left_{name}")] for name in ("hip", "knee"))
    away = np.linalg.norm(points[joint("left_knee")] - hip)
    assert np.linalg.norm(knee - points[joint("left_knee")]) == pytest.approx(
        abs(away - SKELETON.lengths.upper_leg), abs=1e-9
    )


@given(SEEDS)
def test_turned_and_moved_points_give_the_turned_and_moved_body(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, shift = random_joints(seed) + rng.normal(0, 0.03, (15, 3)), rng.normal(0, 1, 3)
    whole = Rotation.random(random_state=rng).as_matrix()
    assert fitted(points @ whole.T + shift).joints_m == pytest.approx(fitted(points).joints_m @ whole.T + shift)


@given(SEEDS)
def test_a_mirrored_wearer_gives_the_mirrored_body(seed: int) -> None:
    points = random_joints(seed) + np.random.default_rng(seed).normal(0, 0.03, (15, 3))
    other = points[list(MIRROR)] * [-1, 1, 1]
    there, here = fitted(other), fitted(points)
    assert there.joints_m == pytest.approx(here.joints_m[list(MIRROR)] * [-1, 1, 1], abs=1e-9)
    other_side = {"left": "right", "right": "left"}
    swapped = [bone("_".join(other_side.get(word, word) for word in name.split("_"))) for name in BONE_NAMES]
    flip = np.diag([-1.0, 1.0, 1.0])
    assert there.world_rotations == pytest.approx(flip @ here.world_rotations[swapped] @ flip, abs=1e-6)


def test_backwards_in_time_the_joints_are_the_same() -> None:
    times = np.arange(60) / 30

    def run(order: np.ndarray) -> np.ndarray:
        fitter = Fitter(SKELETON)
        return np.array([motion.joints_m for t in order if (motion := fitter.fit(reach(t)))])

    assert run(times[::-1])[::-1] == pytest.approx(run(times), abs=1e-7)


def test_rest_is_rest() -> None:
    motion = fitted(SKELETON.offsets_m[0] + fitted(standing()).joints_m)
    lower = Rotation.from_quat(motion.rotations[bone("left_lower_arm")])
    assert lower.as_rotvec(degrees=True) == pytest.approx([0, -25, 0], abs=1e-4)
    upper = Rotation.from_quat(motion.rotations[bone("right_upper_arm")])
    assert upper.as_rotvec(degrees=True) == pytest.approx([0, 0, 80], abs=1e-4)
    for name in ("hips", "spine", "chest", "neck", "head", "left_upper_leg", "left_foot", "right_toes"):
        assert motion.rotations[bone(name)] == pytest.approx([0, 0, 0, 1], abs=1e-6)


@pytest.mark.parametrize("degrees", [20, 45, 90])
def test_a_knee_does_not_bend_ahead(degrees: float) -> None:
    points = standing()
    knee, ankle, foot = (joint(f"left_{name}") for name in ("knee", "ankle", "foot"))
    bend = Rotation.from_euler("x", -degrees, degrees=True).as_matrix()
    for j in (ankle, foot):
        points[j] = points[knee] + bend @ (points[j] - points[knee])
    motion = fitted(points)
    shin = motion.joints_m[ankle] - motion.joints_m[knee]
    assert shin[2] / np.linalg.norm(shin) == pytest.approx(np.sin(np.radians(5)), abs=1e-6)  # as far as knees do
    assert motion.error_m[ankle] > 0.05


def test_collar_bones_and_ankles_turn_so_far() -> None:
    points = standing()
    points[joint("left_shoulder")] += [0, 0.5, 0]
    points[joint("left_foot")] = points[joint("left_ankle")] + [0, 0.3, -0.3]
    motion = fitted(points)
    for name, limit in (("left_shoulder", COLLAR), ("left_foot", ANKLE)):
        assert Rotation.from_quat(motion.rotations[bone(name)]).magnitude() == pytest.approx(limit)


@given(SEEDS, st.sets(st.integers(0, 14), max_size=14), st.integers(0, 14))
def test_missing_points_never_spread(seed: int, missing: set[int], kept: int) -> None:
    points = random_joints(seed)
    points[list(missing - {kept})] = np.nan
    for fitter in (Fitter(SKELETON), primed()):
        motion = fitter.fit(points)
        assert motion is not None
        assert np.isfinite(motion.rotations).all()
        assert np.isfinite(motion.root_m).all()
        np.testing.assert_array_equal(np.isnan(motion.error_m), np.isnan(points).any(-1))


def primed() -> Fitter:
    fitter = Fitter(SKELETON)
    fitter.fit(standing())
    return fitter


def test_a_point_at_infinity_is_a_missing_one() -> None:
    points = standing()
    points[joint("left_knee")] = np.inf
    motion = fitted(points)
    assert np.isfinite(motion.joints_m).all()
    assert np.isnan(motion.error_m[joint("left_knee")])


def test_no_point_no_body() -> None:
    assert Fitter(SKELETON).fit(np.full((15, 3), np.nan)) is None
    assert primed().fit(np.full((15, 3), np.nan)) is None


def test_a_missing_hand_stays_where_it_was_on_the_arm() -> None:
    fitter = primed()
    points = standing() + np.array([0.05, 0, 0.1])
    points[joint("left_wrist")] = np.nan
    motion = fitter.fit(points)
    assert motion is not None
    assert motion.joints_m[joint("left_wrist")] == pytest.approx(standing()[joint("left_wrist")] + [0.05, 0, 0.1])


@given(st.integers(0, 10_000))
def test_points_that_coincide_are_survived(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.repeat(rng.normal(0, 1, (4, 3)), 4, axis=0)[:15][rng.permutation(15)]
    motion = fitted(points)
    assert np.isfinite(motion.joints_m).all()
    assert np.isfinite(fitted(np.zeros((15, 3))).joints_m).all()


def test_small_noise_turns_no_bone_far() -> None:
    """2.5 mm, as the filter leaves it, on every point of straight arms and legs: no twist jumps from frame to frame."""
    rng, fitter = np.random.default_rng(0), Fitter(SKELETON)
    points = standing()
    for name in ("left", "right"):
        shoulder, elbow, wrist = (joint(f"{name}_{part}") for part in ("shoulder", "elbow", "wrist"))
        points[wrist] = points[elbow] + (points[elbow] - points[shoulder]) * 0.87  # quite straight
    motions = [fitter.fit(points + rng.normal(0, 0.0025, (15, 3))) for _ in range(100)]
    turned = np.array([motion.world_rotations for motion in motions if motion is not None])
    steps = Rotation.from_matrix((turned[1:] @ np.swapaxes(turned[:-1], -1, -2)).reshape(-1, 3, 3)).magnitude()
    worst = np.degrees(np.percentile(steps.reshape(99, -1), 95, axis=0))
    assert worst.max() < 30, dict(zip(BONE_NAMES, worst.round(), strict=True))


def test_rotations_between_directions() -> None:
    rng = np.random.default_rng(0)
    a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in rng.normal(size=(2, 50, 3)))
    b[0], b[1], b[2] = -a[0], a[1], -a[2] + 1e-12
    found = between(a, b)
    assert (found @ a[..., None])[..., 0] == pytest.approx(b, abs=1e-9)
    assert found @ np.swapaxes(found, -1, -2) == pytest.approx(np.tile(np.eye(3), (50, 1, 1)), abs=1e-9)
    angles = np.arccos((a * b).sum(-1).clip(-1, 1))
    assert Rotation.from_matrix(found).magnitude() == pytest.approx(angles, abs=1e-5)
    near = toward(a[3:], b[3:], 0.3)
    assert np.arccos((near * a[3:]).sum(-1).clip(-1, 1)) == pytest.approx(np.minimum(angles[3:], 0.3), abs=1e-6)


@given(SEEDS)
def test_half_a_rotation_twice_is_the_whole(seed: int) -> None:
    whole = Rotation.random(random_state=np.random.default_rng(seed)).as_matrix()
    assert halfway(whole) @ halfway(whole) == pytest.approx(whole, abs=1e-9)


@given(st.floats(-10, 10))
def test_angles_are_brought_to_the_nearer_end(angle: float) -> None:
    found = float(within(np.array(angle), 0.0, 2.0))
    around = [angle + 2 * np.pi * k for k in range(-3, 4)]
    if any(0 <= a <= 2 for a in around):
        assert np.sin(found - angle) == pytest.approx(0, abs=1e-9)
    else:
        nearest = min((min(abs(a - end) for a in around), end) for end in (0.0, 2.0))
        assert found == pytest.approx(nearest[1])
