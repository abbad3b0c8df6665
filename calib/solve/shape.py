"""Where a printed target's points really are: each a little off its place, by as much as the views themselves tell.

Paper stretches, glue bulges and tags are mounted by hand. What that leaves in the residuals is many times what
finding a corner does, and it is the same in every view of the same target, so it can be known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calib.models.base import Array
from calib.solve.adjust import ROUGHLY, Options, Solution, adjust, linearise
from calib.solve.problem import Problem, Shape, Unknowns

_ROUNDS, _SPREADS = 3, 3
"""Rounds of points and lens in turn, and within each of offsets and their spread."""
_FIRST, _LEAST = 1e-3, 1e-9
"""Parts of the target's width: the spread that the first round begins with, and the least there is."""


def free_points(problem: Problem, start: Unknowns, options: Options) -> Solution:
    """The solution near `start` where every point of the target may lie off its place.

    Empirical Bayes: offsets are normally distributed, with one spread along the target and another out of it, which
    are found from the views too (by EM), so that the points of a perfect target stay where they are. Points, then
    lens and poses, are solved for in turn. Raises CalibrationError as `adjust` does.
    """
    places = problem.distinct
    width = float(np.ptp(places, axis=0).max())
    shape = Shape(places, np.zeros_like(places), np.full(3, _FIRST * width), 0.0)
    options = replace(options, tolerance=ROUGHLY)
    solution = adjust(problem, replace(start, shape=shape), options)
    for _ in range(_ROUNDS):
        shape = _likeliest(problem, solution, shape, options, _LEAST * width)
        unknowns = replace(solution.unknowns, shape=shape)
        if options.warp:
            unknowns = _warp_apart(problem, unknowns, shape)
            assert unknowns.shape is not None  # it went in
            shape = unknowns.shape
        solution = adjust(problem, unknowns, options)
    return solution


def _likeliest(problem: Problem, solution: Solution, shape: Shape, options: Options, least: float) -> Shape:
    """The offsets that lens and poses leave likeliest, and the spread that these have."""
    noise = _noise(problem, solution)
    matrix, gradient = _normal(problem, solution, options)
    matrix, gradient, spread = matrix / noise, gradient / noise, shape.spread
    for _ in range(_SPREADS):
        prior = np.diag(spread**-2.0)
        covariance = np.linalg.inv(matrix + prior)
        offsets = shape.offsets - (covariance @ (gradient + shape.offsets @ prior)[:, :, None])[:, :, 0]
        unsure = np.diagonal(covariance, axis1=1, axis2=2)
        freedom = offsets.size - float((unsure / spread**2).sum())
        square = (offsets**2 + unsure).mean(0)
        square[:2] = square[:2].mean()
        spread = np.sqrt(np.maximum(square, least**2))
    return Shape(shape.points, offsets, spread, freedom)


def _noise(problem: Problem, solution: Solution) -> float:
    """Square pixels: the variance of one coordinate of a measurement."""
    free = 6 * len(problem.views) + len(solution.information) + solution.unknowns.freedom
    return max(float((solution.residuals**2).sum()) / max(solution.residuals.size - free, 1.0), 1e-12)


def _normal(problem: Problem, solution: Solution, options: Options) -> tuple[Array, Array]:
    """(K, 3, 3) and (K, 3): each point's part of the normal equations, lens and poses fixed."""
    by_offset = _by_offset(problem, solution.unknowns)
    scale = np.inf if options.robust is None else options.robust
    weighed = by_offset / np.sqrt(1.0 + (solution.residuals**2).sum(1) / scale**2)[:, None, None]
    count = len(problem.distinct)
    matrix, gradient = np.zeros((count, 3, 3)), np.zeros((count, 3))
    np.add.at(matrix, problem.which, np.swapaxes(weighed, 1, 2) @ by_offset)
    np.add.at(gradient, problem.which, (solution.residuals[:, None, :] @ weighed)[:, 0])
    return matrix, gradient


def _by_offset(problem: Problem, unknowns: Unknowns) -> Array:
    """(N, 2, 3) d pixel / d the point in the target's frame."""
    points, _ = problem.in_camera(unknowns)
    by_point = unknowns.model.project_with_jacobians(points)[1]
    return np.asarray(by_point @ unknowns.poses.rotations[problem.owner], float)


def _warp_apart(problem: Problem, unknowns: Unknowns, shape: Shape) -> Unknowns:
    """What of the offsets is a bulge goes to the warp, which is free of any prior."""
    bulge = problem.bulge_at(shape.points)
    terms = np.concatenate([bulge, np.ones((len(bulge), 1)), shape.points[:, :2]], 1)
    bent = np.linalg.lstsq(terms, shape.offsets[:, 2], rcond=None)[0][:2]
    offsets = shape.offsets.copy()
    offsets[:, 2] -= bulge @ bent
    warp = (unknowns.warp[0] + float(bent[0]), unknowns.warp[1] + float(bent[1]))
    return replace(unknowns, warp=warp, shape=replace(shape, offsets=offsets))


def information_left(problem: Problem, solution: Solution, options: Options) -> Array:
    """(G, G) `Solution.information` where the shape of the solution is not known either, but within its spread."""
    unknowns = solution.unknowns
    assert unknowns.shape is not None  # what this is for
    linear = linearise(problem, unknowns, options)
    assert linear is not None  # a solution sees its points
    derivatives = linear.derivatives
    by_offset = _by_offset(problem, unknowns)
    shared, views, points = derivatives.shape[2] - 6, len(problem.views), len(problem.distinct)
    count = shared + 6 * views
    whole, mixed = np.zeros((count, count)), np.zeros((points, 3, count))
    for i, own in enumerate(np.split(np.arange(len(derivatives)), problem.starts[1:])):
        columns = np.r_[:shared, shared + 6 * i : shared + 6 * i + 6]
        rows = derivatives[own].reshape(-1, len(columns))
        whole[np.ix_(columns, columns)] += rows.T @ rows
        # A view has each point once.
        mixed[np.ix_(problem.which[own], np.arange(3), columns)] += np.swapaxes(by_offset[own], 1, 2) @ derivatives[own]
    matrix, _ = _normal(problem, solution, replace(options, robust=None))
    inverse = np.linalg.inv(matrix + _noise(problem, solution) * np.diag(unknowns.shape.spread**-2.0))
    whole -= mixed.reshape(-1, count).T @ (inverse @ mixed).reshape(-1, count)
    poses = whole[shared:, shared:]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(poses), 1e-300))
    side = scale[:, None] * whole[shared:, :shared]
    eased = np.linalg.lstsq(poses * scale[:, None] * scale, side, rcond=1e-13)[0]
    return np.asarray(whole[:shared, :shared] - side.T @ eased, float)
