"""What is drawn over the picture, and the sides that give joints their colour and shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from engine.skeleton import BONES, JOINT_COUNT, JOINTS


class Side(StrEnum):
    """Of the wearer's body. Each has a colour and a shape, so that neither is needed alone."""

    RIGHT = "right"
    LEFT = "left"
    TORSO = "torso"


def _side(name: str) -> Side:
    if name.startswith("right_"):
        return Side.RIGHT
    return Side.LEFT if name.startswith("left_") else Side.TORSO


JOINT_SIDES: tuple[Side, ...] = tuple(_side(name) for name in JOINTS)

_TRUNK = frozenset(index for index, name in enumerate(JOINTS) if name.endswith(("neck", "shoulder", "hip")))

BONE_SIDES: tuple[Side, ...] = tuple(
    Side.TORSO if parent in _TRUNK and child in _TRUNK else JOINT_SIDES[child] for parent, child in BONES
)
"""In the order of BONES; bones between neck, shoulders and hips are torso."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The choices of the section View."""

    heatmaps: bool = True
    skeleton: bool = True
    joints: frozenset[int] = frozenset(range(JOINT_COUNT))
    trail: int | None = None
    """The joint whose way is drawn in 3D."""
    lens: bool = True
    """Whether the camera in 3D carries its picture."""

    def with_joints(self, joints: frozenset[int] | set[int], shown: bool) -> Self:
        """The same with some joints shown or hidden."""
        return replace(self, joints=self.joints | joints if shown else self.joints - joints)
