"""The stage behind the network: what becomes of a pose by the settings of the moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.motion.filter import GAP_NS, OneEuro
from engine.motion.kinematics import BONE_PARENTS
from engine.motion.profile import from_height
from engine.motion.settings import RAW, MotionSettings
from engine.motion.stage import MotionStage
from engine.motion.world import to_camera, to_world
from engine.types import Frame, Pose
from tests.engine.motion.bodies import SKELETON, reach

STEP_NS = 40_000_000
NOTHING = np.zeros(0, np.float32)


def frame_at(seq: int, time_ns: int | None = None) -> Frame:
    return Frame(np.zeros((1, 1, 3), np.uint8), seq, seq * STEP_NS if time_ns is None else time_ns, "fake")


def pose_at(seq: int, noise: float = 0.0) -> Pose:
    rng = np.random.default_rng(seq)
    joints = to_camera(reach(seq / 25) + rng.normal(0, noise, (15, 3))).astype(np.float32)
    return Pose(seq, seq * STEP_NS, joints, np.ones(15, np.float32), np.zeros((15, 2), np.float32), NOTHING, NOTHING)


def lengths_of(pose: Pose) -> np.ndarray:
    assert pose.body is not None
    positions = pose.body.positions_m
    return np.linalg.norm(positions[1:] - positions[list(BONE_PARENTS[1:])], axis=-1)


def test_without_smoothing_and_profile_the_joints_stay_as_they_are_and_a_body_comes_along() -> None:
    stage = MotionStage(RAW)
    for seq in range(3):
        before = pose_at(seq)
        after = stage.apply(frame_at(seq), before)
        assert after.joints_m is before.joints_m
        assert after.raw_joints_m is None
        assert after.lag_ns == 0
        assert after.body is not None
        assert after.body.seq == seq


def test_with_smoothing_the_joints_are_the_filters() -> None:
    stage, one = MotionStage(MotionSettings(0.6)), OneEuro(0.6)
    for seq in range(20):
        before = pose_at(seq, 0.01)
        after = stage.apply(frame_at(seq), before)
        expected = one.update(before.joints_m, seq * STEP_NS).astype(np.float32)
        np.testing.assert_array_equal(after.joints_m, expected)
        assert after.raw_joints_m is before.joints_m
        assert after.lag_ns == one.lag_ns
        assert {"filter", "fit"} <= set(after.stage_ns)


def test_with_a_profile_the_shown_joints_are_the_bodys_and_its_bones_keep_their_lengths() -> None:
    profile = from_height(1.75)
    stage = MotionStage(MotionSettings(0.5, profile))
    bones = np.linalg.norm(SKELETON.offsets_m[1:], axis=-1)
    for seq in range(20):
        after = stage.apply(frame_at(seq), pose_at(seq, 0.02))
        assert lengths_of(after) == pytest.approx(bones, abs=1e-9)
        assert after.body is not None
        shown = to_world(after.joints_m, profile.camera_height_m)
        assert shown == pytest.approx(after.body.joints_m, abs=1e-6)
        assert np.linalg.norm(after.joints_m[12] - after.joints_m[11]) == pytest.approx(
            SKELETON.lengths.upper_leg, abs=1e-6
        )


def test_without_a_profile_the_bodys_lengths_are_measured_on_the_way_and_then_stay() -> None:
    stage = MotionStage(RAW)
    small = 1.55 / 1.75
    found = []
    for seq in range(300):
        pose = pose_at(seq)
        found.append(stage.apply(frame_at(seq), replace(pose, joints_m=pose.joints_m * np.float32(small))))
    lengths = np.array([lengths_of(pose) for pose in found])
    assert lengths[-1] == pytest.approx(np.linalg.norm(SKELETON.offsets_m[1:], axis=-1) * small, rel=1e-3)
    assert np.ptp(lengths[245:], axis=0).max() < 1e-9
    assert found[-1].body is not None
    assert np.nanmax(found[-1].body.error_m) < 2e-3


def test_settings_are_exchanged_from_one_pose_to_the_next() -> None:
    stage = MotionStage(RAW)
    stage.apply(frame_at(0), pose_at(0))
    stage.settings = MotionSettings(0.5, from_height(1.9))
    assert (
        lengths_of(stage.apply(frame_at(1), pose_at(1))).sum()
        > 1.05 * lengths_of(MotionStage(MotionSettings(0.5, from_height(1.75))).apply(frame_at(1), pose_at(1))).sum()
    )
    stage.settings = RAW
    assert stage.apply(frame_at(2), pose_at(2)).raw_joints_m is None


def test_a_recorded_pose_that_was_filtered_is_filtered_from_the_raw_joints_or_left_alone() -> None:
    recorded = replace(pose_at(1), raw_joints_m=pose_at(5).joints_m)
    alone = MotionStage(RAW).apply(frame_at(1), recorded)
    assert alone.joints_m is recorded.joints_m
    assert alone.raw_joints_m is recorded.raw_joints_m
    anew = MotionStage(MotionSettings(0.5)).apply(frame_at(1), recorded)
    np.testing.assert_array_equal(anew.joints_m, pose_at(5).joints_m)


def test_a_gap_begins_anew_and_a_recordings_own_time_counts() -> None:
    stage = MotionStage(MotionSettings(1.0))
    stage.apply(frame_at(0), pose_at(0))
    late = stage.apply(frame_at(9, GAP_NS + 1), pose_at(9))
    np.testing.assert_array_equal(late.joints_m, pose_at(9).joints_m)
    stage = MotionStage(MotionSettings(1.0))
    for seq, media in enumerate([7 * STEP_NS, 8 * STEP_NS, 0]):  # played on, and then from the start
        frame = replace(frame_at(seq), device_ns=media, device_clock="file")
        after = stage.apply(frame, pose_at(seq))
    np.testing.assert_array_equal(after.joints_m, pose_at(2).joints_m)


def test_a_pose_of_nothing_passes() -> None:
    nowhere = replace(pose_at(1), joints_m=np.full((15, 3), np.nan, np.float32))
    for settings in (RAW, MotionSettings(0.5), MotionSettings(0.5, from_height(1.7))):
        after = MotionStage(settings).apply(frame_at(1), nowhere)
        assert after.body is None
        assert np.isnan(after.joints_m).all()
