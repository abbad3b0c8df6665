"""What a real camera adds to a drawn picture: exposure, vignette, blur, noise, JPEG. Mild throughout."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.capture.picture import through_jpeg
from engine.learn.wearer.lens import Lens
from engine.learn.wearer.scene import Look
from engine.types import ImageArray


@dataclass(frozen=True, slots=True)
class Sensor:
    """The character of one camera and its settings."""

    target: float
    """Mean brightness 0..1 that its exposure aims at."""
    pull: float
    """How far it gets there, 0 not at all to 1 wholly."""
    gamma: float
    colour: float
    """Strength of colours, 1 as drawn."""
    fall: float
    """Light lost at the edge of the circle, 0..1."""
    rim: float
    """Width of the circle's soft edge, in radii."""
    glare: float
    """Light spread over the whole picture, 0..1."""
    blur: float
    """Standard deviation in pixels; 0 for none."""
    noise: float
    """Standard deviation, 0..1."""
    jpeg: int
    """Quality, 0 for no compression."""
    shutter_s: float = 0.0
    """How long each picture is exposed: what moves meanwhile is blurred along its way."""


CLEAN = Sensor(0.45, 0.0, 1.0, 1.0, 0.15, 0.02, 0.0, 0.0, 0.006, 0)
"""A good camera."""


def sample_sensor(rng: np.random.Generator, look: Look = "varied") -> Sensor:
    """A random camera."""
    if look == "demo":
        return CLEAN
    return Sensor(
        target=float(rng.uniform(0.46, 0.64)),
        pull=float(rng.uniform(0.4, 1.0)),
        gamma=float(rng.uniform(0.85, 1.15)),
        colour=float(rng.uniform(0.75, 1.15)),
        fall=float(rng.uniform(0.0, 0.35)),
        rim=float(rng.uniform(0.005, 0.08)),
        glare=float(rng.uniform(0.0, 0.025)),
        blur=float(rng.uniform(0.3, 0.8)) if rng.random() < 0.35 else 0.0,
        noise=float(rng.uniform(0.002, 0.016)),
        jpeg=int(rng.integers(55, 96)) if rng.random() < 0.7 else 0,
        shutter_s=float(rng.uniform(0.004, 0.018)) if rng.random() < 0.6 else 0.0,
    )


def shading(sensor: Sensor, lens: Lens) -> NDArray[np.float32]:
    """(H, W, 1) part of the light that reaches each pixel."""
    r = _distances(lens)
    edge = np.clip((1 - r) / np.float32(sensor.rim), 0, 1)
    edge *= edge * (3 - 2 * edge)
    # Past the end of the lens the edge is 0 anyway.
    gain: NDArray[np.float32] = (1 - np.float32(sensor.fall) * r * r) * edge
    return gain[..., None]


@lru_cache(maxsize=4)
def _distances(lens: Lens) -> NDArray[np.float32]:
    """(H, W) from the centre, 1 at the end of the lens."""
    width, height = lens.size
    x = (np.arange(width) - lens.centre[0])[None, :]
    y = (np.arange(height) - lens.centre[1])[:, None]
    distances: NDArray[np.float32] = (np.hypot(x, y) / lens.radii[-1]).astype(np.float32)
    return distances


def expose(image: ImageArray, sensor: Sensor, gain: NDArray[np.float32], rng: np.random.Generator) -> ImageArray:
    """The picture (H, W, 3) uint8 as this sensor takes it; `gain` is of `shading`."""
    lit = (gain[..., 0] > 0.5).astype(np.uint8)
    brightness = sum(cv2.mean(image, lit)[:3]) / (3 * 255) if lit.any() else sensor.target
    level = float(np.clip((sensor.target / max(brightness, 0.02)) ** sensor.pull, 0.6, 2.2))
    # Every colour so much of itself, and so much of grey.
    mix = (sensor.colour * np.eye(3) + (1 - sensor.colour) / 3) * (level / 255)
    shade = cv2.merge([gain * np.float32(1 - sensor.glare)] * 3)
    x: NDArray[np.float32] = cv2.transform(image.astype(np.float32), mix).astype(np.float32, copy=False)
    x *= shade
    x += np.float32(sensor.glare)
    if sensor.blur > 0:
        x = cv2.GaussianBlur(x, (0, 0), sensor.blur).astype(np.float32, copy=False)
    np.power(np.clip(x, 0, 1, out=x), np.float32(sensor.gamma), out=x)
    noise = rng.standard_normal(x.shape, np.float32)
    noise *= np.float32(sensor.noise)
    x += noise
    out = (np.clip(x, 0, 1, out=x) * 255 + 0.5).astype(np.uint8)
    return through_jpeg(out, sensor.jpeg) if sensor.jpeg else out
