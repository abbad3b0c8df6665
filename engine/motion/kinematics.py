"""The kinematic skeleton behind the 15 joints: named bones of constant length, turned at their joints.

Frame: the world of `engine.motion.world` (metres, x to the wearer's left, y up, z ahead). In the rest pose, the
T-pose, every bone's axes are the world's: arms along x, palms down, legs down, toes ahead. A bone's rotation is
that from the rest pose, local to its parent; quaternions are (x, y, z, w), as in scipy and the VMC protocol.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Self

import numpy as np

from engine.motion.world import Array
from engine.skeleton import JOINTS

_TREE: dict[str, str] = {
    "hips": "",
    "spine": "hips",
    "chest": "spine",
    "neck": "chest",
    "head": "neck",
    "left_shoulder": "chest",
    "left_upper_arm": "left_shoulder",
    "left_lower_arm": "left_upper_arm",
    "left_hand": "left_lower_arm",
    "right_shoulder": "chest",
    "right_upper_arm": "right_shoulder",
    "right_lower_arm": "right_upper_arm",
    "right_hand": "right_lower_arm",
    "left_upper_leg": "hips",
    "left_lower_leg": "left_upper_leg",
    "left_foot": "left_lower_leg",
    "left_toes": "left_foot",
    "right_upper_leg": "hips",
    "right_lower_leg": "right_upper_leg",
    "right_foot": "right_lower_leg",
    "right_toes": "right_foot",
}

BONE_NAMES: tuple[str, ...] = tuple(_TREE)
"""Of the humanoid skeleton that VRM, VMC and Unity share. `hips` begins at the middle of the hip joints, a `shoulder`
(the collar bone) at the neck, the others at the joint of that place: see `BONE_OF_JOINT`."""

BONE_COUNT = len(BONE_NAMES)

BONE_PARENTS: tuple[int, ...] = tuple(-1 if not parent else BONE_NAMES.index(parent) for parent in _TREE.values())
"""Of each bone, -1 for the hips; a parent comes before its children."""

_BEGINS = {"neck": "neck", "shoulder": "upper_arm", "elbow": "lower_arm", "wrist": "hand",
           "hip": "upper_leg", "knee": "lower_leg", "ankle": "foot", "foot": "toes"}  # fmt: skip


def _bone_at(joint: str) -> int:
    side, _, name = joint.rpartition("_")
    return BONE_NAMES.index(f"{side}_{_BEGINS[name]}" if side else _BEGINS[name])


BONE_OF_JOINT: tuple[int, ...] = tuple(_bone_at(joint) for joint in JOINTS)
"""(15,) for each joint of `engine.skeleton` the bone that begins at it."""

CHEST_SHARE = 0.40
"""Where the chest begins on the line from the hips to the neck; the spine begins with the hips, as the points tell of
one trunk alone."""
COLLAR_DROP = 0.48
"""The sine of how far a shoulder lies below the neck in rest, seen from the neck."""
FOOT_DROP = 0.32
"""The sine of how far the ball of the foot lies below the ankle, seen from the ankle."""
SOLE = 0.18
"""How far the sole lies below the ball of the foot, as a share of the foot's length."""
NECK_RISE, NECK_AHEAD = 0.181, 0.064
"""From neck to head, as a share of the trunk's length; like the two above, the mean of the wearer's 48 bodies."""
_TIPS = {"head": (0.0, 0.27, 0.0), "hand": (0.14, 0.0, 0.0), "toes": (0.0, 0.0, 0.11)}
"""Where bones without children end, as a share of the trunk's length; of the left hand."""


@dataclass(frozen=True, slots=True)
class BoneLengths:
    """What the 15 joints tell of a body's size, in metres; left and right are the same."""

    hips: float
    """Between the hip joints."""
    trunk: float
    """From the middle of the hip joints to the neck."""
    shoulder: float
    """From the neck to a shoulder joint."""
    upper_arm: float
    lower_arm: float
    upper_leg: float
    lower_leg: float
    foot: float
    """From the ankle to the ball of the foot."""

    def scaled(self, factor: float) -> Self:
        """All of them times a factor."""
        return type(self)(*(factor * length for length in astuple(self)))


@dataclass(frozen=True, eq=False)
class KinematicSkeleton:
    """Bones of one wearer in the rest pose."""

    lengths: BoneLengths

    @cached_property
    def offsets_m(self) -> Array:
        """(21, 3) where each bone begins in rest, from where its parent begins; the hips' is zero."""
        body, offsets = self.lengths, np.zeros((BONE_COUNT, 3))
        along = np.array([0.0, body.trunk, 0.0])
        made = {
            "chest": CHEST_SHARE * along,
            "neck": (1 - CHEST_SHARE) * along,
            "head": np.array([0.0, NECK_RISE, NECK_AHEAD]) * body.trunk,
        }
        for side, x in (("left", 1.0), ("right", -1.0)):
            made |= {
                f"{side}_shoulder": (1 - CHEST_SHARE) * along,
                f"{side}_upper_arm": body.shoulder * np.array([x * np.sqrt(1 - COLLAR_DROP**2), -COLLAR_DROP, 0.0]),
                f"{side}_lower_arm": np.array([x * body.upper_arm, 0.0, 0.0]),
                f"{side}_hand": np.array([x * body.lower_arm, 0.0, 0.0]),
                f"{side}_upper_leg": np.array([x * body.hips / 2, 0.0, 0.0]),
                f"{side}_lower_leg": np.array([0.0, -body.upper_leg, 0.0]),
                f"{side}_foot": np.array([0.0, -body.lower_leg, 0.0]),
                f"{side}_toes": body.foot * np.array([0.0, -FOOT_DROP, np.sqrt(1 - FOOT_DROP**2)]),
            }
        for name, offset in made.items():
            offsets[BONE_NAMES.index(name)] = offset
        return offsets

    @cached_property
    def tips_m(self) -> Array:
        """(21, 3) where bones without children end in rest, from where they begin; NaN for the others."""
        tips = np.full((BONE_COUNT, 3), np.nan)
        for bone, name in enumerate(BONE_NAMES):
            side, _, plain = name.rpartition("_")
            if plain in _TIPS:
                tips[bone] = self.lengths.trunk * np.array(_TIPS[plain]) * [-1 if side == "right" else 1, 1, 1]
        return tips

    @property
    def standing_m(self) -> float:
        """Height of the hips above the floor in rest."""
        body = self.lengths
        return body.upper_leg + body.lower_leg + (FOOT_DROP + SOLE) * body.foot


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """The wearer's body in one frame: a skeleton and how it is posed in the world."""

    seq: int
    capture_ns: int
    """As `Pose.capture_ns`."""
    skeleton: KinematicSkeleton
    root_m: Array
    """(3,) where the hips begin, world."""
    rotations: Array
    """(21, 4) unit quaternions (x, y, z, w), local to the parent; the hips' in the world."""
    error_m: Array
    """(15,) how far each joint lies from the point that it was fitted to; NaN where there was no point."""

    @cached_property
    def _forward(self) -> tuple[Array, Array]:
        return forward(self.skeleton, self.root_m, self.rotations)

    @property
    def positions_m(self) -> Array:
        """(21, 3) where each bone begins, world."""
        return self._forward[0]

    @property
    def world_rotations(self) -> Array:
        """(21, 3, 3) of each bone, from rest to the world."""
        return self._forward[1]

    @property
    def joints_m(self) -> Array:
        """(15, 3) in the order of `engine.skeleton`, world."""
        return self.positions_m[list(BONE_OF_JOINT)]


def forward(skeleton: KinematicSkeleton, root_m: Array, rotations: Array) -> tuple[Array, Array]:
    """Forward kinematics: (..., 21, 3) where bones begin and (..., 21, 3, 3) their rotations, both in the world.

    `root_m` (..., 3), `rotations` (..., 21, 4) as in `BodyMotion`.
    """
    local = matrices(rotations)
    positions, turned = np.empty((*rotations.shape[:-1], 3)), np.empty_like(local)
    for bone, parent in enumerate(BONE_PARENTS):
        if parent < 0:
            positions[..., bone, :], turned[..., bone, :, :] = root_m, local[..., bone, :, :]
        else:
            of = turned[..., parent, :, :]
            positions[..., bone, :] = positions[..., parent, :] + of @ skeleton.offsets_m[bone]
            turned[..., bone, :, :] = of @ local[..., bone, :, :]
    return positions, turned


def matrices(quaternions: Array) -> Array:
    """(..., 4) unit quaternions (x, y, z, w) to (..., 3, 3). Here, since importing scipy's costs every start 0.3 s."""
    x, y, z, w = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def quaternions(rotations: Array) -> Array:
    """(N, 3, 3) rotations to (N, 4) unit quaternions (x, y, z, w) with w at least 0.

    Four times their outer product follows from the matrix, and its largest row gives them best: Shepperd 1978.
    """
    (a, b, c), (d, e, f), (g, h, i) = np.moveaxis(rotations, 0, -1)
    outer = np.array(
        [
            [1 + a - e - i, b + d, c + g, h - f],
            [b + d, 1 - a + e - i, f + h, c - g],
            [c + g, f + h, 1 - a - e + i, d - b],
            [h - f, c - g, d - b, 1 + a + e + i],
        ]
    )
    every = np.arange(len(rotations))
    row = outer[np.einsum("iin->in", outer).argmax(0), :, every]
    return np.asarray(row / np.linalg.norm(row, axis=-1, keepdims=True) * np.where(row[:, 3:] < 0, -1.0, 1.0))


IDENTITY: Array = np.tile([0.0, 0.0, 0.0, 1.0], (BONE_COUNT, 1))
"""(21, 4) the rest pose."""
