"""The feed of a recording: played frame by frame, positioned exactly, its poses kept while it is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from app.live_feed import LiveFeed
from app.replay.voices import RECORDED, Voices, open_voice, settings_of
from app.settings import Settings
from engine.capture.opening import open_source
from engine.capture.paced import Paced
from engine.capture.seekable import SeekableSource
from engine.capture.source import Source
from engine.live.estimator import Estimator
from engine.motion.stage import MotionStage
from engine.replay.motion import ReplayMotion
from engine.replay.reel import Reel, read_reel
from engine.replay.track import Track
from engine.types import Frame, Snapshot, StreamState

_STILL = (StreamState.STREAMING, StreamState.STALLED)


def open_feed(spec: str, settings: Settings, *, loop: bool = False) -> LiveFeed:
    """The feed of any source: what can be positioned is replayed. Raises EgoposeError where it is not there at all."""
    if isinstance(open_source(spec), SeekableSource):
        return ReplayFeed(spec, settings, loop=loop)
    return LiveFeed(spec, settings, loop=loop)


class ReplayFeed(LiveFeed):
    """Every frame gets its pose: where the network cannot hold the rate, the play is slower.

    `reel` and `track` are there once it was started. All may be called from any thread.
    """

    reel: Reel

    def __init__(self, spec: str, settings: Settings, *, loop: bool = False, speed: float = 1.0) -> None:
        self.spec = spec
        self._analysis: threading.Thread | None = None
        self._analysis_stop = threading.Event()
        self.analysed: float | None = None
        """The share that the analysis under way has reached; None while there is none."""
        self.trouble: Exception | None = None
        """What went wrong with the second voice or the analysis last."""
        self.voice = RECORDED if settings.recorded else settings.network
        """Whose poses are shown."""
        self.second: str | None = None
        """Whose poses are found on the very same frames beside them."""
        self._tracks: dict[str, Track] = {}
        super().__init__(spec, settings, loop=loop, speed=speed)

    def _paced(self, source: Source, loop: bool, speed: float) -> Source:
        self.play = Paced(source, speed=speed, loop=loop, stay=True, lockstep=True)
        return self.play

    def _stage(self, settings: Settings) -> MotionStage:
        return ReplayMotion(settings.shown_motion, lambda: self.reel, lambda: self.track)

    def _maker(self, spec: str) -> Callable[[Source], Estimator]:
        return lambda source: Voices(self, source)

    def recording(self) -> SeekableSource:
        """The same once more, opened: readers do not share a position."""
        source = open_source(self.spec)
        assert isinstance(source, SeekableSource)  # what makes it a replay
        source.open()
        return source

    def start(self) -> None:
        """Read what the recording holds, and begin. May take a while with a long video."""
        with self.recording() as source:
            self.reel = read_reel(Path(self.spec).expanduser(), source)
        super().start()

    def stop(self) -> None:
        self._analysis_stop.set()
        super().stop()
        if self._analysis is not None:
            self._analysis.join()

    @property
    def settings(self) -> Settings:
        """What it was opened with."""
        return self._settings

    @property
    def track(self) -> Track:
        """What the voice that is shown has found so far."""
        return self.track_of(self.voice)

    @property
    def second_track(self) -> Track | None:
        """The same of the second voice."""
        return None if self.second is None else self.track_of(self.second)

    def track_of(self, voice: str) -> Track:
        """What a voice has found so far; kept while the recording is open."""
        return self._tracks.setdefault(voice, Track(len(self.reel)))

    def choose(self, voice: str, second: str | None) -> None:
        """Whose poses are shown, and whose beside them. Raises EgoposeError where there is no such network."""
        for one in (voice, second):
            if one is not None:
                settings_of(one, self._settings).weights()
        self.voice, self.second, self.trouble = voice, second, None
        self.play.seek_frame(self.position)

    @property
    def position(self) -> int:
        """The frame that is shown, or the one that was asked for."""
        target = self.play.target
        if target is not None:
            return min(max(target, 0), len(self.reel) - 1)
        shown = self._pipeline.shown
        frame = self._newest(shown.frame if shown is not None else None)
        return 0 if frame is None or frame.device_ns is None else self.reel.index_at(frame.device_ns)

    def snapshot(self) -> Snapshot:
        """A frame that was sought is there at once; its pose follows."""
        shown = super().snapshot()
        newest = self._newest(shown.frame)
        figures = shown.figures
        if figures.state in _STILL:
            state = StreamState.STREAMING
            if self.play.ended:
                state = StreamState.ENDED
            elif self.play.paused:
                state = StreamState.PAUSED
            figures = replace(figures, state=state, message="", silent_s=0.0)
        if newest is not None and newest is not shown.frame:
            return Snapshot(figures, newest)
        return replace(shown, figures=figures)

    @property
    def posed(self) -> int | None:
        """The frame whose pose is shown; None while that of a frame that was sought is not there yet."""
        shown = self._pipeline.shown
        frame = shown.frame if shown is not None else None
        if frame is None or frame.device_ns is None or self._newest(frame) is not frame:
            return None
        return self.reel.index_at(frame.device_ns)

    def _newest(self, frame: Frame | None) -> Frame | None:
        """This frame, which has a pose, or the one that was sought after it."""
        sought = self.play.sought
        return sought if sought is not None and (frame is None or frame.seq < sought.seq) else frame

    def step(self, frames: int) -> None:
        """Pause, and go so many frames on or back."""
        self.play.pause()
        self.play.seek_frame(min(max(self.position + frames, 0), len(self.reel) - 1))

    def toggle(self) -> None:
        """Play or pause; at the end, play again."""
        if self.play.paused or self.play.ended:
            self.play.resume()
        else:
            self.play.pause()

    def analyse(self) -> None:
        """Find the poses of all frames in the background; `analysed` tells how far it is."""
        if self.analysed is None:
            self._analysis_stop.clear()
            self.analysed, self.trouble = 0.0, None
            self._analysis = threading.Thread(target=self._analyse, name="egopose analysis", daemon=True)
            self._analysis.start()

    def cancel_analysis(self) -> None:
        """What was found is kept."""
        self._analysis_stop.set()

    def _analyse(self) -> None:
        from engine.replay.exact import analyse  # noqa: PLC0415

        def progress(share: float) -> bool:
            self.analysed = share
            return not self._analysis_stop.is_set()

        try:
            with self.recording() as source, ExitStack() as stack:
                voices = [one for one in dict.fromkeys((self.voice, self.second)) if one is not None]
                opened = [open_voice(self, one, source, played=False) for one in voices]
                for estimator in opened:
                    stack.callback(estimator.close)
                analyse(source, opened, self.track_of(voices[-1]), progress)
        except Exception as error:  # told by whoever looks
            self.trouble = error
        finally:
            self.analysed = None
