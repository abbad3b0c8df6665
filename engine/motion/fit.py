"""From 15 points to the rotations of a skeleton whose bones keep their lengths.

From the hips outward every joint is put where it is nearest to its point at its bone's length from its parent, so
that the errors of one bone do not add to those of the next. The trunk is straight, since 15 points do not tell how it
bends; the difference between its length and the points' is shared by both its ends. Where the points leave a twist
open, the elbows keep the one they had, the knees look where the toes do, and spine and neck take half of what lies
between their ends. The head is the camera's, which is how the world is defined. Confidence is not used: with the
least confident 13 % of the joints left out, the fit of the demo session was worse (59 against 48 mm).

Limits, in radians about the rest pose: elbows and knees bend one way (and 8 and 5 degrees the other, as they do) and
little to the side; collar bones and ankles turn so far. A pose that keeps them is met exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.motion.geometry import across, axes, beside, between, cross, dot, halfway, toward, unit, within
from engine.motion.kinematics import (
    BONE_COUNT,
    BONE_NAMES,
    BONE_OF_JOINT,
    BONE_PARENTS,
    IDENTITY,
    BodyMotion,
    KinematicSkeleton,
    forward,
    quaternions,
)
from engine.motion.world import Array
from engine.skeleton import JOINTS, PARENTS

ELBOW = radians(-8), radians(155)
KNEE = radians(-5), radians(160)
SIDEWAYS = radians(15)
"""Of an elbow or knee, out of the plane it bends in."""
COLLAR = radians(45)
ANKLE = radians(65)
_KEPT, _DOUBT = 0.05, 0.2
"""What the axis that an elbow had counts against the sine s of its bend, which counts s / (s + doubt): of a nearly
straight arm noise alone chooses the plane."""
_TOES, _AHEAD = 0.3, 0.1
"""What toes, and the hips' own axis, count against the sine of the knee's bend, while it is straight."""
_EASE = 0.02
"""The share by which, frame by frame, a straight elbow's axis goes back to the one of the least twist."""

_X, _Y, _ = np.eye(3)


def _sides(name: str, names: tuple[str, ...]) -> list[int]:
    return [names.index(f"{side}_{name}") for side in ("left", "right")]


_NECK = JOINTS.index("neck")
_SHOULDERS, _ELBOWS, _WRISTS, _HIPS, _KNEES, _ANKLES, _FEET = (
    _sides(name, JOINTS) for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
)
_ROOT, _SPINE, _CHEST = (BONE_NAMES.index(name) for name in ("hips", "spine", "chest"))
_NECK_BONE, _HEAD = BONE_NAMES.index("neck"), BONE_NAMES.index("head")
_BONES = {
    name: _sides(name, BONE_NAMES)
    for name in ("shoulder", "upper_arm", "lower_arm", "hand", "upper_leg", "lower_leg", "foot", "toes")
}
_ARM_REST = axes(np.array([_X, -_X]), np.array([-_Y, _Y]))
"""(2, 3, 3) along the arm, and the axis about which the elbow bends ahead."""
_LEG_REST = axes(np.array([-_Y, -_Y]), np.array([_X, _X]))
"""(2, 3, 3) down the leg, and the axis about which the knee bends back."""


@dataclass(frozen=True, slots=True, eq=False)
class _Limb:
    """Two bones on either side, left and right, in the world."""

    upper: Array
    """(2, 3, 3) rotations."""
    lower: Array
    middle: Array
    """(2, 3) elbows or knees."""
    end: Array
    """(2, 3) wrists or ankles."""


class Fitter:
    """Fits one skeleton to points that come one frame after the other."""

    def __init__(self, skeleton: KinematicSkeleton) -> None:
        self.skeleton = skeleton
        self._joints: Array | None = None
        self._elbows: tuple[Array, Array] | None = None
        """(2, 3) upper arms and (2, 3) axes that the elbows had of late, the more they were bent; from the chest."""

    def reset(self) -> None:
        """Forget the past: after a gap."""
        self._joints = self._elbows = None

    def fit(self, points_m: NDArray[Any], seq: int = 0, capture_ns: int = 0) -> BodyMotion | None:
        """The body whose joints are nearest to (15, 3) points in the world, bone by bone from the hips outward.

        Points that are NaN are taken to have moved as their parents did; None where there is no point at all.
        """
        points = self._completed(np.asarray(points_m, np.float64))
        if points is None:
            return None
        root, turned = self._posed(points)
        rotations = _local(turned)
        self._joints = forward(self.skeleton, root, rotations)[0][list(BONE_OF_JOINT)]
        error: Array = np.linalg.norm(self._joints - points_m, axis=-1)
        error[~np.isfinite(error)] = np.nan
        return BodyMotion(seq, capture_ns, self.skeleton, root, rotations, error)

    def _completed(self, points: Array) -> Array | None:
        """All 15 of them: a missing one moves as its parent does, from where it was or, at first, from rest."""
        known: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(-1))
        if known.all():
            return points
        if not known.any():
            return None
        before = self._joints
        if before is None:
            before = forward(self.skeleton, np.zeros(3), IDENTITY)[0][list(BONE_OF_JOINT)]
        moved = np.where(known[:, None], points - before, np.nan)
        if not known[0]:
            moved[0] = np.nanmean(moved, axis=0)
        for joint, parent in enumerate(PARENTS):
            if not known[joint]:
                moved[joint] = moved[parent]
        return np.asarray(np.where(known[:, None], points, before + moved))

    def _posed(self, points: Array) -> tuple[Array, Array]:
        """(3,) where the hips begin, and (21, 3, 3) all bones' rotations, in the world."""
        lengths, turned = self.skeleton.lengths, np.empty((BONE_COUNT, 3, 3))
        hips, neck = points[_HIPS], points[_NECK]
        middle = hips.mean(0)
        up = unit(neck - middle, _Y)
        root = middle + ((neck - middle) @ up - lengths.trunk) / 2 * up
        neck = root + lengths.trunk * up
        aside = unit(hips[0] - hips[1], beside(up, _X))
        shoulders = beside(up, points[_SHOULDERS[0]] - points[_SHOULDERS[1]], aside)
        turned[_ROOT] = axes(aside, beside(aside, up))
        turned[_CHEST] = axes(shoulders, up)
        turned[_SPINE] = axes(beside(up, beside(up, aside) + shoulders, shoulders), up)
        turned[_HEAD] = np.eye(3)
        turned[_NECK_BONE] = halfway(turned[_CHEST])

        rest = self.skeleton.offsets_m[_BONES["upper_arm"]] / lengths.shoulder @ turned[_CHEST].T
        collars = toward(rest, unit(points[_SHOULDERS] - neck, rest), COLLAR)
        turned[_BONES["shoulder"]] = between(rest, collars) @ turned[_CHEST]
        arms = self._arms(neck + lengths.shoulder * collars, turned[_CHEST], points)
        turned[_BONES["upper_arm"]] = arms.upper
        turned[_BONES["lower_arm"]] = turned[_BONES["hand"]] = arms.lower

        legs = self._legs(root + np.array([[0.5], [-0.5]]) * lengths.hips * aside, turned[_ROOT], points)
        turned[_BONES["upper_leg"]], turned[_BONES["lower_leg"]] = legs.upper, legs.lower
        rest = legs.lower @ self.skeleton.offsets_m[_BONES["toes"][0]] / lengths.foot
        toes = toward(rest, unit(points[_FEET] - legs.end, rest), ANKLE)
        turned[_BONES["foot"]] = turned[_BONES["toes"]] = between(rest, toes) @ legs.lower
        return root, turned

    def _arms(self, shoulders: Array, chest: Array, points: Array) -> _Limb:
        """From (2, 3) shoulders; an elbow that is straight keeps the axis it had."""
        lengths = self.skeleton.lengths
        rest = chest @ _ARM_REST
        upper = unit(points[_ELBOWS] - shoulders, rest[..., 0])
        natural = _turned(between(rest[..., 0], upper), rest[..., 1])
        kept = natural
        if self._elbows is not None:
            along, axis = (v @ chest.T for v in self._elbows)
            kept = _turned(between(along, upper), axis)
            kept = unit((1 - _EASE) * kept + _EASE * natural, natural)
        middle = shoulders + lengths.upper_arm * upper
        lower = unit(points[_WRISTS] - middle, upper)
        bend = cross(upper, lower)
        sine = np.sqrt(dot(bend, bend))
        hinge = beside(upper, sine / (sine + _DOUBT) * bend + _KEPT * kept, kept)
        self._elbows = upper @ chest, beside(upper, kept + sine * bend, kept) @ chest
        return _bent(_ARM_REST, middle, upper, lower, hinge, lengths.lower_arm, ELBOW)

    def _legs(self, joints: Array, hips: Array, points: Array) -> _Limb:
        """From (2, 3) hip joints; a knee looks behind only where its toes do, as that of a turned thigh may."""
        lengths = self.skeleton.lengths
        rest = hips @ _LEG_REST
        upper = unit(points[_KNEES] - joints, rest[..., 0])
        aside = _turned(between(rest[..., 0], upper), rest[..., 1])
        middle = joints + lengths.upper_leg * upper
        lower = unit(points[_ANKLES] - middle, upper)
        toes = across(cross(unit(points[_FEET] - points[_ANKLES], upper), lower), upper)
        bend = cross(upper, lower)
        straight = (1 - np.sqrt(dot(bend, bend).clip(0, 1))) ** 2
        behind = 1 - (2 * dot(unit(toes, aside), unit(bend, aside))).clip(0, 1)
        told = _not_against(bend, aside, behind) + _TOES * straight * _not_against(toes, aside)
        hinge = beside(upper, told + _AHEAD * straight * aside, aside)
        return _bent(_LEG_REST, middle, upper, lower, hinge, lengths.lower_leg, KNEE)


def _bent(
    rest: Array, middle: Array, upper: Array, lower: Array, hinge: Array, length: float, limit: tuple[float, float]
) -> _Limb:
    """Limbs with (2, 3) directions of their bones and (2, 3) axes perpendicular to the upper ones, within limits."""
    ahead = cross(hinge, upper)
    bend = within(np.arctan2(dot(lower, ahead), dot(lower, upper)), *limit)
    tilt = np.arcsin(dot(lower, hinge).clip(-1, 1)).clip(-SIDEWAYS, SIDEWAYS)
    flat = np.cos(bend) * upper + np.sin(bend) * ahead
    lower = np.cos(tilt) * flat + np.sin(tilt) * hinge
    tilted = np.cos(tilt) * hinge - np.sin(tilt) * flat
    back = np.swapaxes(rest, -1, -2)
    return _Limb(axes(upper, hinge) @ back, axes(lower, tilted) @ back, middle, middle + length * lower)


def _not_against(axis: Array, reference: Array, share: Array | float = 1.0) -> Array:
    """(..., 3) without what points against a direction of length 1, or without a share of that."""
    return axis - share * np.minimum(dot(axis, reference), 0.0) * reference


def _turned(rotations: Array, vectors: Array) -> Array:
    """(N, 3, 3) applied to (N, 3)."""
    return np.asarray((rotations @ vectors[..., None])[..., 0])


def _local(turned: Array) -> Array:
    """(21, 3, 3) rotations in the world to (21, 4) quaternions local to the parents, w at least 0."""
    parents = turned[list(BONE_PARENTS)]
    parents[0] = np.eye(3)
    return quaternions(np.swapaxes(parents, -1, -2) @ turned)
