"""A stretch of motion: one skeleton, posed in every frame, ready to be written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EgoposeError
from engine.motion.filter import OneEuro, broken
from engine.motion.fit import Fitter
from engine.motion.kinematics import (
    BONE_COUNT,
    BONE_OF_JOINT,
    FOOT_DROP,
    SOLE,
    BodyMotion,
    KinematicSkeleton,
    forward,
)
from engine.motion.profile import DEFAULT_HEIGHT_M, Profile, from_height, measured
from engine.motion.settings import MotionSettings
from engine.motion.world import CAMERA_HEIGHT_M, Array, to_world
from engine.skeleton import JOINTS
from engine.types import Pose

GAP_FRAMES, GAP_S = 2.5, 0.1
"""More frames and more seconds than this between two poses are a gap."""
_EVEN = 0.02
"""Of the time between frames: frames that lie no farther from even ones count as even."""
MOST_FRAMES = 500_000
"""More are not made of a clip: a false time would claim any memory."""
_BLOCK = 64
_SETTLE_S = 0.08
_BALLS, _ANKLES = ([JOINTS.index(f"{side}_{part}") for side in ("left", "right")] for part in ("foot", "ankle"))

Tell = Callable[[float], None]
"""Is told how much is done, 0..1. What it raises ends the work, and leaves nothing behind."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """The wearer's motion over T frames, in the world of `engine.motion.world`."""

    skeleton: KinematicSkeleton
    times_ns: NDArray[np.int64]
    """(T,) rising."""
    seq: NDArray[np.int64]
    """(T,) of the source; of a frame that was made between two, the nearer one's."""
    root_m: Array
    """(T, 3)."""
    rotations: Array
    """(T, 21, 4) quaternions (x, y, z, w), local; the sign is that which is nearer to the frame before."""
    points_m: Array
    """(T, 15, 3) what the skeleton was fitted to; NaN where nothing was known."""
    confidence: Array
    """(T, 15)."""
    known: NDArray[np.bool_]
    """(T,) False in the frames of a gap, where the pose before it is held."""

    def __len__(self) -> int:
        return len(self.times_ns)

    @property
    def interval_s(self) -> float:
        """Between frames, in the median; a 30th of a second where there is one frame alone."""
        return float(np.median(np.diff(self.times_ns))) / 1e9 if len(self) > 1 else 1 / 30

    @property
    def gaps_s(self) -> list[tuple[float, float]]:
        """Begin and length of each gap, in seconds from the first frame."""
        steps = np.diff(self.times_ns) / 1e9
        starts = np.flatnonzero(steps > max(GAP_FRAMES * self.interval_s, GAP_S))
        return [(float(self.times_ns[i] - self.times_ns[0]) / 1e9, float(steps[i])) for i in starts]

    @property
    def even(self) -> bool:
        """Whether the frames lie at even times already."""
        if len(self) < 3:
            return True
        line = np.linspace(self.times_ns[0], self.times_ns[-1], len(self))
        return bool(np.abs(self.times_ns - line).max() <= _EVEN * self.interval_s * 1e9)

    def joints_m(self) -> Array:
        """(T, 15, 3) of the skeleton, world."""
        return forward(self.skeleton, self.root_m, self.rotations)[0][:, list(BONE_OF_JOINT)]

    def error_m(self) -> Array:
        """(T, 15) how far the skeleton's joints lie from the points; NaN where there was none."""
        return np.asarray(np.linalg.norm(self.joints_m() - self.points_m, axis=-1))


def make_clip(poses: Sequence[Pose], settings: MotionSettings, tell: Tell = lambda share: None) -> Clip:
    """Filter poses in the order of their time, and fit one skeleton to all of them.

    Without a profile its lengths are the medians over the poses, or where they are too few those of an average body.
    Poses of which no joint is known are left out. With no smoothing, poses stay as they were recorded. Raises
    EgoposeError where none is left.
    """
    profile = settings.profile or _measured(poses)
    found = list(_fitted(poses, settings, profile.skeleton(), tell))
    if not found:
        raise EgoposeError("no pose is known there; choose another range, or have the network find them anew (--rerun)")
    used, points, bodies = zip(*found, strict=True)
    return Clip(
        skeleton=bodies[0].skeleton,
        times_ns=np.array([pose.capture_ns for pose in used], np.int64),
        seq=np.array([pose.seq for pose in used], np.int64),
        root_m=np.array([body.root_m for body in bodies]),
        rotations=_continuous(np.array([body.rotations for body in bodies])),
        points_m=np.array(points),
        confidence=np.array([pose.confidence for pose in used], np.float64),
        known=np.ones(len(used), np.bool_),
    )


def _fitted(
    poses: Sequence[Pose], settings: MotionSettings, skeleton: KinematicSkeleton, tell: Tell
) -> Iterator[tuple[Pose, Array, BodyMotion]]:
    """Each pose with its points in the world and the body that was fitted to them."""
    one, fitter, before_ns = OneEuro(settings.smoothing), Fitter(skeleton), None
    height_m = CAMERA_HEIGHT_M if settings.profile is None else settings.profile.camera_height_m
    for index, pose in enumerate(poses):
        if index % _BLOCK == 0:
            tell(index / len(poses))
        if before_ns is not None and pose.capture_ns <= before_ns:
            continue  # Times in files rise.
        if broken(before_ns, pose.capture_ns):
            fitter.reset()
        before_ns = pose.capture_ns
        joints: NDArray[Any] = pose.joints_m
        if settings.smoothing > 0:
            raw = joints if pose.raw_joints_m is None else pose.raw_joints_m
            joints = one.update(raw, pose.capture_ns)
        points = to_world(joints, height_m)
        if (body := fitter.fit(points, pose.seq, pose.capture_ns)) is not None:
            yield pose, points, body


def grounded(clip: Clip) -> Clip:
    """The same, moved up and down so that the lowest foot stands on the floor in every frame.

    For a camera on the head crouching and lifting the feet look alike, and so do jumping and standing; this takes the
    feet to be what stays. The floor follows them within `_SETTLE_S`, so that their noise does not shake the body.
    """
    from scipy.ndimage import gaussian_filter1d  # type: ignore[import-untyped]  # noqa: PLC0415

    joints, foot = clip.joints_m(), clip.skeleton.lengths.foot
    balls, ankles = joints[:, _BALLS, 1] - SOLE * foot, joints[:, _ANKLES, 1] - (SOLE + FOOT_DROP) * foot
    soles = np.concatenate([balls, ankles], axis=1)
    floor = gaussian_filter1d(soles.min(axis=1), _SETTLE_S / clip.interval_s, mode="nearest")
    shift = np.stack([np.zeros(len(clip)), floor, np.zeros(len(clip))], axis=-1)
    return replace(clip, root_m=clip.root_m - shift, points_m=clip.points_m - shift[:, None])


def resampled(clip: Clip) -> Clip:
    """The same at even times, as files with a frame rate need it; itself where its times are even already.

    Positions go straight and rotations along the shortest way (slerp) from frame to frame; over a gap the pose before
    it is held, and its frames are not `known`. The time between frames is the median of the clip's. Raises EgoposeError
    where that makes too many frames.
    """
    if clip.even:
        return clip
    from scipy.spatial.transform import Rotation, Slerp  # type: ignore[import-untyped]  # noqa: PLC0415

    step_ns = max(1, round(clip.interval_s * 1e9))
    if (clip.times_ns[-1] - clip.times_ns[0]) // step_ns > MOST_FRAMES:
        hours = (clip.times_ns[-1] - clip.times_ns[0]) / 3.6e12
        raise EgoposeError(f"{hours:.1f} hours are too long for a file of even frames; give a shorter --range")
    grid = np.arange(clip.times_ns[0], clip.times_ns[-1] + step_ns // 2, step_ns, dtype=np.int64)
    inside = np.minimum(grid, clip.times_ns[-1])
    left = (np.searchsorted(clip.times_ns, inside, side="right") - 1).clip(0, len(clip) - 2)
    span = (clip.times_ns[left + 1] - clip.times_ns[left]).astype(np.float64)
    share = (inside - clip.times_ns[left]) / span
    gap = (span > max(GAP_FRAMES * step_ns, GAP_S * 1e9)) & (share < 1)
    share[gap] = 0.0
    near = np.where(share < 0.5, left, left + 1)
    seconds = (clip.times_ns - clip.times_ns[0]) / 1e9
    at = seconds[left] + share * span / 1e9
    rotations = np.empty((len(grid), BONE_COUNT, 4))
    for bone in range(BONE_COUNT):
        slerp = Slerp(seconds, Rotation.from_quat(clip.rotations[:, bone]))
        rotations[:, bone] = slerp(at.clip(seconds[0], seconds[-1])).as_quat()

    def between(values: Array) -> Array:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values[left] * (1 - weight) + values[left + 1] * weight)

    # Whoever begins at a gap's first frame is known; only what lies inside is not.
    known = clip.known[near] & ~(gap & (inside > clip.times_ns[left]))
    return replace(
        clip,
        times_ns=grid,
        seq=clip.seq[near],
        root_m=between(clip.root_m),
        rotations=_continuous(rotations),
        points_m=between(clip.points_m),
        confidence=between(clip.confidence),
        known=known,
    )


def _measured(poses: Sequence[Pose]) -> Profile:
    """Of the poses themselves, else an average body."""
    if poses:
        chosen = poses[:: max(1, len(poses) // 1000)]
        joints, confidence = np.array([p.joints_m for p in chosen]), np.array([p.confidence for p in chosen])
        with suppress(EgoposeError):
            return measured(joints, confidence, greatest_spread=np.inf)
    return from_height(DEFAULT_HEIGHT_M)


def _continuous(rotations: Array) -> Array:
    """(T, B, 4) with the sign of each quaternion that is nearer to the frame before; the rotations stay the same."""
    turns = np.sign((rotations[1:] * rotations[:-1]).sum(-1, keepdims=True))
    signs = np.cumprod(np.where(turns < 0, -1.0, 1.0), axis=0)
    return np.concatenate([rotations[:1], rotations[1:] * signs])
