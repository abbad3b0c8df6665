"""The errors that results are reported in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.skeleton import BONES, PARENTS

Array = NDArray[np.float64]

STANDARD_BONES_M = (
    np.array([146.8, 220.0, 144.5, 147.7, 224.7, 147.1, 455.0, 362.1, 316.1, 157.2, 458.4, 366.2, 317.8, 152.8]) / 1e3
)
"""(14,) metres: the lengths that BA-MPJPE gives to the bones, in the order of `skeleton.BONES`."""


def joint_errors_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> Array:
    """(N, J, 3) metres each to (N, J) distances in millimetres; NaN where the truth is."""
    difference = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    return np.asarray(np.linalg.norm(difference, axis=-1) * 1e3)


def mpjpe_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean joint distance in camera space, no alignment; joints without truth left out.

    NaN where no joint has a truth.
    """
    return _mean(joint_errors_mm(predicted, truth))


def align(predicted: NDArray[Any], truth: NDArray[Any]) -> Array:
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


def pa_errors_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> Array:
    """(N, J) distances after `align`, millimetres; NaN in the frames whose truth is not whole."""
    errors = np.full(truth.shape[:2], np.nan)
    whole = np.isfinite(truth).all((1, 2))
    if whole.any():
        errors[whole] = joint_errors_mm(align(predicted[whole], truth[whole]), truth[whole])
    return errors


def pa_mpjpe_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    """MPJPE after `align`, over the frames whose truth is whole; NaN where there is none."""
    return _mean(pa_errors_mm(predicted, truth))


def standardised(joints_m: NDArray[Any]) -> Array:
    """(N, 15, 3) with every bone brought to its length in STANDARD_BONES_M, from the neck outward.

    Directions are kept; a bone of no length, which has none, keeps none.
    """
    joints = np.asarray(joints_m, np.float64)
    result = joints.copy()
    # A parent's number is lower than its child's.
    for (parent, child), length in zip(BONES, STANDARD_BONES_M, strict=True):
        bone = joints[:, child] - joints[:, parent]
        norm = np.linalg.norm(bone, axis=-1, keepdims=True)
        result[:, child] = result[:, parent] + bone * (length / np.where(norm > 0, norm, 1.0))
    return result


def ba_errors_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> Array:
    """(N, 15) distances after both are `standardised` and then aligned, millimetres; NaN as in `pa_errors_mm`."""
    return pa_errors_mm(standardised(predicted), standardised(truth))


def ba_mpjpe_mm(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    """MPJPE of `ba_errors_mm`."""
    return _mean(ba_errors_mm(predicted, truth))


def bone_lengths_m(joints_m: NDArray[Any]) -> Array:
    """(..., 15, 3) metres to (..., 14) metres, in the order of `skeleton.BONES`."""
    joints = np.asarray(joints_m, np.float64)
    return np.asarray(np.linalg.norm(joints[..., 1:, :] - joints[..., list(PARENTS[1:]), :], axis=-1))


def accelerations(joints_m: NDArray[Any], time_s: NDArray[Any], clip: NDArray[Any]) -> Array:
    """(N, J, 3) positions to the (N, J, 3) m/s^2 about each frame; NaN at the ends of each clip.

    The second divided difference, exact for a motion of constant acceleration, however unevenly it was sampled.
    """
    result = np.full(joints_m.shape, np.nan)
    if len(joints_m) < 3:
        return result
    before, after = (np.diff(time_s)[part][:, None, None] for part in (slice(None, -1), slice(1, None)))
    steps = np.diff(np.asarray(joints_m, np.float64), axis=0)
    inside = clip[2:] == clip[:-2]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = 2 * (steps[1:] / after - steps[:-1] / before) / (before + after)
    result[1:-1][inside] = middle[inside]
    return result


def interval(sums: Array, counts: Array, *, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of sum(sums) / sum(counts), drawing whole clips with replacement.

    `sums` and `counts` (C,) are of each clip. NaN where fewer than two clips have anything.
    """
    there = counts > 0
    sums, counts = sums[there], counts[there]
    if len(sums) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), draws)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), [2.5, 97.5])
    return float(low), float(high)


def _mean(errors: Array) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else float("nan")
