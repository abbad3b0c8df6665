"""The one sample type of training and evaluation: a sequence of pictures and what is known of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL_MAX_ANGLE, canonical_bearings, canonical_uv
from calib.remap import CanonicalView
from engine.types import FloatArray, ImageArray

GAP = 1.5
"""A step in time of more than this many usual ones is a gap."""
UNKNOWN_ACTION = -1


class Pictures(ABC):
    """The pictures of a sequence, decoded when they are asked for. Can be pickled, for worker processes."""

    camera: Calibration
    """The camera that took them."""

    @abstractmethod
    def raw(self, index: int) -> ImageArray:
        """(H, W, 3) uint8 BGR as it was recorded. Raises EgoposeError, naming the picture."""

    @abstractmethod
    def name(self, index: int) -> str:
        """For people: which picture it is."""


class Span(NamedTuple):
    """Frames start..stop of a sequence, of which those from `scored` on count."""

    start: int
    stop: int
    scored: int


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """N frames out of one file or folder, in the order of time."""

    name: str
    data_set: str
    pictures: Pictures
    joints_m: FloatArray
    """(N, 15, 3) metres, camera frame; NaN where a joint is not known."""
    uv: FloatArray
    """(N, 15, 2) canonical, 0..1 across the picture, outside where the joint is; NaN where it is not known."""
    visible: NDArray[np.bool_]
    """(N, 15) inside the picture and not hidden."""
    hidden_known: bool
    """Whether the data set tells hidden joints; if not, `visible` says no more than inside the picture."""
    action: NDArray[np.int16]
    """(N,) numbers of the wearer's ACTIONS, or UNKNOWN_ACTION."""
    time_s: NDArray[np.float64]
    """(N,)."""
    clip: NDArray[np.int32]
    """(N,) never falling; frames of one number follow one another without a gap."""
    subject: NDArray[np.str_]
    """(N,) who wears the camera."""

    def __post_init__(self) -> None:
        count = len(self.joints_m)
        shapes = {"joints_m": (15, 3), "uv": (15, 2), "visible": (15,)}
        shapes |= {"action": (), "time_s": (), "clip": (), "subject": ()}
        for field, rest in shapes.items():
            if getattr(self, field).shape != (count, *rest):
                raise ValueError(f"{field} of {self.name} is {getattr(self, field).shape}, not {(count, *rest)}")

    def __len__(self) -> int:
        return len(self.joints_m)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether the whole pose is known."""
        whole = np.isfinite(self.joints_m).all((1, 2)) & np.isfinite(self.uv).all((1, 2))
        return np.asarray(whole)

    def picture(self, index: int, side: int) -> ImageArray:
        """The (side, side, 3) BGR canonical view of a frame. Raises EgoposeError where it cannot be read."""
        raw = self.pictures.raw(index)
        return view_of(self.pictures.camera, raw.shape[1], raw.shape[0], side).image(raw)

    def stretches(self) -> list[slice]:
        """The runs of frames without a gap."""
        edges = np.flatnonzero(np.diff(self.clip)) + 1
        bounds = [0, *edges.tolist(), len(self)]
        return [slice(a, b) for a, b in pairwise(bounds) if b > a]

    def windows(self, length: int, stride: int, *, known: bool = False) -> NDArray[np.int64]:
        """First rows of the windows of `length` frames, every `stride` frames of each stretch; none crosses a gap.

        With `known`, only windows in which every pose is known whole.
        """
        starts = np.arange(len(self) - length + 1, dtype=np.int64)
        starts = starts[self.clip[starts] == self.clip[starts + length - 1]]
        first = np.searchsorted(self.clip, self.clip[starts])
        starts = starts[(starts - first) % stride == 0]
        if known:
            bad = np.concatenate([[0], np.cumsum(~self.known)])
            starts = starts[bad[starts + length] == bad[starts]]
        return starts

    def cover(self, length: int) -> list[Span]:
        """Windows of at most `length` frames that score every frame exactly once, the tails included.

        The last window of a stretch reaches back over frames that are scored already, so that it is as long.
        """
        spans = []
        for stretch in self.stretches():
            for scored in range(stretch.start, stretch.stop, length):
                stop = min(scored + length, stretch.stop)
                spans.append(Span(max(stretch.start, stop - length), stop, scored))
        return spans


@lru_cache(maxsize=16)
def view_of(camera: Calibration, width: int, height: int, side: int) -> CanonicalView:
    """The canonical view of a camera, made once for each size."""
    return CanonicalView(camera, (width, height), side)


def clips_of(time_s: NDArray[Any], number: NDArray[Any] | None = None) -> NDArray[np.int32]:
    """(N,) numbers of the stretches of frames at these times.

    A new one begins where a frame's `number` is not the last one's plus one, and where the time stands still,
    goes back, or makes a step of more than GAP usual (median) ones.
    """
    steps = np.diff(time_s)
    usual = np.median(steps[steps > 0]) if (steps > 0).any() else np.inf
    breaks = (steps <= 0) | (steps > GAP * usual) if number is None else np.diff(number) != 1
    if number is not None:
        breaks |= (steps <= 0) | (steps > GAP * usual)
    return np.concatenate([[0], np.cumsum(breaks)]).astype(np.int32)[: len(time_s)]


def projected(joints_m: FloatArray) -> FloatArray:
    """(N, 15, 3) metres to (N, 15, 2) canonical uv; NaN where the joint is."""
    return canonical_uv(joints_m.astype(np.float64))[0].astype(np.float32)


def inside(uv: FloatArray, camera: Calibration) -> NDArray[np.bool_]:
    """(N, 15, 2) canonical uv to (N, 15) whether the camera's picture and the view both show it."""
    known = np.asarray(np.isfinite(uv).all(-1))
    bearings = canonical_bearings(np.where(known[..., None], uv, 0.5))
    pixels, valid = camera.model.project(bearings)
    edge = np.array(camera.size) - 0.5
    shown = valid & ((pixels >= -0.5) & (pixels <= edge)).all(-1)
    return np.asarray(known & shown & (bearings[..., 2] >= np.cos(min(CANONICAL_MAX_ANGLE, camera.valid_angle))))
