"""The pose shown after a seek is the one shown when the recording is played up to there, filtered and fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.motion.kinematics import BONE_OF_JOINT, IDENTITY, forward
from engine.motion.profile import from_height
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.motion.world import to_camera
from engine.replay.exact import ExactEstimator
from engine.replay.motion import ReplayMotion
from engine.replay.reel import Reel, read_reel
from engine.replay.track import Track
from engine.session.recorded import RecordedPoses
from engine.session.source import SessionSource
from engine.types import Frame, Pose
from tests.engine.replay.test_exact import exact, opened
from tests.engine.replay.test_exact import session as session  # noqa: PLC0414  a fixture
from tests.engine.session.test_recorded import joints
from tests.engine.session.test_recorded import path as recorded  # noqa: F401  a fixture

STEP_NS = 40_000_000
COUNT = 200
GAP_AT = 120
WHOLE = {0, 20, 21, 22, 120, 121}
"""Frames whose whole history the filter is led through."""
TIMES = np.array([STEP_NS * at + (2_000_000_000 if at >= GAP_AT else 0) for at in range(COUNT)])
REEL = Reel(TIMES)


def frame_at(index: int) -> Frame:
    ns = int(TIMES[index])
    return Frame(np.zeros((2, 2, 3), np.uint8), index, ns, ns, "file", "a file")


def moving() -> list[Pose]:
    """A body that sways by decimetres, trembling."""
    random = np.random.default_rng(7)
    rest = to_camera(forward(from_height(1.75).skeleton(), np.zeros(3), IDENTITY)[0][list(BONE_OF_JOINT)])
    empty = np.zeros((15, 8, 8), np.float32)
    found = []
    for at in range(COUNT):
        sway = 0.2 * np.sin(at / 9 + np.arange(15)[:, None] / 5) * np.array([1.0, 0.3, 0.1])
        joints = (rest + sway + 0.01 * random.normal(size=(15, 3))).astype(np.float32)
        found.append(Pose(at, int(TIMES[at]), joints, np.ones(15, np.float32), joints[:, :2], empty, empty[:0, 0, 0]))
    return found


POSES = moving()


def played(settings: MotionSettings) -> list[Pose]:
    stage = MotionStage(settings)
    return [stage.apply(frame_at(at), pose) for at, pose in enumerate(POSES)]


def apart_mm(one: Pose, other: Pose) -> float:
    return float(1000 * np.linalg.norm(one.joints_m - other.joints_m, axis=-1).max())


@pytest.mark.parametrize("profile", [None, from_height(1.75)], ids=["free", "with a profile"])
@pytest.mark.parametrize("smoothing", [0.25, 0.5, 0.75])
def test_a_seek_among_known_poses_is_as_if_it_was_played(smoothing: float, profile: object) -> None:
    settings = MotionSettings(smoothing, profile)  # type: ignore[arg-type]
    unbroken, track = played(settings), Track(COUNT)
    for at, pose in enumerate(POSES):
        track.keep(at, pose, None)
    motion = ReplayMotion(settings, lambda: REEL, lambda: track)
    anew, worst = MotionStage(settings), 0.0
    for index in (70, 20, 21, 22, 199, 0, 119, 120, 121, 160, 159):
        pose = track.pose(index)
        assert pose is not None
        shown = motion.apply(frame_at(index), pose)
        assert apart_mm(shown, unbroken[index]) < (1e-3 if index in WHOLE and profile is None else 1.0)
        worst = max(worst, apart_mm(anew.apply(frame_at(index), pose), unbroken[index]))
    assert worst > 20, "that is what a filter that begins anew would be off by"


def test_an_unknown_past_ends_the_way_back_and_another_voice_has_its_own() -> None:
    settings = MotionSettings(0.5)
    first, second = Track(COUNT), Track(COUNT)
    for at in range(40, 61):
        first.keep(at, POSES[at], None)
    for at in range(61):
        second.glimpse(at, POSES[at])
    shown = first
    motion = ReplayMotion(settings, lambda: REEL, lambda: shown)
    begun = MotionStage(settings)
    for at in range(40, 61):
        expected = begun.apply(frame_at(at), POSES[at])
    assert apart_mm(motion.apply(frame_at(60), POSES[60]), expected) < 1e-6
    shown = second
    assert apart_mm(motion.apply(frame_at(60), POSES[60]), played(settings)[60]) < 0.1


def test_what_a_network_is_shown_to_warm_up_warms_the_filter_too(session: Path, tiny_weights: Path) -> None:
    settings, unbroken, whole, sought = MotionSettings(0.5), [], Track(30), Track(30)
    with SessionSource(session) as source:
        frames = list(iter(source.read, None))
        every, one = (exact(session, tiny_weights, source, track) for track in (whole, sought))
        stage = MotionStage(settings)
        for frame in frames:
            unbroken.append(stage.apply(frame, every.estimate(frame)))
        reel = every._reel
        pose = one.estimate(frames[25])
        shown = ReplayMotion(settings, lambda: reel, lambda: sought).apply(frames[25], pose)
        anew = MotionStage(settings).apply(frames[25], pose)
        assert all(sought.past(at) is not None for at in range(18, 25))
        assert sought.known.sum() == 1, "a glimpse is not taken for what is known"
        assert apart_mm(shown, unbroken[25]) < 0.3 * apart_mm(anew, unbroken[25])
        every.close()
        one.close()


def test_recorded_poses_are_looked_up(recorded: Path) -> None:  # noqa: F811
    with SessionSource(recorded) as source:
        frames = list(iter(source.read, None))
        camera = source.info.calibration
        assert camera is not None
        reel = read_reel(recorded, source)
        track = Track(len(reel))
        estimator = ExactEstimator(RecordedPoses(recorded, camera), reel, track, opened(recorded), 1)
        last = len(frames) - 1
        estimator.estimate(frames[last])
        estimator.close()
        for at in range(last):
            past = track.past(at)
            assert past is not None
            np.testing.assert_array_equal(past.joints_m, joints(at) if at % 2 == 0 else np.full((15, 3), np.nan))
