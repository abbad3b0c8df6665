"""Courses over time that motion made in code is put together from, and somebody who stands at ease."""

from __future__ import annotations

import numpy as np

from engine.learn.wearer.bvh import axis_rotation
from engine.learn.wearer.puppet import ANKLE_HEIGHT, PELVIS_HEIGHT, Array, Handles

SIDE = np.array([-1.0, 1.0])
"""Where right and left lie."""
Span = tuple[float, float]


def minimum_jerk(x: Array) -> Array:
    """The bell-speed course of human reaches, 0..1 over 0..1 (Flash and Hogan, 1985)."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def glide(t: Array, arrive: Array, leave: Array, values: Array) -> Array:
    """(T, ...) a course that rests at `values` (K, ...) from `arrive` to `leave` (K,) and moves smoothly between."""
    key = np.clip(np.searchsorted(arrive, t, side="right") - 1, 0, len(arrive) - 1)
    after = np.minimum(key + 1, len(arrive) - 1)
    span = np.maximum(arrive[after] - leave[key], 1e-6)
    part = np.where(after > key, minimum_jerk((t - leave[key]) / span), 0.0)
    part = part.reshape(-1, *[1] * (values.ndim - 1))
    return values[key] * (1 - part) + values[after] * part


def visits(rng: np.random.Generator, end: float, move: Span, rest: Span) -> tuple[Array, Array]:
    """Times of arriving at and leaving a row of goals until `end`, beginning before 0."""
    arrive = [-float(rng.uniform(0, 1))]
    leave = [arrive[0] + float(rng.uniform(*rest))]
    while arrive[-1] < end:
        arrive.append(leave[-1] + float(rng.uniform(*move)))
        leave.append(arrive[-1] + float(rng.uniform(*rest)))
    return np.array(arrive), np.array(leave)


def sway(rng: np.random.Generator, t: Array, amplitude: float, dims: int) -> Array:
    """(T, dims) slow aimless movement."""
    out = np.zeros((len(t), dims))
    for _ in range(3):
        rate, phase = rng.uniform(0.08, 0.6, dims), rng.uniform(0, 2 * np.pi, dims)
        out += amplitude * rng.uniform(0.2, 0.6, dims) * np.sin(2 * np.pi * rate * t[:, None] + phase)
    return out


def at_ease(rng: np.random.Generator, t: Array) -> Handles:
    """Somebody who stands, arms hanging, with the small movements of the living."""
    n = len(t)
    facing = rng.uniform(-np.pi, np.pi) + sway(rng, t, 0.03, 1)[:, 0]
    width, ahead = rng.uniform(0.06, 0.2), rng.normal(0, 0.05)
    foot = np.array([[s * width, s * ahead, ANKLE_HEIGHT] for s in SIDE])
    turn_out = rng.uniform(0, 0.35)
    h = Handles(
        pelvis=np.array([0, 0, PELVIS_HEIGHT - 0.015]) + sway(rng, t, 0.02, 3) * [1, 1, 0.15],
        facing=facing,
        tilt=sway(rng, t, 0.03, 2),
        spine=sway(rng, t, 0.06, 3) + np.array([rng.normal(0.05, 0.05), 0, 0]),
        head=sway(rng, t, 0.25, 3) * [0.8, 0.4, 1.2] + np.array([rng.uniform(-0.1, 0.5), 0, 0]),
        hand=np.empty((n, 2, 3)),
        grasp=np.zeros((n, 2, 3)),
        pull=np.zeros((n, 2)),
        elbow=np.full((n, 2), 0.25) + sway(rng, t, 0.1, 2),
        roll=np.full((n, 2), 0.6) + sway(rng, t, 0.2, 2),
        foot=np.empty((n, 2, 3)),
        toes=np.zeros((n, 2, 2)),
    )
    for side, sign in enumerate(SIDE):
        hang = np.array([sign * rng.uniform(0.06, 0.14), -rng.uniform(0.02, 0.12), -rng.uniform(0.44, 0.49)])
        h.hand[:, side] = hang + sway(rng, t, 0.03, 3)
        turn = axis_rotation(2, np.full(n, facing[0]))
        h.foot[:, side] = turn @ foot[side]
        h.toes[:, side, 0] = facing[0] + sign * turn_out
    return h
