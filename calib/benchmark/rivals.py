"""Held-out error on measurements of real lenses, beside three recipes of OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares  # type: ignore[import-untyped]
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from calib.calibrate import calibrate_views
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.solve.fit import start_lens
from calib.solve.heldout import refit_poses
from calib.solve.problem import Poses, Problem, Unknowns, View
from calib.targets.board import parse_board

_FOLDS = 5
_PLANES = 8
_ON_PLANE = 2e-3
"""A point lies on a plane that is no farther away than this part of the target's width."""
_STEPS = 200

Lens = Callable[[Array], Array]
"""(N, 3) points in the camera's frame to (N, 2) pixels."""
Recipe = Callable[[list[Array], list[Array], tuple[int, int], Array], Lens]
"""(N, 3) planar points and (N, 2) pixels of each view, the picture's size and a first camera matrix to a lens."""


@dataclass(frozen=True, slots=True, eq=False)
class RealSet:
    """Measurements of one camera."""

    name: str
    views: tuple[View, ...]
    size: tuple[int, int]
    may_bend: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """Held-out RMS in pixels on one set, and of each recipe, infinite where it failed."""

    name: str
    ours: float
    recipes: dict[str, float]

    @property
    def ratio(self) -> float:
        """To the best recipe; zero where all failed."""
        return self.ours / min(self.recipes.values())


def real_sets(folder: Path) -> list[RealSet]:
    """The four sets that the tests keep: two cameras with a chessboard, a plane and a cube of tags."""
    board, sets = parse_board("10x7:25mm"), list[RealSet]()
    with np.load(folder / "board_10x7.npz") as data:
        for side in ("left", "right"):
            views = tuple(View(board.points, pixels.astype(float), str(i)) for i, pixels in enumerate(data[side]))
            sets.append(RealSet(f"board_{side}", views, (1280, 960), True))
    for name in ("ov_plane", "ov_cube"):
        with np.load(folder / f"{name}.npz") as data:
            views = tuple(view for part in ("train", "test") for view in _stored(data, part))
            size = int(data["size"][0]), int(data["size"][1])
        sets.append(RealSet(name, views, size, name == "ov_plane"))
    return sets


def _stored(data: dict[str, Array], part: str) -> list[View]:
    ends = np.cumsum(data[f"{part}_counts"])[:-1]
    pairs = zip(np.split(data[f"{part}_points"], ends), np.split(data[f"{part}_pixels"], ends), strict=True)
    return [View(points.astype(float), pixels.astype(float), f"{part} {i}") for i, (points, pixels) in enumerate(pairs)]


def compare(real: RealSet) -> Compared:
    """Five folds over the views: every recipe, and ours, sees four of them; its poses alone are refitted on the fifth.

    Both see the same points, and OpenCV is given the focal length that ours starts from.
    """
    squares = dict.fromkeys(["ours", *RECIPES], 0.0)
    points = 0
    for fold in range(_FOLDS):
        kept = [view for i, view in enumerate(real.views) if i % _FOLDS != fold]
        left = Problem(tuple(view for i, view in enumerate(real.views) if i % _FOLDS == fold), Problem(real.views))
        unknowns = _ours(kept, real)
        near = refit_poses(left, unknowns)
        squares["ours"] += float((near.errors**2).sum())
        points += len(left.points)
        planar = [plane for view in kept for plane in _planar(view, real.views)]
        first = start_lens(Problem(tuple(kept)), real.size).unknowns.model.params
        matrix = np.array([[first[0], 0.0, first[2]], [0.0, first[0], first[3]], [0.0, 0.0, 1.0]])
        for name, recipe in RECIPES.items():
            try:
                lens = recipe([plane.points for plane in planar], [plane.pixels for plane in planar], real.size, matrix)
                squares[name] += _refitted(lens, left, near.unknowns.poses)
            except (cv2.error, CalibrationError):
                squares[name] = np.inf
    rms = {name: float(np.sqrt(square / points)) for name, square in squares.items()}
    return Compared(real.name, rms.pop("ours"), rms)


def _ours(kept: Sequence[View], real: RealSet) -> Unknowns:
    result = calibrate_views(kept, real.size, may_bend=real.may_bend)
    model = result.calibration.model
    return Unknowns(model, Poses(np.empty((0, 3, 3)), np.empty((0, 3))), result.warp, result.shape)  # type: ignore[arg-type]


def _refitted(lens: Lens, left: Problem, poses: Poses) -> float:
    """The sum of squared pixels over views whose poses are fitted to a lens by plain squares."""
    total = 0.0
    for i, view in enumerate(left.views):

        def residuals(pose: Array, view: View = view) -> Array:
            seen = view.points @ Rotation.from_rotvec(pose[:3]).as_matrix().T + pose[3:]
            return np.asarray(np.nan_to_num(lens(seen) - view.pixels, nan=1e3), float).ravel()

        start = np.concatenate([Rotation.from_matrix(poses.rotations[i]).as_rotvec(), poses.translations[i]])
        scale = np.concatenate([np.full(3, 0.01), np.full(3, 0.01 * np.linalg.norm(poses.translations[i]))])
        total += 2.0 * float(least_squares(residuals, start, x_scale=scale, xtol=1e-12, ftol=1e-12).cost)
    return total


def _planar(view: View, views: Sequence[View]) -> list[View]:
    """A view of several planes as one view of each, its points brought to z = 0: OpenCV starts from no others."""
    whole = np.unique(np.concatenate([one.points for one in views]), axis=0)
    found = list[View]()
    rest = np.ones(len(view.points), bool)
    for middle, axes in _planes(whole):
        local = (view.points - middle) @ axes.T
        on = rest & (np.abs(local[:, 2]) <= _ON_PLANE * float(np.ptp(whole, axis=0).max()))
        rest &= ~on
        if on.sum() >= _PLANES:
            found.append(View(local[on] * [1.0, 1.0, 0.0], view.pixels[on], view.name))
    return found


def _planes(points: Array) -> list[tuple[Array, Array]]:
    """A point of each plane that holds many of the points, and (3, 3) its axes, the normal last."""
    rng, reach = np.random.default_rng(0), _ON_PLANE * float(np.ptp(points, axis=0).max())
    found = list[tuple[Array, Array]]()
    while len(points) >= _PLANES and len(found) < _PLANES:
        best = np.zeros(len(points), bool)
        for _ in range(300):
            a, b, c = points[rng.choice(len(points), 3, replace=False)]
            normal = np.cross(b - a, c - a)
            if np.linalg.norm(normal) > 0.0:
                on = np.abs((points - a) @ normal) <= reach * np.linalg.norm(normal)
                best = on if on.sum() > best.sum() else best
        middle = points[best].mean(0)
        axes = np.linalg.svd(points[best] - middle)[2]
        found.append((middle, axes * [[1.0], [1.0], [np.linalg.det(axes)]]))
        points = points[~best]
    return found


def _fisheye(flags: int) -> Recipe:
    def recipe(points: list[Array], pixels: list[Array], size: tuple[int, int], matrix: Array) -> Lens:
        objects, pictures = [one.reshape(1, -1, 3) for one in points], [one.reshape(1, -1, 2) for one in pixels]

        def solve(which: list[int], steps: int) -> tuple[Array, Array]:
            chosen = [objects[i] for i in which], [pictures[i] for i in which]
            stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, steps, 1e-9)
            found = cv2.fisheye.calibrate(*chosen, size, matrix.copy(), np.zeros((4, 1)), flags=flags, criteria=stop)
            return np.asarray(found[1], float), np.asarray(found[2], float)

        def stands(i: int) -> bool:
            try:
                return bool(np.isfinite(solve([i], 1)[0]).all())
            except cv2.error:
                return False

        everything = list(range(len(objects)))
        try:
            k, d = solve(everything, _STEPS)
        except cv2.error:
            # One view that it cannot start from fails all: as a patient user would, leave such views out.
            k, d = solve([i for i in everything if stands(i)], _STEPS)
        # Written out, since OpenCV's own projection turns points behind the picture plane around.
        lens = KannalaBrandt([k[0, 0], k[1, 1], 0.0, 0.0, *np.ravel(d)])
        skew = np.array([[1.0, k[0, 1] / k[1, 1]], [0.0, 1.0]])
        return lambda seen: np.asarray(lens.project(seen)[0] @ skew.T + k[:2, 2], float)

    return recipe


def _rational(points: list[Array], pixels: list[Array], size: tuple[int, int], matrix: Array) -> Lens:
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_RATIONAL_MODEL
    _, k, d, _, _ = cv2.calibrateCamera(
        [one.astype(np.float32) for one in points],
        [one.astype(np.float32) for one in pixels],
        size,
        matrix.copy(),
        np.zeros(8),
        flags=flags,
        criteria=(cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, _STEPS, 1e-9),
    )
    still = np.zeros(3)
    return lambda seen: np.asarray(cv2.projectPoints(seen, still, still, k, d)[0].reshape(-1, 2), float)


def _flag(name: str) -> int:
    """OpenCV 5 has the fisheye's flags beside all others, with other values than OpenCV 4's."""
    return int(getattr(cv2.fisheye, name, None) or getattr(cv2, name))


_GUESS = _flag("CALIB_USE_INTRINSIC_GUESS") | _flag("CALIB_RECOMPUTE_EXTRINSIC")
RECIPES: dict[str, Recipe] = {
    "fisheye": _fisheye(_GUESS | _flag("CALIB_FIX_SKEW")),
    "fisheye, skew and checks": _fisheye(_GUESS | _flag("CALIB_CHECK_COND")),
    "rational": _rational,
}
"""OpenCV's fisheye without skew, with skew and its checks, and its pinhole with eight terms; all from a given focal."""
