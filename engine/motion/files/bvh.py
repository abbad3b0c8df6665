"""BVH, which Blender and most animation programs read.

Metres, y up, the wearer facing +z with the left at +x: the world of `engine.motion.world`, whose origin is on the
floor below the camera. OFFSETs are the T-pose. The root has its position and rotation, every other joint its rotation,
in the order Z X Y: a joint's rotation is Rz Rx Ry, degrees. Frames are evenly spaced by "Frame Time"; uneven clips are
resampled. Blender 5.0 puts the bones of such a file within a micrometre of where they were.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from engine.motion.clip import Clip, Tell, resampled
from engine.motion.kinematics import BONE_COUNT, BONE_NAMES, BONE_PARENTS, KinematicSkeleton
from engine.motion.world import Array

ORDER = "ZXY"
_BLOCK = 256


def write_bvh(clip: Clip, file: TextIO, tell: Tell) -> None:
    """Write it to an open file."""
    even = resampled(clip)
    file.writelines(f"{line}\n" for line in _hierarchy(even.skeleton))
    file.write(f"MOTION\nFrames: {len(even)}\nFrame Time: {_interval_s(even):.9f}\n")
    angles = euler_degrees(even.rotations).reshape(len(even), -1)
    rows = np.concatenate([even.root_m, angles], axis=1)
    for at in range(0, len(rows), _BLOCK):
        tell(at / len(rows))
        file.writelines(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows[at : at + _BLOCK])


def bvh_name(bone: str) -> str:
    """ "left_upper_arm" as LeftUpperArm."""
    return "".join(word.capitalize() for word in bone.split("_"))


def euler_degrees(rotations: Array) -> Array:
    """(T, 21, 4) quaternions to (T, 21, 3) angles about Z, X, Y, without jumps of whole turns from frame to frame."""
    from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]  # noqa: PLC0415

    with warnings.catch_warnings():
        # Where the middle angle is a right one, the other two are not unique: any that give the rotation will do.
        warnings.filterwarnings("ignore", message="Gimbal lock")
        angles = Rotation.from_quat(rotations.reshape(-1, 4)).as_euler(ORDER, degrees=True)
    return np.unwrap(angles.reshape(-1, BONE_COUNT, 3), axis=0, period=360)


def _interval_s(clip: Clip) -> float:
    """Exact for frames that are even from the first to the last."""
    return float(clip.times_ns[-1] - clip.times_ns[0]) / 1e9 / (len(clip) - 1) if len(clip) > 1 else clip.interval_s


def _hierarchy(skeleton: KinematicSkeleton) -> Iterator[str]:
    children: list[list[int]] = [[] for _ in BONE_NAMES]
    for bone, parent in enumerate(BONE_PARENTS):
        if parent >= 0:
            children[parent].append(bone)
    rotations = " ".join(f"{axis}rotation" for axis in ORDER)

    def joint(bone: int, indent: str) -> Iterator[str]:
        root = BONE_PARENTS[bone] < 0
        yield f"{indent}{'ROOT' if root else 'JOINT'} {bvh_name(BONE_NAMES[bone])}"
        yield f"{indent}{{"
        yield f"{indent}\tOFFSET {_numbers(skeleton.offsets_m[bone])}"
        place = "6 Xposition Yposition Zposition" if root else "3"
        yield f"{indent}\tCHANNELS {place} {rotations}"
        for child in children[bone]:
            yield from joint(child, indent + "\t")
        if not children[bone]:
            yield from (f"{indent}\tEnd Site", f"{indent}\t{{")
            yield f"{indent}\t\tOFFSET {_numbers(skeleton.tips_m[bone])}"
            yield f"{indent}\t}}"
        yield f"{indent}}}"

    yield "HIERARCHY"
    yield from joint(0, "")


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.6f}" for value in values)
