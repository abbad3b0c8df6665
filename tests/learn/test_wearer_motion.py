"""Motion made in code: the solver is exact, what it makes is smooth, finite and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.learn.wearer.activities import ACTIVITIES, made_motion
from engine.learn.wearer.blend import joined, mixed, resampled
from engine.learn.wearer.bvh import axis_rotation
from engine.learn.wearer.courses import at_ease
from engine.learn.wearer.motion import ACTIONS, PART_INDEX, Motion, action_number
from engine.learn.wearer.puppet import (
    FOREARM,
    LEG,
    SHIN,
    THIGH,
    UPPER_ARM,
    Handles,
    shoulder_goal,
    solve,
    torso,
    two_bone,
)

number = st.floats(-1, 1, allow_nan=False)
vector = st.tuples(number, number, number).map(np.array).filter(lambda v: np.linalg.norm(v) > 0.05)


def finish(start: np.ndarray, upper: np.ndarray, lower: np.ndarray, lengths: tuple[float, float]) -> np.ndarray:
    return start + lengths[0] * upper + lengths[1] * lower


@settings(max_examples=200, deadline=None)
@given(vector, vector, st.floats(0.25, 0.99))
def test_two_bones_end_at_the_goal(way: np.ndarray, pole: np.ndarray, share: float) -> None:
    lengths, start = (0.3, 0.25), np.array([0.1, 0.2, 0.3])
    goal = start + way / np.linalg.norm(way) * share * sum(lengths)
    upper, lower, hinge = two_bone(start, goal, pole, lengths)
    np.testing.assert_allclose(finish(start, upper, lower, lengths), goal, atol=1e-9)
    np.testing.assert_allclose([np.linalg.norm(upper), np.linalg.norm(lower)], 1, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(hinge), 1, atol=1e-9)
    square = pole - pole @ way * way / (way @ way)
    if np.linalg.norm(square) > 1e-3:
        np.testing.assert_allclose([hinge @ upper, hinge @ lower], 0, atol=1e-6)
        assert np.dot(upper, square) >= -1e-9  # the joint bends toward the pole


@settings(max_examples=50, deadline=None)
@given(vector, vector, st.floats(1.01, 50))
def test_out_of_reach_the_limb_points_at_the_goal(way: np.ndarray, pole: np.ndarray, share: float) -> None:
    lengths = (0.3, 0.25)
    along = way / np.linalg.norm(way)
    upper, lower, _ = two_bone(np.zeros(3), along * share * sum(lengths), pole, lengths)
    np.testing.assert_allclose(finish(np.zeros(3), upper, lower, lengths), along * sum(lengths), atol=1e-3)


def limbs(handles: Handles, motion: Motion, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Where wrist and ankle of the puppet end up, from the rotations of the finished motion alone."""
    label = ("right", "left")[side]
    body = torso(handles)
    _, shoulder, _ = shoulder_goal(handles, body, side)
    out = np.array([(-1.0, 1.0)[side], 0, 0])
    down = np.array([0, 0, -1.0])

    def part(name: str) -> np.ndarray:
        return motion.rotations[:, PART_INDEX[f"{label}_{name}"]]

    wrist = shoulder + UPPER_ARM * part("upper_arm") @ out + FOREARM * part("forearm") @ out
    ankle = body.hips[:, side] + THIGH * part("thigh") @ down + SHIN * part("shin") @ down
    return wrist, ankle


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("height", [0.5, 1.0, 1.6])
def test_a_reach_arrives(side: int, height: float) -> None:
    rng = np.random.default_rng(3)
    t = np.arange(20) / 30
    h = at_ease(rng, t)
    forward = axis_rotation(2, h.facing) @ np.array([0, -1.0, 0])
    left = axis_rotation(2, h.facing) @ np.array([1.0, 0, 0])
    h.pelvis[:, 2] -= 0.5 * max(0.9 - height, 0)
    h.tilt[:, 0] += 1.6 * max(0.9 - height, 0)
    h.spine[:, 0] += 1.6 * max(0.9 - height, 0)
    h.grasp[:, side] = h.pelvis * [1, 1, 0] + 0.35 * forward + (-0.15, 0.15)[side] * left + [0, 0, height]
    h.pull[:, side] = 1
    motion = solve(h, 1 / 30, np.zeros(20, np.uint8), "reach")
    wrist, ankle = limbs(h, motion, side)
    np.testing.assert_allclose(wrist, h.grasp[:, side], atol=2e-3)
    np.testing.assert_allclose(ankle, h.foot[:, side], atol=2e-3)


@pytest.mark.parametrize("activity", list(ACTIVITIES))
def test_activities_are_sound(activity: str) -> None:
    motion = made_motion(np.random.default_rng(4), 4, activity)
    r = motion.rotations.astype(np.float64)
    np.testing.assert_allclose(r @ r.swapaxes(-1, -2), np.broadcast_to(np.eye(3), r.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(r), 1, atol=1e-5)
    assert np.isfinite(motion.root).all()
    assert set(motion.actions) < set(range(len(ACTIONS)))
    # Nothing jumps: between two frames no part turns by more than a brisk kick does.
    turn = np.einsum("tpij,tpij->tp", r[1:], r[:-1])
    assert np.degrees(np.arccos(np.clip((turn - 1) / 2, -1, 1))).max() < 45
    assert np.abs(np.diff(motion.root * LEG, axis=0)).max() * 30 < 6


@pytest.mark.parametrize("activity", ["walk", "run", "turn", "stand", "reach"])
def test_feet_that_bear_weight_stay_on_the_floor(activity: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        t = np.arange(90) / 30
        handles, _ = ACTIVITIES[activity][0](rng, t)
        height = handles.foot[:, :, 2]
        slide = np.linalg.norm(np.diff(handles.foot[:, :, :2], axis=0), axis=2) * 30
        down = (height < 0.0805)[1:] & (height < 0.0805)[:-1]
        assert height.min() > 0.079
        assert down.any()
        assert slide[down].max() < 0.6


def test_the_same_seed_gives_the_same_motion() -> None:
    a, b, c = (made_motion(np.random.default_rng(seed), 2) for seed in (5, 5, 6))
    np.testing.assert_array_equal(a.rotations, b.rotations)
    np.testing.assert_array_equal(a.root, b.root)
    assert a.name != c.name or not np.array_equal(a.rotations, c.rotations)


def test_turned_motion_turns_about_the_vertical() -> None:
    motion = made_motion(np.random.default_rng(0), 1, "walk")
    turned = motion.turned(np.pi / 2)
    np.testing.assert_allclose(turned.root[:, 0], -motion.root[:, 1], atol=1e-6)
    np.testing.assert_allclose(turned.root[:, 2], motion.root[:, 2], atol=1e-6)
    np.testing.assert_allclose(turned.rotations[:, :, 2], motion.rotations[:, :, 2], atol=1e-6)


def test_joined_motions_go_over_smoothly() -> None:
    rng = np.random.default_rng(1)
    parts = [made_motion(rng, 3, name) for name in ("stand", "wave", "turn")]
    whole = joined(parts, 0.7)
    assert len(whole) == 3 * 90 - 2 * 21
    assert len(whole.actions) == len(whole.rotations) == len(whole.root)
    r = whole.rotations.astype(np.float64)
    np.testing.assert_allclose(np.linalg.det(r), 1, atol=1e-5)
    turn = np.einsum("tpij,tpij->tp", r[1:], r[:-1])
    assert np.degrees(np.arccos(np.clip((turn - 1) / 2, -1, 1))).max() < 45
    assert np.linalg.norm(np.diff(whole.root, axis=0), axis=1).max() < 0.1
    assert [ACTIONS[a] for a in whole.actions[[0, 120, -1]]] == ["stand", "gesture", "turn"]


def test_mixing_half_way_halves_the_angle() -> None:
    a = np.eye(3, dtype=np.float32)[None, None]
    b = axis_rotation(0, np.array([[1.0]])).astype(np.float32)
    half = mixed(a, b, np.array([0.5], np.float32))
    np.testing.assert_allclose(half, axis_rotation(0, np.array([[0.5]])), atol=1e-6)


def test_resampling_keeps_what_it_meets() -> None:
    motion = made_motion(np.random.default_rng(2), 2, "gesture")
    double = resampled(motion, 60)
    assert double.dt_s == pytest.approx(1 / 60)
    np.testing.assert_allclose(double.rotations[::2], motion.rotations, atol=1e-5)
    np.testing.assert_allclose(double.root[1], (motion.root[0] + motion.root[1]) / 2, atol=1e-6)
    assert resampled(motion, 30) is motion


def test_names_of_actions() -> None:
    assert ACTIONS[action_number("walk")] == "walk"
    assert ACTIONS[action_number("climb")] == "other"
    assert ACTIONS[action_number("never heard of")] == "other"
