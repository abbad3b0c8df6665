"""Stillness: what moves the body or the camera does not change it, what trembles is still, what walks is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wearer.standing import STAND_S, STILL_M, Hint, Sample, Standing, movement_m, unseen
from engine.skeleton import JOINT_COUNT, JOINTS
from tests.app import fake

SURE = np.ones(JOINT_COUNT, np.float32)
FPS = 30


def stand(standing: Standing, seconds: float, begin_s: float = 0.0, confidence: np.ndarray = SURE) -> None:
    for number in range(round(seconds * FPS) + 1):
        standing.add(Sample(round((begin_s + number / FPS) * 1e9), fake.joints_at(0.0), confidence))


@given(st.floats(0.0, 0.5), st.integers(0, JOINT_COUNT - 1), st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_movement_is_how_far_the_busiest_joint_is_from_its_place(swing: float, joint: int, offset: list[float]) -> None:
    joints = np.repeat(fake.joints_at(0.0)[None], 31, 0) + np.array(offset, np.float32)
    joints[::2, joint, 0] += swing  # 16 of 31: the median is there
    joints[:4, joint, 1] += np.float32(9.0)  # a few bad poses tell nothing
    confidence = np.ones(joints.shape[:2], np.float32)
    quiet = movement_m(joints, confidence)
    assert quiet <= swing + 1e-5
    joints[:, joint, 0] = joints[0, joint, 0] + swing * np.linspace(-1, 1, 31)
    joints[:4, joint, 1] -= np.float32(9.0)
    assert movement_m(joints, confidence) == pytest.approx(swing * 8 / 15, abs=1e-5)
    confidence[:, joint] = 0.0
    assert movement_m(joints, confidence) == 0.0


def test_nobody_to_be_seen_does_not_move() -> None:
    assert movement_m(np.zeros((3, JOINT_COUNT, 3), np.float32), np.zeros((3, JOINT_COUNT), np.float32)) == 0.0


def test_one_side_is_enough_but_for_the_hips() -> None:
    confidence = SURE.copy()
    for name in ("left_elbow", "right_foot"):
        confidence[JOINTS.index(name)] = 0.0
    assert unseen(confidence) == ()
    confidence[JOINTS.index("left_hip")] = confidence[JOINTS.index("left_foot")] = 0.0
    assert unseen(confidence) == ("hip", "foot")


def test_three_seconds_are_enough() -> None:
    standing = Standing()
    stand(standing, STAND_S - 0.1)
    assert standing.hint is Hint.HOLD
    assert standing.share == pytest.approx(1 - 0.1 / STAND_S, abs=0.02)
    stand(standing, 0.1, STAND_S)
    assert standing.hint is Hint.DONE
    joints, confidence = standing.held
    assert joints.shape[0] == confidence.shape[0] >= STAND_S * FPS
    assert np.array_equal(joints[0], fake.joints_at(0.0))


def test_who_walks_waits_for_ever() -> None:
    standing = Standing()
    for number in range(10 * FPS):
        standing.add(Sample(round(number / FPS * 1e9), fake.joints_at(number / FPS), SURE))
        assert standing.share < 0.5
    assert standing.hint is Hint.STILL


def test_a_tremble_within_the_limit_is_still() -> None:
    standing, rng = Standing(), np.random.default_rng(0)
    for number in range(4 * FPS):
        trembling = fake.joints_at(0.0) + rng.normal(0, STILL_M / 4, (JOINT_COUNT, 3)).astype(np.float32)
        standing.add(Sample(round(number / FPS * 1e9), trembling, SURE))
    assert standing.share == 1.0


def test_what_is_not_seen_begins_anew_and_is_named() -> None:
    standing = Standing()
    stand(standing, 2.0)
    hidden = SURE.copy()
    hidden[[JOINTS.index("left_foot"), JOINTS.index("right_foot")]] = 0.01
    stand(standing, 0.1, 2.1, hidden)
    assert (standing.hint, standing.missing, standing.share) == (Hint.SHOW, ("foot",), 0.0)


@pytest.mark.parametrize("begin_s", [0.0, 60.0])
def test_a_jump_in_the_recording_begins_anew(begin_s: float) -> None:
    standing = Standing()
    stand(standing, 2.0, 1.0)
    stand(standing, 0.0, begin_s)
    assert (standing.hint, standing.share) == (Hint.WAIT, 0.0)


def test_the_same_moment_counts_once() -> None:
    standing = Standing()
    for _ in range(200):
        stand(standing, 0.0)
    assert standing.hint is Hint.WAIT
