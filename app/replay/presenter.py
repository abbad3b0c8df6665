"""What the replay's row shows, computed from the feed and from what the user chose. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from app.replay.feed import ReplayFeed
from app.replay.scale import clock
from app.replay.strips import worst_frames
from app.translation import tr
from engine.types import Frame, Pose

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
JUMP_S = 5.0
_SLOW = 0.85
"""Below this share of the speed that was asked for, the row says so."""


@dataclass(frozen=True, slots=True)
class ReplayScreen:
    """The transport at one moment."""

    position: int = 0
    time: str = ""
    frame: str = ""
    playing: bool = False
    speed: float = 1.0
    loop: bool = False
    marked: tuple[int, int] | None = None
    """First and last frame between in and out."""
    note: str = ""
    error_mm: float | None = None
    """Of the frame that is shown, where its truth and its pose are known."""
    analysed: float | None = None


class ReplayPresenter:
    """Holds in, out and loop of one feed; `look` computes the rest."""

    def __init__(self, feed: ReplayFeed) -> None:
        self.feed = feed
        self._in: int | None = None
        self._out: int | None = None
        self._loop = feed.play.loops
        self._second: tuple[str | None, int, Pose | None] | None = None

    @property
    def marked(self) -> tuple[int, int] | None:
        """In and out, the other end where one is not set; None where neither is."""
        if self._in is None and self._out is None:
            return None
        return self._in or 0, len(self.feed.reel) - 1 if self._out is None else self._out

    def look(self) -> ReplayScreen:
        """The transport now."""
        feed, play = self.feed, self.feed.play
        reel, at = feed.reel, feed.position
        seconds = (reel.time_ns(at) - reel.start_ns) / 1e9
        reached = play.reached
        playing = not play.paused and not play.ended
        note = ""
        if feed.analysed is not None:
            note = tr("finding all poses: {share} (Ctrl+E stops)", share=f"{feed.analysed:.0%}")
        elif playing and reached is not None and reached < _SLOW * play.speed:
            note = tr("plays at {speed}x: every frame gets its pose", speed=f"{reached:.2g}")
        error = float(np.mean(feed.track.errors_mm[at])) if feed.track.known[at] else float("nan")
        return ReplayScreen(
            position=at,
            time=f"{clock(seconds)} / {clock(reel.duration_ns / 1e9)}",
            frame=f"{at + 1} / {len(reel)}",
            playing=playing,
            speed=play.speed,
            loop=self._loop,
            marked=self.marked,
            note=note,
            error_mm=error if isfinite(error) else None,
            analysed=feed.analysed,
        )

    def second_pose(self, frame: Frame | None) -> Pose | None:
        """What the second voice found in a frame that is shown."""
        track = self.feed.second_track
        if track is None or frame is None or frame.device_ns is None:
            return None
        index = self.feed.reel.index_at(frame.device_ns)
        if self._second is None or self._second[:2] != (self.feed.second, index) or self._second[2] is None:
            self._second = self.feed.second, index, track.pose(index)
        return self._second[2]

    def go_to(self, index: int) -> None:
        """Show a frame."""
        self.feed.play.seek_frame(min(max(index, 0), len(self.feed.reel) - 1))

    def jump(self, seconds: float) -> None:
        """So many seconds on or back."""
        reel = self.feed.reel
        self.go_to(reel.index_at(reel.time_ns(self.feed.position) + round(seconds * 1e9)))

    def next_stop(self, direction: int) -> None:
        """To the next mark, gap or loss, or the one before; to the end of the recording where there is none."""
        at, stops = self.feed.position, self.feed.reel.stops()
        if direction > 0:
            self.go_to(next((stop for stop in stops if stop > at), len(self.feed.reel) - 1))
        else:
            self.go_to(next((stop for stop in reversed(stops) if stop < at), 0))

    def next_worst(self) -> None:
        """To the worst of the frames looked at so far; from that one to the next worst, a second away at least."""
        worst = worst_frames(self.feed.reel, self.feed.track)
        if worst:
            at = self.feed.position
            self.go_to(worst[(worst.index(at) + 1) % len(worst)] if at in worst else worst[0])

    def analyse(self) -> None:
        """Find the poses of all frames, or stop that."""
        if self.feed.analysed is None:
            self.feed.analyse()
        else:
            self.feed.cancel_analysis()

    def change_speed(self, steps: int) -> None:
        """The next speed up or down."""
        nearest = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - self.feed.play.speed))
        self.feed.play.set_speed(SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)])

    def set_loop(self, on: bool) -> None:
        """Over what is between in and out, else over all."""
        self._loop = on
        first, last = self.marked or (0, None)
        self.feed.play.set_loop(on, first, None if last is None else self.feed.reel.time_ns(last))

    def mark_in(self) -> None:
        """What is marked begins with the frame that is shown; at that very frame again, it begins at the start."""
        at = self.feed.position
        self._in = None if self._in == at else at
        if self._out is not None and self._out < at:
            self._out = None
        self.set_loop(self._loop)

    def mark_out(self) -> None:
        """What is marked ends with the frame that is shown; at that very frame again, it ends at the end."""
        at = self.feed.position
        self._out = None if self._out == at else at
        if self._in is not None and self._in > at:
            self._in = None
        self.set_loop(self._loop)
