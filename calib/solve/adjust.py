"""Bundle adjustment: Levenberg-Marquardt with the poses eliminated (Schur complement) and soft-L1 loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from calib.errors import CalibrationError
from calib.models.base import Array
from calib.solve.problem import Poses, Problem, Unknowns, turning

_GIVE_UP = 1e12
_ITERATIONS = 100
_CONVERGED = 1e-10
"""Relative gain of a step below which the solution is taken as found."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is solved for, and how errors count."""

    intrinsics: bool = True
    warp: bool = False
    robust: float | None = 1.0
    """Pixels at which soft-L1 turns from squares to lengths; None for plain squares."""


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
class _Linear:
    """Residuals and derivatives at one point."""

    residuals: Array
    by_shared: Array
    """(N, 2, G)."""
    by_pose: Array
    """(N, 2, 6) rotation on the left, then translation."""


def adjust(problem: Problem, start: Unknowns, options: Options = Options()) -> Solution:
    """The unknowns of least cost near `start`.

    Raises CalibrationError where the starting lens does not see all the points.
    """
    now = _linearise(problem, start, options)
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
            linear = None if trial is None else _linearise(problem, trial, options)
            trial_cost = np.inf if linear is None else _cost(linear.residuals, options)
            if trial_cost <= cost:
                break
            damping *= 4.0
        if trial is None or linear is None or damping >= _GIVE_UP:
            break
        gain = cost - trial_cost
        unknowns, now, cost, damping = trial, linear, trial_cost, max(damping / 6.0, 1e-10)
        if gain <= _CONVERGED * cost:
            break
    # Plain squares here: this is what the measurements say, not how they were weighed against outliers.
    information = _System.build(problem, now, Options(options.intrinsics, options.warp, None)).marginal
    return Solution(unknowns, now.residuals, iterations, information)


def _cost(residuals: Array, options: Options) -> float:
    square = (residuals**2).sum(1)
    if options.robust is None:
        return float(0.5 * square.sum())
    scale = options.robust**2
    return float((scale * (np.sqrt(1.0 + square / scale) - 1.0)).sum())


def _linearise(problem: Problem, unknowns: Unknowns, options: Options) -> _Linear | None:
    """None where a point is not seen."""
    points, turned = problem.in_camera(unknowns)
    pixels, by_point, by_params, valid = unknowns.model.project_with_jacobians(points)
    if not valid.all():
        return None
    shared = [by_params[:, :, unknowns.model.fitted]] if options.intrinsics else []
    if options.warp:
        outwards = by_point @ unknowns.poses.rotations[problem.owner][:, :, 2:]
        shared.append(outwards * problem.bulge[:, None, :])
    by_shared = np.concatenate(shared, -1) if shared else np.empty((len(points), 2, 0))
    return _Linear(pixels - problem.pixels, by_shared, np.concatenate([by_point @ turning(turned), by_point], -1))


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
    def build(cls, problem: Problem, linear: _Linear, options: Options) -> _System:
        weights = np.ones(len(linear.residuals))
        if options.robust is not None:
            weights = 1.0 / np.sqrt(1.0 + (linear.residuals**2).sum(1) / options.robust**2)
        weighted_pose = linear.by_pose * weights[:, None, None]
        weighted_shared = linear.by_shared * weights[:, None, None]

        def per_view(values: Array) -> Array:
            return np.asarray(np.add.reduceat(values, problem.starts), float)

        return cls(
            shared=np.einsum("nai,naj->ij", weighted_shared, linear.by_shared),
            mixed=per_view(np.einsum("nai,naj->nij", weighted_pose, linear.by_shared)),
            poses=per_view(np.einsum("nai,naj->nij", weighted_pose, linear.by_pose)),
            shared_gradient=np.einsum("nai,na->i", weighted_shared, linear.residuals),
            pose_gradient=per_view(np.einsum("nai,na->ni", weighted_pose, linear.residuals)),
        )

    def step(self, damping: float) -> tuple[Array, Array]:
        """(G,) and (V, 6) the damped Gauss-Newton step."""
        blocks = self.poses + damping * _diagonals(self.poses)
        eased = np.linalg.solve(blocks, np.concatenate([self.mixed, self.pose_gradient[:, :, None]], -1))
        shared = self.shared + damping * np.diag(np.diag(self.shared))
        reduced = shared - np.einsum("vij,vik->jk", self.mixed, eased[:, :, :-1])
        gradient = self.shared_gradient - np.einsum("vij,vi->j", self.mixed, eased[:, :, -1])
        move = -_solve_scaled(reduced, gradient)
        return move, -(eased[:, :, -1] + eased[:, :, :-1] @ move)

    @property
    def marginal(self) -> Array:
        """(G, G) the shared unknowns' information once the poses are free."""
        eased = np.linalg.solve(self.poses, self.mixed)
        return np.asarray(self.shared - np.einsum("vij,vik->jk", self.mixed, eased), float)


def _diagonals(blocks: Array) -> Array:
    return np.asarray(blocks * np.eye(blocks.shape[-1]), float)


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
    return Unknowns(model, Poses(rotations, unknowns.poses.translations + pose_moves[:, 3:]), warp)
