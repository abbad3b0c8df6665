"""From our world to Unity's, which VRChat and the VMC protocol share.

Ours is right-handed, x to the wearer's left, y up, z ahead (`engine.motion.world`). Unity's is left-handed, x to the
right, y up, z ahead: x changes its sign, and with it the sense of turning about y and z.
"""

from __future__ import annotations

import numpy as np

from engine.motion.world import Array

_MIRROR = np.array([-1.0, 1.0, 1.0])
_MIRROR_TURN = np.array([1.0, -1.0, -1.0, 1.0])


def unity_positions(points_m: Array) -> Array:
    """(..., 3) metres, ours to Unity's."""
    return np.asarray(points_m * _MIRROR)


def unity_quaternions(quaternions: Array) -> Array:
    """(..., 4) as (x, y, z, w), ours to Unity's."""
    return np.asarray(quaternions * _MIRROR_TURN)


def unity_euler_degrees(rotations: Array) -> Array:
    """(N, 3, 3) rotations, ours, to (N, 3) Unity's angles about x, y and z in degrees.

    Unity turns about z first, then x, then y: R = Ry Rx Rz. So R[1, 2] = -sin x, R[0, 2] / R[2, 2] = tan y and
    R[1, 0] / R[1, 1] = tan z. Where x is 90 degrees, y and z turn about the same axis, and z is taken as 0.
    """
    turned = rotations * np.outer(_MIRROR, _MIRROR)
    sine = np.clip(-turned[:, 1, 2], -1.0, 1.0)
    locked = np.abs(sine) > 1 - 1e-9
    y = np.where(locked, np.arctan2(-turned[:, 2, 0], turned[:, 0, 0]), np.arctan2(turned[:, 0, 2], turned[:, 2, 2]))
    z = np.where(locked, 0.0, np.arctan2(turned[:, 1, 0], turned[:, 1, 1]))
    return np.asarray(np.degrees(np.stack([np.arcsin(sine), y, z], axis=1)))


def unity_name(bone: str) -> str:
    """Of a bone of `engine.motion.kinematics`: "left_upper_arm" is "LeftUpperArm" in Unity's HumanBodyBones."""
    return "".join(word.capitalize() for word in bone.split("_"))
