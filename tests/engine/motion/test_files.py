"""Motion files, read back by readers that are not ours."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import bvhio
import ezc3d
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.errors import EgoposeError
from engine.learn.wearer.bvh import load_bvh
from engine.motion.clip import Clip, grounded, make_clip, resampled
from engine.motion.files import WRITERS, write_clip
from engine.motion.files.bvh import bvh_name, euler_degrees
from engine.motion.kinematics import BONE_NAMES, BONE_OF_JOINT, BONE_PARENTS, IDENTITY, SOLE, forward
from engine.motion.profile import from_height
from engine.motion.settings import RAW, MotionSettings
from engine.motion.world import to_camera
from engine.skeleton import JOINTS
from engine.types import Pose
from tests.engine.motion.bodies import SKELETON, bone, joints_of, random_rotations, reach

STEP_NS = 40_000_000
NOTHING = np.zeros(0, np.float32)


def pose_at(time_ns: int, seq: int = 0, noise: float = 0.01) -> Pose:
    points = reach(time_ns / 1e9) + np.random.default_rng(seq).normal(0, noise, (15, 3))
    joints = to_camera(points, from_height(1.75).camera_height_m)
    return Pose(
        seq,
        time_ns,
        joints.astype(np.float32),
        np.ones(15, np.float32),
        np.zeros((15, 2), np.float32),
        NOTHING,
        NOTHING,
    )


def clip_of(times_ns: np.ndarray, noise: float = 0.01) -> Clip:
    return make_clip(
        [pose_at(int(t), i, noise) for i, t in enumerate(times_ns)], MotionSettings(0.0, from_height(1.75))
    )


EVEN = np.arange(50) * STEP_NS + 7 * 10**9


def bvh_positions(path: Path, frames: int) -> np.ndarray:
    """(T, 21, 3) where bones begin, by bvhio."""
    root = bvhio.readAsHierarchy(str(path))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    found = []
    for frame in range(frames):
        root.loadPose(frame, recursive=True)
        found.append([list(joints[bvh_name(bone)].PositionWorld) for bone in BONE_NAMES])
    return np.array(found)


def clip_positions(clip: Clip) -> np.ndarray:
    return forward(clip.skeleton, clip.root_m, clip.rotations)[0]


def test_bvh_as_another_reader_sees_it(tmp_path: Path) -> None:
    clip = clip_of(EVEN)
    write_clip(clip, tmp_path / "a.bvh")
    found = bvh_positions(tmp_path / "a.bvh", len(clip))
    joints = found[:, list(BONE_OF_JOINT)]
    assert np.linalg.norm(joints - clip.joints_m(), axis=-1).max() < 1e-4  # a tenth of a millimetre
    lengths = np.linalg.norm(found[:, 1:] - found[:, list(BONE_PARENTS[1:])], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-4
    assert lengths == pytest.approx(np.tile(np.linalg.norm(SKELETON.offsets_m[1:], axis=-1), (50, 1)), abs=1e-4)
    data = bvhio.readAsBvh(str(tmp_path / "a.bvh"))
    assert (data.FrameCount, data.FrameTime) == (50, 0.04)


@given(st.integers(0, 2**31))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pose_survives_a_bvh_file(tmp_path: Path, seed: int) -> None:
    clip = clip_of(EVEN[:3])
    clip = replace(clip, rotations=np.array([random_rotations(seed + i) for i in range(3)]))
    write_clip(clip, tmp_path / "b.bvh")
    again = load_bvh(tmp_path / "b.bvh")
    positions, rotations = again.forward()
    of = [again.names.index(bvh_name(bone)) for bone in BONE_NAMES]
    assert positions[:, of] == pytest.approx(clip_positions(clip), abs=1e-5)
    assert bvh_positions(tmp_path / "b.bvh", 3) == pytest.approx(clip_positions(clip), abs=1e-4)
    assert np.isfinite(rotations).all()


def test_a_right_angle_in_the_middle_is_still_the_same_rotation() -> None:
    rotations = np.tile(random_rotations(0), (2, 1, 1))
    rotations[:, 3] = Rotation.from_euler("ZXY", [30, 90, 20], degrees=True).as_quat()
    angles = euler_degrees(rotations)
    back = Rotation.from_euler("ZXY", angles.reshape(-1, 3), degrees=True)
    assert (back.inv() * Rotation.from_quat(rotations.reshape(-1, 4))).magnitude() == pytest.approx(0, abs=1e-6)


def test_angles_do_not_jump_by_whole_turns() -> None:
    turning = np.tile(random_rotations(1), (100, 1, 1))
    turning[:, 0] = Rotation.from_euler("y", np.linspace(0, 1000, 100)[:, None], degrees=True).as_quat().reshape(100, 4)
    assert np.abs(np.diff(euler_degrees(turning)[:, 0, 2])).max() < 11


def test_c3d_as_ezc3d_reads_it(tmp_path: Path) -> None:
    clip = clip_of(EVEN)
    write_clip(clip, tmp_path / "a.c3d")
    read = ezc3d.c3d(str(tmp_path / "a.c3d"))
    point = read["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(JOINTS)
    assert point["UNITS"]["value"] == ["mm"]
    assert point["RATE"]["value"][0] == pytest.approx(25)
    assert point["Y_SCREEN"]["value"] == ["+Y"]
    points = read["data"]["points"]
    assert points.shape == (4, 15, 50)
    assert points[:3].transpose(2, 1, 0) / 1000 == pytest.approx(clip.joints_m(), abs=1e-4)


def test_the_points_of_a_gap_are_invalid_in_c3d(tmp_path: Path) -> None:
    times = np.delete(EVEN, range(20, 35))
    write_clip(clip_of(times), tmp_path / "gap.c3d")
    points = ezc3d.c3d(str(tmp_path / "gap.c3d"))["data"]["points"][0]
    assert points.shape[1] == 50
    assert np.flatnonzero(np.isnan(points).all(0)).tolist() == list(range(20, 35))
    assert np.isnan(points).all(0).sum() == np.isnan(points).any(0).sum()


def test_csv_and_npz_have_every_frame_at_its_own_time(tmp_path: Path) -> None:
    times = np.sort(np.random.default_rng(0).choice(EVEN[-1] - EVEN[0], 30, replace=False)) + EVEN[0]
    clip = clip_of(times)
    for kind in ("csv", "npz"):
        write_clip(clip, tmp_path / f"a.{kind}")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["capture_ns"]) for row in rows] == times.tolist()
    wrist = JOINTS.index("left_wrist")
    for axis, name in enumerate("xyz"):
        assert [float(row[f"left_wrist_{name}_m"]) for row in rows] == pytest.approx(
            clip.joints_m()[:, wrist, axis].tolist(), abs=1e-6
        )
        assert [float(row[f"hips_{name}_m"]) for row in rows] == pytest.approx(clip.root_m[:, axis].tolist(), abs=1e-6)
    assert [float(row["left_foot_qw"]) for row in rows] == pytest.approx(
        clip.rotations[:, BONE_NAMES.index("left_foot"), 3].tolist(), abs=1e-6
    )
    with np.load(tmp_path / "a.npz", allow_pickle=False) as data:
        np.testing.assert_array_equal(data["capture_ns"], times)
        np.testing.assert_allclose(data["joints_m"], clip.joints_m())
        np.testing.assert_array_equal(data["rotations_xyzw"], clip.rotations)
        assert tuple(data["bone_names"]) == BONE_NAMES
        assert tuple(data["joint_names"]) == JOINTS


def test_uneven_times_are_resampled_to_the_motion_they_were_taken_from() -> None:
    rng = np.random.default_rng(3)
    times = (EVEN[0] + np.arange(60) * STEP_NS + rng.integers(-12_000_000, 12_000_000, 60)).astype(np.int64)
    clip = clip_of(times, noise=0.0)
    assert not clip.even
    even = resampled(clip)
    assert even.even
    assert even.interval_s == pytest.approx(0.04, rel=0.1)
    assert even.known.all()
    truth = np.array([reach(t / 1e9) for t in even.times_ns[:-1]])
    assert np.linalg.norm(even.joints_m()[:-1] - truth, axis=-1).max() < 0.004
    lengths = np.linalg.norm(even.joints_m()[:, 3] - even.joints_m()[:, 2], axis=-1)
    assert np.ptp(lengths) < 1e-9


def test_over_a_gap_the_pose_before_it_is_held_and_the_gap_is_told() -> None:
    times = np.delete(EVEN, range(20, 35))
    clip = clip_of(times, noise=0.0)
    assert clip.gaps_s == [(pytest.approx(19 * 0.04), pytest.approx(16 * 0.04))]
    even = resampled(clip)
    assert len(even) == 50
    joints = even.joints_m()
    assert joints[20:35] == pytest.approx(np.tile(joints[19], (15, 1, 1)), abs=1e-9)
    assert joints[35] == pytest.approx(reach(EVEN[35] / 1e9), abs=1e-6)
    assert np.flatnonzero(~even.known).tolist() == list(range(20, 35))


def test_who_crouches_under_a_camera_stays_on_the_floor() -> None:
    """Seen from the head, crouching lifts the feet; on the floor, it lowers the hips."""
    poses = []
    for i, bend in enumerate(np.r_[np.zeros(20), (1 - np.cos(np.linspace(0, np.pi, 40))) / 2, np.ones(20)]):
        made = IDENTITY.copy()
        for side in ("left", "right"):
            made[bone(f"{side}_upper_leg")] = Rotation.from_euler("x", -bend).as_quat()
            made[bone(f"{side}_lower_leg")] = Rotation.from_euler("x", 2 * bend).as_quat()
            made[bone(f"{side}_foot")] = Rotation.from_euler("x", -bend).as_quat()
        joints = joints_of(made, np.array([0.0, SKELETON.standing_m, 0.0]))
        camera = to_camera(joints, from_height(1.75).camera_height_m).astype(np.float32)
        poses.append(replace(pose_at(i * STEP_NS, i), joints_m=camera))
    seen = make_clip(poses, MotionSettings(0.0, from_height(1.75)))
    floor = grounded(seen)
    assert np.ptp(seen.root_m[:, 1]) < 1e-6
    lengths = SKELETON.lengths
    lower = SKELETON.standing_m - (lengths.upper_leg + lengths.lower_leg) * (1 - np.cos(1.0))
    assert floor.root_m[[0, -1], 1] == pytest.approx([SKELETON.standing_m, lower], abs=2e-3)
    balls = floor.joints_m()[:, JOINTS.index("left_foot"), 1]
    assert balls == pytest.approx(np.full(80, SOLE * lengths.foot), abs=5e-3)
    assert floor.error_m() == pytest.approx(seen.error_m(), abs=1e-9)


def test_a_time_that_cannot_be_claims_no_memory(tmp_path: Path) -> None:
    clip = clip_of(np.append(EVEN, EVEN[-1] + 10**17))
    with pytest.raises(EgoposeError, match=r"27777\.\d hours are too long"):
        write_clip(clip, tmp_path / "a.bvh")
    write_clip(clip, tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_one_frame_is_a_clip_too(tmp_path: Path) -> None:
    clip = clip_of(EVEN[:1])
    for kind in WRITERS:
        write_clip(clip, tmp_path / f"one.{kind}")
    assert load_bvh(tmp_path / "one.bvh").dt_s == pytest.approx(1 / 30)


def test_a_clip_without_a_profile_measures_one_body_for_all_frames() -> None:
    poses = [pose_at(int(t), i, 0.02) for i, t in enumerate(EVEN)]
    clip = make_clip(poses, RAW)
    assert clip.skeleton.lengths.upper_leg == pytest.approx(SKELETON.lengths.upper_leg, abs=0.02)
    few = make_clip(poses[:3], RAW)
    assert few.skeleton.lengths == from_height(1.73).lengths


def test_frames_without_a_joint_are_left_out_and_times_rise() -> None:
    poses = [pose_at(int(t), i) for i, t in enumerate(EVEN)]
    poses[10] = replace(poses[10], joints_m=np.full((15, 3), np.nan, np.float32))
    poses[11] = replace(poses[11], capture_ns=poses[9].capture_ns)
    clip = make_clip(poses, RAW)
    assert clip.seq.tolist() == [i for i in range(50) if i not in (10, 11)]
    assert (np.diff(clip.times_ns) > 0).all()
    with pytest.raises(EgoposeError, match="no pose is known there"):
        make_clip([poses[10]], RAW)


def test_smoothing_is_applied_to_the_joints_as_the_network_found_them() -> None:
    poses = [pose_at(int(t), i) for i, t in enumerate(EVEN)]
    twice = [replace(pose, raw_joints_m=pose.joints_m, joints_m=pose.joints_m + 1) for pose in poses]
    one, other = (make_clip(p, MotionSettings(0.5, from_height(1.75))) for p in (poses, twice))
    np.testing.assert_array_equal(one.rotations, other.rotations)
    rough = make_clip(poses, MotionSettings(0.0, from_height(1.75)))

    def jitter(clip: Clip) -> float:
        return float(np.linalg.norm(np.diff(clip.joints_m(), 2, axis=0), axis=-1).mean())

    assert jitter(one) < 0.6 * jitter(rough)


class StopError(Exception):
    pass


@pytest.mark.parametrize("kind", list(WRITERS))
def test_what_is_stopped_or_cannot_be_written_leaves_nothing(kind: str, tmp_path: Path) -> None:
    clip = clip_of(EVEN)

    def stop(share: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        write_clip(clip, tmp_path / f"a.{kind}", stop)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EgoposeError, match="no folder"):
        write_clip(clip, tmp_path / "nowhere" / f"a.{kind}")
    (tmp_path / f"b.{kind}").mkdir()
    with pytest.raises(EgoposeError, match="cannot be written"):
        write_clip(clip, tmp_path / f"b.{kind}")
    with pytest.raises(EgoposeError, match="is no name for a motion file"):
        write_clip(clip, tmp_path / "a.fbx")
    assert len(list(tmp_path.iterdir())) == 1
