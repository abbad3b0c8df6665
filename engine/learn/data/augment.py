"""Changes of pictures that keep picture and truth together: mirror, roll, light, blur, things in the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.capture.picture import through_jpeg
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
    """Another exposure, contrast, white balance, colourfulness and noise, and sometimes light from one side.

    The same for the whole window but the noise.
    """
    levels = np.arange(256, dtype=np.float32) / 255
    gamma, gain, balance = rng.uniform(0.7, 1.4), rng.uniform(0.75, 1.25), rng.uniform(0.92, 1.08, 3)
    curve = levels[:, None] ** gamma * gain * balance + rng.uniform(-0.06, 0.06)
    table = (np.clip(curve, 0, 1) * 255).astype(np.uint8)
    changed: NDArray[Any] = np.stack([cv2.LUT(np.ascontiguousarray(p), table[None]) for p in pictures])
    if rng.random() < 0.1:
        changed = np.repeat(changed.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    elif rng.random() < 0.4:
        colour = np.float32(rng.uniform(0.5, 1.5))
        changed = _clipped(changed * colour + changed.mean(-1, keepdims=True, dtype=np.float32) * (1 - colour))
    if rng.random() < 0.3:
        changed = _clipped(changed * _light_from_a_side(changed.shape[1], rng))
    if rng.random() < 0.3:
        changed = _clipped(changed + rng.normal(0.0, rng.uniform(1, 6), changed.shape))
    return changed


def softened(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Now and then the detail that a poorer lens or a compressed stream keeps; the same for the whole window."""
    side = pictures.shape[1]
    if rng.random() < 0.2:
        coarse = round(side * rng.uniform(0.45, 0.85))
        pictures = np.stack([cv2.resize(resize(p, coarse), (side, side)) for p in pictures]).astype(np.uint8)
    if rng.random() < 0.15:
        quality = int(rng.integers(25, 75))
        pictures = np.stack([through_jpeg(np.ascontiguousarray(p), quality) for p in pictures])
    return pictures


def covered(
    pictures: NDArray[np.uint8], uv: NDArray[np.float32], visible: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Now and then up to three plain or grainy things in the way, at one place for the whole window.

    Joints behind them are hidden.
    """
    if rng.random() >= 0.25:
        return pictures, visible
    side = pictures.shape[1]
    mask = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 4)):
        centre = tuple(rng.integers(0, side, 2).tolist())
        axes = tuple(np.maximum(1, rng.uniform(0.02, 0.1, 2) * side).astype(int).tolist())
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    grain = rng.normal(rng.uniform(0, 255, 3), rng.uniform(0, 40), (side, side, 3))
    changed = np.where(mask[..., None] > 0, _clipped(grain), pictures)
    column, row = np.clip(np.floor(uv * side), 0, side - 1).astype(int).transpose(2, 0, 1)
    return changed, visible & (mask[row, column] == 0)


def _light_from_a_side(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(side, side, 1) factors around 1 that grow one way, and about a spot."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    angle, (u, v) = rng.uniform(0, 2 * np.pi), rng.uniform(-0.7, 0.7, 2)
    ramp = 1 + rng.uniform(0, 0.35) * (x * np.cos(angle) + y * np.sin(angle))
    spot = 1 + rng.uniform(-0.3, 0.6) * np.exp(-((x - u) ** 2 + (y - v) ** 2) / rng.uniform(0.05, 0.5))
    field: NDArray[np.float32] = (ramp * spot).astype(np.float32)[..., None]
    return field


def _clipped(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.clip(values, 0, 255).astype(np.uint8)
    return whole
