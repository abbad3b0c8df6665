"""The synthetic wearer's joints without a picture: what a perfect network would find."""

from __future__ import annotations

from functools import cache

import numpy as np

from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import load_body
from engine.learn.wearer.mount import cameras
from engine.learn.wearer.mounts import sample_mount
from engine.learn.wearer.take import seen_joints
from engine.motion.kinematics import BoneLengths
from engine.motion.profile import measured

FPS = 15


@cache
def acting(activity: str, seconds: float = 6.0, seed: int = 0, shape: int = 40) -> np.ndarray:
    """(T, 15, 3) metres, in the frame of the camera on the head."""
    rng = np.random.default_rng([seed, shape])
    body, motion = load_body(), made_motion(rng, seconds, activity, FPS)
    posed = body.pose(motion, shape)
    return seen_joints(body, posed, cameras(body, posed, shape, sample_mount(rng)))


def bones(shape: int = 40) -> BoneLengths:
    """Of the body in its rest pose."""
    body = load_body()
    return measured(np.repeat(body.heads[shape][None, body.joint_bones], 15, 0)).lengths
