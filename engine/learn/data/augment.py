"""Changes of pictures that keep picture and truth together: mirror, roll, light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.skeleton import MIRROR

MAX_ROLL = np.radians(12)


def resize(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture at another side, antialiased."""
    if picture.shape[0] == side:
        return picture
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=cv2.INTER_AREA))


def mirrored(
    pictures: NDArray[np.uint8], joints: NDArray[np.float32], uv: NDArray[np.float32], visible: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """The wearer in a mirror: exact, since the canonical lens is symmetric."""
    order = list(MIRROR)
    joints = joints[:, order] * np.array([-1, 1, 1], np.float32)
    uv = uv[:, order] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
    return pictures[:, :, ::-1], joints, uv, visible[:, order]


def rolled(
    pictures: NDArray[np.uint8], joints: NDArray[np.float32], uv: NDArray[np.float32], angle: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """The camera turned about its optical axis: exact, since the canonical lens is symmetric."""
    side = pictures.shape[1]
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]], np.float32)
    centre = (side - 1) / 2
    shift = centre - turn @ np.array([centre, centre])
    matrix = np.hstack([turn, shift[:, None]])
    turned: NDArray[Any] = np.stack(
        [cv2.warpAffine(np.ascontiguousarray(p), matrix, (side, side), flags=cv2.INTER_LINEAR) for p in pictures]
    )
    joints = joints.copy()
    joints[..., :2] = joints[..., :2] @ turn.T
    return turned, joints, ((uv - 0.5) @ turn.T + 0.5).astype(np.float32)


def relit(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast, white balance and noise; the same for the whole window but the noise."""
    levels = np.arange(256, dtype=np.float32) / 255
    gamma, gain, balance = rng.uniform(0.7, 1.4), rng.uniform(0.75, 1.25), rng.uniform(0.92, 1.08, 3)
    curve = levels[:, None] ** gamma * gain * balance + rng.uniform(-0.06, 0.06)
    table = (np.clip(curve, 0, 1) * 255).astype(np.uint8)
    changed: NDArray[Any] = np.stack([cv2.LUT(np.ascontiguousarray(p), table[None]) for p in pictures])
    if rng.random() < 0.1:
        changed = np.repeat(changed.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    if rng.random() < 0.3:
        noise = rng.normal(0.0, rng.uniform(1, 6), changed.shape)
        changed = np.clip(changed + noise, 0, 255).astype(np.uint8)
    return changed
