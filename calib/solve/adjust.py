"""Bundle adjustment: Levenberg-Marquardt with the poses eliminated (Schur complement) and soft-L1 loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.solve.problem import Poses, Problem, Unknowns

_GIVE_UP = 1e12
_ITERATIONS = 100
_EXACT = 1e-7
"""Pixels RMS below which nothing is left to gain."""
_TRACE = 1e-13
ROUGHLY = 1e-6
"""A tolerance for solutions that are only started from, or only judged."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is solved for, and how errors count."""

    intrinsics: bool = True
    warp: bool = False
    robust: float | None = 1.0
    """Pixels at which soft-L1 turns from squares to lengths; None for plain squares."""
    tolerance: float = 1e-10
    """Relative gain of a step below which the solution is taken as found."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The least cost that was found."""

    unknowns: Unknowns
    residuals: Array
    """(N, 2) pixels, model minus measurement."""
    iterations: int
    information: Array
    """(G, G) what the views say of the shared unknowns: fitted parameters, then warp; poses marginalised. In pixels^-2,
    for errors of one pixel."""

    @property
    def errors(self) -> Array:
        """(N,) pixels."""
        return np.hypot(self.residuals[:, 0], self.residuals[:, 1])

    @property
    def rms(self) -> float:
        """Pixels."""
        return float(np.sqrt((self.residuals**2).sum(1).mean()))


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Residuals and derivatives at one point."""

    residuals: Array
    derivatives: Array
    """(N, 2, G + 6) by the shared unknowns, then by the point's pose: rotation on the left, then translation."""


def adjust(problem: Problem, start: Unknowns, options: Options = Options()) -> Solution:
    """The unknowns of least cost near `start`.

    Raises CalibrationError where the starting lens does not see all the points.
    """
    now = linearise(problem, start, options)
    if now is None:
        kind = start.model.kind
        raise CalibrationError(f"the {kind} lens does not reach all the points: use a model with a wider view")
    unknowns, damping, iterations = start, 1e-3, 0
    cost = _cost(now.residuals, options)
    while iterations < _ITERATIONS:
        iterations += 1
        system = _System.build(problem, now, options)
        while damping < _GIVE_UP:
            trial = _moved(unknowns, *system.step(damping), options)
            linear = None if trial is None else linearise(problem, trial, options)
            trial_cost = np.inf if linear is None else _cost(linear.residuals, options)
            if trial_cost <= cost:
                break
            damping *= 4.0
        if trial is None or linear is None or damping >= _GIVE_UP:
            break
        gain = cost - trial_cost
        unknowns, now, cost, damping = trial, linear, trial_cost, max(damping / 6.0, 1e-10)
        if gain <= options.tolerance * cost or cost <= _EXACT**2 * len(problem.points):
            break
    # Plain squares here: this is what the measurements say, not how they were weighed against outliers.
    information = _System.build(problem, now, replace(options, robust=None)).marginal
    return Solution(unknowns, now.residuals, iterations, information)


def _cost(residuals: Array, options: Options) -> float:
    square = (residuals**2).sum(1)
    if options.robust is None:
        return float(0.5 * square.sum())
    scale = options.robust**2
    return float((scale * (np.sqrt(1.0 + square / scale) - 1.0)).sum())


def linearise(problem: Problem, unknowns: Unknowns, options: Options) -> Linear | None:
    """At the unknowns; None where a point is not seen."""
    points, turned = problem.in_camera(unknowns)
    pixels, by_point, by_params, valid = unknowns.model.project_with_jacobians(points)
    if not valid.all():
        return None
    shared = [by_params[:, :, unknowns.model.fitted]] if options.intrinsics else []
    if options.warp:
        outwards = by_point @ unknowns.poses.rotations[problem.owner][:, :, 2:]
        shared.append(outwards * problem.bulge[:, None, :])
    return Linear(pixels - problem.pixels, np.concatenate([*shared, _by_turn(turned, by_point), by_point], -1))


def _by_turn(turned: Array, by_point: Array) -> Array:
    """(N, 2, 3) by a small turn w of (N, 3) points: b . (w x p) = w . (p x b) for each row b of `by_point`."""
    (x, y, z), (a, b, c) = turned.T[:, :, None], np.moveaxis(by_point, -1, 0)
    return np.stack([y * c - z * b, z * a - x * c, x * b - y * a], -1)


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """The normal equations, poses in blocks."""

    shared: Array
    """(G, G)."""
    mixed: Array
    """(V, 6, G)."""
    poses: Array
    """(V, 6, 6)."""
    shared_gradient: Array
    pose_gradient: Array

    @classmethod
    def build(cls, problem: Problem, linear: Linear, options: Options) -> _System:
        rows = np.concatenate([linear.derivatives, linear.residuals[:, :, None]], -1)
        if options.robust is not None:
            weights = 1.0 / np.sqrt(1.0 + (linear.residuals**2).sum(1) / options.robust**2)
            rows *= np.sqrt(weights)[:, None, None]
        # One product a view: many times faster than one a point.
        parts = np.split(rows.reshape(-1, rows.shape[-1]), 2 * problem.starts[1:])
        products = np.array([part.T @ part for part in parts])
        count = rows.shape[-1] - 7
        shared, pose = slice(0, count), slice(count, -1)
        return cls(
            shared=products[:, shared, shared].sum(0),
            mixed=products[:, pose, shared],
            poses=products[:, pose, pose],
            shared_gradient=products[:, shared, -1].sum(0),
            pose_gradient=products[:, pose, -1],
        )

    def step(self, damping: float) -> tuple[Array, Array]:
        """(G,) and (V, 6) the damped Gauss-Newton step."""
        eased = _solve_blocks(self.poses, np.concatenate([self.mixed, self.pose_gradient[:, :, None]], -1), damping)
        shared = self.shared + damping * np.diag(np.diag(self.shared))
        reduced = shared - _joined(self.mixed, eased[:, :, :-1])
        gradient = self.shared_gradient - _joined(self.mixed, eased[:, :, -1:])[:, 0]
        move = -_solve_scaled(reduced, gradient)
        return move, -(eased[:, :, -1] + eased[:, :, :-1] @ move)

    @property
    def marginal(self) -> Array:
        """(G, G) the shared unknowns' information once the poses are free."""
        eased = _solve_blocks(self.poses, self.mixed, 0.0)
        return np.asarray(self.shared - _joined(self.mixed, eased), float)


def _joined(one: Array, other: Array) -> Array:
    """(J, K) sum over views of the products of (V, I, J) transposed and (V, I, K)."""
    return np.asarray((np.swapaxes(one, 1, 2) @ other).sum(0), float)


def _solve_blocks(blocks: Array, right: Array, damping: float) -> Array:
    """(V, 6, K) solutions of (V, 6, 6) systems, their diagonals raised by a part of themselves."""
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(blocks, axis1=1, axis2=2), 1e-300))[:, :, None]
    # A view of nonsense may leave its pose undetermined: a trace more keeps that from being an error here.
    raised = blocks * scale * np.swapaxes(scale, 1, 2) + (damping + _TRACE) * np.eye(blocks.shape[-1])
    return np.asarray(scale * np.linalg.solve(raised, scale * right), float)


def _solve_scaled(matrix: Array, right: Array) -> Array:
    """Parameters differ by ten orders of magnitude: each is brought to scale first."""
    if len(right) == 0:
        return right
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(matrix)), 1e-300))
    scaled = matrix * scale[:, None] * scale[None, :]
    return np.asarray(scale * np.linalg.lstsq(scaled, scale * right, rcond=1e-14)[0], float)


def _moved(unknowns: Unknowns, move: Array, pose_moves: Array, options: Options) -> Unknowns | None:
    """None where the moved parameters are no lens."""
    model, warp = unknowns.model, unknowns.warp
    if options.warp:
        warp = (warp[0] + float(move[-2]), warp[1] + float(move[-1]))
    if options.intrinsics:
        params = model.params.copy()
        params[model.fitted] += move[: int(model.fitted.sum())]
        try:
            model = model.with_params(params)
        except CalibrationError:
            return None
    turns = Rotation.from_rotvec(pose_moves[:, :3]).as_matrix()
    rotations = turns @ unknowns.poses.rotations
    poses = Poses(rotations, unknowns.poses.translations + pose_moves[:, 3:])
    return replace(unknowns, model=model, poses=poses, warp=warp)
