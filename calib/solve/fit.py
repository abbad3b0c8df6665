"""One lens model fitted to views: start, adjust, cull what does not belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calib.errors import CalibrationError
from calib.models.base import Array, Mask
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.adjust import ROUGHLY, Options, Solution, adjust
from calib.solve.lens import near_kind
from calib.solve.problem import LEAST_POINTS, LEAST_VIEWS, Poses, Problem, Unknowns, View
from calib.solve.shape import free_points, information_left
from calib.solve.start import first_guess, poses_on_rays

_CULL = 4.5
"""Robust standard deviations beyond which a point does not belong."""
_QUIETEST = 0.02
"""Pixels that the robust standard deviation is taken to have at least."""
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that was left out, and why."""

    index: int
    """Which of the views that were given."""
    view: str
    """Its name."""
    points: int
    """How many of its points."""
    reason: str
    """One line for people."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A lens, and how well it explains the views."""

    problem: Problem
    """The views that were kept, with the points that were kept."""
    solution: Solution
    indices: tuple[int, ...]
    """Which of the views that were given these are."""
    rejections: tuple[Rejection, ...] = ()

    @property
    def model(self) -> DifferentiableModel:
        """The fitted lens."""
        return self.solution.unknowns.model

    @property
    def view_rms(self) -> Array:
        """(V,) pixels."""
        square = np.add.reduceat(self.solution.errors**2, self.problem.starts)
        return np.sqrt(square / np.bincount(self.problem.owner))

    @property
    def sigma(self) -> float:
        """Pixels: the standard deviation of one coordinate of a measurement, from the residuals."""
        measured = self.solution.residuals.size
        unknown = 6 * len(self.problem.views) + len(self.solution.information) + self.solution.unknowns.freedom
        return float(np.sqrt((self.solution.residuals**2).sum() / max(measured - unknown, 1.0)))

    @property
    def covariance(self) -> Array:
        """(G, G) of the fitted parameters and the warp, in their units; poses and noise level from the views."""
        scale = 1.0 / np.sqrt(np.maximum(np.diag(self.solution.information), 1e-300))
        scaled = self.solution.information * scale[:, None] * scale[None, :]
        return self.sigma**2 * np.linalg.pinv(scaled, rcond=1e-13, hermitian=True) * scale[:, None] * scale[None, :]

    @property
    def widest_angle(self) -> float:
        """Radians from the axis of the farthest point that was used."""
        points, _ = self.problem.in_camera(self.solution.unknowns)
        return float(np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2]).max())


def start_lens(problem: Problem, size: tuple[int, int]) -> Solution:
    """A Kannala-Brandt lens on all views, robustly: what other models and the culling start from."""
    guess = first_guess(problem, size)
    first = Unknowns(KannalaBrandt.start(guess.focal, guess.centre), guess.poses)
    return adjust(problem, first, Options(tolerance=ROUGHLY))


def fit(
    views: Sequence[View],
    size: tuple[int, int],
    kind: str = KannalaBrandt.kind,
    warp: bool = False,
    cull: bool = True,
    robust: float | None = 1.0,
) -> Fit:
    """The lens of a kind (see `starters`) that explains the views, (width, height) pixels.

    `warp` lets a flat board bulge; `cull` leaves out what lies beyond 4.5 robust sigma; `robust` is the
    soft-L1 scale in pixels, None for plain squares. Raises CalibrationError where that cannot be done.
    """
    if len(views) < LEAST_VIEWS:
        raise CalibrationError(f"{len(views)} views are too few: take at least {LEAST_VIEWS}, better 15")
    whole = Problem(tuple(views))
    options = Options(warp=warp, robust=robust)
    first = Fit(whole, start_lens(whole, size), tuple(range(len(whole.views))))
    belongs: Mask | None = None
    if cull:
        first, belongs = _culled(whole, first, Options(tolerance=ROUGHLY))
    unknowns = first.solution.unknowns
    unknowns = replace(unknowns, model=near_kind(kind, unknowns.model, first.problem.in_camera(unknowns)[0]))
    second = replace(first, solution=adjust(first.problem, unknowns, options))
    return _culled(whole, second, options, belongs)[0] if cull else second


def bend(flat: Fit, views: Sequence[View]) -> Fit:
    """What a fit to these same views becomes where the board may bulge. Raises CalibrationError."""
    options = Options(warp=True)
    bent = replace(flat, solution=adjust(flat.problem, flat.solution.unknowns, options))
    return _culled(Problem(tuple(views)), bent, options)[0]


def release(even: Fit, warp: bool) -> Fit:
    """What a fit becomes where every point of the target may lie off its place (see `calib.solve.shape`).

    Raises CalibrationError.
    """
    options = Options(warp=warp)
    uneven = replace(even, solution=free_points(even.problem, even.solution.unknowns, options))
    return _culled(even.problem.board or even.problem, uneven, options)[0]


def unsure_of_shape(fitted: Fit, warp: bool) -> Fit:
    """The same fit with a covariance that also has what is not known of the target's shape, if it has one."""
    if fitted.solution.unknowns.shape is None:
        return fitted
    information = information_left(fitted.problem, fitted.solution, Options(warp=warp))
    return replace(fitted, solution=replace(fitted.solution, information=information))


def refine(previous: Fit, views: Sequence[View]) -> Fit:
    """The lens, and the warp where there was one, that explain these views, from where an earlier fit ended.

    The views may be other ones than those of `previous`, of the same board and camera; this takes a tenth of the
    time of `fit`. Raises CalibrationError where too few of them agree with the earlier lens to go on from it.
    """
    whole, unknowns = Problem(tuple(views)), previous.solution.unknowns
    options = Options(warp=unknowns.warp != (0.0, 0.0), tolerance=1e-8)
    poses, seen = _linear_poses(whole, unknowns)
    if len(seen) < LEAST_VIEWS:
        raise CalibrationError("the last lens does not see the points of 3 of these views: calibrate from the start")
    problem = whole.chosen(seen)
    start = replace(unknowns, poses=poses)
    rough = adjust(problem, start, replace(options, tolerance=ROUGHLY))
    return _culled(whole, Fit(problem, rough, tuple(seen)), options)[0]


def _linear_poses(whole: Problem, unknowns: Unknowns) -> tuple[Poses, list[int]]:
    """Linear poses of those views all whose points the lens sees, there and as measured, and which they are."""
    rays, valid = unknowns.model.unproject(whole.pixels)
    seen = np.flatnonzero(np.logical_and.reduceat(valid, whole.starts))
    if len(seen) == 0:
        return Poses(np.empty((0, 3, 3)), np.empty((0, 3))), []
    problem = whole.chosen(seen)
    poses = poses_on_rays(problem, rays[np.isin(whole.owner, seen)])
    points, _ = problem.in_camera(replace(unknowns, poses=poses))
    kept = np.flatnonzero(np.logical_and.reduceat(unknowns.model.project(points)[1], problem.starts))
    return poses.chosen(kept), [int(seen[i]) for i in kept]


def _culled(whole: Problem, fitted: Fit, options: Options, last: Mask | None = None) -> tuple[Fit, Mask]:
    """Fitted again and again to the points that belong, until these stay the same; and which they are.

    Every round asks all points anew, so that what an early, bent lens threw out may come back. `last` are the
    points that `fitted` is of, where these were found in this way.
    """
    for _ in range(_ROUNDS):
        poses = _poses_of_all(whole, fitted)
        errors = _errors(whole, fitted.solution.unknowns, poses)
        limit = _CULL * max(_QUIETEST, 1.4826 * float(np.median(np.abs(fitted.solution.residuals))))
        belongs = errors <= limit
        parts = np.split(belongs, whole.starts[1:])
        belongs = np.concatenate([part & (part.sum() >= max(LEAST_POINTS, 0.5 * len(part))) for part in parts])
        kept = np.flatnonzero(np.add.reduceat(belongs, whole.starts))
        if len(kept) < LEAST_VIEWS:
            raise CalibrationError("fewer than 3 views agree on a lens: check the board's size, take sharper pictures")
        if last is not None and (belongs == last).all():
            break
        last = belongs
        problem = whole.selected(belongs)
        start = replace(fitted.solution.unknowns, poses=poses.chosen(kept))
        rejections = _rejections(whole, belongs, errors, limit)
        fitted = Fit(problem, adjust(problem, start, options), tuple(kept.tolist()), rejections)
    return fitted, belongs


def _poses_of_all(whole: Problem, fitted: Fit) -> Poses:
    """The fit's poses, and for views that are not in it the best under its lens (NaN where there is none)."""
    unknowns = fitted.solution.unknowns
    present = {index: i for i, index in enumerate(fitted.indices)}
    rotations = np.tile(np.eye(3), (len(whole.views), 1, 1))
    translations = np.tile([0.0, 0.0, np.nan], (len(whole.views), 1))
    for i in range(len(whole.views)):
        poses, at = unknowns.poses, present.get(i, -1)
        if at < 0:
            found = _pose_of_one(whole.chosen([i]), unknowns)
            if found is None:
                continue
            poses, at = found, 0
        rotations[i], translations[i] = poses.rotations[at], poses.translations[at]
    return Poses(rotations, translations)


def _pose_of_one(alone: Problem, unknowns: Unknowns) -> Poses | None:
    """The pose of a single view under a lens, robustly; None where there is none."""
    rays, seen = unknowns.model.unproject(alone.pixels)
    for _ in range(_ROUNDS):
        if seen.sum() < LEAST_POINTS:
            return None
        part = alone.selected(seen)
        poses = poses_on_rays(part, rays[seen])
        points, _ = part.in_camera(replace(unknowns, poses=poses))
        visible = unknowns.model.project(points)[1]
        if visible.all():
            return adjust(part, replace(unknowns, poses=poses), Options(intrinsics=False)).unknowns.poses
        # Gross errors put the linear pose where the lens does not look: go on without those points.
        seen[np.flatnonzero(seen)[~visible]] = False
    return None


def _errors(whole: Problem, unknowns: Unknowns, poses: Poses) -> Array:
    """(N,) pixels; infinite where the lens does not see the point."""
    points, _ = whole.in_camera(replace(unknowns, poses=poses))
    off = unknowns.model.project(points)[0] - whole.pixels
    return np.nan_to_num(np.hypot(off[:, 0], off[:, 1]), nan=np.inf)


def _rejections(whole: Problem, belongs: Mask, errors: Array, limit: float) -> tuple[Rejection, ...]:
    found = []
    for i, view in enumerate(whole.views):
        own, off = belongs[whole.owner == i], errors[whole.owner == i]
        if own.all():
            continue
        worst = f"the worst {off.max():.1f} px" if np.isfinite(off.max()) else "some where the lens does not see"
        how = f"over {limit:.2f} px off ({_CULL:g} robust sigma), {worst}"
        reason = how if own.any() else f"too many of its points lie {how}"
        found.append(Rejection(i, view.name, int((~own).sum()), reason))
    return tuple(found)
