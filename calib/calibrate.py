"""From pictures of a board to a calibrated camera, with the figures that tell how good it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.solve.adjust import Options
from calib.solve.fit import Fit, bend, fit, release, unsure_of_shape
from calib.solve.heldout import CANDIDATES, Judged, Progress, fold_shapes, held_out_rms, judge, pick
from calib.solve.problem import LEAST_VIEWS, Shape, View
from calib.solve.uncertainty import projection_sigma
from calib.targets.board import Board, BoardKind
from calib.targets.detect import detect

Picture = NDArray[np.uint8]

_ENOUGH_VIEWS = 12
_GRID = (3, 4)
_BENT = 6.0
"""The squared length of a warp, in standard deviations, that a flat board's measurements exceed once in twenty."""


_UNEVEN = 0.98
"""The part of noise, and of held-out error, that a target's points must leave, or they are kept in their places."""


@dataclass(frozen=True, slots=True)
class ViewReport:
    """What became of one picture."""

    name: str
    points: int
    """Used for the result; 0 where the picture was left out."""
    rms: float
    """Pixels; NaN where the picture was left out."""
    note: str = ""
    """One line for people: why points or the whole picture were left out."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A lens model that competed."""

    kind: str
    rms: float
    held_out: float


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A calibrated camera and what is known of it. Errors are in pixels, as lengths of (x, y) residuals."""

    calibration: Calibration
    rms: float
    held_out: float
    """RMS on views that were left out of the fit; NaN where there are too few views to leave any out."""
    sigma: float
    """Standard deviation of one coordinate of one detected point."""
    sigma_map: Array
    """(rows, columns) standard deviation of where a bearing is projected, over the picture; NaN beyond the lens."""
    coverage: NDArray[np.int64]
    """(3, 4) how many used points fall into each cell of the picture."""
    warp: tuple[float, float]
    """Metres that the board's middle stands out, across its columns and its rows; zeros for a flat one."""
    shape: Shape | None
    """Where the target's points are off their places, but for the warp; None where they are not."""
    views: tuple[ViewReport, ...]
    tried: tuple[Tried, ...]
    """The best first."""
    pixels: Array
    """(N, 2) the used points."""
    residuals: Array
    """(N, 2) model minus measurement."""
    advice: tuple[str, ...]
    """Lines for people: what would make the calibration better."""

    @property
    def figures(self) -> dict[str, float]:
        """What `save_camera` keeps beside the camera."""
        told = {"rms": self.rms, "held_out": self.held_out, "sigma": self.sigma, "views": float(len(self.used_views))}
        return {key: value for key, value in told.items() if np.isfinite(value)}

    @property
    def used_views(self) -> tuple[ViewReport, ...]:
        """Those that were not left out."""
        return tuple(view for view in self.views if view.points)


def calibrate(
    board: Board,
    pictures: Iterable[tuple[str, Picture]],
    name: str = "camera",
    kinds: Sequence[str] = CANDIDATES,
    progress: Progress | None = None,
) -> Result:
    """Find the board in (name, picture) pairs, one after the other, and calibrate the camera that took them.

    Pictures are (H, W) grey or (H, W, 3) BGR, all of one size. The lens model, one of `kinds`, and whether the
    board is bent are chosen by held-out error. Raises CalibrationError where that cannot be done.
    """
    views, missed, size = list[View](), list[ViewReport](), None
    for number, (label, picture) in enumerate(pictures):
        here = (picture.shape[1], picture.shape[0])
        size = size or here
        if here != size:
            what = f"{here[0]}x{here[1]}, the others {size[0]}x{size[1]}"
            raise CalibrationError(f"{label}: is {what}: use pictures of one camera at one resolution")
        found = detect(board, picture)
        if found is None:
            missed.append(ViewReport(label, 0, float("nan"), "the board was not found"))
        else:
            views.append(View(board.points[found.ids], found.pixels, label))
        if progress is not None:
            progress(f"{label}: {'board found' if found else 'no board'}", 0.5 * (1.0 - 0.95 ** (number + 1)))
    if size is None:
        raise CalibrationError("there are no pictures to calibrate from: take about 15 of the board")
    if len(views) < LEAST_VIEWS:
        tried = len(views) + len(missed)
        raise CalibrationError(f"{board} was found in {len(views)} of {tried} pictures: check its kind and its counts")
    return calibrate_views(views, size, name, kinds, board.kind is not BoardKind.CIRCLES, tuple(missed), progress)


def calibrate_views(
    views: Sequence[View],
    size: tuple[int, int],
    name: str = "camera",
    kinds: Sequence[str] = CANDIDATES,
    may_bend: bool = True,
    missed: tuple[ViewReport, ...] = (),
    progress: Progress | None = None,
) -> Result:
    """Calibrate from points that are already found; see `calibrate`. `missed` is only reported."""

    def say(what: str, part: float) -> None:
        if progress is not None:
            progress(what, part)

    say("first lens", 0.5)
    first = fit(views, size)
    if may_bend:
        say("is the board flat", 0.6)
        first = _bent_or_flat(first, views)
    warp = first.solution.unknowns.warp != (0.0, 0.0)
    say("are its points in their places", 0.63)
    first, shapes = _even_or_uneven(first, warp)
    judged = judge(first, kinds, warp, lambda what, part: say(what, 0.68 + 0.27 * part), shapes)
    say("uncertainty", 0.95)
    best = pick(judged)
    best = replace(best, fit=unsure_of_shape(best.fit, warp))
    result = result_of(best, judged, views, size, name, missed)
    say("done", 1.0)
    return result


def _bent_or_flat(flat: Fit, views: Sequence[View]) -> Fit:
    """A board is bent if that is more than chance, and explains views better that were not fitted."""
    bent = bend(flat, views)
    warp, covariance = np.array(bent.solution.unknowns.warp), bent.covariance[-2:, -2:]
    if float(warp @ np.linalg.pinv(covariance, hermitian=True) @ warp) < _BENT:
        return flat
    return bent if held_out_rms(bent, Options(warp=True)) < held_out_rms(flat, Options()) else flat


def _even_or_uneven(even: Fit, warp: bool) -> tuple[Fit, tuple[Shape, ...]]:
    """A target's points lie off their places if that explains views better that were not fitted; and their shapes
    without each of these."""
    options = Options(warp=warp)
    uneven = release(even, warp)
    if uneven.sigma > _UNEVEN * even.sigma:
        return even, ()
    shapes = fold_shapes(even, options)
    if not shapes or held_out_rms(even, options, shapes) > _UNEVEN * held_out_rms(even, options):
        return even, ()
    same = uneven.indices == even.indices
    return uneven, shapes if same else fold_shapes(uneven, options)


def result_of(
    best: Judged,
    judged: Sequence[Judged],
    views: Sequence[View],
    size: tuple[int, int],
    name: str,
    missed: tuple[ViewReport, ...] = (),
) -> Result:
    """What is told of the best of the fits to these views."""
    fitted = best.fit
    problem, unknowns = fitted.problem, fitted.solution.unknowns
    reports = (*_reports(fitted, views), *missed)
    coverage = np.histogram2d(
        problem.pixels[:, 1], problem.pixels[:, 0], bins=_GRID, range=[[-0.5, size[1] - 0.5], [-0.5, size[0] - 0.5]]
    )[0].astype(np.int64)
    provenance = (
        f"calibrated from {len(problem.views)} views, {len(problem.points)} points; rms {fitted.solution.rms:.3f} px"
    )
    if np.isfinite(best.held_out):
        provenance += f", held out {best.held_out:.3f} px"
    return Result(
        calibration=Calibration(
            name, fitted.model, size, min(fitted.widest_angle, fitted.model.max_angle), provenance=provenance
        ),
        rms=fitted.solution.rms,
        held_out=best.held_out,
        sigma=fitted.sigma,
        sigma_map=projection_sigma(fitted, size),
        coverage=coverage,
        warp=unknowns.warp,
        shape=unknowns.shape,
        views=reports,
        tried=tuple(Tried(one.kind, one.fit.solution.rms, one.held_out) for one in judged),
        pixels=problem.pixels,
        residuals=fitted.solution.residuals,
        advice=_advice(fitted, best.held_out, coverage),
    )


def _reports(fitted: Fit, views: Sequence[View]) -> tuple[ViewReport, ...]:
    reasons = {rejection.index: rejection for rejection in fitted.rejections}
    used = dict(zip(fitted.indices, range(len(fitted.indices)), strict=True))
    reports, errors = [], fitted.view_rms
    for i, view in enumerate(views):
        rejection = reasons.get(i)
        note = f"{rejection.points} points left out: {rejection.reason}" if rejection else ""
        if i in used:
            reports.append(
                ViewReport(view.name, len(fitted.problem.views[used[i]].points), float(errors[used[i]]), note)
            )
        else:
            reports.append(ViewReport(view.name, 0, float("nan"), note))
    return tuple(reports)


def _advice(fitted: Fit, held_out: float, coverage: NDArray[np.int64]) -> tuple[str, ...]:
    lines = []
    count = len(fitted.problem.views)
    if count < _ENOUGH_VIEWS:
        lines.append(f"only {count} views were used: take {_ENOUGH_VIEWS} or more, the board near and tilted each way")
    rows, columns = ("top", "middle", "bottom"), ("left", "middle left", "middle right", "right")
    empty = [f"{rows[i]} {columns[j]}" for i, j in np.argwhere(coverage == 0)]
    if empty:
        lines.append(f"no points in the {', '.join(empty)} of the picture: move the board there")
    normals = fitted.solution.unknowns.poses.rotations[:, :, 2]
    if np.linalg.svd(normals - normals.mean(0), compute_uv=False)[1] < 0.1 * np.sqrt(count):
        lines.append("the board was held nearly the same way in all views: tilt it left, right, up and down")
    if held_out > 1.3 * fitted.solution.rms:
        lines.append("views that were left out fit much worse than the others: take more views")
    return tuple(lines)
