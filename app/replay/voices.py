"""Who finds the poses of a recording: networks, or those that were recorded with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import Settings
from app.translation import tr
from calib.remap import CanonicalView
from engine.capture.source import Source
from engine.live.estimator import Estimator, Seen, SupersededError
from engine.replay.exact import ExactEstimator
from engine.replay.memory import memory_of
from engine.types import Frame, Pose

if TYPE_CHECKING:
    from app.replay.feed import ReplayFeed

RECORDED = "recorded"
"""The voice of the poses that were recorded; any other is a network's name or file."""


def voice_name(voice: str | None) -> str:
    """For people; "" for none."""
    if voice is None:
        return ""
    return tr("as recorded") if voice == RECORDED else Path(str(voice)).stem


def settings_of(voice: str, settings: Settings) -> Settings:
    """Those that a voice is opened with."""
    recorded = voice == RECORDED
    return replace(settings, recorded=recorded, network=settings.network if recorded else voice)


def open_voice(feed: ReplayFeed, voice: str, source: Source, *, played: bool) -> ExactEstimator:
    """Load it; takes seconds. Raises EgoposeError where it cannot be used."""
    settings = settings_of(voice, feed.settings)
    memory = 1 if settings.recorded else memory_of(settings.weights())
    inner = settings.estimator_maker(feed.spec)(source)
    try:
        frames = feed.recording()
    except BaseException:
        inner.close()
        raise
    superseded: Callable[[int], bool] = feed.play.superseded if played else lambda seq: False
    return ExactEstimator(inner, feed.reel, feed.track_of(voice), frames, memory, played=played, superseded=superseded)


class Voices(Estimator):
    """A replay's estimator: the chosen voice, and the second one on the very same frame where there is one.

    What goes wrong with the second is told and does not end the play.
    """

    def __init__(self, feed: ReplayFeed, source: Source) -> None:
        self._feed, self._source = feed, source
        self._open: dict[str, ExactEstimator] = {}
        self._shown = self._voice(feed.voice)
        self._tell()

    @property
    def view(self) -> CanonicalView | None:
        return self._shown.view

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        """Raises SupersededError where another frame was asked for meanwhile."""
        try:
            self._shown = self._voice(self._feed.voice)
            pose = self._shown.estimate(frame)
            self._estimate_second(frame)
            self._tell()
            return pose
        finally:
            self._feed.play.done(frame.seq)

    def _estimate_second(self, frame: Frame) -> None:
        second = self._feed.second
        if second is None or second == self._feed.voice:
            return
        try:
            self._voice(second).estimate(frame)
        except SupersededError:
            raise
        except Exception as error:  # told by whoever looks
            self._feed.second, self._feed.trouble = None, error

    def close(self) -> None:
        for voice in self._open.values():
            voice.close()

    def _voice(self, voice: str) -> ExactEstimator:
        if voice not in self._open:
            self._open[voice] = open_voice(self._feed, voice, self._source, played=True)
        return self._open[voice]

    def _tell(self) -> None:
        shown = self._shown
        self.network, self.actions, self.runtime = shown.network, shown.actions, shown.runtime
        self.reason, self.building, self.notice = shown.reason, shown.building, shown.notice
