"""Draws random scenes: people in ordinary clothes in lit rooms, with a camera on the head."""

from __future__ import annotations

import numpy as np

from engine.learn.wearer.body import SPLITS, Body, Posed
from engine.learn.wearer.motion import Motion, action_number
from engine.learn.wearer.palette import CLOTHS, cloth, linear, near
from engine.learn.wearer.rooms import sample_room
from engine.learn.wearer.scene import (
    Form,
    Light,
    Look,
    Mount,
    Outfit,
    Pattern,
    Scene,
    Surface,
    Thing,
)

_SKINS = np.array(
    [
        [0.95, 0.78, 0.68],
        [0.91, 0.72, 0.60],
        [0.85, 0.64, 0.50],
        [0.72, 0.51, 0.38],
        [0.55, 0.37, 0.26],
        [0.37, 0.25, 0.18],
    ]
)
_HAIRS = np.array([[0.10, 0.08, 0.07], [0.20, 0.13, 0.09], [0.36, 0.24, 0.15], [0.62, 0.48, 0.30], [0.55, 0.54, 0.52]])
_TROUSERS = np.array(
    [
        [0.10, 0.10, 0.11], [0.17, 0.20, 0.29], [0.26, 0.33, 0.46], [0.42, 0.50, 0.62], [0.30, 0.30, 0.31],
        [0.52, 0.51, 0.50], [0.66, 0.58, 0.45], [0.36, 0.34, 0.26], [0.33, 0.24, 0.19], [0.82, 0.80, 0.76],
    ]
)  # fmt: skip
_SHOES = np.array(
    [[0.9, 0.9, 0.88], [0.1, 0.1, 0.1], [0.35, 0.35, 0.36], [0.36, 0.24, 0.16], [0.7, 0.2, 0.18], [0.2, 0.3, 0.5]]
)


def sample_outfit(rng: np.random.Generator, look: Look = "varied") -> Outfit:
    """Ordinary clothes."""
    tone = rng.random() * (len(_SKINS) - 1.001)
    low = int(tone)
    skin = _SKINS[low] + (tone - low) * (_SKINS[low + 1] - _SKINS[low])
    skin = skin * rng.uniform(0.92, 1.06) + rng.normal(0, 0.012, 3)
    short = rng.random() < 0.6
    demo = look == "demo"
    shirt = cloth(rng, CLOTHS, 0.5)
    if demo:
        shirt = Surface(linear(np.array([0.30, 0.50, 0.66])), linear(np.array([0.9, 0.9, 0.88])), Pattern.PLAIN, 8.0)
    return Outfit(
        skin=linear(skin),
        hair=near(rng, _HAIRS, 0.02),
        shirt=shirt,
        trousers=cloth(rng, _TROUSERS, 1.0 if demo else 0.85),
        shoe=near(rng, _SHOES if rng.random() < 0.8 else CLOTHS),
        sole=near(rng, _SHOES[:3]),
        sleeve=float(0.36 if demo else rng.uniform(0.2, 0.45) if short else rng.choice([0.7, 0.85, 0.96, 1.0])),
        leg=float(
            1.04
            if demo
            else rng.choice([0.3, 0.42, 0.5, 0.8, 0.97, 1.02, 1.08], p=[0.06, 0.1, 0.08, 0.06, 0.2, 0.3, 0.2])
        ),
        collar=float(rng.uniform(-0.02, 0.14)),
        neckline_m=float(rng.uniform(0.0, 0.09)),
        waist=float(rng.uniform(0.93, 1.06)),
        shoe_m=0.0 if rng.random() < 0.06 and not demo else float(rng.uniform(0.075, 0.14)),
        hairline=float(rng.uniform(0.78, 0.9)),
        beard=float(rng.random() < 0.25) * float(rng.uniform(0.2, 0.9)),
        loose_m=(float(rng.uniform(0.004, 0.022)), float(rng.uniform(0.004, 0.016)), float(rng.uniform(0.004, 0.016))),
        crease=float(rng.uniform(0.5, 1.6)),
        watch=int(rng.choice([-1, 0, 1], p=[0.7, 0.08, 0.22])),
        seed=float(rng.uniform(0, 50)),
    )


def sample_light(rng: np.random.Generator, look: Look = "varied") -> Light:
    """A lit room by day or by lamp, with the camera's white balance and exposure in it."""
    demo = look == "demo"
    direction = np.array([rng.normal(), rng.normal(), 1.1 + 0.6 * abs(rng.normal())])
    if demo:
        direction = np.array([0.75, -0.35, 1.0])
    direction /= np.linalg.norm(direction)
    warm = 0.0 if demo else rng.normal(0, 0.06)
    tint = np.array([1 + warm, 1 + rng.normal(0, 0.015), 1 - warm])
    level = 1.0 if demo else float(np.exp(rng.normal(0.0, 0.22)))
    share = 0.6 if demo else rng.uniform(0.1, 0.75)
    total = 1.05 * level
    lamp = tint * np.array([1.05, 1.0, 0.92 if demo else 1.0]) * total * share
    sky = tint * np.array([0.97, 1.0, 1.03]) * total * (1 - 0.6 * share)
    ground = sky * rng.uniform(0.35, 0.7)
    return Light(
        direction=(float(direction[0]), float(direction[1]), float(direction[2])),
        lamp=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
        sky=(float(sky[0]), float(sky[1]), float(sky[2])),
        ground=(float(ground[0]), float(ground[1]), float(ground[2])),
        shadow=0.85 if demo else float(rng.uniform(0.3, 0.95)),
        softness_m=0.012 if demo else float(rng.uniform(0.01, 0.06)),
    )


def sample_held(rng: np.random.Generator, body: Body, shape: int) -> tuple[Thing, ...]:
    """Something in a hand: a phone or book, a cup or bottle, a ball."""
    side = "R" if rng.random() < 0.65 else "L"
    bone = body.bone(f"wrist.{side}")
    rest = body.heads[shape]
    wrist, knuckle = rest[bone], rest[body.bone(f"finger3-1.{side}")]
    along = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    across = rest[body.bone(f"finger2-1.{side}")] - rest[body.bone(f"finger5-1.{side}")]
    palm = np.cross(along, across) * (1 if side == "L" else -1)
    palm /= np.linalg.norm(palm)
    across = np.cross(palm, along)
    form = Form(int(rng.integers(3)))
    size = {
        Form.BOX: np.array([rng.uniform(0.07, 0.22), rng.uniform(0.07, 0.16), rng.uniform(0.008, 0.05)]),
        Form.CYLINDER: np.array([(d := rng.uniform(0.05, 0.09)), d, rng.uniform(0.09, 0.26)]),
        Form.BALL: np.full(3, rng.uniform(0.06, 0.2)),
    }[form]
    thick = size[2] if form is Form.BOX else size[0]
    axes = np.stack([across, along, palm] if form is Form.BOX else [along, palm, across], axis=1)
    matrix = np.eye(4)
    matrix[:3, :3] = axes * size
    matrix[:3, 3] = knuckle + palm * (0.03 + thick / 2)
    surface = cloth(rng, CLOTHS, 0.6)
    return (Thing(form, matrix, surface, bone=bone),)


def sample_scene(
    rng: np.random.Generator, body: Body, motion: Motion, posed: Posed, shape: int, mount: Mount, look: Look = "varied"
) -> Scene:
    """Everything around a motion of one body shape under one mount. The room holds all of the motion."""
    seated = bool((motion.actions == action_number("sit")).any())
    room = sample_room(rng, body, posed, shape, seated=seated, look=look)
    held = sample_held(rng, body, shape) if look == "varied" and rng.random() < 0.15 else ()
    return Scene(shape, mount, sample_outfit(rng, look), room, sample_light(rng, look), held)


def sample_shape(rng: np.random.Generator, split: str) -> int:
    """A body shape of a split ("train", "validation" or "test")."""
    return int(rng.integers(*SPLITS[split]))
