"""Bodies posed at random within the limits of joints, and a standing one."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from engine.motion.kinematics import BONE_NAMES, BONE_OF_JOINT, IDENTITY, KinematicSkeleton, forward
from engine.motion.profile import from_height

SKELETON = from_height(1.75).skeleton()


def bone(name: str) -> int:
    return BONE_NAMES.index(name)


def turn(axis: str, *degrees: float) -> np.ndarray:
    return np.asarray(Rotation.from_euler(axis, degrees, degrees=True).as_quat()).reshape(-1)


def random_rotations(seed: int) -> np.ndarray:
    """(21, 4) within the limits: about the axes of the rest pose, left and right mirrored."""
    rng = np.random.default_rng(seed)
    made = IDENTITY.copy()

    def put(name: str, rotation: Rotation) -> None:
        made[bone(name)] = rotation.as_quat()

    def about(axes: str, *ranges: tuple[float, float]) -> Rotation:
        return Rotation.from_euler(axes, [rng.uniform(*part) for part in ranges], degrees=True)

    put("hips", Rotation.random(random_state=rng))
    put("spine", about("XZ", (-20, 60), (-25, 25)) * about("Y", (-30, 30)))
    put("chest", about("Y", (-30, 30)))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        put(f"{side}_shoulder", about("ZY", (-15, 25), (-20, 20)))
        # From the T-pose: raised or lowered, brought ahead or back, then turned about its own axis.
        lift, ahead = rng.uniform(-85, 80), rng.uniform(-30, 100)
        swing = Rotation.from_euler("ZY", [sign * lift, -sign * ahead], degrees=True)
        put(f"{side}_upper_arm", swing * about("X", (-80, 80)))
        put(f"{side}_lower_arm", Rotation.from_euler("Y", -sign * rng.uniform(0, 140), degrees=True))
        put(f"{side}_upper_leg", about("XZ", (-100, 20), (-25, 25)) * about("Y", (-40, 40)))
        put(f"{side}_lower_leg", about("X", (0, 140)))
        put(f"{side}_foot", about("XYZ", (-30, 30), (-15, 15), (-15, 15)))
    return made


def joints_of(rotations: np.ndarray, root: np.ndarray, skeleton: KinematicSkeleton = SKELETON) -> np.ndarray:
    """(15, 3) world."""
    return forward(skeleton, root, rotations)[0][list(BONE_OF_JOINT)]


def random_joints(seed: int) -> np.ndarray:
    """(15, 3) world."""
    root = np.random.default_rng(seed + 1).normal(0, 1, 3)
    return joints_of(random_rotations(seed), root)


def standing() -> np.ndarray:
    """(15, 3) world: arms down with the elbows a little bent."""
    made = IDENTITY.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        made[bone(f"{side}_upper_arm")] = turn("z", -80 * sign)
        made[bone(f"{side}_lower_arm")] = turn("y", -25 * sign)
    return joints_of(made, np.array([0.0, SKELETON.standing_m, 0.0]))


def reach(seconds: float) -> np.ndarray:
    """(15, 3) world: arms that swing and bend, legs that step."""
    made, swing = IDENTITY.copy(), np.sin(2 * np.pi * 0.7 * seconds)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        s = sign * swing
        made[bone(f"{side}_upper_arm")] = (
            Rotation.from_euler("z", -70 * sign, degrees=True) * Rotation.from_euler("y", -40 * s, degrees=True)
        ).as_quat()
        made[bone(f"{side}_lower_arm")] = turn("y", -sign * (30 + 25 * s))
        made[bone(f"{side}_upper_leg")] = turn("x", -25 * s)
        made[bone(f"{side}_lower_leg")] = turn("x", 20 + 15 * s)
    return joints_of(made, np.array([0.02 * swing, SKELETON.standing_m - 0.02, 0.0]))
