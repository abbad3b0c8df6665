"""The 15-joint skeleton that every pose, target and drawing in the project uses."""

from __future__ import annotations

JOINTS: tuple[str, ...] = (
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "right_foot",
    "left_hip",
    "left_knee",
    "left_ankle",
    "left_foot",
)
"""Joint names in the order of the EgoPW and SceneEgo data sets."""

JOINT_COUNT = len(JOINTS)

PARENTS: tuple[int, ...] = (0, 0, 1, 2, 0, 4, 5, 1, 7, 8, 9, 4, 11, 12, 13)
"""Parent of each joint; the neck is its own parent. Hips hang off the shoulders."""

BONES: tuple[tuple[int, int], ...] = tuple((parent, child) for child, parent in enumerate(PARENTS) if child)
"""(parent, child) pairs, 14 of them, child running from 1 to 14."""

MIRROR: tuple[int, ...] = (0, 4, 5, 6, 1, 2, 3, 11, 12, 13, 14, 7, 8, 9, 10)
"""Where each joint comes from when left and right are exchanged."""
