"""A recording's time: when each frame is, what happened, where something is missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.capture.seekable import SeekableSource
from engine.types import Event, EventKind

GAP_NS = 500_000_000
"""Frames further apart than this are shown as a gap, whether or not an event tells of it."""


@dataclass(frozen=True, eq=False)
class Reel:
    """The frames of a recording in the order of time; positions count from 0."""

    times_ns: NDArray[np.int64]
    """(N,) media time of each frame, `capture_ns` as the recorded source gives it; never falls. At least one."""
    events: tuple[Event, ...] = ()
    has_truth: bool = False
    pose_count: int = 0
    """Frames whose pose was recorded."""

    def __len__(self) -> int:
        return len(self.times_ns)

    @property
    def start_ns(self) -> int:
        return int(self.times_ns[0])

    @property
    def duration_ns(self) -> int:
        return int(self.times_ns[-1]) - self.start_ns

    def time_ns(self, index: int) -> int:
        """Media time of a frame; a position beyond either end is taken as that end."""
        return int(self.times_ns[min(max(index, 0), len(self) - 1)])

    def index_at(self, media_ns: int) -> int:
        """The frame shown at this time: the last at or before it, the first before all."""
        return max(int(np.searchsorted(self.times_ns, media_ns, side="right")) - 1, 0)

    @cached_property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """(begin, end) media ns where frames are missing: as the events tell and as the times show, merged."""
        told = [(e.capture_ns - e.duration_ns, e.capture_ns) for e in self.events if e.kind is EventKind.GAP]
        jumps = np.flatnonzero(np.diff(self.times_ns) > GAP_NS)
        seen = [(int(self.times_ns[at]), int(self.times_ns[at + 1])) for at in jumps]
        merged: list[tuple[int, int]] = []
        for begin, end in sorted(told + seen):
            if merged and begin <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], end)
            else:
                merged.append((begin, end))
        return tuple(merged)

    def stops(self) -> tuple[int, ...]:
        """Positions to jump to: marks, and the frames after gaps and lost frames, in order, each once."""
        kinds = (EventKind.MARK, EventKind.DROP, EventKind.CLOCK)
        times = [event.capture_ns for event in self.events if event.kind in kinds] + [end for _, end in self.gaps]
        return tuple(sorted({self.index_at(time) for time in times}))


def read_reel(path: Path, source: SeekableSource) -> Reel:
    """Of a recording whose `source` is open. Reads a video's packets once. Raises EgoposeError as opening does."""
    if path.suffix.lower() == ".mcap":
        from engine.session.reader import Session  # noqa: PLC0415

        with Session(path) as session:
            times = session.times_ns.astype(np.int64)
            return Reel(times, session.events, session.truth_count > 0, session.pose_count)
    return Reel(np.maximum.accumulate(source.times_ns()))
