"""What a scene is: camera mount, clothes, room, things in it, light. All plain data in metres and linear colours.

Colours are linear (0..1, the square of what a picture shows). World frame: z up, the floor at `Room.low[2]`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[float, float, float]
Look = Literal["varied", "demo"]
"""Of scenes: as different as can be for training, or one that is good to look at."""


class Pattern(IntEnum):
    """How two colours of a surface mix."""

    PLAIN = 0
    TILES = 1
    PLANKS = 2
    CARPET = 3
    CHECKS = 4
    CLOUDS = 5
    STRIPES = 6
    PRINT = 7


class Form(IntEnum):
    """The solid that a thing is, of size 1 around the origin before its matrix."""

    BOX = 0
    CYLINDER = 1
    BALL = 2


@dataclass(frozen=True, slots=True)
class Surface:
    """A pattern of two colours."""

    colour: Colour
    second: Colour
    pattern: Pattern = Pattern.PLAIN
    repeats: float = 4.0
    """Of the pattern, per metre."""


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """How the camera sits on the head."""

    ahead_m: float
    """From the foremost point of the head forward."""
    below_m: float
    """From the crown down; negative above it."""
    aside_m: float
    """To the wearer's right."""
    tilt: tuple[float, float, float]
    """Radians: of the optical axis from straight down forward, to the wearer's left, and about itself."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """The looks of the wearer; places are those of `coat`."""

    skin: Colour
    hair: Colour
    shirt: Surface
    trousers: Surface
    shoe: Colour
    sole: Colour
    sleeve: float
    """Where along the arm the sleeve ends."""
    leg: float
    """Where along the leg the trousers end."""
    collar: float
    """How far up the neck the shirt goes."""
    neckline_m: float
    """How deep the neckline is cut in front."""
    waist: float
    """Where the shirt ends, in heights of the root of the spine."""
    shoe_m: float
    """How far up from the ground the shoe goes; 0 is barefoot."""
    hairline: float
    """Where on the head the hair begins."""
    beard: float
    """0 none to 1 dark."""
    loose_m: tuple[float, float, float]
    """How far shirt, sleeves and trousers stand off the body."""
    crease: float
    """How strongly cloth is creased."""
    watch: int
    """-1 none, 0 right, 1 left."""
    seed: float


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Furniture, or something in the hand."""

    form: Form
    matrix: Array
    """(4, 4) from the form's unit frame to the world, or to the rest frame of `bone`."""
    surface: Surface
    glow: float = 0.0
    bone: int = -1
    """The bone that carries it, -1 for none."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Four walls, a floor and a ceiling."""

    low: Array
    """(3,) corner, the floor's height in z."""
    high: Array
    """(3,) corner."""
    floor: Surface
    wall: Surface
    skirting: Colour
    things: tuple[Thing, ...] = ()


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp or the sun with a shadow, and light from all around."""

    direction: tuple[float, float, float]
    """Unit vector to the lamp."""
    lamp: Colour
    sky: Colour
    """From above."""
    ground: Colour
    """From below."""
    shadow: float
    """0 none to 1 black."""
    softness_m: float
    """Half-width of the shadow's edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything but the motion: one person with one camera in one room."""

    shape: int
    mount: Mount
    outfit: Outfit
    room: Room
    light: Light
    held: tuple[Thing, ...] = field(default=())


def placed(centre: Array, size: Array, turn: float = 0.0) -> Array:
    """(4, 4) of a form of this size (3,), turned about the vertical axis, around a centre (3,)."""
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * size
    matrix[:3, 3] = centre
    return matrix
