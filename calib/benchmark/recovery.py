"""Whether made cameras, and made bends of a board, are found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib.benchmark.synthetic import BOARD, MadeCamera, Spoiling, made_camera, made_views
from calib.calibrate import calibrate_views
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.solve.heldout import CANDIDATES
from calib.solve.problem import View, turning

RECOVERED = 3.0
"""Pixels RMS over the valid picture below which a camera counts as recovered."""
_BENDS = 0.05
"""Squares: the largest warp that is made."""
_TURNS = 10
_NOISE = (0.1, 0.2)
"""Pixels: about what detection leaves of each coordinate on real boards."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of one made camera."""

    number: int
    kind: str
    """Of the lens that was made."""
    field: float
    """Degrees across its image circle."""
    chosen: str
    """The kind that was found; empty where calibration failed."""
    error: float
    """Pixels RMS over the valid picture; infinite where a part of it is not seen or calibration failed."""
    note: str = ""


def recover(cameras: int, seed: int, views: int = 20, say: Say | None = None) -> list[Recovered]:
    """Calibrate made cameras, each from its own seed, so that any of them can be looked at alone."""
    done = list[Recovered]()
    for number in range(cameras):
        done.append(recover_one(seed, number, views))
        if say is not None and (number + 1) % 20 == 0:
            say(f"{number + 1} of {cameras} cameras: {recovery_line(done)}")
    return done


def recover_one(
    seed: int, number: int, views: int = 20, kinds: tuple[str, ...] = CANDIDATES, noise: float | None = None
) -> Recovered:
    """Make the camera of a number, calibrate it, compare; `noise` in pixels, drawn from 0.1 to 0.2 if not given."""
    rng = np.random.default_rng([seed, number])
    level = float(rng.uniform(*_NOISE))
    camera, seen = drawn(rng, views, Spoiling(level if noise is None else noise))
    field = float(np.degrees(2.0 * camera.half_field))
    try:
        result = calibrate_views(seen, camera.size, kinds=kinds)
    except CalibrationError as error:
        return Recovered(number, camera.model.kind, field, "", np.inf, str(error))
    found = result.calibration.model
    assert isinstance(found, DifferentiableModel)
    return Recovered(number, camera.model.kind, field, found.kind, projection_error(camera, found))


def drawn(
    rng: np.random.Generator, views: int, spoiling: Spoiling, warp: Array | None = None
) -> tuple[MadeCamera, list[View]]:
    """A camera and its views; cameras that hardly see the board are drawn again."""
    bend = (0.0, 0.0) if warp is None else (float(warp[0]), float(warp[1]))
    while True:
        camera = made_camera(rng)
        try:
            return camera, made_views(camera, views, rng, spoiling, bend)
        except CalibrationError:
            continue


def projection_error(camera: MadeCamera, found: DifferentiableModel) -> float:
    """Pixels RMS over the valid picture, after the common turn of all bearings that brings it lowest.

    A calibration cannot know that turn, since the boards' poses are unknown and turn with it.
    """
    pixels, rays = camera.valid_pixels()
    for _ in range(_TURNS):
        there, by_point, _, valid = found.project_with_jacobians(rays)
        if not valid.all():
            return np.inf
        off = there - pixels
        turn = np.linalg.lstsq((by_point @ turning(rays)).reshape(-1, 3), -off.ravel(), rcond=None)[0]
        rays = _turned(rays, np.asarray(turn, float))
    return float(np.sqrt((off**2).sum(1).mean()))


def _turned(rays: Array, turn: Array) -> Array:
    moved = rays + np.cross(turn, rays)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), float)


def recovery_line(done: list[Recovered]) -> str:
    """The figures of a run."""
    errors = np.array([one.error for one in done])
    share = float((errors < RECOVERED).mean())
    return (
        f"{100.0 * share:.1f} % recovered, error {np.median(errors):.3f} px in the median, "
        f"{np.quantile(errors, 0.95, method='higher'):.3f} px at the 95th percentile, {errors.max():.3f} px at most"
    )


@dataclass(frozen=True, slots=True)
class Bend:
    """A made warp and the one that was found, in squares, across columns and across rows."""

    made: tuple[float, float]
    found: tuple[float, float]

    @property
    def error(self) -> float:
        """Squares."""
        return max(abs(a - b) for a, b in zip(self.made, self.found, strict=True))


def find_bends(cameras: int, seed: int, views: int = 20, say: Say | None = None) -> list[Bend]:
    """Calibrate made cameras from boards bent by 0 to 0.05 squares each way, every fifth one flat."""
    done = list[Bend]()
    for number in range(cameras):
        rng = np.random.default_rng([seed, 1, number])
        made = np.zeros(2) if number % 5 == 0 else rng.uniform(-_BENDS, _BENDS, 2)
        camera, seen = drawn(rng, views, Spoiling(float(rng.uniform(*_NOISE))), made * BOARD.pitch)
        found = calibrate_views(seen, camera.size, kinds=(CANDIDATES[0], camera.model.kind)).warp
        done.append(Bend((float(made[0]), float(made[1])), (found[0] / BOARD.pitch, found[1] / BOARD.pitch)))
        if say is not None and (number + 1) % 20 == 0:
            say(f"{number + 1} of {cameras} bends: at most {max(one.error for one in done):.4f} squares off")
    return done
