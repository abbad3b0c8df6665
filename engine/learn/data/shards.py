"""Shards of the synthetic wearer as sequences; what they hold is told in `engine.learn.wearer.shards`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL
from calib.cv import cv2
from calib.remap import fit_camera
from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.mapped import Member, MemberError, members
from engine.learn.data.sequence import Pictures, Sequence, clips_of, projected
from engine.learn.wearer.motion import ACTIONS
from engine.types import ImageArray

FIELDS = ("image", "joints_m", "uv", "visible", "action", "clip")
OPTIONAL = ("time_s", "subject", "motion")
DATA_SET = "wearer"
_UV_TOLERANCE = 1e-3


@dataclass
class ShardPictures(Pictures):
    """The pictures of a shard, mapped from its file."""

    member: Member
    label: NDArray[np.str_]
    """(N,)."""
    camera: Calibration

    def raw(self, index: int) -> ImageArray:
        try:
            return np.asarray(cv2.cvtColor(self.member.array[index], cv2.COLOR_RGB2BGR), np.uint8)
        except (OSError, ValueError) as error:
            raise EgoposeError(f"{self.member.path} has changed or gone ({error}); open the data again") from error

    def name(self, index: int) -> str:
        return f"{self.member.path.name} {self.label[index]}"


def recognise(path: Path) -> bool:
    return path.suffix == ".npz" and path.is_file()


def in_split(path: Path, split: str) -> bool:
    """Told by the name that the wearer gives; a shard of another name is in every split."""
    first = path.name.partition("-")[0]
    return first == split or first not in ("train", "validation", "test")


def shard_paths(folder: Path) -> list[Path]:
    """The shards in a folder, in the order of their names; those still being written are hidden files."""
    return [path for path in sorted(folder.glob("*.npz")) if not path.name.startswith(".")]


def read_shards(folder: Path, findings: Findings) -> list[Sequence]:
    """All shards of a folder that can be used."""
    found = (read(path, findings) for path in shard_paths(folder))
    return [sequence for sequence in found if sequence is not None]


def read(path: Path, findings: Findings) -> Sequence | None:
    """One shard; None where it is not as it must be, which is then among the findings."""
    try:
        held = members(path)
        wrong = _misfits(held)
        arrays = {} if wrong else {k: np.array(held[k].array) for k in (*FIELDS[1:], *OPTIONAL) if k in held}
    except MemberError as error:
        findings.error(path, f"{error}; make the shard again")
        return None
    except OSError as error:
        findings.error(path, f"cannot be read ({error.strerror or error})")
        return None
    wrong = wrong or _oddities(arrays)
    for line in wrong:
        findings.error(path, f"{line}; make the shard again")
    return None if wrong else _sequence(path, held["image"], arrays)


def _misfits(held: dict[str, Member]) -> list[str]:
    """What the shapes and types alone tell."""
    missing = [name for name in FIELDS if name not in held]
    if missing:
        return [f"lacks {', '.join(missing)}"]
    image = held["image"]
    if len(image.shape) != 4 or image.shape[1] != image.shape[2] or image.shape[3] != 3 or image.dtype != np.uint8:
        return [f"image is {image.shape} {image.dtype}, not (N, S, S, 3) uint8"]
    count, side = image.shape[:2]
    if not count or not side:
        return ["holds no pictures"]
    rest = {"joints_m": (15, 3), "uv": (15, 2), "visible": (15,)}
    kinds = {"joints_m": "f", "uv": "f", "visible": "b", "time_s": "f", "subject": "U", "motion": "U"}
    wrong = []
    for name in (*FIELDS[1:], *OPTIONAL):
        if name not in held:
            continue
        member, shape = held[name], (count, *rest.get(name, ()))
        if member.shape != shape:
            wrong.append(f"{name} has the shape {member.shape}, not {shape}")
        if member.dtype.kind not in kinds.get(name, "iu"):
            wrong.append(f"{name} is of the type {member.dtype}")
    return wrong


def _oddities(arrays: dict[str, NDArray[Any]]) -> list[str]:
    """What the numbers tell."""
    wrong = []
    for name in ("joints_m", "uv", "time_s"):
        bad = np.argwhere(~np.isfinite(arrays.get(name, np.zeros(1))))
        if len(bad):
            wrong.append(f"{name} holds {len(bad)} numbers that are not finite, the first in row {bad[0, 0]}")
    if wrong:
        return wrong
    off = np.abs(projected(arrays["joints_m"]) - arrays["uv"]).max(initial=0.0)
    if not off < _UV_TOLERANCE:
        wrong.append(f"uv lies up to {off:.3g} off the projection of joints_m")
    if int(arrays["action"].max(initial=0)) >= len(ACTIONS) or int(arrays["action"].min(initial=0)) < -1:
        wrong.append(f"action holds numbers beyond {len(ACTIONS) - 1}")
    if (np.diff(arrays["clip"].astype(np.int64)) < 0).any():
        wrong.append("clip falls")
    return wrong


def _sequence(path: Path, image: Member, arrays: dict[str, NDArray[Any]]) -> Sequence:
    count, side = image.shape[:2]
    given = arrays["clip"].astype(np.int64)
    time_s = arrays.get("time_s", np.arange(count) / 30).astype(np.float64)
    subject = arrays.get("subject", np.full(count, ""))
    motion = arrays.get("motion", subject)
    label = np.array([f"clip {c} {m}".rstrip() for c, m in zip(given, motion, strict=True)])
    return Sequence(
        name=path.stem,
        data_set=DATA_SET,
        pictures=ShardPictures(image, label, _camera(side)),
        joints_m=arrays["joints_m"].astype(np.float32, copy=False),
        uv=arrays["uv"].astype(np.float32, copy=False),
        visible=arrays["visible"],
        hidden_known=True,
        action=arrays["action"].astype(np.int16),
        time_s=time_s,
        clip=_clips(given, time_s),
        subject=subject,
    )


_CAMERAS: dict[int, Calibration] = {}


def _camera(side: int) -> Calibration:
    """One object for each side, so that its views are made once."""
    return _CAMERAS.setdefault(side, fit_camera(CANONICAL, (side, side)))


def _clips(given: NDArray[np.int64], time_s: NDArray[np.float64]) -> NDArray[np.int32]:
    """The shard's own clips, divided where the time within one has a gap."""
    edges = np.flatnonzero(np.diff(given)) + 1
    parts = np.split(time_s, edges)
    total, clips = 0, []
    for part in parts:
        within = clips_of(part) if len(part) > 1 else np.zeros(1, np.int32)
        clips.append(within + total)
        total += int(within[-1]) + 1
    return np.concatenate(clips).astype(np.int32)
