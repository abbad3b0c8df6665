"""How still a body holds: by how much it changes its own form, whatever the head and with it the camera do.

The camera sits on the head, so that whoever looks about moves every joint in its frame by tens of centimetres. Poses
are therefore laid over one another first, by the turn and the shift that bring trunk and legs together (Kabsch, Acta
Crystallographica A32, 1976). The arms are left out: their bones keep their lengths while they move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.motion.profile import FAINT
from engine.motion.world import Array
from engine.skeleton import JOINTS

_LEG = ("knee", "ankle", "foot")
_TRUNK = ("neck", "shoulder", "hip")
_PLACED = [i for i, name in enumerate(JOINTS) if name.rpartition("_")[2] in (*_TRUNK, *_LEG)]
"""The joints that poses are laid over one another by."""
_OF_LEGS = np.array([JOINTS[i].rpartition("_")[2] in _LEG for i in _PLACED])
_FEWEST = 4
"""Joints that poses can be laid over one another by."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Metres by which the joints of a part of the body are away from their places, in the mean; 0 if none is seen."""

    trunk_m: float
    legs_m: float

    @property
    def most_m(self) -> float:
        return max(self.trunk_m, self.legs_m)


def often_seen(confidence: NDArray[Any]) -> NDArray[np.bool_]:
    """(N, 15) confidences to (15,) whether a joint is seen in half of the poses at least."""
    sure: NDArray[np.bool_] = np.mean(np.asarray(confidence) >= FAINT, axis=0) >= 0.5
    return sure


def unseen(confidence: NDArray[Any]) -> tuple[str, ...]:
    """Parts of the body of which N poses show too little to measure them: (N, 15) confidences.

    Both hips and the neck are needed, of the others one side.
    """
    seen = dict(zip(JOINTS, often_seen(confidence).tolist(), strict=True))
    parts = dict.fromkeys(name.rpartition("_")[2] for name in JOINTS)
    found = {part: [on for name, on in seen.items() if name.rpartition("_")[2] == part] for part in parts}
    return tuple(part for part, sides in found.items() if not (all(sides) if part == "hip" else any(sides)))


def movement(joints_m: NDArray[Any], confidence: NDArray[Any]) -> Movement:
    """How still N poses hold: (N, 15, 3) metres in any frame of axes, (N, 15).

    A joint's place is the median of the poses laid over one another, and its distance from there the median again: a
    few bad poses tell nothing. Joints that are seldom seen do not count.
    """
    seen = often_seen(confidence)[_PLACED]
    if seen.sum() < _FEWEST:
        return Movement(0.0, 0.0)
    placed = laid_over(np.asarray(joints_m, np.float64)[:, _PLACED][:, seen])
    away = np.median(np.linalg.norm(placed - np.median(placed, axis=0), axis=-1), axis=0)
    legs = _OF_LEGS[seen]
    return Movement(*(float(away[part].mean()) if part.any() else 0.0 for part in (~legs, legs)))


def laid_over(points_m: NDArray[Any]) -> Array:
    """(N, J, 3) poses, each turned and shifted to where its points lie nearest to those of them all."""
    points = np.asarray(points_m, np.float64)
    centred = points - points.mean(axis=1, keepdims=True)
    goal = centred[-1]
    for _ in range(2):
        u, _, vt = np.linalg.svd(np.einsum("nji,jk->nik", centred, goal))
        u[:, :, 2] *= np.linalg.det(u @ vt)[:, None]
        placed: Array = centred @ (u @ vt)
        goal = np.median(placed, axis=0)
        goal = goal - goal.mean(axis=0)
    return placed
