"""Whether the predicted error of a calibration is the error that repeated calibrations have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calib.benchmark.recovery import drawn
from calib.benchmark.synthetic import MadeCamera, Spoiling
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.adjust import Options, adjust
from calib.solve.fit import Fit, fit
from calib.solve.problem import Problem, View, turning
from calib.solve.uncertainty import projection_covariance

_NOISE = 0.15
_WITHIN = 5.9915
"""Squared standard deviations of a vector of two within which 95 of 100 lie."""
_COLUMNS = 10


@dataclass(frozen=True, slots=True)
class Scatter:
    """One camera, calibrated again and again under new noise."""

    number: int
    ratio: float
    """Predicted standard deviation of the projection by the one that was seen, in the median over the picture."""
    coverage: float
    """The part of all projections that lay in their own 95 % regions."""


def scatter(number: int, seed: int, repeats: int, views: int = 12) -> Scatter:
    """Calibrate a made Kannala-Brandt camera `repeats` times from the same poses; compare scatter with prediction."""
    rng = np.random.default_rng([seed, 2, number])
    camera, clean = _clean(rng, views)
    first = fit(clean, camera.size, cull=False)
    pixels, rays = camera.valid_pixels(_COLUMNS)
    inside = rays[:, 2] >= np.cos(first.widest_angle)
    pixels, rays = pixels[inside], rays[inside]
    turns = camera.model.project_with_jacobians(rays)[1] @ turning(rays)
    offs, predicted, within = list[Array](), list[Array](), 0
    for _ in range(repeats):
        noisy = tuple(replace(v, pixels=v.pixels + _NOISE * rng.standard_normal(v.pixels.shape)) for v in clean)
        problem = Problem(noisy)
        one = Fit(problem, adjust(problem, first.solution.unknowns, Options()), first.indices)
        off = one.model.project(rays)[0] - pixels
        turn = np.linalg.lstsq(turns.reshape(-1, 3), off.ravel(), rcond=None)[0]
        off = off - turns @ turn
        spread = projection_covariance(one, rays)
        within += int(((off * np.linalg.solve(spread, off[:, :, None])[:, :, 0]).sum(1) <= _WITHIN).sum())
        offs.append(off)
        predicted.append(np.trace(spread, axis1=1, axis2=2))
    seen = (np.array(offs) ** 2).sum(2).mean(0)
    ratio = float(np.median(np.sqrt(np.mean(predicted, 0) / seen)))
    return Scatter(number, ratio, within / (repeats * len(rays)))


def _clean(rng: np.random.Generator, views: int) -> tuple[MadeCamera, list[View]]:
    while True:
        camera, seen = drawn(rng, views, Spoiling(noise=0.0, outliers=0.0))
        if camera.model.kind == KannalaBrandt.kind:
            return camera, seen


def scatters(cameras: int, seed: int, repeats: int, say: Callable[[str], None] | None = None) -> list[Scatter]:
    """`scatter` for several cameras."""
    done = list[Scatter]()
    for number in range(cameras):
        done.append(scatter(number, seed, repeats))
        if say is not None:
            say(f"camera {number}: predicted / seen sigma {done[-1].ratio:.3f}, coverage {done[-1].coverage:.4f}")
    return done
