"""Standing still: who stands may look about and move the arms; who walks is told so; nobody waits for ever."""

from __future__ import annotations

import numpy as np
import pytest

from app.wearer.standing import LOOSE_M, PATIENCE_S, STAND_S, STILL_M, Hint, Sample, Standing
from app.wearer.wording import gave_up, hint_of
from engine.skeleton import JOINT_COUNT, JOINTS
from tests.app import fake
from tests.app.wearer.people import FPS, acting

SURE = np.ones(JOINT_COUNT, np.float32)
FEET = [JOINTS.index("left_foot"), JOINTS.index("right_foot")]


def watch(standing: Standing, joints: np.ndarray, begin_s: float = 0.0, confidence: np.ndarray = SURE) -> set[Hint]:
    """Until it is over; the hints that were given."""
    hints = set()
    for number, one in enumerate(joints):
        standing.add(Sample(round((begin_s + number / FPS) * 1e9), one, confidence))
        hints.add(standing.hint)
        if standing.hint in (Hint.DONE, Hint.GAVE_UP):
            break
    return hints


def at_rest(seconds: float) -> np.ndarray:
    return np.repeat(fake.joints_at(0.0)[None], round(seconds * FPS) + 1, 0)


def swaying(seconds: float, size: float) -> np.ndarray:
    """(T, 15, 3) bending the knees, three times in two seconds."""
    joints = at_rest(seconds)
    knees = [i for i, name in enumerate(JOINTS) if name.endswith("knee")]
    joints[:, knees] += (size * np.sin(2 * np.pi * 1.5 * np.arange(len(joints)) / FPS)).astype(np.float32)[
        :, None, None
    ]
    return joints


def test_three_seconds_are_enough() -> None:
    standing = Standing()
    watch(standing, at_rest(STAND_S - 0.1))
    assert standing.hint is Hint.HOLD
    assert standing.share == pytest.approx(1 - 0.1 / STAND_S, abs=0.02)
    watch(standing, at_rest(0.1), STAND_S)
    assert standing.hint is Hint.DONE
    joints, confidence = standing.held
    assert joints.shape[0] == confidence.shape[0] >= STAND_S * FPS - 1
    assert np.array_equal(joints[0], fake.joints_at(0.0))


@pytest.mark.parametrize("activity", ["still", "stand", "gesture", "wave"])
def test_who_stands_may_look_about_move_the_arms_and_be_seen_badly(activity: str) -> None:
    for seed in range(3):
        joints = acting(activity, 8.0, seed)
        spread = np.linalg.norm(joints - np.median(joints, axis=0), axis=-1).max()
        assert spread > 0.04, "the camera moves with the head"
        tremble = np.random.default_rng(seed).normal(0, 0.015, joints.shape)
        standing = Standing()
        watch(standing, (joints + tremble).astype(np.float32))
        assert standing.hint is Hint.DONE
        assert standing.share == 1.0


@pytest.mark.parametrize("activity", ["walk", "run", "turn"])
def test_who_walks_is_asked_to_hold_their_legs_still(activity: str) -> None:
    standing = Standing()
    hints = watch(standing, acting(activity, 8.0, 1))
    assert Hint.STILL_LEGS in hints
    assert Hint.DONE not in hints
    assert "legs still" in hint_of(Hint.STILL_LEGS)[0]


def test_who_moves_all_the_while_is_told_how_much_and_what_to_do() -> None:
    standing = Standing()
    hints = watch(standing, swaying(PATIENCE_S + 1, 0.3))
    assert standing.hint is Hint.GAVE_UP
    assert Hint.HOLD not in hints
    assert standing.waited_s == pytest.approx(PATIENCE_S, abs=0.1)
    assert standing.settles_s is None
    told = gave_up(standing)
    assert told.startswith("Your legs moved by ")
    assert told.endswith("Stand still and try again, or use your height.")


def test_the_quietest_three_seconds_count_where_nothing_better_comes() -> None:
    joints = swaying(PATIENCE_S + 1, 0.12)
    begin = 7 * FPS
    quiet = swaying(STAND_S + 1, 0.09)
    quiet += np.float32(1.0)  # where they are tells which they are
    joints[begin : begin + len(quiet)] = quiet
    standing = Standing()
    watch(standing, joints)
    assert standing.hint is Hint.DONE
    assert standing.quietest is not None
    assert STILL_M < standing.quietest.most_m <= LOOSE_M
    assert standing.share < 1
    held, confidence = standing.held
    assert np.mean(held[:, 0, 0] > 0.5) > 0.9
    assert len(held) == len(confidence) >= (STAND_S - 0.3) * FPS
    assert "quietest moment counts in 5 s" in hint_of(Hint.STILL_LEGS, (), 4.2)[0]


def test_a_hold_that_is_under_way_when_patience_ends_is_not_cut_short() -> None:
    standing = Standing()
    watch(standing, np.concatenate([swaying(PATIENCE_S - 1.5, 0.3), at_rest(4.0)]))
    assert standing.hint is Hint.DONE
    assert standing.share == 1.0


def test_what_is_not_seen_begins_anew_and_is_named() -> None:
    standing = Standing()
    watch(standing, at_rest(2.0))
    hidden = SURE.copy()
    hidden[FEET] = 0.01
    watch(standing, at_rest(0.2), 2.1, hidden)
    assert standing.hint is Hint.HOLD, "for a moment it does not matter"
    watch(standing, at_rest(0.5), 2.4, hidden)
    assert (standing.hint, standing.missing, standing.share) == (Hint.SHOW, ("foot",), 0.0)


def test_who_is_never_seen_whole_is_told_what_is_missing() -> None:
    standing, hidden = Standing(), SURE.copy()
    hidden[FEET] = 0.01
    watch(standing, at_rest(PATIENCE_S + 1), 0.0, hidden)
    assert standing.hint is Hint.GAVE_UP
    assert "last missing: foot" in gave_up(standing)
    assert "use your height" in gave_up(standing)


@pytest.mark.parametrize("begin_s", [0.0, 60.0])
def test_a_jump_in_the_recording_begins_anew(begin_s: float) -> None:
    standing = Standing()
    watch(standing, at_rest(2.0), 1.0)
    watch(standing, at_rest(0.0), begin_s)
    assert (standing.hint, standing.share) == (Hint.WAIT, 0.0)
    watch(standing, at_rest(STAND_S), begin_s)
    assert standing.hint is Hint.DONE


def test_patience_ends_in_a_short_recording_that_is_played_over_and_over() -> None:
    standing = Standing()
    for _ in range(round(PATIENCE_S / 2) + 1):
        watch(standing, at_rest(2.0))
    assert standing.hint is Hint.GAVE_UP
    assert "was not seen for three seconds. Stand" in gave_up(standing)


def test_the_same_moment_counts_once() -> None:
    standing = Standing()
    for _ in range(200):
        watch(standing, at_rest(0.0))
    assert standing.hint is Hint.WAIT
