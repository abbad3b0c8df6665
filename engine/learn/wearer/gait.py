"""Steps: walking, running, turning on the spot."""

from __future__ import annotations

import numpy as np

from engine.learn.wearer.courses import SIDE, at_ease, glide, minimum_jerk, sway, visits
from engine.learn.wearer.puppet import ANKLE_HEIGHT, Array, Handles


def _stride(rng: np.random.Generator, t: Array, speed: float, spin: Array, *, hurry: bool, in_place: bool) -> Handles:
    """Steps along a path: feet that stand still while they bear the weight and swing in between."""
    h = at_ease(rng, t)
    cadence = 1.3 + rng.uniform(0, 0.2) if hurry else 0.65 + 0.22 * speed + rng.uniform(-0.05, 0.1)
    stance = 0.42 if hurry else 0.62
    dt = t[1] - t[0]
    facing = h.facing[0] + np.cumsum(spin) * dt
    step = np.stack([np.sin(facing), -np.cos(facing)], axis=1) * (0.0 if in_place else speed * dt)
    path = np.cumsum(step, axis=0)
    phase = cadence * t + rng.random()
    h.facing[:] = facing
    h.pelvis[:, :2] = path
    bounce = 0.03 if hurry else 0.018
    h.pelvis[:, 2] += -0.03 - (0.04 if hurry else 0) + bounce * np.cos(4 * np.pi * (phase - stance / 2))
    h.tilt += np.stack([np.full(len(t), 0.08 * hurry + 0.02), 0.03 * np.sin(2 * np.pi * phase)], axis=1)
    h.spine[:, 2] += 0.12 * np.sin(2 * np.pi * phase)
    lift, swing_arm = rng.uniform(0.12, 0.35) if hurry or in_place else rng.uniform(0.05, 0.12), rng.uniform(0.5, 1.2)
    for side, sign in enumerate(SIDE):
        u = (phase + 0.5 * side) % 1.0
        swinging = np.clip((u - stance) / (1 - stance), 0, 1)
        # Path time at which the foot is under the hip: the middle of this stance, then of the next.
        middle = t - (u - stance / 2) / cadence
        where = middle + minimum_jerk(swinging) / cadence
        spot = np.stack([_extended(where, t, path[:, k]) for k in range(2)], axis=1)
        turn = _extended(where, t, facing)
        h.foot[:, side, :2] = spot + np.stack([np.cos(turn), np.sin(turn)], axis=1) * sign * 0.085
        arc = np.sin(np.pi * swinging)
        bearing = u < stance
        # The heel leaves the ground before the toes do, and comes down first.
        heel = np.where(bearing, minimum_jerk((u - stance + 0.2) / 0.2), 1 - minimum_jerk(swinging / 0.75))
        strike = np.where(bearing, 1 - minimum_jerk(u / 0.15), minimum_jerk((swinging - 0.4) / 0.6))
        h.foot[:, side, 2] = ANKLE_HEIGHT + lift * arc**2 + 0.05 * heel
        h.toes[:, side, 0] = turn + sign * 0.08
        h.toes[:, side, 1] = 0.55 * heel - (0.0 if hurry or in_place else 0.2) * strike
        beat = swing_arm * np.sin(2 * np.pi * (u + 0.25 - stance / 2))
        h.hand[:, side] += np.stack([0 * beat, 0.16 * beat, 0.03 * beat**2], axis=1)
        if hurry:
            h.hand[:, side] += [0, -0.22, 0.24]
    return h


def _extended(where: Array, t: Array, values: Array) -> Array:
    """Values at other times, carried on in a straight line before the first and after the last."""
    dt = t[1] - t[0]
    inside = np.interp(where, t, values)
    early, late = np.minimum(where - t[0], 0), np.maximum(where - t[-1], 0)
    result: Array = inside + early * (values[1] - values[0]) / dt + late * (values[-1] - values[-2]) / dt
    return result


def walk(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Walking around or on the spot."""
    spin = sway(rng, t, 0.8, 1)[:, 0]
    return _stride(rng, t, rng.uniform(0.4, 1.3), spin, hurry=False, in_place=bool(rng.random() < 0.35)), "walk"


def run(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Running on the spot or in curves."""
    return _stride(
        rng, t, rng.uniform(1.6, 2.6), sway(rng, t, 1.2, 1)[:, 0], hurry=True, in_place=bool(rng.random() < 0.7)
    ), "run"


def turn(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Turning on the spot with small steps."""
    arrive, leave = visits(rng, t[-1], (1.0, 2.5), (0.1, 0.5))
    angles = np.cumsum(rng.choice([-1, 1], len(arrive)) * rng.uniform(0.8, 2.6, len(arrive)))
    return _stride(rng, t, 0.0, np.gradient(glide(t, arrive, leave, angles), t), hurry=False, in_place=True), "turn"
