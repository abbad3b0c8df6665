"""Everyday motion made in code: what captured motion seldom shows, and what needs no files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.learn.wearer.bvh import axis_rotation
from engine.learn.wearer.courses import SIDE, at_ease, glide, minimum_jerk, visits
from engine.learn.wearer.gait import run, turn, walk
from engine.learn.wearer.motion import Motion, action_number
from engine.learn.wearer.puppet import PELVIS_HEIGHT, Array, Handles, solve

FPS = 30.0
Activity = Callable[[np.random.Generator, Array], tuple[Handles, str]]


def _ahead(h: Handles, local: Array) -> Array:
    """(T, 3) points given to the left of, behind and above the pelvis' foot point, in the world."""
    place = h.pelvis * [1, 1, 0]
    world: Array = place + np.einsum("tij,tj->ti", axis_rotation(2, h.facing), local)
    return world


_POSTURES = np.array(
    [  # wrist from the left shoulder in the chest's frame: to the left, behind, above; elbow; roll
        [0.08, -0.06, -0.48, 0.2, 0.6],  # hanging
        [0.10, 0.02, -0.33, 1.1, 0.3],  # on the hip
        [-0.20, -0.18, -0.24, 0.6, 0.9],  # folded
        [-0.14, -0.22, -0.40, 0.4, 0.8],  # clasped in front
        [0.02, -0.36, -0.26, 0.4, 1.0],  # held out, talking
        [0.12, -0.34, -0.14, 0.6, 1.3],
        [-0.10, -0.34, -0.05, 0.5, 1.2],  # before the chest, a phone
        [0.28, -0.20, -0.10, 0.9, 0.4],  # spread
        [-0.02, -0.43, 0.02, 0.4, 0.2],  # pointing
        [0.22, -0.12, 0.30, 0.8, 1.0],  # raised
        [0.00, -0.30, -0.38, 0.3, 0.9],
    ]
)


def _hand_to(h: Handles, t: Array, side: int, times: tuple[Array, Array], postures: Array) -> None:
    """Move one hand through postures (K, 5), rows as in `_POSTURES`, at these times of arriving and leaving."""
    course = glide(t, *times, postures)
    h.hand[:, side] = course[:, :3] * [SIDE[side], 1, 1] + (h.hand[:, side] - h.hand[:, side].mean(axis=0))
    h.elbow[:, side] += course[:, 3] - 0.25
    h.roll[:, side] += course[:, 4] - 0.6


def _varied(rng: np.random.Generator, postures: Array) -> Array:
    varied: Array = postures + rng.normal(0, 1, postures.shape) * [0.04, 0.04, 0.04, 0.15, 0.3]
    return varied


def stand(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Standing, the hands at rest somewhere."""
    h = at_ease(rng, t)
    arrive, leave = visits(rng, t[-1], (0.6, 1.5), (2, 6))
    choice = rng.choice(4, len(arrive), p=[0.55, 0.15, 0.15, 0.15])
    for side in range(2):
        _hand_to(h, t, side, (arrive, leave), _varied(rng, _POSTURES[choice]))
    return h, "stand"


def still(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Standing as one does to be measured: hardly a movement, the arms a little away from the body."""
    h = at_ease(rng, t)
    for course in (h.pelvis, h.facing, h.tilt, h.spine, h.head, h.hand):
        course[:] += 0.8 * (course.mean(axis=0) - course)
    h.hand[..., 0] += 0.05 * SIDE
    return h, "stand"


def gesture(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Talking with the hands, pointing, spreading the arms."""
    h = at_ease(rng, t)
    together = rng.random() < 0.4
    arrive, leave = visits(rng, t[-1], (0.45, 1.0), (0.1, 1.2))
    choice = rng.integers(0, len(_POSTURES), len(arrive))
    for side in range(2):
        if not together:
            arrive, leave = visits(rng, t[-1], (0.45, 1.0), (0.1, 1.2))
            choice = rng.integers(0, len(_POSTURES), len(arrive))
        _hand_to(h, t, side, (arrive, leave), _varied(rng, _POSTURES[choice]))
    return h, "gesture"


def wave(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """One hand up and waving."""
    h = at_ease(rng, t)
    side = int(rng.integers(2))
    arrive, leave = visits(rng, t[-1], (0.5, 0.9), (1.0, 2.5))
    up = np.arange(len(arrive)) % 2 == int(rng.integers(2))
    raised = np.where(up[:, None], [0.24, -0.20, 0.16, 0.9, 1.4], _POSTURES[0])
    _hand_to(h, t, side, (arrive, leave), _varied(rng, raised))
    amount = glide(t, arrive, leave, up.astype(float)[:, None])[:, 0]
    phase = 2 * np.pi * rng.uniform(1.2, 2.2) * t
    h.hand[:, side, 0] += amount * rng.uniform(0.06, 0.12) * np.sin(phase)
    h.roll[:, side] += amount * 0.3 * np.sin(phase + 0.4)
    return h, "gesture"


def before_face(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Hands that come up before the face, as to drink, to read or to put glasses right."""
    h = at_ease(rng, t)
    both = rng.random() < 0.4
    arrive, leave = visits(rng, t[-1], (0.5, 1.1), (0.6, 2.5))
    high = np.arange(len(arrive)) % 2 == int(rng.integers(2))
    goal = np.array([-0.14 + rng.normal(0, 0.03), -rng.uniform(0.22, 0.36), rng.uniform(-0.06, 0.14), 0.7, 1.3])
    for side in range(2) if both else [int(rng.integers(2))]:
        _hand_to(h, t, side, (arrive, leave), _varied(rng, np.where(high[:, None], goal, _POSTURES[[0, 4][both]])))
    return h, "gesture"


def reach(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Reaching for things: ahead, to the side, overhead, down to the floor."""
    h = at_ease(rng, t)
    arrive, leave = visits(rng, t[-1], (0.6, 1.3), (0.2, 1.0))
    k = len(arrive)
    azimuth = rng.normal(0, 0.8, k)
    height = rng.choice([0.15, 0.55, 0.95, 1.3, 1.75, 1.95], k, p=[0.16, 0.16, 0.2, 0.2, 0.14, 0.14])
    height = height + rng.uniform(-0.12, 0.12, k)
    radius = np.where(height < 1.6, rng.uniform(0.35, 0.62, k), rng.uniform(0.1, 0.35, k))
    points = np.stack([radius * np.sin(azimuth), -radius * np.cos(azimuth), height], axis=1)
    pulls = (rng.random(k) < 0.8).astype(float)
    low = np.clip((0.9 - height) / 0.75, 0, 1) * pulls
    course = glide(t, arrive, leave, np.column_stack([points, pulls, low, azimuth * pulls]))
    both = rng.random() < 0.35
    main = int(rng.integers(2))
    for side in range(2) if both else [main]:
        shift = np.array([SIDE[side] * rng.uniform(0.06, 0.2), 0, 0]) if both else np.zeros(3)
        h.grasp[:, side] = _ahead(h, course[:, :3] + shift)
        h.pull[:, side] = course[:, 3]
        h.elbow[:, side] += 0.3 * course[:, 3]
    stoop = rng.uniform(0.2, 0.9)
    down = course[:, 4]
    h.pelvis[:, 2] -= down * (0.12 + 0.38 * (1 - stoop))
    h.pelvis[:, :2] += (axis_rotation(2, h.facing) @ np.array([0, 1.0, 0]))[:, :2] * (0.16 * down)[:, None]
    h.tilt[:, 0] += down * (0.25 + 0.5 * stoop)
    h.spine[:, 0] += down * (0.35 + 0.35 * stoop) - 0.12 * np.clip(course[:, 2] - 1.5, 0, 1)
    h.spine[:, 2] += np.clip(0.45 * course[:, 5], -0.6, 0.6)
    h.head[:, 0] += np.clip(0.25 * (1.3 - course[:, 2]) * course[:, 3], -0.4, 0.4)
    h.head[:, 2] += np.clip(0.35 * course[:, 5], -0.6, 0.6)
    return h, "reach"


def squat(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Squats, quick or held, the arms out, hanging or on the knees."""
    h = at_ease(rng, t)
    hold = (0.1, 0.5) if rng.random() < 0.6 else (1.0, 4.0)
    arrive, leave = visits(rng, t[-1], (0.7, 1.4), hold)
    down = (np.arange(len(arrive)) % 2 == int(rng.integers(2))) * rng.uniform(0.45, 1.0, len(arrive))
    depth = glide(t, arrive, leave, down[:, None])[:, 0]
    _crouch(h, depth)
    goal = [np.array([0.0, -0.46, -0.05, 0.4, 0.3]), np.array([-0.1, -0.32, -0.30, 0.4, 0.9]), _POSTURES[0]]
    posture = _varied(rng, np.where(down[:, None] > 0, goal[int(rng.integers(3))], _POSTURES[0]))
    for side in range(2):
        _hand_to(h, t, side, (arrive, leave), posture)
        h.toes[:, side, 0] += SIDE[side] * 0.2
    return h, "squat"


def _crouch(h: Handles, depth: Array) -> None:
    """Lower the pelvis, 0 standing to 1 a full squat, the weight staying over the feet."""
    back = axis_rotation(2, h.facing) @ np.array([0, 1.0, 0])
    h.pelvis[:, 2] -= 0.52 * depth
    h.pelvis += back * (0.19 * depth)[:, None]
    h.tilt[:, 0] += 0.35 * depth
    h.spine[:, 0] += 0.45 * depth
    h.head[:, 0] -= 0.25 * depth


def sit(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Sitting on a chair, at times sitting down or getting up; the hands on the lap, a table or in the air."""
    h = at_ease(rng, t)
    seat = rng.uniform(0.40, 0.52)
    if rng.random() < 0.35:
        at = rng.uniform(0.2, 0.8) * t[-1]
        seated = minimum_jerk((t - at) / rng.uniform(1.0, 1.8))
        seated = seated if rng.random() < 0.5 else 1 - seated
    else:
        seated = np.ones(len(t))
    back = axis_rotation(2, h.facing) @ np.array([0, 1.0, 0])
    lean = np.sin(np.pi * seated)
    h.pelvis[:, 2] -= (PELVIS_HEIGHT - seat - 0.10) * seated
    h.pelvis += back * (rng.uniform(0.34, 0.42) * seated)[:, None]
    h.tilt[:, 0] += -0.15 * seated + 0.4 * lean
    h.spine[:, 0] += rng.uniform(0.0, 0.45) * seated + 0.5 * lean
    h.head[:, 0] += rng.uniform(-0.1, 0.3) * seated
    arrive, leave = visits(rng, t[-1], (0.5, 1.2), (0.5, 4))
    lap = np.array([[-0.02, -0.30, -0.36, 0.3, 0.5], [0.04, -0.40, -0.26, 0.5, 0.3], [-0.10, -0.30, -0.28, 0.5, 0.9]])
    pool = np.concatenate([lap, lap, _POSTURES[4:9]])
    for side in range(2):
        _hand_to(h, t, side, (arrive, leave), _varied(rng, pool[rng.integers(0, len(pool), len(arrive))]))
    return h, "sit"


def knees(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Lifting the knees in turn, kicking forward or to the side."""
    h = at_ease(rng, t)
    arrive, leave = visits(rng, t[-1], (0.3, 0.7), (0.05, 0.6))
    order = np.arange(len(arrive)) + int(rng.integers(4))
    sign = rng.uniform(0.3, 1.0)
    kicks = rng.random() < 0.5
    for side in range(2):
        lifted = (order % 4 == 2 * side)[:, None]
        up = np.array([SIDE[side] * 0.02, -rng.uniform(0.15, 0.3), rng.uniform(0.2, 0.5)])
        if kicks:
            up = np.array([SIDE[side] * rng.uniform(0, 0.3), -rng.uniform(0.4, 0.75), rng.uniform(0.15, 0.6)]) * sign
        course = glide(t, arrive, leave, np.where(lifted, up, 0.0))
        h.foot[:, side] += np.einsum("tij,tj->ti", axis_rotation(2, h.facing), course)
        h.toes[:, side, 1] += course[:, 2] * 0.8
        h.hand[:, 1 - side, 1] += course[:, 1] * 0.4
        h.hand[:, 1 - side, 2] += course[:, 2] * 0.2
    return h, "kick"


def jump(rng: np.random.Generator, t: Array) -> tuple[Handles, str]:
    """Jumps on the spot: down, off, through the air, down."""
    h = at_ease(rng, t)
    period, height = rng.uniform(1.7, 2.4), rng.uniform(0.05, 0.35)
    air = 2 * np.sqrt(2 * height / 9.81)
    phase = (t + rng.uniform(0, period)) % period
    before = minimum_jerk(phase / 0.45) * (1 - minimum_jerk((phase - 0.45) / 0.3))
    since = phase - 0.68
    fly = np.where((since > 0) & (since < air), 9.81 / 2 * since * (air - since), 0)
    land = minimum_jerk((since - air + 0.05) / 0.25) * (1 - minimum_jerk((since - air - 0.2) / 0.35))
    _crouch(h, rng.uniform(0.3, 0.55) * np.maximum(before, 0.8 * land))
    h.pelvis[:, 2] += fly
    h.foot[:, :, 2] += fly[:, None]
    h.toes[:, :, 1] += (np.clip(fly / 0.15, 0, 1) * 0.7)[:, None]
    up = minimum_jerk((since + 0.2) / 0.45) * (1 - minimum_jerk((since - air) / 0.45))
    h.hand[..., 1] += ((0.7 * before - up) * 0.22)[:, None]
    h.hand[..., 2] += (up * rng.uniform(0.1, 0.5))[:, None]
    return h, "jump"


ACTIVITIES: dict[str, tuple[Activity, float]] = {
    "stand": (stand, 1.0),
    "gesture": (gesture, 1.3),
    "wave": (wave, 0.6),
    "before_face": (before_face, 0.8),
    "reach": (reach, 2.2),
    "squat": (squat, 1.0),
    "sit": (sit, 1.6),
    "knees": (knees, 0.8),
    "jump": (jump, 0.5),
    "walk": (walk, 0.7),
    "run": (run, 0.4),
    "turn": (turn, 0.6),
    "still": (still, 0.0),
}
"""Each activity, and how often it is chosen."""


def made_motion(rng: np.random.Generator, seconds: float, activity: str | None = None, fps: float = FPS) -> Motion:
    """A motion of one activity, chosen at random unless named."""
    if activity is None:
        names = list(ACTIVITIES)
        odds = np.array([ACTIVITIES[name][1] for name in names])
        activity = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    t = np.arange(max(2, round(seconds * fps))) / fps
    handles, action = ACTIVITIES[activity][0](rng, t)
    return solve(handles, 1 / fps, np.full(len(t), action_number(action), np.uint8), activity)
