"""Random rooms: floor, walls and furniture that keep out of the wearer's way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.learn.wearer.body import Body, Posed
from engine.learn.wearer.palette import CLOTHS, linear, near
from engine.learn.wearer.scene import Array, Colour, Form, Look, Pattern, Room, Surface, Thing, placed

_WOODS = np.array([[0.72, 0.56, 0.40], [0.60, 0.43, 0.28], [0.45, 0.31, 0.21], [0.80, 0.68, 0.53], [0.35, 0.25, 0.19]])
_GREYS = np.array([[0.85, 0.85, 0.84], [0.72, 0.72, 0.71], [0.58, 0.58, 0.58], [0.42, 0.43, 0.44], [0.78, 0.75, 0.70]])
_WALLS = np.array(
    [
        [0.93, 0.92, 0.90],
        [0.88, 0.86, 0.80],
        [0.80, 0.84, 0.87],
        [0.84, 0.87, 0.80],
        [0.70, 0.70, 0.70],
        [0.86, 0.78, 0.72],
    ]
)
_CARPETS = np.array(
    [[0.50, 0.50, 0.52], [0.35, 0.40, 0.50], [0.58, 0.50, 0.42], [0.45, 0.30, 0.30], [0.40, 0.45, 0.36]]
)

_FLOORS = (
    (Pattern.PLANKS, _WOODS, _WOODS, (2.5, 6.0), 0.28),
    (Pattern.TILES, _GREYS, _GREYS, (1.2, 4.0), 0.20),
    (Pattern.CARPET, _CARPETS, _CARPETS, (3.0, 5.0), 0.17),
    (Pattern.PLAIN, _GREYS[:2], _GREYS, (4.0, 4.0), 0.15),
    (Pattern.CLOUDS, _GREYS, _GREYS, (0.8, 4.0), 0.15),
    (Pattern.CHECKS, _GREYS, CLOTHS, (1.5, 4.0), 0.05),
)
"""Pattern, its two colours, repeats per metre, how often."""

_CLEAR_M = 0.55
"""Furniture keeps this far from where the wearer goes."""


def _floor(rng: np.random.Generator, look: Look) -> Surface:
    if look == "demo":
        return Surface(linear(_WOODS[0] * 1.05), linear(_WOODS[1] * 1.1), Pattern.PLANKS, 4.0)
    pattern, first, second, repeats, _ = _FLOORS[int(rng.choice(len(_FLOORS), p=[row[4] for row in _FLOORS]))]
    return Surface(near(rng, first), near(rng, second), pattern, float(rng.uniform(*repeats)))


def _wall(rng: np.random.Generator, look: Look) -> Surface:
    if look == "demo":
        return Surface(linear(_WALLS[0]), linear(_WALLS[1]))
    kind = Pattern(
        int(rng.choice([Pattern.PLAIN, Pattern.TILES, Pattern.STRIPES, Pattern.CLOUDS], p=[0.7, 0.1, 0.08, 0.12]))
    )
    free = rng.random() < 0.15
    return Surface(near(rng, CLOTHS if free else _WALLS), near(rng, _WALLS), kind, float(rng.uniform(1, 5)))


def _box(
    centre: list[float] | Array, size: list[float] | Array, turn: float, surface: Surface, form: Form = Form.BOX
) -> Thing:
    return Thing(form, placed(np.asarray(centre, float), np.asarray(size, float), turn), surface)


def _group(
    at: Array, turn: float, parts: list[tuple[list[float], list[float], Surface]], form: Form = Form.BOX
) -> list[Thing]:
    """Boxes given in the furniture's own frame (centre, size), placed at a floor point (3,)."""
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return [_box(at + rotation @ np.asarray(centre), size, turn, surface, form) for centre, size, surface in parts]


def _plain(colour: Colour) -> Surface:
    return Surface(colour, colour)


def _wood(rng: np.random.Generator) -> Surface:
    colour = _WOODS[int(rng.integers(len(_WOODS)))] * rng.uniform(0.8, 1.1)
    return Surface(linear(colour), linear(colour * 0.8), Pattern.PLANKS, float(rng.uniform(3, 8)))


def chair(rng: np.random.Generator, at: Array, turn: float, seat: float = 0.45) -> list[Thing]:
    """A chair whose seat's top is at `seat`, its back toward +y before turning."""
    legs, cover = _wood(rng), _plain(near(rng, CLOTHS))
    w = rng.uniform(0.40, 0.5)
    parts = [([0, 0, seat - 0.03], [w, w, 0.06], cover), ([0, w / 2, seat + 0.25], [w, 0.04, 0.42], cover)]
    k = w / 2 - 0.03
    parts += [([x, y, (seat - 0.06) / 2], [0.04, 0.04, seat - 0.06], legs) for x in (-k, k) for y in (-k, k)]
    return _group(at, turn, parts)


def table(rng: np.random.Generator, at: Array, turn: float) -> list[Thing]:
    """A table with four legs and at times things on it."""
    wood, height = _wood(rng), rng.uniform(0.68, 0.78)
    w, d = rng.uniform(0.7, 1.5), rng.uniform(0.5, 0.8)
    parts = [([0, 0, height - 0.02], [w, d, 0.04], wood)]
    feet = [(x, y) for x in (-w / 2.2, w / 2.2) for y in (-d / 2.3, d / 2.3)]
    parts += [([x, y, height / 2 - 0.02], [0.05, 0.05, height - 0.04], wood) for x, y in feet]
    for _ in range(int(rng.integers(0, 4))):
        s = rng.uniform(0.06, 0.28, 3) * [1, 1, 0.6]
        x, y = rng.uniform(-0.4, 0.4) * w, rng.uniform(-0.35, 0.35) * d
        parts.append(([x, y, height + s[2] / 2], list(s), _plain(near(rng, CLOTHS))))
    return _group(at, turn, parts)


def sofa(rng: np.random.Generator, at: Array, turn: float) -> list[Thing]:
    """A sofa or an armchair."""
    cover, w = Surface(near(rng, CLOTHS), near(rng, CLOTHS), Pattern.CARPET), rng.uniform(0.9, 1.9)
    parts = [
        ([0, 0, 0.22], [w, 0.8, 0.42], cover),
        ([0, 0.33, 0.55], [w, 0.2, 0.45], cover),
        ([-w / 2, 0, 0.3], [0.16, 0.8, 0.6], cover),
        ([w / 2, 0, 0.3], [0.16, 0.8, 0.6], cover),
    ]
    return _group(at, turn, parts)


def shelf(rng: np.random.Generator, at: Array, turn: float) -> list[Thing]:
    """A shelf with boards and rows of books."""
    wood, w, h = _wood(rng), rng.uniform(0.6, 1.2), rng.uniform(0.8, 1.9)
    boards = int(rng.integers(3, 6))
    parts = [
        ([0, 0.14, h / 2], [w, 0.02, h], wood),
        ([-w / 2, 0, h / 2], [0.03, 0.3, h], wood),
        ([w / 2, 0, h / 2], [0.03, 0.3, h], wood),
    ]
    for k in range(boards):
        z = 0.03 + k * (h - 0.05) / (boards - 1)
        parts.append(([0, 0, z], [w, 0.3, 0.025], wood))
        if k < boards - 1 and rng.random() < 0.7:
            books = Surface(near(rng, CLOTHS), near(rng, CLOTHS), Pattern.STRIPES, float(rng.uniform(12, 30)))
            parts.append(([rng.uniform(-0.1, 0.1) * w, 0, z + 0.13], [w * rng.uniform(0.4, 0.75), 0.2, 0.22], books))
    return _group(at, turn, parts)


def clutter(rng: np.random.Generator, at: Array, turn: float) -> list[Thing]:
    """A box, a basket, a ball, a bag."""
    size = rng.uniform(0.15, 0.6, 3) * [1, 1, 0.8]
    pattern = Pattern(int(rng.choice([Pattern.PLAIN, Pattern.PLAIN, Pattern.CLOUDS, Pattern.STRIPES, Pattern.CHECKS])))
    surface = Surface(near(rng, CLOTHS), near(rng, CLOTHS), pattern, float(rng.uniform(3, 15)))
    form = Form(int(rng.choice([Form.BOX, Form.BOX, Form.CYLINDER, Form.BALL])))
    if form is Form.BALL:
        size[:] = rng.uniform(0.15, 0.45)
    if form is Form.CYLINDER:
        size[1] = size[0]
    return _group(at, turn, [([0, 0, size[2] / 2], list(size), surface)], form)


def plant(rng: np.random.Generator, at: Array, turn: float) -> list[Thing]:
    """A pot with a few leaves."""
    height, width = rng.uniform(0.3, 0.8), rng.uniform(0.25, 0.4)
    things = _group(at, turn, [([0, 0, 0.15], [width, width, 0.3], _plain(near(rng, _WALLS)))], Form.CYLINDER)
    green = np.array([[0.25, 0.42, 0.22], [0.33, 0.50, 0.28], [0.20, 0.35, 0.22]])
    for _ in range(7):
        size = rng.uniform(0.15, 0.4, 3)
        spot = [*rng.normal(0, 0.15, 2), 0.3 + height * rng.uniform(0.2, 1.0)]
        things += _group(
            at, rng.uniform(0, 3), [(spot, list(size * [1, 0.4, 0.6]), _plain(near(rng, green)))], Form.BALL
        )
    return things


_FURNITURE: tuple[tuple[Callable[[np.random.Generator, Array, float], list[Thing]], float, float], ...] = (
    (chair, 0.3, 0.22),
    (table, 0.7, 0.2),
    (sofa, 0.9, 0.13),
    (shelf, 0.5, 0.15),
    (clutter, 0.3, 0.2),
    (plant, 0.3, 0.1),
)
"""What to place, how far it reaches, how often."""


_OVER_TABLE_M = 0.95
"""A wearer whose neck comes lower than this would have the table's top between the camera and everything."""


def _seat(rng: np.random.Generator, body: Body, posed: Posed, shape: int, floor: float) -> list[Thing]:
    """A chair under the pelvis where it is lowest, at times with a table before it."""
    hips = [body.bone(f"upperleg01.{side}") for side in "LR"]
    frame = int(np.argmin(posed.positions[:, hips, 2].mean(axis=1)))
    centre = posed.positions[frame, hips].mean(axis=0)
    left = posed.positions[frame, hips[0]] - posed.positions[frame, hips[1]]
    turn = float(np.arctan2(left[1], left[0]))
    thick = 0.11 * body.leg_length(shape)
    at = np.array([centre[0], centre[1], floor])
    back = np.array([-np.sin(turn), np.cos(turn), 0])
    things = chair(rng, at + 0.03 * back, turn, max(0.25, float(centre[2]) - floor - thick))
    necks = posed.positions[:, body.bone("neck01"), 2]
    if rng.random() < 0.35 and float(necks.min()) - floor > _OVER_TABLE_M:
        things += table(rng, at - back * rng.uniform(0.62, 0.8), turn)
    return things


def _wall_things(rng: np.random.Generator, low: Array, high: Array, look: Look) -> list[Thing]:
    """Doors, windows and pictures."""
    things: list[Thing] = []
    for wall in range(4):
        axis, far = wall % 2, wall // 2
        for _ in range(int(rng.integers(0, 3)) if look == "varied" else 1):
            kind = int(rng.integers(3)) if look == "varied" else (1 if wall == 3 else 2)
            size = np.array([[0.9, 2.05], [1.2, 1.2], [0.6, 0.5]][kind]) * rng.uniform(0.85, 1.15)
            z = [size[1] / 2, 1.5, 1.5][kind]
            along = rng.uniform(0.2, 0.8) * (high - low)[1 - axis] + low[1 - axis]
            centre = np.zeros(3)
            centre[axis], centre[1 - axis], centre[2] = (high if far else low)[axis], along, low[2] + z
            extent = np.array([0.06, 0.06, size[1]])
            extent[1 - axis] = size[0]
            surface = _plain(near(rng, _WOODS if kind == 0 else CLOTHS))
            if kind == 1:
                surface = _plain((0.85, 0.92, 1.0))
            things.append(Thing(Form.BOX, placed(centre, extent), surface, glow=0.8 if kind == 1 else 0.0))
    return things


def sample_room(
    rng: np.random.Generator, body: Body, posed: Posed, shape: int, *, seated: bool, look: Look = "varied"
) -> Room:
    """A room that holds all poses. `seated` puts a chair where the pelvis is lowest."""
    floor = body.floor(posed, shape)
    path = posed.positions[:, 0, :2].astype(np.float64)
    # A slow walk passes the same places many times over: a few of them are enough to keep clear of.
    path = path[:: max(1, len(path) // 50)]
    margin = rng.uniform(1.1, 3.5, 4) if look == "varied" else np.array([1.6, 2.2, 1.8, 2.4])
    low = np.array([*(path.min(axis=0) - margin[:2]), floor])
    high = np.array([*(path.max(axis=0) + margin[2:]), floor + rng.uniform(2.3, 3.4)])
    things = _seat(rng, body, posed, shape, floor) if seated else []
    tops = np.array([odds for _, _, odds in _FURNITURE])
    count = int(rng.integers(0, 7)) if look == "varied" else 5
    for _ in range(count):
        make, reach, _ = _FURNITURE[int(rng.choice(len(_FURNITURE), p=tops / tops.sum()))]
        for _ in range(8):
            spot = rng.uniform(low[:2] + 0.3, high[:2] - 0.3)
            if np.linalg.norm(path - spot, axis=1).min() > _CLEAR_M + reach:
                things += make(rng, np.array([*spot, floor]), float(rng.uniform(0, 2 * np.pi)))
                break
    if rng.random() < 0.2 and look == "varied":
        rug = Surface(
            near(rng, _CARPETS), near(rng, CLOTHS), Pattern(int(rng.choice([3, 4, 5, 6, 7]))), float(rng.uniform(1, 6))
        )
        spot = path[int(rng.integers(len(path)))] + rng.normal(0, 0.5, 2)
        things.append(
            _box([*spot, floor], [rng.uniform(1, 2.2), rng.uniform(0.8, 1.8), 0.012], float(rng.uniform(0, 3)), rug)
        )
    things += _wall_things(rng, low, high, look)
    return Room(
        low, high, _floor(rng, look), _wall(rng, look), near(rng, np.concatenate([_WALLS, _WOODS])), tuple(things)
    )
