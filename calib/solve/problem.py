"""What is observed, and the unknowns that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calib.errors import CalibrationError
from calib.models.base import Array, Mask
from calib.models.differentiable import DifferentiableModel

LEAST_POINTS = 6
"""A view with fewer points says nothing about the camera."""
LEAST_VIEWS = 3


@dataclass(frozen=True, eq=False)
class View:
    """A picture of known points."""

    points: Array
    """(N, 3) in the target's frame, any unit, the same for all views."""
    pixels: Array
    """(N, 2)."""
    name: str = ""

    def subset(self, kept: Mask) -> View:
        """The view with only some of its points."""
        return replace(self, points=self.points[kept], pixels=self.pixels[kept])


@dataclass(frozen=True, eq=False)
class Poses:
    """Camera from target for each view: p = R X + t."""

    rotations: Array
    """(V, 3, 3)."""
    translations: Array
    """(V, 3)."""

    def __len__(self) -> int:
        return len(self.translations)

    def chosen(self, which: Sequence[int] | NDArray[np.int64]) -> Poses:
        """Those of some views."""
        return Poses(self.rotations[which], self.translations[which])


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Where a target's points are off their places; see `calib.solve.shape`."""

    points: Array
    """(K, 3) their places, each once, in the target's frame and unit."""
    offsets: Array
    """(K, 3) from there to where they are."""
    spread: Array
    """(3,) the offsets' standard deviations along x, y and z."""
    freedom: float
    """How many free numbers the offsets are worth."""

    def on(self, points: Array) -> Array:
        """(M, 3) offsets of other (M, 3) places; zero where this shape says nothing of one."""
        if points is self.points:
            return self.offsets
        known = {place.tobytes(): i for i, place in enumerate(self.points)}
        padded = np.concatenate([self.offsets, np.zeros((1, 3))])
        return padded[[known.get(place.tobytes(), -1) for place in points + 0.0]]


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Everything that is solved for."""

    model: DifferentiableModel
    poses: Poses
    warp: tuple[float, float] = (0.0, 0.0)
    """How far a board's middle stands out along its z, across its columns and its rows, in the target's unit:
    z = warp_x (1 - x^2) + warp_y (1 - y^2), x and y from -1 to 1 over the board (as in mrcal)."""
    shape: Shape | None = None
    """What else is known of the target; `adjust` leaves it as it is."""

    @property
    def freedom(self) -> float:
        """How many free numbers the shape is worth."""
        return 0.0 if self.shape is None else self.shape.freedom


@dataclass(frozen=True, eq=False)
class Problem:
    """All views, laid end to end."""

    views: tuple[View, ...]
    board: Problem | None = None
    """The problem whose points say how large the board is, where that is not this one."""

    def __post_init__(self) -> None:
        """Raises CalibrationError where a view is too small or not finite."""
        if not self.views:
            raise CalibrationError("there are no views to calibrate from: take more pictures of the board")
        for view in self.views:
            if len(view.points) < LEAST_POINTS or view.points.shape != (len(view.pixels), 3):
                raise CalibrationError(f"view {view.name}: fewer than {LEAST_POINTS} points: leave it out")
            if not (np.isfinite(view.points).all() and np.isfinite(view.pixels).all()):
                raise CalibrationError(f"view {view.name}: a point is not finite: detect it again")

    @cached_property
    def points(self) -> Array:
        """(N, 3)."""
        return np.concatenate([view.points for view in self.views])

    @cached_property
    def pixels(self) -> Array:
        """(N, 2)."""
        return np.concatenate([view.pixels for view in self.views])

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """(N,) which view each point is of."""
        return np.repeat(np.arange(len(self.views)), [len(view.points) for view in self.views])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(V,) where each view begins."""
        return np.concatenate([[0], np.cumsum([len(view.points) for view in self.views])[:-1]])

    @cached_property
    def bulge(self) -> Array:
        """(N, 2) what one unit of each warp adds to a point's z."""
        return self.bulge_at(self.points)

    def bulge_at(self, points: Array) -> Array:
        """(M, 2) the same for any (M, 3) places on the board."""
        board = self.board or self
        low, high = board.points[:, :2].min(0), board.points[:, :2].max(0)
        unit = (2.0 * points[:, :2] - low - high) / np.where(high > low, high - low, 1.0)
        return np.asarray(1.0 - unit**2, float)

    @cached_property
    def distinct(self) -> Array:
        """(K, 3) the target's points, each once."""
        return self.board.distinct if self.board is not None else np.unique(self.points + 0.0, axis=0)

    @cached_property
    def which(self) -> NDArray[np.int64]:
        """(N,) which of `distinct` each point is."""
        known = {place.tobytes(): i for i, place in enumerate(self.distinct)}
        return np.array([known[place.tobytes()] for place in self.points + 0.0], np.int64)

    def selected(self, kept: Mask) -> Problem:
        """Only the points of a (N,) mask, and no views without points."""
        masks = np.split(kept, self.starts[1:])
        views = tuple(view.subset(mask) for view, mask in zip(self.views, masks, strict=True) if mask.any())
        return Problem(views, self.board or self)

    def chosen(self, which: Sequence[int] | NDArray[np.int64]) -> Problem:
        """Only some views."""
        return Problem(tuple(self.views[i] for i in which), self.board or self)

    def in_camera(self, unknowns: Unknowns) -> tuple[Array, Array]:
        """(N, 3) points in the camera's frame, and (N, 3) the same before the translation."""
        points = self.points.copy()
        if unknowns.shape is not None:
            points += unknowns.shape.on(self.distinct)[self.which]
        points[:, 2] += self.bulge @ np.array(unknowns.warp)
        turned = np.einsum("nij,nj->ni", unknowns.poses.rotations[self.owner], points)
        return turned + unknowns.poses.translations[self.owner], turned


def turning(vectors: Array) -> Array:
    """(N, 3, 3) derivative of (N, 3) vectors by a small turn of them: minus the cross-product matrix."""
    out = np.zeros((len(vectors), 3, 3))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[:, j, k], out[:, k, j] = vectors[:, i], -vectors[:, i]
    return out
