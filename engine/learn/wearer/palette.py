"""Colours of ordinary things, and how they are varied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.scene import Colour, Pattern, Surface

CLOTHS = np.array(
    [
        [0.08, 0.08, 0.09], [0.22, 0.22, 0.24], [0.46, 0.46, 0.48], [0.72, 0.72, 0.72], [0.92, 0.92, 0.90],
        [0.13, 0.17, 0.30], [0.22, 0.33, 0.52], [0.45, 0.60, 0.75], [0.50, 0.14, 0.16], [0.72, 0.24, 0.22],
        [0.20, 0.34, 0.24], [0.42, 0.44, 0.28], [0.80, 0.66, 0.30], [0.72, 0.60, 0.46], [0.42, 0.31, 0.23],
        [0.44, 0.30, 0.50], [0.85, 0.62, 0.64], [0.28, 0.55, 0.55],
    ]
)  # fmt: skip
"""As pictures show them, 0..1."""


def linear(picture: NDArray[np.float64]) -> Colour:
    """A colour as pictures show it, made linear by the square that the renderer undoes."""
    r, g, b = (min(max(c, 0.02), 0.98) for c in picture.tolist())
    return r * r, g * g, b * b


def near(rng: np.random.Generator, colours: NDArray[np.float64], spread: float = 0.04) -> Colour:
    """One of some colours, a little changed."""
    colour = colours[int(rng.integers(len(colours)))]
    return linear(colour * rng.uniform(0.85, 1.12) + rng.normal(0, spread, 3))


def cloth(rng: np.random.Generator, colours: NDArray[np.float64], plain: float) -> Surface:
    """A fabric: plain with this probability, else with stripes, checks, clouds or a print."""
    pattern = Pattern.PLAIN
    if rng.random() > plain:
        pattern = Pattern(
            int(rng.choice([Pattern.STRIPES, Pattern.CHECKS, Pattern.CLOUDS, Pattern.PRINT, Pattern.TILES]))
        )
    free = rng.random() < 0.15
    pick = rng.uniform(0.05, 0.95, (2, 3)) if free else colours
    return Surface(near(rng, pick), near(rng, pick), pattern, float(rng.uniform(5, 40)))
