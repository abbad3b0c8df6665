"""Judging a lens by views that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.errors import CalibrationError
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.adjust import ROUGHLY, Options, Solution, adjust
from calib.solve.fit import Fit, fit
from calib.solve.lens import near_kind
from calib.solve.problem import LEAST_VIEWS, Poses, Problem, Shape, Unknowns, View
from calib.solve.shape import free_points
from calib.solve.start import poses_on_rays

CANDIDATES = (KannalaBrandt.kind, "ucm", "eucm", "double_sphere", "mei", "scaramuzza6", "radial_tangential")
"""What `choose` tries when it is not told."""

Indices = NDArray[np.int64]
Progress = Callable[[str, float], None]
"""Called with what is being done and the part of the work that is behind, 0 to 1. May raise to stop."""

_FOLDS = 5
_CLOSELY = 1e-8
"""A tolerance for solutions that compete: far below what noise leaves open."""
_HOPELESS = 1.02
_WORTH = 0.002
"""The part of held-out error, most of which is the noise of detection, that a parameter more must save."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A fit, and its RMS error on views that were left out of it, each view once."""

    fit: Fit
    held_out: float
    """Pixels; NaN where there are too few views to leave any out, or the lens was clearly not the best."""
    kind: str
    """The name it was asked for by (see `starters`)."""


def refit_poses(problem: Problem, unknowns: Unknowns) -> Solution:
    """The poses of other views under a fixed lens and warp, by plain squares; the poses of `unknowns` are not used.

    Raises CalibrationError where points lie outside the lens.
    """
    rays, valid = unknowns.model.unproject(problem.pixels)
    if not valid.all():
        outside = int((~valid).sum())
        raise CalibrationError(f"{outside} points lie outside the {unknowns.model.kind} lens: use a wider one")
    first = replace(unknowns, poses=poses_on_rays(problem, rays))
    robust = adjust(problem, first, Options(intrinsics=False))
    return adjust(problem, robust.unknowns, Options(intrinsics=False, robust=None))


def held_out_rms(fitted: Fit, options: Options, shapes: Sequence[Shape] = ()) -> float:
    """Pixels: k-fold over views, every fold solved again without its views, then their poses alone refitted.

    `shapes` of the target, where they are free, are those of `fold_shapes`: they do not know the fold's views either.
    """
    parts = _folds(len(fitted.problem.views))
    rough = replace(options, tolerance=ROUGHLY)
    squares = 0.0 if parts else float("nan")
    for fold, (kept, left) in enumerate(parts):
        unknowns = replace(fitted.solution.unknowns, shape=shapes[fold] if shapes else None)
        start = replace(unknowns, poses=unknowns.poses.chosen(kept))
        solved = adjust(fitted.problem.chosen(kept), start, rough).unknowns
        others = fitted.problem.chosen(left)
        squares += float((_refit_near(others, solved, unknowns.poses.chosen(left)).errors ** 2).sum())
    return float(np.sqrt(squares / len(fitted.problem.points)))


def fold_shapes(fitted: Fit, options: Options) -> tuple[Shape, ...]:
    """The target's shape as `free_points` finds it without the views of each fold; empty with too few views."""
    found = list[Shape]()
    for kept, _ in _folds(len(fitted.problem.views)):
        unknowns = replace(fitted.solution.unknowns, poses=fitted.solution.unknowns.poses.chosen(kept))
        shape = free_points(fitted.problem.chosen(kept), unknowns, options).unknowns.shape
        assert shape is not None  # what was asked for
        found.append(shape)
    return tuple(found)


def _folds(count: int) -> list[tuple[Indices, Indices]]:
    """Which views are kept and which are left out, for each fold; none with too few views."""
    folds = min(_FOLDS, count)
    if count - -(-count // folds) < LEAST_VIEWS:
        return []
    # Every k-th view: neighbours in a recording look alike, so each fold spreads over all of it.
    outs = [np.arange(count) % folds == fold for fold in range(folds)]
    return [(np.flatnonzero(~out), np.flatnonzero(out)) for out in outs]


def _refit_near(problem: Problem, unknowns: Unknowns, poses: Poses) -> Solution:
    """See `refit_poses`, from poses that are known to be near."""
    try:
        plain = Options(intrinsics=False, robust=None, tolerance=ROUGHLY)
        return adjust(problem, replace(unknowns, poses=poses), plain)
    except CalibrationError:
        # A narrower lens may not see the points where the other one had them.
        return refit_poses(problem, unknowns)


def judge(
    fitted: Fit, kinds: Sequence[str], warp: bool, progress: Progress | None = None, shapes: Sequence[Shape] = ()
) -> list[Judged]:
    """Each kind fitted to the points that `fitted` kept, with its held-out error, the best first.

    The target keeps the shape that `fitted` has; `shapes` are then those of `fold_shapes`.

    Kinds that cannot see the points are left out; those that explain all views worse than another kind explains
    views it never saw are not tried on held-out ones. Raises CalibrationError where no kind can.
    """
    judged, refused = list[Judged](), CalibrationError("no lens model was asked for: name at least one")
    options, least = Options(warp=warp, tolerance=_CLOSELY), np.inf
    unknowns = fitted.solution.unknowns
    points, _ = fitted.problem.in_camera(unknowns)
    for number, kind in enumerate(kinds):
        if progress is not None:
            progress(f"trying the {kind} lens", number / len(kinds))
        try:
            model = near_kind(kind, unknowns.model, points)
            own = replace(fitted, solution=adjust(fitted.problem, replace(unknowns, model=model), options))
            hopeless = own.solution.rms > _HOPELESS * least
            held_out = float("nan") if hopeless else held_out_rms(own, options, shapes)
        except CalibrationError as error:
            refused = error
            continue
        judged.append(Judged(own, held_out, kind))
        least = min(least, held_out) if np.isfinite(held_out) else least
    if not judged:
        raise refused
    # Without held-out figures the smallest comes first.
    return sorted(judged, key=lambda one: (np.nan_to_num(one.held_out, nan=np.inf), len(one.fit.model.params)))


def choose(
    views: Sequence[View],
    size: tuple[int, int],
    kinds: Sequence[str] = CANDIDATES,
    warp: bool = False,
    progress: Progress | None = None,
) -> tuple[Judged, list[Judged]]:
    """The model to use, and all that were tried, the best first.

    A Kannala-Brandt lens decides which points are outliers, so that all models are judged by the same
    points; see `pick` for what is chosen. Raises CalibrationError.
    """
    judged = judge(fit(views, size, warp=warp), kinds, warp, progress)
    return pick(judged), judged


def pick(judged: Sequence[Judged]) -> Judged:
    """Of models, the best first, the one to use.

    The one of least held-out error, or one with fewer parameters that is worse by less than two parts in a
    thousand for each parameter saved.
    """
    best = judged[0]

    def size_of(one: Judged) -> int:
        return int(one.fit.model.fitted.sum())

    as_good = [one for one in judged if one.held_out <= best.held_out * (1.0 + _WORTH * (size_of(best) - size_of(one)))]
    # Nothing compares with NaN: with too few views to hold any out, the first is taken.
    return min(as_good, key=lambda one: (size_of(one), one.held_out), default=best)
