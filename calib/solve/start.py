"""A first lens and first poses, by trying fields of view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.solve.problem import Poses, Problem

_FIELDS = np.radians([40.0, 60.0, 75.0, 90.0, 110.0, 130.0, 150.0, 170.0, 190.0, 210.0, 230.0, 250.0])
_ASKED = 12
"""Views that are asked for the field of view."""
_FLAT = 1e-3
"""A target whose thickness is less than this part of its width is taken for a plane."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where the solver begins."""

    focal: float
    """Pixels a radian of the equidistant lens that explains the views best."""
    centre: tuple[float, float]
    poses: Poses
    error: float
    """The median over the views of the RMS error, in pixels."""


def first_guess(problem: Problem, size: tuple[int, int]) -> Start:
    """Try an equidistant lens of each field of view, across the picture's short side and its diagonal.

    Rays replace pixels, so points at and past 90 degrees count like any others. Raises
    CalibrationError where no lens explains the views.
    """
    centre = (0.5 * size[0] - 0.5, 0.5 * size[1] - 0.5)
    count = len(problem.views)
    asked = problem.chosen(np.unique(np.linspace(0, count - 1, min(count, _ASKED)).round().astype(int)))
    best: Start | None = None
    for radius in (0.5 * min(size), 0.5 * float(np.hypot(*size))):
        for field in _FIELDS:
            start = _explain(asked, radius / (0.5 * float(field)), centre)
            if best is None or start.error < best.error:
                best = start
    if best is None or not np.isfinite(best.error) or best.error > 0.1 * max(size):
        raise CalibrationError("no lens explains these views: check the board's size and that its points are in order")
    return _explain(problem, best.focal, centre)


def poses_on_rays(problem: Problem, rays: Array) -> Poses:
    """Poses from (N, 3) unit bearings of the problem's points."""
    found = [
        pose_on_rays(view.points, part)
        for view, part in zip(problem.views, np.split(rays, problem.starts[1:]), strict=True)
    ]
    return Poses(np.array([turn for turn, _ in found]), np.array([shift for _, shift in found]))


def _explain(problem: Problem, focal: float, centre: tuple[float, float]) -> Start:
    offset = (problem.pixels - centre) / focal
    theta = np.linalg.norm(offset, axis=1)
    rays = np.concatenate([offset * np.sinc(theta / np.pi)[:, None], np.cos(theta)[:, None]], -1)
    if theta.max() >= np.pi:
        return Start(focal, centre, Poses(np.empty((0, 3, 3)), np.empty((0, 3))), np.inf)
    poses = poses_on_rays(problem, rays)
    errors = []
    for i, part in enumerate(np.split(rays, problem.starts[1:])):
        points = problem.views[i].points @ poses.rotations[i].T + poses.translations[i]
        cosine = (points * part).sum(1) / np.linalg.norm(points, axis=1)
        errors.append(focal * float(np.sqrt((np.arccos(np.clip(cosine, -1.0, 1.0)) ** 2).mean())))
    return Start(focal, centre, poses, float(np.median(errors)))


def pose_on_rays(points: Array, rays: Array) -> tuple[Array, Array]:
    """Rotation (3, 3) and translation (3,) that put (N, 3) points onto (N, 3) rays, by a linear fit.

    Each ray b and point X give b x (M X + m) = 0; a plane has a homography in place of the full M.
    """
    middle = points.mean(0)
    _, spread, axes = np.linalg.svd(points - middle, full_matrices=False)
    axes[2] = _cross(axes[0], axes[1])
    width = spread[0] / np.sqrt(len(points))
    local = (points - middle) @ axes.T / width
    flat = spread[2] < _FLAT * spread[0]
    terms = np.concatenate([local[:, : 2 if flat else 3], np.ones((len(points), 1))], -1)
    solved = _onto_rays(terms, rays)
    columns, shift = solved[:, :-1], solved[:, -1]
    if flat:
        columns = np.concatenate([columns, np.zeros((3, 1))], -1)
        # The third axis has the length of the other two and completes them.
        size = float(np.linalg.norm(columns[:, :2], axis=0).mean())
        columns[:, 2] = _cross(columns[:, 0], columns[:, 1]) / max(size, 1e-300)
    u, sizes, v = np.linalg.svd(columns)
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v @ axes
    return turn, shift * width / max(float(sizes.mean()), 1e-300) - turn @ middle


def _cross(a: Array, b: Array) -> Array:
    """Of two (3,) vectors; numpy's own is slow on so few numbers."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _onto_rays(terms: Array, rays: Array) -> Array:
    """(3, K) matrix M with M terms along the rays, in front rather than behind."""
    count = terms.shape[1]
    rows = np.zeros((len(rays), 3, 3 * count))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        rows[:, i, count * k : count * (k + 1)] = rays[:, j, None] * terms
        rows[:, i, count * j : count * (j + 1)] = -rays[:, k, None] * terms
    flat = rows.reshape(-1, 3 * count)
    matrix = np.linalg.eigh(flat.T @ flat)[1][:, 0].reshape(3, count)
    return matrix if ((terms @ matrix.T) * rays).sum() > 0.0 else -matrix
