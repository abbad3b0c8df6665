"""SceneEgo: `imgs/img_%06d.jpg`, `syn.json` {ego, ext}, `local_pose_gt.pkl`: a list of {ext_id, ego_pose_gt}.

A pose is (15, 3) metres or None. The number of a picture is ext_id - ext + ego.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.learn.data.findings import Findings
from engine.learn.data.folders import camera_for, picture_files, pose_of, sequence_of
from engine.learn.data.pickles import PickleError, load_pickle
from engine.learn.data.sequence import Sequence
from engine.types import FloatArray

DATA_SET = "SceneEgo"
TRUTH = "local_pose_gt.pkl"
START = "syn.json"
CAMERA = "sceneego"
SPLITS = {"train": ("diogo1", "diogo2", "jian1", "jian2", "pranay2"), "test": ("diogo1", "diogo2", "jian1", "jian2")}
_MAX_JSON = 1 << 16


def recognise(folder: Path) -> bool:
    return (folder / TRUTH).is_file()


def in_split(folder: Path, split: str) -> bool:
    """The same names are in both splits: those under a folder `test` are the test sequences."""
    parts = folder.resolve().parts
    return folder.name in SPLITS.get(split, ()) and ("test" in parts) == (split == "test")


def read(folder: Path, findings: Findings) -> Sequence | None:
    """One sequence; None where it cannot be used. A pose of None is unknown, a picture that is missing a gap."""
    shift = _shift(folder / START, findings)
    camera = camera_for(folder, CAMERA, findings)
    try:
        records = load_pickle(folder / TRUTH)
    except PickleError as error:
        findings.error(folder / TRUTH, str(error))
        return None
    if not isinstance(records, list) or not records:
        findings.error(folder / TRUTH, "holds no list of frames")
        return None
    if shift is None or camera is None:
        return None
    frames: dict[int, FloatArray] = {}
    bad, missing = [], []
    for place, record in enumerate(records):
        frame = _frame(record)
        if frame is None or frame[0] + shift in frames or frame[0] + shift < 0:
            bad.append(place)
        elif not _picture(folder, frame[0] + shift).is_file():
            missing.append(_picture(folder, frame[0] + shift).name)
        else:
            frames[frame[0] + shift] = frame[1]
    findings.entries(folder, TRUTH, len(records), bad, missing)
    if not frames:
        return None
    numbers = sorted(frames)
    pictures = picture_files((_picture(folder, n) for n in numbers), camera)
    joints = np.stack([frames[n] for n in numbers])
    subject = folder.name.rstrip("0123456789")
    return sequence_of(folder.name, DATA_SET, pictures, joints, number=np.array(numbers), subject=subject)


def _picture(folder: Path, number: int) -> Path:
    return folder / "imgs" / f"img_{number:06d}.jpg"


def _frame(record: Any) -> tuple[int, FloatArray] | None:
    if not isinstance(record, dict) or "ego_pose_gt" not in record:
        return None
    number, given = record.get("ext_id"), record["ego_pose_gt"]
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < 10**12:
        return None
    pose = np.full((15, 3), np.nan, np.float32) if given is None else pose_of(given)
    return None if pose is None else (int(number), pose)


def _shift(path: Path, findings: Findings) -> int | None:
    """What to add to an ext_id."""
    try:
        if path.stat().st_size > _MAX_JSON:
            raise ValueError("is far too large")
        values = json.loads(path.read_text(encoding="utf-8"))
        ego, ext = values["ego"], values["ext"]
        if not isinstance(ego, int) or not isinstance(ext, int):
            raise ValueError("ego and ext are no whole numbers")
    except OSError as error:
        findings.error(path, f"cannot be read ({error.strerror})")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        findings.error(path, f"is damaged ({type(error).__name__}: {error})")
    else:
        return ego - ext
    return None
