"""A simple person that is moved by handles (pelvis, spine, head, hands, feet) and solved by inverse kinematics.

Motion made in code moves this puppet; the result is a `Motion` like any captured one. World frame: metres, z up,
the floor at z = 0; in rest the puppet stands in a T pose at the origin, faces -y and its left is +x.
Side 0 is right, side 1 is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.bvh import axis_rotation
from engine.learn.wearer.motion import PARTS, SEGMENTS, Motion

Array = NDArray[np.float64]

THIGH = SHIN = 0.42
UPPER_ARM, FOREARM = 0.27, 0.24
LEG = THIGH + SHIN
ANKLE_HEIGHT = 0.08
PELVIS_HEIGHT = 0.925
"""Of the standing pelvis above the floor."""

_SIDE = np.array([-1.0, 1.0])
_HIP = np.array([[x, 0.01, -0.015] for x in _SIDE * 0.112])
_ABDOMEN = np.array([0, 0.02, 0.08])
_CHEST = np.array([0, -0.01, 0.10])
_COLLAR = np.array([[x, -0.04, 0.30] for x in _SIDE * 0.024])
_SHOULDER = np.array([[x, 0.0, 0.0] for x in _SIDE * 0.15])
_DOWN = np.array([0.0, 0, -1])


@dataclass(slots=True, eq=False)
class Handles:
    """What moves the puppet, over T frames. Angles in radians, positive pitch bends forward and down."""

    pelvis: Array
    """(T, 3) position, world."""
    facing: Array
    """(T,) turn of the whole person about the vertical axis, anticlockwise seen from above."""
    tilt: Array
    """(T, 2) pitch and roll of the pelvis."""
    spine: Array
    """(T, 3) pitch, roll and twist from pelvis to chest."""
    head: Array
    """(T, 3) pitch, roll and twist from chest to head."""
    hand: Array
    """(T, 2, 3) wrist from the shoulder, in the chest's frame, metres."""
    grasp: Array
    """(T, 2, 3) wrist in the world, where `pull` is 1."""
    pull: Array
    """(T, 2) in 0..1, from `hand` to `grasp`."""
    elbow: Array
    """(T, 2) swing of the elbow outward from straight down or back."""
    roll: Array
    """(T, 2) turn of the hand about the forearm, thumb up positive."""
    foot: Array
    """(T, 2, 3) ankle, world."""
    toes: Array
    """(T, 2, 2) of each foot: turn about the vertical axis relative to the world, pitch with toes down positive."""

    def __len__(self) -> int:
        return len(self.facing)


def _cross(a: Array, b: Array) -> Array:
    """(..., 3) cross products; numpy's own spends most of its time on its arguments."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


def two_bone(start: Array, goal: Array, pole: Array, lengths: tuple[float, float]) -> tuple[Array, Array, Array]:
    """Solves a hinged limb: directions (..., 3) of its two bones and of the hinge's axis.

    The end comes to `goal` where that is in reach, else on the way to it; the hinge bends toward `pole`. By the
    law of cosines.
    """
    a, b = lengths
    line = goal - start
    distance = np.linalg.norm(line, axis=-1, keepdims=True)
    along = line / np.maximum(distance, 1e-9)
    reach = np.clip(distance, abs(a - b) + 1e-3, (a + b) * (1 - 1e-6))
    out = pole - (pole * along).sum(-1, keepdims=True) * along
    # A pole along the limb says nothing: any other direction will do.
    other = np.roll(along, 1, axis=-1) * [1, 1, -1] + [0.1, 0, 0]
    other = other - (other * along).sum(-1, keepdims=True) * along
    out = np.where(np.linalg.norm(out, axis=-1, keepdims=True) > 1e-6, out, other)
    out = out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-9)
    cosine = np.clip((a * a + reach * reach - b * b) / (2 * a * reach), -1, 1)
    upper = cosine * along + np.sqrt(1 - cosine * cosine) * out
    lower = (reach * along - a * upper) / b
    return upper, lower, _cross(out, along)


def frame_rotation(direction: Array, axis: Array, rest_direction: Array, rest_axis: Array) -> Array:
    """(..., 3, 3) the rotation that takes a rest direction and an axis square to it to new ones."""
    rotation: Array = _frame(direction, axis) @ _frame(rest_direction, rest_axis).T
    return rotation


def _frame(direction: Array, axis: Array) -> Array:
    out = np.empty((*direction.shape, 3))
    out[..., 0], out[..., 1], out[..., 2] = direction, axis, _cross(direction, axis)
    return out


def _turn(pitch: Array, roll: Array, twist: Array) -> Array:
    """(T, 3, 3): pitch bends forward (the face is at -y), then roll to the left, then twist to the left."""
    return axis_rotation(2, twist) @ axis_rotation(1, roll) @ axis_rotation(0, pitch)


@dataclass(frozen=True, slots=True, eq=False)
class Torso:
    """What the trunk of the puppet does, over T frames."""

    rotations: dict[str, Array]
    """(T, 3, 3) of pelvis ("hip"), abdomen, chest, neck and head."""
    collars: Array
    """(T, 2, 3) inner ends of the collar bones, world."""
    hips: Array
    """(T, 2, 3) hip joints, world."""


def torso(handles: Handles) -> Torso:
    """The trunk, which does not depend on hands and feet."""
    h = handles
    hip = axis_rotation(2, h.facing) @ _turn(h.tilt[:, 0], h.tilt[:, 1], np.zeros(len(h)))
    half = _turn(h.spine[:, 0] / 2, h.spine[:, 1] / 2, h.spine[:, 2] / 2)
    abdomen = hip @ half
    chest = abdomen @ half
    half = _turn(h.head[:, 0] / 2, h.head[:, 1] / 2, h.head[:, 2] / 2)
    neck = chest @ half
    parts = {"hip": hip, "abdomen": abdomen, "chest": chest, "neck": neck, "head": neck @ half}
    base = h.pelvis + hip @ _ABDOMEN + abdomen @ _CHEST
    return Torso(
        parts,
        base[:, None] + np.einsum("tij,sj->tsi", chest, _COLLAR),
        h.pelvis[:, None] + np.einsum("tij,sj->tsi", hip, _HIP),
    )


def solve(handles: Handles, dt_s: float, actions: NDArray[np.uint8], name: str) -> Motion:
    """The motion that the handles make."""
    h = handles
    body = torso(h)
    out = dict(body.rotations)
    for side, label in enumerate(("right", "left")):
        out.update({f"{label}_{part}": r for part, r in _arm(h, body, side).items()})
        out.update({f"{label}_{part}": r for part, r in _leg(h, body, side).items()})
    rotations = np.stack([out[part] for part in PARTS], axis=1)
    rest = np.zeros((len(SEGMENTS), 3), np.float32)
    for i, segment in enumerate(SEGMENTS):
        side_name, _, limb = segment.partition("_")
        rest[i] = _DOWN if limb in ("thigh", "shin") else [1.0 if side_name == "left" else -1.0, 0, 0]
    return Motion(name, "", rotations.astype(np.float32), (h.pelvis / LEG).astype(np.float32), rest, dt_s, actions)


def shoulder_goal(handles: Handles, body: Torso, side: int) -> tuple[Array, Array, Array]:
    """The collar's rotation (T, 3, 3), the shoulder and the goal of the wrist (T, 3), world."""
    h = handles
    chest = body.rotations["chest"]
    still = body.collars[:, side] + chest @ _SHOULDER[side]
    pull = h.pull[:, side, None]
    goal = (1 - pull) * (still + np.einsum("tij,tj->ti", chest, h.hand[:, side])) + pull * h.grasp[:, side]
    # A hand that passes the shoulder goes round it, in front.
    local = np.einsum("tji,tj->ti", chest, goal - still)
    aside = np.hypot(local[:, 0], local[:, 2])
    local[:, 1] = np.minimum(local[:, 1], 0.9 * np.maximum(aside - 0.08, 0) - 0.22)
    goal = still + np.einsum("tij,tj->ti", chest, local)
    # The shoulder rises and comes forward with the arm.
    local = local / np.maximum(np.linalg.norm(local, axis=1, keepdims=True), 0.2)
    sign = _SIDE[side]
    lift = axis_rotation(1, -sign * 0.5 * np.clip(local[:, 2] + 0.1, 0, 1))
    protract = axis_rotation(2, -sign * 0.35 * np.clip(-local[:, 1], 0, 1))
    collar = chest @ protract @ lift
    return collar, body.collars[:, side] + collar @ _SHOULDER[side], goal


def _arm(h: Handles, body: Torso, side: int) -> dict[str, Array]:
    chest = body.rotations["chest"]
    sign = _SIDE[side]
    collar, shoulder, goal = shoulder_goal(h, body, side)
    # The elbow of an arm held forward points down and a little outward. Carried over the sphere without turning, that
    # is back for a hanging arm and forward for a raised one; it is undefined only straight behind, where no hand goes.
    way = np.einsum("tji,tj->ti", chest, goal - shoulder)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    swing = h.elbow[:, side]
    pole = np.stack([sign * np.sin(swing), 0 * swing, -np.cos(swing)], axis=1)
    ahead = np.array([0, -1.0, 0])
    pole -= ((way * pole).sum(axis=1) / np.maximum(1 + way @ ahead, 0.05))[:, None] * (ahead + way)
    pole = np.einsum("tij,tj->ti", chest, pole)
    upper, lower, hinge = two_bone(shoulder, goal, pole, (UPPER_ARM, FOREARM))
    outward, axis = np.array([sign, 0, 0]), np.array([0, 0, -sign])
    forearm = frame_rotation(lower, hinge, outward, axis)
    turn = sign * h.roll[:, side]
    return {
        "collar": collar,
        "upper_arm": frame_rotation(upper, hinge, outward, axis),
        "forearm": forearm @ axis_rotation(0, -turn / 2),
        "hand": forearm @ axis_rotation(0, -turn),
    }


def _leg(h: Handles, body: Torso, side: int) -> dict[str, Array]:
    yaw, pitch = h.toes[:, side, 0], h.toes[:, side, 1]
    # The knee points where the toes point, a little outward.
    mid = yaw + _SIDE[side] * 0.1
    pole = np.stack([np.sin(mid), -np.cos(mid), np.full_like(mid, 0.3)], axis=1)
    upper, lower, hinge = two_bone(body.hips[:, side], h.foot[:, side], pole, (THIGH, SHIN))
    axis = np.array([1.0, 0, 0])
    return {
        "thigh": frame_rotation(upper, hinge, _DOWN, axis),
        "shin": frame_rotation(lower, hinge, _DOWN, axis),
        "foot": axis_rotation(2, yaw) @ axis_rotation(0, pitch),
    }
