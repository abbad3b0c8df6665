"""Poses of a recording that is played, wherever it is entered: those of playing it from its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from calib.remap import CanonicalView
from engine.capture.seekable import SeekableSource
from engine.live.estimator import Estimator, Seen, SupersededError
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.types import Frame, Pose

_RECALLED = 64
"""Frames before the one that was entered whose poses are looked up, where that takes no picture."""

Superseded = Callable[[int], bool]
"""Whether nobody waits for the pose of the frame with this number any more."""


class ExactEstimator(Estimator):
    """Gives the frames of a recording the poses that an unbroken run over it gives, each computed once.

    A network that remembers is shown the `memory - 1` frames before the one where the play was entered: its pose
    then depends on the very frames that it does in an unbroken run. Frames that cannot be read count as shown.
    Times that it is shown are those of the recording, so that a pause is no gap. A frame looked at before, by this or
    another estimator of the same track, is answered from the track.
    """

    def __init__(
        self,
        inner: Estimator,
        reel: Reel,
        track: Track,
        frames: SeekableSource,
        memory: int,
        *,
        played: bool = False,
        superseded: Superseded = lambda seq: False,
        done: Callable[[int], None] = lambda seq: None,
    ) -> None:
        """`frames` is the same recording, opened for this alone; `close` closes it.

        `played` tells whether the frames to estimate come from `Paced`, which keeps their own time beside the host's.
        """
        self._played = played
        self._inner, self._reel, self._track, self._frames, self._memory = inner, reel, track, frames, memory
        self._superseded, self._done = superseded, done
        self._at: int | None = None
        """The frame shown to the network last."""
        self._since = 0
        """The first of those that it was shown without a break."""
        self._view: CanonicalView | None = None
        self.network, self.actions = inner.network, inner.actions
        self._tell()

    @property
    def view(self) -> CanonicalView | None:
        return self._view

    def see(self, frame: Frame) -> Seen | None:
        """None where the pose is known already."""
        return None if self._track.known[self._index(frame)] else self._inner.see(frame)

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        """Raises SupersededError where another frame was asked for meanwhile."""
        try:
            index = self._index(frame)
            if not self._track.known[index] or self._view is None:
                if self._superseded(frame.seq):
                    raise SupersededError
                self._warm_up(index, frame.seq)
                self._recall(index)
                pose = self._show(index, frame, seen)
                self._track.keep(index, pose, frame.truth)
                self._view = self._inner.view
                self._tell()
            found = self._track.pose(index)
            assert found is not None  # it is known
            return replace(found, seq=frame.seq, capture_ns=frame.capture_ns)
        finally:
            self._done(frame.seq)

    def close(self) -> None:
        self._inner.close()
        self._frames.close()

    def _warm_up(self, index: int, seq: int) -> None:
        begin = max(index - self._memory + 1, 0)
        if self._at is not None and self._since <= begin <= self._at + 1 <= index:
            begin = self._at + 1
        else:
            self._since = begin
        if begin == index:
            return
        self._frames.seek_frame(begin)
        while (frame := self._frames.read()) is not None and (at := self._reel.index_at(frame.capture_ns)) < index:
            if self._superseded(seq):
                raise SupersededError
            self._track.glimpse(at, self._show(at, frame, None))

    def _recall(self, index: int) -> None:
        """What leads to a frame, of an inner estimator that need not be shown it."""
        for at in range(index - 1, max(index - _RECALLED, 0) - 1, -1):
            if self._track.past(at) is not None or (pose := self._inner.recalled(self._reel.time_ns(at))) is None:
                break
            self._track.glimpse(at, pose)

    def _show(self, index: int, frame: Frame, seen: Seen | None) -> Pose:
        time_ns = self._reel.time_ns(index)
        self._at = index
        return self._inner.estimate(replace(frame, seq=index, capture_ns=time_ns, device_ns=None), seen)

    def _index(self, frame: Frame) -> int:
        own_ns = frame.device_ns if self._played else None
        return self._reel.index_at(frame.capture_ns if own_ns is None else own_ns)

    def _tell(self) -> None:
        inner = self._inner
        self.runtime, self.reason, self.building, self.notice = (
            inner.runtime, inner.reason, inner.building, inner.notice,
        )  # fmt: skip


def analyse(
    source: SeekableSource, estimators: Sequence[ExactEstimator], track: Track, progress: Callable[[float], bool]
) -> bool:
    """Show every frame of an opened recording to all estimators; whether it came to the end.

    `progress` is told the share of `track` that is known before each frame, and answers whether to go on.
    """
    while (frame := source.read()) is not None:
        if not progress(track.count / len(track)):
            return False
        for estimator in estimators:
            estimator.estimate(frame)
    return True
