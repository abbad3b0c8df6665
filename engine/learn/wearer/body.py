"""The wearer's body: shapes, skin weights, bones; posing and retargeting.

World and rest frame: metres, z up, the body faces -y and its left is +x.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EgoposeError
from engine.learn.wearer.motion import PART_INDEX, SEGMENTS, Motion
from engine.skeleton import JOINTS
from engine.types import FloatArray

WEARER_FILE = Path(__file__).resolve().parents[3] / "assets" / "wearer.npz"

SPLITS = {"train": (0, 32), "validation": (32, 40), "test": (40, 48)}
"""First and one-past-last body shape of each split: no shape is in two of them."""

_JOINT_BONE = {
    "neck": "neck01",
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
    "foot": "toe2-1",
}
_BONE_PART = {
    "root": "hip",
    "spine05": "abdomen",
    "spine04": "abdomen",
    "spine03": "chest",
    "spine02": "chest",
    "spine01": "chest",
    "neck01": "neck",
    "neck02": "neck",
    "neck03": "neck",
    "head": "head",
    "clavicle": "collar",
    "shoulder01": "collar",
    "upperarm01": "upper_arm",
    "upperarm02": "upper_arm",
    "lowerarm01": "forearm",
    "lowerarm02": "forearm",
    "wrist": "hand",
    "upperleg01": "thigh",
    "upperleg02": "thigh",
    "lowerleg01": "shin",
    "lowerleg02": "shin",
    "foot": "foot",
}
_SEGMENT_BONES = {
    "upper_arm": ("upperarm01", "lowerarm01"),
    "forearm": ("lowerarm01", "wrist"),
    "thigh": ("upperleg01", "lowerleg01"),
    "shin": ("lowerleg01", "foot"),
}
_SIDES = {"L": "left", "R": "right"}


def _sided(bone: str) -> tuple[str, str]:
    """("upperarm01", "L") of "upperarm01.L"; the side is "" in the middle."""
    base, _, side = bone.partition(".")
    return base, side


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A body in T poses."""

    rotations: FloatArray
    """(T, B, 3, 3) of each bone, from the rest pose to the world."""
    positions: FloatArray
    """(T, B, 3) bone heads, metres, world."""

    def between(self, one: int, other: int, share: float) -> Posed:
        """The one pose that lies `share` (0..1) of the way from a frame to a neighbour."""
        # Between neighbours the blend of two rotations is a rotation but for a part in a thousand.
        parts = (part[one] + np.float32(share) * (part[other] - part[one]) for part in (self.rotations, self.positions))
        return Posed(*(part[None] for part in parts))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """All shapes of the wearer; they share faces, weights and rig."""

    vertices: FloatArray
    """(S, V, 3) rest positions, metres."""
    faces: NDArray[np.int32]
    """(F, 3)."""
    weights: FloatArray
    """(V, 4), summing to 1."""
    indices: NDArray[np.uint8]
    """(V, 4) bones of the weights."""
    heads: FloatArray
    """(S, B, 3) rest positions of the bones' heads."""
    parents: NDArray[np.int64]
    """(B,), -1 for the root; a parent comes before its children."""
    names: tuple[str, ...]

    def bone(self, name: str) -> int:
        """Index of a bone by name."""
        return self.names.index(name)

    @property
    def joint_bones(self) -> list[int]:
        """The bones whose heads are the 15 joints of `engine.skeleton`."""
        found = []
        for joint in JOINTS:
            side, _, name = joint.rpartition("_")
            found.append(self.bone(_JOINT_BONE[name] + (f".{side[0].upper()}" if side else "")))
        return found

    def leg_length(self, shape: int) -> float:
        """Metres from hip over knee to ankle."""
        hip, knee, ankle = (self.heads[shape, self.bone(f"{b}.L")] for b in ("upperleg01", "lowerleg01", "foot"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))

    def thinned(self, cell_m: float) -> NDArray[np.int32]:
        """(F, 3) faces over fewer of the same vertices: those in one cell of the first shape count as one."""
        cells = np.floor(self.vertices[0] / cell_m).astype(int)
        _, first, of = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        faces = first[of.ravel()][self.faces].astype(np.int32)
        a, b, c = faces.T
        faces = faces[(a != b) & (b != c) & (c != a)]
        # Neighbours one after the other: what a driver remembers of the last vertices serves again.
        return np.asarray(faces[np.argsort(faces.min(axis=1), kind="stable")])

    def normals(self, shape: int) -> FloatArray:
        """(V, 3) unit vertex normals of the rest pose, weighted by face area."""
        v = self.vertices[shape].astype(np.float64)
        a, b, c = (v[self.faces[:, k]] for k in range(3))
        face = np.cross(b - a, c - a)
        total = np.zeros_like(v)
        for k in range(3):
            for axis in range(3):
                total[:, axis] += np.bincount(self.faces[:, k], face[:, axis], minlength=len(v))
        return (total / np.linalg.norm(total, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)

    def pose(self, motion: Motion, shape: int, curl: float = 0.3) -> Posed:
        """All frames of a motion on one shape, the fingers curled by `curl` radians a joint.

        The limbs point exactly as the motion's do, whatever the rest poses: the rotation of a bone is the
        motion's rotation after the smallest one that brings the limb's rest direction here to that there.
        """
        rest = self.heads[shape].astype(np.float64)
        rig = _rig(self.names, tuple(self.parents.tolist()))
        # One bone after the other, each with all its frames.
        rotations = np.empty((len(self.names), len(motion), 3, 3))
        rotations[rig.driven] = motion.rotations.transpose(1, 0, 2, 3)[rig.parts[rig.driven]]
        start, end = rest[rig.limb_ends].transpose(1, 0, 2)
        rotations[rig.limbs] @= smallest_rotation(end - start, motion.rest[rig.segments].astype(np.float64))[:, None]
        # The thumb is curled less.
        curls = {
            (thumb, side): _finger_curl(rest, self.names, side, curl * (0.4 if thumb else 1.0))
            for thumb in (True, False)
            for side in _SIDES
        }
        positions = np.empty((len(self.names), len(motion), 3))
        for level in rig.levels:
            parent = self.parents[level]
            if parent[0] < 0:
                positions[level] = motion.root * self.leg_length(shape)
                continue
            reach = rest[level] - rest[parent]
            positions[level] = positions[parent] + np.einsum("btij,bj->bti", rotations[parent], reach)
            for bone in level[rig.parts[level] < 0]:
                base, side = _sided(self.names[bone])
                above = rotations[self.parents[bone]]
                finger = base.startswith("finger")
                rotations[bone] = above @ curls[base.startswith("finger1"), side] if finger else above
        return Posed(
            np.ascontiguousarray(rotations.transpose(1, 0, 2, 3), np.float32),
            np.ascontiguousarray(positions.transpose(1, 0, 2), np.float32),
        )

    def skinning(self, posed: Posed, shape: int, frame: int) -> FloatArray:
        """(B, 4, 4) matrices that take rest positions to the world in one frame."""
        matrices = np.zeros((len(self.names), 4, 4), np.float32)
        rotation = posed.rotations[frame]
        matrices[:, :3, :3] = rotation
        matrices[:, :3, 3] = posed.positions[frame] - np.einsum("bij,bj->bi", rotation, self.heads[shape])
        matrices[:, 3, 3] = 1
        return matrices

    def floor(self, posed: Posed, shape: int) -> float:
        """Height in metres of the floor that the feet stand on: a low percentile over the frames."""
        feet = [self.bone(f"{b}.{s}") for b in ("foot", "toe2-1") for s in "LR"]
        lowest = (posed.positions[:, feet, 2] - self.heads[shape, feet, 2]).min(axis=1)
        return float(np.percentile(lowest, 5))


@dataclass(frozen=True, slots=True, eq=False)
class _Rig:
    """How a motion turns bones."""

    parts: NDArray[np.int64]
    """(B,) the part of a motion that turns each bone, -1 for those that follow their parents."""
    driven: NDArray[np.int64]
    """The bones that are turned so."""
    limbs: NDArray[np.int64]
    """(L,) the bones of limbs whose direction is carried over exactly."""
    limb_ends: NDArray[np.int64]
    """(L, 2) the bones at whose heads their limbs begin and end."""
    segments: NDArray[np.int64]
    """(L,) these limbs, numbers of `SEGMENTS`."""
    levels: tuple[NDArray[np.int64], ...]
    """The bones by how far from the root they are."""


@lru_cache(maxsize=2)
def _rig(names: tuple[str, ...], parents: tuple[int, ...]) -> _Rig:
    parts = np.full(len(names), -1, np.int64)
    depth = np.zeros(len(names), np.int64)
    limbs, ends, segments = [], [], []
    for bone, ((base, side), parent) in enumerate(zip(map(_sided, names), parents, strict=True)):
        depth[bone] = 0 if parent < 0 else depth[parent] + 1
        if base in _BONE_PART:
            parts[bone] = PART_INDEX[f"{_SIDES[side]}_{_BONE_PART[base]}" if side else _BONE_PART[base]]
        part = "forearm" if base == "wrist" else _BONE_PART.get(base, "")
        if part in _SEGMENT_BONES:
            limbs.append(bone)
            ends.append([names.index(f"{end}.{side}") for end in _SEGMENT_BONES[part]])
            segments.append(SEGMENTS.index(f"{_SIDES[side]}_{part}"))
    levels = tuple(np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1))
    return _Rig(parts, np.flatnonzero(parts >= 0), np.array(limbs), np.array(ends), np.array(segments), levels)


def smallest_rotation(start: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) the rotations by the least angle that turn (..., 3) directions into others, not opposite, ones."""
    a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (start, goal))
    # The matrix of the cross product with a x b.
    k = b[..., :, None] * a[..., None, :] - a[..., :, None] * b[..., None, :]
    rotation: NDArray[np.float64] = np.eye(3) + k + k @ k / (1 + (a * b).sum(axis=-1))[..., None, None]
    return rotation


def _cross_matrix(v: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = v
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def _finger_curl(rest: NDArray[np.float64], names: tuple[str, ...], side: str, angle: float) -> NDArray[np.float64]:
    """(3, 3) a finger joint's rotation toward the palm, about the line of the knuckles."""
    axis = rest[names.index(f"finger2-1.{side}")] - rest[names.index(f"finger5-1.{side}")]
    k = _cross_matrix(axis / np.linalg.norm(axis) * (-1 if side == "L" else 1))
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


@lru_cache(maxsize=2)
def load_body(path: Path = WEARER_FILE) -> Body:
    """The baked shapes. Raises EgoposeError where the file is missing or not what it must be."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            step = float(data["step_m"])
            offsets = np.moveaxis(data["offsets"].astype(np.float32), 1, 2)
            body = Body(
                vertices=(offsets + data["mean"].astype(np.float32)) * np.float32(step),
                faces=data["faces"].astype(np.int32),
                weights=data["weights"].astype(np.float32) / np.float32(255),
                indices=data["indices"],
                heads=data["heads"],
                parents=data["parents"].astype(np.int64),
                names=tuple(str(name) for name in data["names"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise EgoposeError(f"cannot read the wearer's body {path}: {error}; install egopose again") from error
    return body
