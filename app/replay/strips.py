"""What the timeline shows of each moment, brought to columns of pixels. Pure numpy, no Qt.

Of several frames in one column the worst counts, so that nothing bad is lost in a long recording.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.types import FloatArray

WORST = 8
"""Worst frames that are marked, and gone through."""
LEAST_MM = 50.0
"""The error's axis reaches at least so far: below, all is well."""


class Curve(NamedTuple):
    """An error over time: runs of frames that are known, with no line between them."""

    shares: FloatArray
    """(n,) where along the recording, 0..1."""
    values: FloatArray
    """(n,) mm."""

    def pieces(self) -> list[Curve]:
        """The runs, each without NaN."""
        known = np.isfinite(self.values)
        bounds = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]))).reshape(-1, 2)
        return [Curve(self.shares[a:b], self.values[a:b]) for a, b in bounds.tolist()]


def edges(reel: Reel, columns: int) -> NDArray[np.int64]:
    """(columns + 1,) the first frame of each column; it may be that of the next one too, where there is none."""
    times = reel.start_ns + np.arange(columns + 1) / columns * (reel.duration_ns + 1)
    return np.searchsorted(reel.times_ns, times).astype(np.int64)


def shown_frames(reel: Reel, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(columns,) the first and (columns,) the number of the frames that are shown in each column; at least one."""
    found = edges(reel, columns)
    counts = np.diff(found)
    first = np.where(counts > 0, found[:-1], np.maximum(found[:-1] - 1, 0))
    return first, np.maximum(counts, 1)


def empty(reel: Reel, columns: int) -> NDArray[np.bool_]:
    """(columns,) which lie in a gap: what is shown there is nothing, not the frame before."""
    middle = reel.start_ns + (np.arange(columns) + 0.5) / columns * reel.duration_ns
    made = np.zeros(columns, np.bool_)
    for begin, end in reel.gaps:
        made |= (middle > begin) & (middle < end)
    return np.asarray(made & (np.diff(edges(reel, columns)) == 0))


def worst_of(values: FloatArray, reel: Reel, columns: int) -> FloatArray:
    """(N,) or (N, k) of each frame to (columns,) or (columns, k): the largest that is known, NaN where none is."""
    found = edges(reel, columns)
    first, _ = shown_frames(reel, columns)
    made: FloatArray = values[first]
    there = np.flatnonzero(np.diff(found) > 0)
    made[there] = np.fmax.reduceat(values.T, found[there], axis=-1).T
    made[empty(reel, columns)] = np.nan
    return made


def curve(values: FloatArray, reel: Reel, columns: int) -> Curve:
    """(N,) of each frame as a line of about as many points as there are columns, a point a frame if those are fewer."""
    if len(reel) <= 2 * columns:
        shares = ((reel.times_ns - reel.start_ns) / max(reel.duration_ns, 1)).astype(np.float32)
        after = [reel.index_at(end) for _, end in reel.gaps]
        return Curve(np.insert(shares, after, shares[after]), np.insert(values, after, np.nan))
    return Curve(((np.arange(columns) + 0.5) / columns).astype(np.float32), worst_of(values, reel, columns))


def sureness(reel: Reel, track: Track, columns: int) -> FloatArray:
    """(columns,) the mean confidence of what was looked at, -1 where it holds no pose, NaN where nothing was."""
    first, _ = shown_frames(reel, columns)
    found = edges(reel, columns)
    there = np.flatnonzero(np.diff(found) > 0)
    posed = np.isfinite(track.confidence)
    values = np.where(track.known, np.where(posed, track.confidence, -1.0), np.nan).astype(np.float32)
    made: FloatArray = values[first]
    sums, counts = (
        np.add.reduceat(what, found[there])
        for what in (np.where(posed, track.confidence, 0.0), posed.astype(np.float64))
    )
    looked = np.maximum.reduceat(track.known, found[there])
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.where(looked, -1.0, np.nan))
    made[there] = mean
    made[empty(reel, columns)] = np.nan
    return made


def axis_mm(*known: FloatArray, room: float = 1.15) -> float:
    """How far the error's axis reaches: to what all but one of a hundred values stay under, and room above it."""
    finite = np.concatenate([values[np.isfinite(values)] for values in known])
    return max(LEAST_MM, float(np.percentile(finite, 99)) * room) if finite.size else LEAST_MM


def worst_frames(reel: Reel, track: Track) -> tuple[int, ...]:
    """The worst of the frames looked at so far, the worst first: a second from each other, or a part of the whole."""
    a_second = len(reel) * 1e9 / max(reel.duration_ns, 1)
    return track.worst(WORST, max(1, round(a_second), len(reel) // 60))
