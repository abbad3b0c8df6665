"""Motions: how the parts of a body turn over time, from a BVH file or made in code.

World frame: metres where there are metres, z up; in rest the body faces -y and its left is +x.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EgoposeError
from engine.learn.wearer.bvh import Bvh, load_bvh

ACTIONS: tuple[str, ...] = (
    "stand",
    "walk",
    "run",
    "jump",
    "reach",
    "squat",
    "sit",
    "gesture",
    "dance",
    "turn",
    "kick",
    "other",
)
"""Names of the action labels, in the order of their numbers."""

_ACTION_OF = {"ball": "other", "box": "other", "climb": "other", "exercise": "other", "wash": "reach"}
"""What other names of actions, as lists of clips use them, count as."""

SEGMENTS: tuple[str, ...] = tuple(
    f"{side}_{part}" for side in ("right", "left") for part in ("upper_arm", "forearm", "thigh", "shin")
)
"""The limbs whose direction is carried from one body to another exactly."""

PARTS: tuple[str, ...] = (
    "hip",
    "abdomen",
    "chest",
    "neck",
    "head",
    *(
        f"{side}_{part}"
        for side in ("right", "left")
        for part in ("collar", "upper_arm", "forearm", "hand", "thigh", "shin", "foot")
    ),
)
"""The parts of the body that a motion turns."""

PART_INDEX = {part: i for i, part in enumerate(PARTS)}

_ALIASES: dict[str, tuple[str, ...]] = {
    "hip": ("hip", "hips", "pelvis", "root"),
    "abdomen": ("abdomen", "spine", "lowerback"),
    "chest": ("chest", "spine1", "spine2", "spine3"),
    "neck": ("neck", "neck1"),
    "head": ("head",),
    "collar": ("{s}collar", "{side}collar", "{side}shoulder"),
    "upper_arm": ("{s}shldr", "{side}arm", "{side}upperarm"),
    "forearm": ("{s}forearm", "{side}forearm", "{side}lowerarm"),
    "hand": ("{s}hand", "{side}hand"),
    "thigh": ("{s}thigh", "{side}upleg", "{side}thigh", "{side}upperleg"),
    "shin": ("{s}shin", "{side}leg", "{side}shin", "{side}lowerleg"),
    "foot": ("{s}foot", "{side}foot"),
}
"""Names that BVH files give these parts, lower case, "{s}" for l or r and "{side}" for left or right."""

_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From a BVH file's frame (y up, facing +z) to this one."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """T frames of motion that any body can be posed in."""

    name: str
    subject: str
    """Who moved; "" for motion made in code."""
    rotations: NDArray[np.float32]
    """(T, 19, 3, 3) of the `PARTS`, from the motion's own rest pose to the world."""
    root: NDArray[np.float32]
    """(T, 3) of the pelvis, in leg lengths (hip to knee to ankle)."""
    rest: NDArray[np.float32]
    """(8, 3) directions of the `SEGMENTS` in the motion's rest pose."""
    dt_s: float
    actions: NDArray[np.uint8]
    """(T,) numbers of `ACTIONS`."""

    def __len__(self) -> int:
        return len(self.root)

    def taken(self, frames: NDArray[np.intp] | slice) -> Motion:
        """Some frames of it."""
        return replace(self, rotations=self.rotations[frames], root=self.root[frames], actions=self.actions[frames])

    def turned(self, angle: float) -> Motion:
        """The motion turned about the vertical axis through the world's origin, radians."""
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
        return replace(self, rotations=turn @ self.rotations, root=self.root @ turn.T)


def action_number(name: str) -> int:
    """The number in `ACTIONS` of an action's name; names that are not known count as "other"."""
    name = _ACTION_OF.get(name, name)
    return ACTIONS.index(name if name in ACTIONS else "other")


def motion_from_bvh(bvh: Bvh, name: str, subject: str, action: str) -> Motion:
    """The motion of a BVH file. Raises EgoposeError where a part of the body cannot be found in it."""
    number = {joint.lower().rsplit(":", 1)[-1]: i for i, joint in reversed(list(enumerate(bvh.names)))}
    source = {part: _find(part, number, bvh.path) for part in PARTS}
    position, rotation = bvh.forward()
    picked = rotation[:, [source[part] for part in PARTS]]
    rest = bvh.rest() @ _UP.T

    after = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
    directions = []
    for segment in SEGMENTS:
        side, _, limb = segment.partition("_")
        directions.append(rest[source[f"{side}_{after[limb]}"]] - rest[source[segment]])
    lengths = dict(zip(SEGMENTS, (float(np.linalg.norm(d)) for d in directions), strict=True))
    leg = lengths["left_thigh"] + lengths["left_shin"]
    if min(lengths.values()) <= 1e-6 * max(leg, 1.0):
        raise EgoposeError(f"{bvh.path}: a limb has no length; use a file whose offsets are those of a person")
    return Motion(
        name=name,
        subject=subject,
        rotations=(_UP @ picked @ _UP.T).astype(np.float32),
        root=(position[:, source["hip"]] @ _UP.T / leg).astype(np.float32),
        rest=np.array([d / np.linalg.norm(d) for d in directions], np.float32),
        dt_s=bvh.dt_s,
        actions=np.full(len(position), action_number(action), np.uint8),
    )


def _find(part: str, number: dict[str, int], path: Path) -> int:
    side, _, limb = part.partition("_")
    aliases = _ALIASES[limb] if limb else _ALIASES[part]
    for alias in aliases:
        found = number.get(alias.format(s=side[0], side=side))
        if found is not None:
            return found
    wanted = ", ".join(alias.format(s=side[0], side=side) for alias in aliases)
    raise EgoposeError(f"{path}: no joint for the {part.replace('_', ' ')} (looked for {wanted}); rename the joint")


def load_motions(folder: Path, subjects: Sequence[str] | None = None) -> list[Motion]:
    """The motions of a folder of BVH files, at about 30 frames a second.

    With a `clips.csv` (columns clip, subject, action) in it, those it lists; else every `*.bvh`, with the part
    of the file's name before "_" as subject. Raises EgoposeError where a file cannot be used.
    """
    if not folder.is_dir():
        raise EgoposeError(f"{folder}: no such folder; give the one that the BVH files are in")
    rows = _listed(folder)
    motions = [
        motion_from_bvh(load_bvh(folder / f"{clip}.bvh", 1 / 30), clip, subject, action)
        for clip, subject, action in rows
        if subjects is None or subject in subjects
    ]
    if not motions:
        raise EgoposeError(f"{folder}: no BVH file of the wanted people in it; put *.bvh files there")
    return motions


def _listed(folder: Path) -> list[tuple[str, str, str]]:
    table = folder / "clips.csv"
    if not table.is_file():
        return [(p.stem, p.stem.split("_", maxsplit=1)[0], "other") for p in sorted(folder.glob("*.bvh"))]
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [(row["clip"], row["subject"], row["action"]) for row in csv.DictReader(file)]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise EgoposeError(f"{table}: has no columns clip, subject, action; mend or remove it") from error
    for clip, *_ in rows:
        if not clip or Path(clip).name != clip:
            raise EgoposeError(f"{table}: {clip!r} is not the name of a file in this folder; mend the list")
    return rows
