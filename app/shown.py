"""What is drawn over the picture, and the sides that give joints their colour and shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from app.translation import noted, tr
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


SIDE_WORDS = {Side.RIGHT: noted("right"), Side.LEFT: noted("left"), Side.TORSO: noted("torso")}
SIDE_HEADINGS = {Side.RIGHT: noted("Right"), Side.LEFT: noted("Left"), Side.TORSO: noted("Torso")}
PART_WORDS = {
    "neck": noted("Neck"), "shoulder": noted("Shoulder"), "elbow": noted("Elbow"), "wrist": noted("Wrist"),
    "hip": noted("Hip"), "knee": noted("Knee"), "ankle": noted("Ankle"), "foot": noted("Foot"),
}  # fmt: skip
"""Of joints, without their side."""
JOINT_WORDS = {
    "neck": noted("neck"),
    "right_shoulder": noted("right shoulder"), "right_elbow": noted("right elbow"), "right_wrist": noted("right wrist"),
    "left_shoulder": noted("left shoulder"), "left_elbow": noted("left elbow"), "left_wrist": noted("left wrist"),
    "right_hip": noted("right hip"), "right_knee": noted("right knee"), "right_ankle": noted("right ankle"),
    "right_foot": noted("right foot"),
    "left_hip": noted("left hip"), "left_knee": noted("left knee"), "left_ankle": noted("left ankle"),
    "left_foot": noted("left foot"),
}  # fmt: skip


def joint_word(joint: int) -> str:
    """A joint's name for people, in their language."""
    return tr(JOINT_WORDS[JOINTS[joint]])


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
    mirrored: bool = False
    """Whether picture and skeleton are seen as in a mirror; what is recorded and sent never is."""

    def with_joints(self, joints: frozenset[int] | set[int], shown: bool) -> Self:
        """The same with some joints shown or hidden."""
        return replace(self, joints=self.joints | joints if shown else self.joints - joints)
