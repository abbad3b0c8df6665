"""Filter and fit of a recording that is played: entered anywhere, as if it had been played up to there."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

from engine.motion.filter import SPEED_CUTOFF_HZ, broken, coefficients
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage, media_ns
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.types import Frame, Pose

MOST_NS = 3_000_000_000
"""How far back the filter is led up to a frame at most."""
FITTED = 10
"""Frames before it that the fit is led along: it remembers little, and takes long."""


def lead_ns(smoothing: float) -> int:
    """How far back a filter of this strength remembers: what came before has faded to a thousandth where nothing moves.

    That takes seven times its time constant, and as long at least as of the low-pass on the speed.
    """
    slowest_hz = min(coefficients(smoothing)[0], SPEED_CUTOFF_HZ)
    return min(round(7e9 / (2 * pi * slowest_hz)), MOST_NS)


class ReplayMotion(MotionStage):
    """Where a frame does not follow the one before it, the poses of those that lead to it are gone through first.

    These are the ones that the track knows or had a glimpse of; what a network is shown to warm up leaves them.
    """

    def __init__(self, settings: MotionSettings, reel: Callable[[], Reel], track: Callable[[], Track]) -> None:
        """`track` is that of the voice whose poses are applied; both are asked from the thread that applies them."""
        super().__init__(settings)
        self._reel, self._track = reel, track
        self._last: tuple[Track, int] | None = None

    def apply(self, frame: Frame, pose: Pose) -> Pose:
        reel, track = self._reel(), self._track()
        index = reel.index_at(media_ns(frame))
        if self._last != (track, index - 1):
            self._lead_to(reel, track, index)
        self._last = track, index
        return self.advance(reel.time_ns(index), pose)

    def _lead_to(self, reel: Reel, track: Track, index: int) -> None:
        begin, reach_ns = index, lead_ns(self.settings.smoothing)
        while begin > 0 and track.past(begin - 1) is not None:
            before_ns, time_ns = reel.time_ns(begin - 1), reel.time_ns(begin)
            if broken(before_ns, time_ns) or reel.time_ns(index) - before_ns > reach_ns:
                break
            begin -= 1
        self.reset()
        for at in range(begin, index):
            past = track.past(at)
            assert past is not None  # what is known stays known
            go_by = self.advance if at >= index - FITTED else self.pass_by
            go_by(reel.time_ns(at), past)
