"""EgoPW: `imgs/img_%06d.jpg` and `pseudo_gt.pkl`, a list of {image_name, joints_2d (px), optimized_local_pose (m)}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.learn.data.findings import Findings
from engine.learn.data.folders import (
    camera_for,
    canonical_points,
    number_of,
    picture_files,
    pose_of,
    sequence_of,
    unlike,
)
from engine.learn.data.pickles import PickleError, load_pickle
from engine.learn.data.sequence import Sequence

DATA_SET = "EgoPW"
TRUTH = "pseudo_gt.pkl"
CAMERA = "egopw"
TEST_SUBJECTS = ("ayush", "ayush_new", "kripa", "kripa_new", "lingjie", "lingjie_new")
_UNKNOWN = np.full((15, 3), np.nan, np.float32)


def recognise(folder: Path) -> bool:
    return (folder / TRUTH).is_file()


def in_split(folder: Path, split: str) -> bool:
    """The test subjects are named; everybody else is for training, nobody for validation."""
    tested = any(part in TEST_SUBJECTS for part in folder.resolve().parts)
    return split == ("test" if tested else "train")


def read(folder: Path, findings: Findings) -> Sequence | None:
    """One sequence; None where it cannot be used. Poses that are NaN are unknown, pictures that are missing a gap."""
    frames = _frames(folder, findings)
    camera = camera_for(folder, CAMERA, findings)
    if not frames or camera is None:
        return None
    numbers = sorted(frames)
    joints = np.stack([frames[n][1] for n in numbers])
    pixels = np.stack([frames[n][2] for n in numbers])
    uv = canonical_points(pixels, camera, camera.size)
    off = unlike(uv, joints)
    if off is not None:
        findings.error(folder, f"joints_2d lie {off:.0%} of the side off the poses: another camera took the pictures")
    subject = next((p for p in reversed(folder.resolve().parts) if p in TEST_SUBJECTS), folder.resolve().parent.name)
    pictures = picture_files((frames[n][0] for n in numbers), camera)
    number = np.array(numbers)
    return sequence_of(folder.name, DATA_SET, pictures, joints, number=number, subject=subject, uv=uv)


Frame = tuple[Path, Any, Any]


def _frames(folder: Path, findings: Findings) -> dict[int, Frame]:
    """By number: the picture's file, pose and pixels."""
    try:
        records = load_pickle(folder / TRUTH)
    except PickleError as error:
        findings.error(folder / TRUTH, str(error))
        return {}
    if not isinstance(records, list) or not records:
        findings.error(folder / TRUTH, "holds no list of frames")
        return {}
    frames: dict[int, Frame] = {}
    bad, missing = [], []
    for place, record in enumerate(records):
        frame = _frame(folder, record)
        if frame is None or frame[0] in frames:
            bad.append(place)
        elif not frame[1][0].is_file():
            missing.append(frame[1][0].name)
        else:
            frames[frame[0]] = frame[1]
    findings.entries(folder, TRUTH, len(records), bad, missing)
    return frames


def _frame(folder: Path, record: Any) -> tuple[int, Frame] | None:
    if not isinstance(record, dict) or not isinstance(record.get("image_name"), str):
        return None
    name = Path(record["image_name"]).name
    number = number_of(name)
    given, drawn = record.get("optimized_local_pose"), record.get("joints_2d")
    pose = _UNKNOWN if given is None else pose_of(given)
    pixels = _UNKNOWN[:, :2] if drawn is None else pose_of(drawn, (15, 2))
    if number is None or pose is None or pixels is None:
        return None
    return number, (folder / "imgs" / name, pose, pixels)
