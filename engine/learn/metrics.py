"""The errors that results are reported in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.skeleton import BONES

Array = NDArray[np.float64]


def joint_errors_mm(predicted: Array, truth: Array) -> Array:
    """(N, J, 3) metres each to (N, J) distances in millimetres; NaN where the truth is."""
    difference = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    return np.asarray(np.linalg.norm(difference, axis=-1) * 1e3)


def mpjpe_mm(predicted: Array, truth: Array) -> float:
    """Mean joint distance in camera space, no alignment; joints without truth left out.

    NaN where no joint has a truth.
    """
    errors = joint_errors_mm(predicted, truth)
    known = np.isfinite(errors)
    return float(errors[known].mean()) if known.any() else float("nan")


def align(predicted: Array, truth: Array) -> Array:
    """`predicted` (N, J, 3) after each frame's best similarity onto `truth`, without reflection.

    Umeyama 1991, equations 40 to 42.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    p_mean, t_mean = predicted.mean(1, keepdims=True), truth.mean(1, keepdims=True)
    p, t = predicted - p_mean, truth - t_mean
    u, s, vt = np.linalg.svd(np.einsum("nji,njk->nik", p, t))
    sign = np.ones_like(s)
    sign[:, -1] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(-1) / np.maximum((p**2).sum((1, 2)), 1e-12)
    return np.asarray(scale[:, None, None] * (p @ rotation) + t_mean)


def pa_mpjpe_mm(predicted: Array, truth: Array) -> float:
    """MPJPE after `align`, over the frames whose truth is whole; NaN where there is none."""
    whole = np.isfinite(truth).all((1, 2))
    if not whole.any():
        return float("nan")
    return mpjpe_mm(align(predicted[whole], truth[whole]), truth[whole])


def bone_lengths_m(joints_m: NDArray[Any]) -> Array:
    """(..., 15, 3) metres to (..., 14) metres, in the order of `skeleton.BONES`."""
    parents, children = zip(*BONES, strict=True)
    vectors = joints_m[..., list(children), :] - joints_m[..., list(parents), :]
    return np.asarray(np.linalg.norm(vectors, axis=-1), np.float64)
