"""Fitting a lens to rays that are already known: starting the solver, and converting between models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.polynomial import Scaramuzza
from calib.models.registry import MODELS
from calib.models.tangential import Mei

_ITERATIONS = 200
_CONVERGED = 1e-9
"""Relative gain of a step below which the lens is taken as found."""
_EXACT = 1e-9
"""Pixels RMS below which nothing is left to gain."""
_SCARAMUZZA_DEGREES = (4, 5, 6, 7)

Starter = Callable[[float, tuple[float, float]], DifferentiableModel]


def starters() -> dict[str, tuple[Starter, ...]]:
    """By name, what makes first lenses from a focal length in pixels a radian and a centre.

    Names are the models' kinds, and "scaramuzza4" to "scaramuzza7" for polynomials of that degree.
    Mei's camera has two separate families of good fits, below and above xi = 2, so it has two starts.
    """
    named: dict[str, tuple[Starter, ...]] = {kind: (model.start,) for kind, model in MODELS.items()}
    named[Mei.kind] = (Mei.start, partial(Mei.start, xi=3.0))
    for degree in _SCARAMUZZA_DEGREES:
        named[f"scaramuzza{degree}"] = (partial(Scaramuzza.start, degree=degree),)
    return named


def fit_kind(kind: str, model: DifferentiableModel, rays: Array) -> DifferentiableModel:
    """The lens of another kind (a name of `starters`) that agrees best with `model` on (N, 3) rays that it sees.

    Raises CalibrationError where there is no such kind or it does not see all the rays.
    """
    if kind == model.kind:
        return model
    if kind not in starters():
        raise CalibrationError(f"no lens model is named {kind[:40]}: use one of {', '.join(starters())}")
    axis, by_point, _, _ = model.project_with_jacobians(np.array([[0.0, 0.0, 1.0]]))
    focal, centre = float(np.trace(by_point[0, :, :2]) / 2.0), (float(axis[0, 0]), float(axis[0, 1]))
    pixels, _ = model.project(rays)
    best: tuple[float, DifferentiableModel] | None = None
    refused: CalibrationError | None = None
    for start in starters()[kind]:
        try:
            lens = fit_lens(start(focal, centre), rays, pixels)
        except CalibrationError as error:
            refused = error
            continue
        cost = float(((lens.project(rays)[0] - pixels) ** 2).sum())
        if best is None or cost < best[0]:
            best = cost, lens
    if best is None:
        raise refused or CalibrationError(f"no {kind} lens fits: use another model")
    return best[1]


def fit_lens(start: DifferentiableModel, rays: Array, pixels: Array) -> DifferentiableModel:
    """The lens that brings (N, 3) rays closest to (N, 2) pixels, by Levenberg-Marquardt from `start`.

    Raises CalibrationError where the first lens does not see all the rays.
    """
    model, (found, _, by_params, valid) = start, start.project_with_jacobians(rays)
    if not valid.all():
        raise CalibrationError(f"the {start.kind} lens does not reach all the points: use a model with a wider view")
    residuals, cost, damping = found - pixels, float(((found - pixels) ** 2).sum()), 1e-3
    free = start.fitted
    for _ in range(_ITERATIONS):
        columns = by_params[:, :, free].reshape(-1, int(free.sum()))
        scale = 1.0 / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
        columns = columns * scale
        gained = 0.0
        while damping < 1e12:
            stacked = np.concatenate([columns, np.sqrt(damping) * np.eye(columns.shape[1])])
            target = np.concatenate([residuals.ravel(), np.zeros(columns.shape[1])])
            params = model.params.copy()
            params[free] -= scale * np.linalg.lstsq(stacked, target, rcond=None)[0]
            try:
                trial = model.with_params(params)
            except CalibrationError:
                damping *= 4.0
                continue
            found, _, moved, valid = trial.project_with_jacobians(rays)
            trial_cost = float(((found - pixels) ** 2).sum()) if valid.all() else np.inf
            if trial_cost < cost:
                gained, cost, damping = cost - trial_cost, trial_cost, max(damping / 6.0, 1e-14)
                model, residuals, by_params = trial, found - pixels, moved
                break
            damping *= 4.0
        if gained <= _CONVERGED * cost or cost <= _EXACT**2 * len(rays):
            break
    return model
