"""Motions at other rates, and motions that go over into one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.motion import Motion

Array = NDArray[np.float32]


def mixed(a: Array, b: Array, part: Array) -> Array:
    """(T, N, 3, 3) rotations a `part` (T,) of the way from one to the other: the nearest to the weighted mean."""
    part = part.reshape(-1, 1, 1, 1).astype(np.float32)
    u, _, vt = np.linalg.svd((1 - part) * a + part * b)
    u[..., :, 2] *= np.linalg.det(u @ vt)[..., None]
    rotation: Array = u @ vt
    return rotation


def resampled(motion: Motion, fps: float) -> Motion:
    """The motion at another rate of frames, at least two of them."""
    if abs(motion.dt_s * fps - 1) < 1e-3 or len(motion) < 2:
        return motion
    at = np.arange(0, len(motion) - 1 + 1e-9, 1 / (motion.dt_s * fps))
    low = np.minimum(at.astype(int), len(motion) - 2)
    part = (at - low).astype(np.float32)
    return replace(
        motion,
        rotations=mixed(motion.rotations[low], motion.rotations[low + 1], part),
        root=(1 - part[:, None]) * motion.root[low] + part[:, None] * motion.root[low + 1],
        dt_s=1 / fps,
        actions=motion.actions[low],
    )


def _heading(rotations: Array) -> float:
    """Radians that a pelvis (3, 3) is turned about the vertical axis."""
    return float(np.arctan2(rotations[1, 0] - rotations[0, 1], rotations[0, 0] + rotations[1, 1]))


def joined(motions: Sequence[Motion], seconds: float = 0.7) -> Motion:
    """One motion after the other, each brought to where the last one ends and blended over `seconds`.

    All must have the same rest directions and rate.
    """
    whole = motions[0]
    for after in motions[1:]:
        n = min(round(seconds / whole.dt_s), len(whole), len(after))
        if n < 1:
            continue
        # Meet in the middle of the blend.
        end, start = len(whole) - n + n // 2, n // 2
        turned = after.turned(_heading(whole.rotations[end, 0]) - _heading(after.rotations[start, 0]))
        shift = (whole.root[end] - turned.root[start]) * np.array([1, 1, 0], np.float32)
        root = turned.root + shift
        x = np.linspace(0, 1, n + 2, dtype=np.float32)[1:-1]
        part = x * x * (3 - 2 * x)
        whole = replace(
            whole,
            name="joined",
            rotations=np.concatenate(
                [whole.rotations[:-n], mixed(whole.rotations[-n:], turned.rotations[:n], part), turned.rotations[n:]]
            ),
            root=np.concatenate(
                [whole.root[:-n], whole.root[-n:] * (1 - part[:, None]) + root[:n] * part[:, None], root[n:]]
            ),
            actions=np.concatenate([whole.actions[: len(whole) - n // 2], after.actions[n - n // 2 :]]),
        )
    return whole
