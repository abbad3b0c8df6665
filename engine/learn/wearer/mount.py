"""Where the camera is, given a posed body and a mount."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.body import Body, Posed
from engine.learn.wearer.bvh import axis_rotation
from engine.learn.wearer.scene import Mount

Array = NDArray[np.float64]

_LOOKING_DOWN = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, -1]])
"""Columns: the camera's x (the wearer's right), y (backward) and z (down) in the head's rest frame."""


def camera_in_head(body: Body, shape: int, mount: Mount) -> Array:
    """(4, 4) from the camera's frame to the body's rest frame."""
    foremost, crown = _head(body, shape)
    matrix = np.eye(4)
    forward, left, about = (np.array([angle]) for angle in mount.tilt)
    matrix[:3, :3] = _LOOKING_DOWN @ (axis_rotation(0, forward) @ axis_rotation(1, -left) @ axis_rotation(2, about))[0]
    matrix[:3, 3] = [
        -mount.aside_m,
        foremost - mount.ahead_m,
        crown - mount.below_m,
    ]
    return matrix


@lru_cache(maxsize=64)
def _head(body: Body, shape: int) -> tuple[float, float]:
    """The head's foremost y and highest z in the rest frame."""
    strongest = body.indices[np.arange(len(body.weights)), body.weights.argmax(axis=1)]
    of_head = body.vertices[shape][strongest == body.bone("head")]
    return float(of_head[:, 1].min()), float(of_head[:, 2].max())


def cameras(body: Body, posed: Posed, shape: int, mount: Mount) -> Array:
    """(T, 4, 4) from the camera's frame to the world, for each pose."""
    head = body.bone("head")
    rest = camera_in_head(body, shape, mount)
    rest[:3, 3] -= body.heads[shape, head]
    world = np.tile(np.eye(4), (len(posed.rotations), 1, 1))
    world[:, :3, :3] = posed.rotations[:, head].astype(np.float64)
    world[:, :3, 3] = posed.positions[:, head]
    placed: Array = world @ rest
    # Rotations come as 32-bit numbers: bring them back onto the group.
    # They are so near to it that one step of Newton's iteration for the polar decomposition is exact.
    turned = placed[:, :3, :3]
    placed[:, :3, :3] = turned @ (3 * np.eye(3) - turned.transpose(0, 2, 1) @ turned) / 2
    return placed


def to_camera(cameras_world: Array, points: NDArray[np.floating]) -> Array:
    """(T, N, 3) world points in the frames of (T, 4, 4) cameras."""
    local: Array = (points - cameras_world[:, None, :3, 3]) @ cameras_world[:, :3, :3]
    return local
