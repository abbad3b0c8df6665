"""How surely a calibrated camera knows where a bearing falls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calib.models.base import Array
from calib.solve.fit import Fit
from calib.solve.problem import turning


def projection_sigma(fitted: Fit, size: tuple[int, int], columns: int = 32) -> NDArray[np.float64]:
    """(rows, columns) pixels: the standard deviation of the projection, worst direction, on a grid over the picture.

    Entry (i, j) speaks of the middle of its cell; NaN outside the lens. A common turn of all bearings is
    taken out, since a calibration cannot know it and poses absorb it (as in mrcal).
    """
    rows = max(1, round(columns * size[1] / size[0]))
    x = (np.arange(columns) + 0.5) * size[0] / columns - 0.5
    y = (np.arange(rows) + 0.5) * size[1] / rows - 0.5
    pixels = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    rays, valid = fitted.model.unproject(pixels)
    sigma = np.full(len(pixels), np.nan)
    if valid.any():
        sigma[valid] = sigma_at(fitted, rays[valid])
    return sigma.reshape(rows, columns)


def sigma_at(fitted: Fit, rays: Array) -> Array:
    """(N,) pixels for (N, 3) unit bearings that the lens sees; see `projection_sigma`."""
    spread = projection_covariance(fitted, rays)
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(spread)[:, -1], 0.0)), float)


def projection_covariance(fitted: Fit, rays: Array) -> Array:
    """(N, 2, 2) square pixels for (N, 3) unit bearings that the lens sees; see `projection_sigma`."""
    model = fitted.model
    _, by_point, by_params, _ = model.project_with_jacobians(rays)
    moves = by_params[:, :, model.fitted]
    turns = by_point @ turning(rays)
    # The turn is the one seen where the views had points: the far corners must not decide it.
    trusted = rays[:, 2] >= np.cos(fitted.widest_angle)
    flat_turns, flat_moves = turns[trusted].reshape(-1, 3), moves[trusted].reshape(-1, moves.shape[2])
    taken = np.linalg.lstsq(flat_turns, flat_moves, rcond=None)[0]
    left = moves - turns @ taken
    count = moves.shape[2]
    return np.asarray(left @ fitted.covariance[:count, :count] @ np.swapaxes(left, 1, 2), float)
