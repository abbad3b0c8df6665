"""The pose made ready for the 3D view: display frame, floor, limbs. Pure numpy, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from math import exp

import numpy as np

from app.orbit import Points
from app.shown import BONE_SIDES, JOINT_SIDES, Side
from engine.motion.world import CAMERA_HEIGHT_M, CAMERA_TO_WORLD
from engine.skeleton import BONES, JOINTS

CAMERA_TO_DISPLAY: Points = CAMERA_TO_WORLD[[0, 2, 1]] * np.array([[-1.0], [1.0], [1.0]])
"""(3, 3) rows are right, forward and up in the camera's frame, by the assumption of `engine.motion.world`."""

STANDING_FLOOR = -CAMERA_HEIGHT_M
"""Metres: the floor under the camera on a standing adult's head, until a foot is seen."""

_FLOOR_STEP = 0.004
"""Metres: about a pixel and a half of the 3D view."""

_FEET = tuple(i for i, name in enumerate(JOINTS) if name.endswith(("ankle", "foot")))
_RADII = {"neck": 0.042, "shoulder": 0.05, "elbow": 0.037, "wrist": 0.027,
          "hip": 0.062, "knee": 0.047, "ankle": 0.033, "foot": 0.026}  # fmt: skip
RADII: Points = np.array([_RADII[name.rsplit("_", 1)[-1]] for name in JOINTS])
"""(15,) metres: how thick limbs are drawn at each joint; not measured of the wearer."""

TRUNK = tuple(JOINTS.index(name) for name in ("right_shoulder", "left_shoulder", "left_hip", "right_hip"))


class Style(StrEnum):
    """How a body is drawn, so that several can stand in one view."""

    SOLID = "solid"
    """Limbs: what is shown."""
    LINE = "line"
    """A thin line: what is known to be true."""
    DASHED = "dashed"
    """A dashed line: what another network says."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One skeleton on the stage."""

    joints: Points
    """(15, 3) metres, display frame; NaN where a joint is not known."""
    confidence: np.ndarray
    """(15,) in 0..1."""
    style: Style = Style.SOLID
    name: str = ""
    """For the legend; "" for none."""


def ghost(joints_m: np.ndarray, name: str, style: Style = Style.LINE) -> Body:
    """(15, 3) metres in the camera's frame, as a body beside the one that is shown."""
    return Body(to_display(joints_m), np.ones(len(joints_m)), style, name)


def to_display(joints_m: np.ndarray) -> Points:
    """(..., 3) camera frame to (..., 3) display frame, both metres."""
    return np.asarray(joints_m, np.float64) @ CAMERA_TO_DISPLAY.T


@dataclass(slots=True)
class Floor:
    """The height of the lowest foot, smoothed: quick to sink, slow to rise, so that a lifted foot does not lift it."""

    height: float = STANDING_FLOOR
    shown: float = STANDING_FLOOR
    """The height at which it is drawn: follows in steps that are not seen, so that it need not be drawn each time."""
    _time_ns: int | None = None

    def update(self, joints: Points, time_ns: int) -> float:
        """(15, 3) display frame at a time; the floor's height in metres. NaN feet leave it as it is."""
        feet = joints[list(_FEET), 2]
        feet = feet[np.isfinite(feet)]
        if feet.size == 0:
            return self.height
        lowest = float(feet.min()) - RADII[JOINTS.index("left_foot")]
        elapsed = None if self._time_ns is None else (time_ns - self._time_ns) / 1e9
        self._time_ns = time_ns
        if elapsed is None or not 0 <= elapsed < 2.0:
            self.height = lowest
        else:
            settle_s = 0.15 if lowest < self.height else 1.0
            self.height += (lowest - self.height) * (1.0 - exp(-elapsed / settle_s))
        if abs(self.height - self.shown) > _FLOOR_STEP:
            self.shown = self.height
        return self.height


@dataclass(frozen=True, slots=True)
class Limb:
    """One bone as it appears in the view."""

    start: tuple[float, float]
    end: tuple[float, float]
    radii: tuple[float, float]
    """Pixels, at start and end."""
    depth: float
    """Metres from the eye, of its middle."""
    side: Side
    confidence: float


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint as it appears in the view."""

    centre: tuple[float, float]
    radius: float
    depth: float
    side: Side
    confidence: float


def parts(projected: Points, confidence: np.ndarray, focal: float) -> list[Limb | Joint]:
    """Limbs and joints from the farthest to the nearest.

    `projected` is (15, 3) from `Orbit.project`; joints that are NaN are left out with their bones.
    """
    seen = np.asarray(np.isfinite(projected).all(axis=1))
    sure = np.clip(np.nan_to_num(np.asarray(confidence, np.float64)), 0.0, 1.0)
    scale = focal / np.where(seen, projected[:, 2], 1.0)
    found: list[Limb | Joint] = []
    # A mark sits on the skin of every limb that meets there, so it comes after the nearest of them.
    nearest = projected[:, 2] - 2 * RADII
    for (a, b), side in zip(BONES, BONE_SIDES, strict=True):
        if seen[a] and seen[b]:
            (ax, ay, az), (bx, by, bz) = projected[a].tolist(), projected[b].tolist()
            radii = float(RADII[a] * scale[a]), float(RADII[b] * scale[b])
            depth = (az + bz) / 2
            found.append(Limb((ax, ay), (bx, by), radii, depth, side, float(min(sure[a], sure[b]))))
            nearest[[a, b]] = np.minimum(nearest[[a, b]], depth - 1e-6)
    for joint in np.flatnonzero(seen):
        x, y = projected[joint, :2].tolist()
        radius = float(0.62 * RADII[joint] * scale[joint])
        found.append(Joint((x, y), radius, float(nearest[joint]), JOINT_SIDES[joint], float(sure[joint])))
    return sorted(found, key=lambda part: -part.depth)


def grid_lines(floor: float, reach: float = 2.5, step: float = 0.5, rings: int = 6) -> tuple[Points, Points]:
    """The floor's grid around the origin: (N, 2, 3) metres and (N,) strength, 1 at the middle to 0 at `reach`.

    It fades in rings, and each line is cut where it crosses one: few pieces are painted fast.
    """
    lines, strength = _flat_grid(reach, step, rings)
    raised = lines.copy()
    raised[..., 2] = floor
    return raised, strength


@lru_cache(maxsize=4)
def _flat_grid(reach: float, step: float, rings: int) -> tuple[Points, Points]:
    """The same on a floor at no height."""
    radii = reach * np.arange(1, rings + 1) / rings
    pieces: list[tuple[float, float, float]] = []
    for fixed in np.arange(-reach, reach + step / 2, step).tolist():
        crossed = np.sqrt(radii[radii > abs(fixed)] ** 2 - fixed**2)
        cuts = np.concatenate([-crossed[::-1], crossed]).tolist()
        pieces += [(fixed, start, end) for start, end in pairwise(cuts)]
    fixed, start, end = np.array(pieces).T
    flat = np.zeros_like(fixed)
    one = np.stack([np.stack([fixed, start, flat], -1), np.stack([fixed, end, flat], -1)], -2)
    lines = np.concatenate([one, one[..., [1, 0, 2]]])
    ring = np.floor(np.hypot(*lines.mean(axis=1)[:, :2].T) / reach * rings)
    return lines, 1.0 - ring / rings
