"""Fitting a lens to rays that are already known: starting the solver, and converting between models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import Scaramuzza
from calib.models.registry import MODELS
from calib.models.tangential import Mei

_ITERATIONS = 200
_CONVERGED = 1e-9
_EXACT = 1e-9
"""Pixels RMS below which nothing is left to gain."""
_LEVELLINGS, _LEVEL = 60, 1e-4
"""Rounds of `level`, and their tolerance."""
_SETTLED, _GAIN = 15, 1e-3
"""Rounds in which the greatest distance falls by less than this part of itself: it has settled."""
_SAMPLE, _NEAR = 400, 1e-6
"""Points that `near_kind` looks at, few enough for one thread of BLAS, and its tolerance."""
_SCARAMUZZA_DEGREES = (4, 5, 6, 7)
_FISHEYE = 8
"""Parameters of the Kannala-Brandt lens that goes by that name alone, with four terms as in OpenCV."""

Starter = Callable[[float, tuple[float, float]], DifferentiableModel]


def starters() -> dict[str, tuple[Starter, ...]]:
    """By name, what makes first lenses from a focal length in pixels a radian and a centre.

    Names are the models' kinds, "scaramuzza4" to "scaramuzza7" for polynomials of that degree, and
    "kannala_brandt5" and "kannala_brandt6" for more than the usual four terms.
    Mei's camera has two separate families of good fits, below and above xi = 2, so it has two starts.
    """
    named: dict[str, tuple[Starter, ...]] = {kind: (model.start,) for kind, model in MODELS.items()}
    named[Mei.kind] = (Mei.start, partial(Mei.start, xi=3.0))
    for terms in (5, 6):
        named[f"{KannalaBrandt.kind}{terms}"] = (partial(KannalaBrandt.start, terms=terms),)
    for degree in _SCARAMUZZA_DEGREES:
        named[f"scaramuzza{degree}"] = (partial(Scaramuzza.start, degree=degree),)
    return named


def fit_kind(kind: str, model: DifferentiableModel, rays: Array, tolerance: float = _CONVERGED) -> DifferentiableModel:
    """The lens of another kind (a name of `starters`) that agrees best with `model` on (N, 3) rays that it sees.

    `tolerance` is that of `fit_lens`. Raises CalibrationError where there is no such kind or it does not see all
    the rays.
    """
    if kind == model.kind and not (kind == KannalaBrandt.kind and len(model.params) > _FISHEYE):
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
            lens = fit_lens(start(focal, centre), rays, pixels, tolerance)
        except CalibrationError as error:
            refused = error
            continue
        cost = float(((lens.project(rays)[0] - pixels) ** 2).sum())
        if best is None or cost < best[0]:
            best = cost, lens
    if best is None:
        raise refused or CalibrationError(f"no {kind} lens fits: use another model")
    return best[1]


def near_kind(kind: str, model: DifferentiableModel, points: Array) -> DifferentiableModel:
    """A lens of another kind for a solver to start from: `fit_kind` to a part of (N, 3) points, and not to the end."""
    order = np.argsort(np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2]))
    # Evenly from the axis to the farthest, which must be seen.
    chosen = np.unique(np.linspace(0, len(order) - 1, min(len(order), _SAMPLE)).round().astype(int))
    return fit_kind(kind, model, points[order[chosen]], _NEAR)


def fit_lens(
    start: DifferentiableModel,
    rays: Array,
    pixels: Array,
    tolerance: float = _CONVERGED,
    weights: Array | None = None,
) -> DifferentiableModel:
    """The lens that brings (N, 3) rays closest to (N, 2) pixels, by Levenberg-Marquardt from `start`.

    Squared distances count by (N,) weights, all alike if not given. It is taken as found when a step gains less than
    `tolerance`, as a part of what is left. Raises CalibrationError where the first lens does not see all the rays.
    """
    model, (found, _, by_params, valid) = start, start.project_with_jacobians(rays)
    if not valid.all():
        raise CalibrationError(f"the {start.kind} lens does not reach all the points: use a model with a wider view")
    root = np.ones((len(rays), 1)) if weights is None else np.sqrt(weights)[:, None]
    residuals = root * (found - pixels)
    cost, damping, free = float((residuals**2).sum()), 1e-3, start.fitted
    for _ in range(_ITERATIONS):
        columns = (root[:, :, None] * by_params[:, :, free]).reshape(-1, int(free.sum()))
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
            off = root * (found - pixels)
            trial_cost = float((off**2).sum()) if valid.all() else np.inf
            if trial_cost < cost:
                gained, cost, damping = cost - trial_cost, trial_cost, max(damping / 6.0, 1e-14)
                model, residuals, by_params = trial, off, moved
                break
            damping *= 4.0
        if gained <= tolerance * cost or cost <= _EXACT**2 * len(rays):
            break
    return model


def level(lens: DifferentiableModel, rays: Array, pixels: Array) -> DifferentiableModel:
    """The lens near `lens` whose greatest distance of (N, 3) rays from (N, 2) pixels is least.

    Lawson's way (1961): least squares again and again, each point's weight growing with its distance.
    """
    weights, best, least = np.ones(len(rays)), lens, np.inf
    past = list[float]()
    for _ in range(_LEVELLINGS):
        apart = np.linalg.norm(lens.project(rays)[0] - pixels, axis=1)
        if apart.max() < least:
            best, least = lens, float(apart.max())
        past.append(least)
        settled = len(past) > _SETTLED and past[-1 - _SETTLED] - least <= _GAIN * least
        if settled or least <= _EXACT:
            break
        weights = weights * apart
        weights *= len(weights) / weights.sum()
        lens = fit_lens(lens, rays, pixels, _LEVEL, weights)
    return best
