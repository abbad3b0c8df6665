"""CSV and NumPy files: every frame at its own time, nothing resampled.

CSV has a row a frame: seq, capture_ns, time_s; `JOINT_x_m`, `_y_m`, `_z_m` and `JOINT_confidence` of the 15 joints;
`hips_x_m` and so on of the root; `BONE_qx`, `_qy`, `_qz`, `_qw` of the 21 bones, local to their parents. NPZ has the
same as arrays, and names, parents and rest offsets of the bones. All in the world of `engine.motion.world`, metres.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from engine.motion.clip import Clip, Tell
from engine.motion.kinematics import BONE_NAMES, BONE_PARENTS
from engine.skeleton import JOINTS

_BLOCK = 256


def write_csv(clip: Clip, file: TextIO, tell: Tell) -> None:
    """Write it to an open file."""
    table = csv.writer(file)
    table.writerow(
        ["seq", "capture_ns", "time_s"]
        + [f"{joint}_{part}" for joint in JOINTS for part in ("x_m", "y_m", "z_m", "confidence")]
        + [f"hips_{axis}_m" for axis in "xyz"]
        + [f"{bone}_q{part}" for bone in BONE_NAMES for part in "xyzw"]
    )
    joints = np.concatenate([clip.joints_m(), clip.confidence[..., None]], axis=-1).reshape(len(clip), -1)
    rows = np.concatenate([joints, clip.root_m, clip.rotations.reshape(len(clip), -1)], axis=1)
    for t, row in enumerate(rows):
        if t % _BLOCK == 0:
            tell(t / len(rows))
        seconds = (clip.times_ns[t] - clip.times_ns[0]) / 1e9
        table.writerow([clip.seq[t], clip.times_ns[t], f"{seconds:.9f}", *(f"{value:.7g}" for value in row)])


def clip_arrays(clip: Clip) -> dict[str, NDArray[Any]]:
    """What an NPZ file holds."""
    return {
        "seq": clip.seq,
        "capture_ns": clip.times_ns,
        "joints_m": clip.joints_m(),
        "points_m": clip.points_m,
        "confidence": clip.confidence,
        "root_m": clip.root_m,
        "rotations_xyzw": clip.rotations,
        "joint_names": np.array(JOINTS),
        "bone_names": np.array(BONE_NAMES),
        "bone_parents": np.array(BONE_PARENTS),
        "bone_offsets_m": clip.skeleton.offsets_m,
    }


def write_npz(clip: Clip, path: Path, tell: Tell) -> None:
    """Write it; `numpy.load(path, allow_pickle=False)` reads it."""
    tell(0.0)
    with path.open("wb") as file:
        np.savez_compressed(file, **clip_arrays(clip))  # type: ignore[arg-type]
