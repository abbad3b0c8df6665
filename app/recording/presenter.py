"""What the window is to show of a recording, computed from the recorder. No Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.feed import Feed
from app.presenter import Notice, one_line
from app.sessions.names import recording_name, size_text, time_text
from app.translation import tr
from engine.errors import EgoposeError
from engine.live.recorder import Recorder, RecorderFigures, RecorderSettings, RecorderState
from engine.session.layout import NETWORK_KEY, PROFILE_KEY, RUNTIME_KEY, SMOOTHING_KEY
from engine.types import Figures, StreamState

REPLAY, SHOW = "Replay", "Show file"
CLOSE_S = 1.5
"""How long closing the window may take for what is not written yet."""
NOTE_S = 1.0
"""Seconds between the diagnostics that are handed to the recorder, which writes those it needs."""
_OVER = (StreamState.ENDED, StreamState.FAILED, StreamState.CLOSED)


class Recording(StrEnum):
    """What the controls show."""

    IDLE = "idle"
    RUNNING = "running"
    FINISHING = "finishing"


@dataclass(frozen=True, slots=True)
class RecordingScreen:
    """Everything the controls draw at one moment."""

    state: Recording = Recording.IDLE
    possible: bool = False
    """Whether a recording could begin now."""
    time: str = ""
    size: str = ""
    lost: str = ""
    """Frames that are missing in the file, "" where none is."""
    notice: Notice | None = None


class RecordingPresenter:
    """Owns the recorder while there is one; `look` computes the rest. Used on the GUI thread, never waits."""

    def __init__(
        self,
        folder: Callable[[], Path],
        settings: Callable[[], RecorderSettings],
        diagnostics: Callable[[Figures], Mapping[str, object]] | None = None,
    ) -> None:
        """`diagnostics` is what is kept, beside the recording, of how the program did."""
        self._folder, self._settings, self._diagnostics = folder, settings, diagnostics
        self._recorder: Recorder | None = None
        self._feed: Feed | None = None
        self._notice: Notice | None = None
        self._dismissed: Notice | None = None
        self._file: Path | None = None
        self._began = self._noted = 0.0

    @property
    def file(self) -> Path | None:
        """What was recorded last and can be replayed."""
        return self._file

    @property
    def active(self) -> bool:
        """Whether frames are being recorded."""
        return self._recorder is not None and self._feed is not None

    def start(self, feed: Feed) -> None:
        """Begin to record a feed, unless a recording is under way."""
        if self._recorder is not None:
            return
        self._notice = self._dismissed = None
        try:
            info, calibration = feed.origin()
            path = self._folder() / recording_name()
            figures = feed.snapshot().figures
            made_by = {NETWORK_KEY: figures.network, RUNTIME_KEY: figures.runtime}
            made_by[SMOOTHING_KEY] = f"{feed.motion.smoothing:g}"
            if feed.motion.profile is not None:
                made_by[PROFILE_KEY] = feed.motion.profile.name
            recorder = Recorder(path, info, calibration, self._settings(), metadata=made_by)
        except EgoposeError as error:
            self._notice = Notice(one_line(error), "error")
            return
        recorder.start()
        feed.taps.add(recorder)
        self._recorder, self._feed, self._began = recorder, feed, time.monotonic()

    @property
    def figures(self) -> RecorderFigures | None:
        """How the recording goes that is under way."""
        return self._recorder.figures() if self._recorder is not None else None

    def stop(self) -> None:
        """Record nothing more; the file is finished on the recorder's thread."""
        if self._recorder is not None:
            self._note(self._recorder)
            self._recorder.stop()
            self._let_go(self._recorder)

    def _note(self, recorder: Recorder) -> None:
        self._noted = time.monotonic()
        if self._feed is not None and self._diagnostics is not None:
            recorder.note(self._diagnostics(self._feed.snapshot().figures))

    def toggle(self, feed: Feed | None) -> None:
        """Stop, or begin where there is something to record."""
        if self.active:
            self.stop()
        elif feed is not None and feed.recordable:
            self.start(feed)

    def mark(self) -> bool:
        """Mark this moment; False where nothing is being recorded."""
        if self._recorder is None or self._feed is None:
            return False
        self._recorder.mark()
        return True

    def dismiss(self, notice: Notice) -> None:
        """The user has read it."""
        self._dismissed = notice
        if notice == self._notice:
            self._notice = None

    def look(self, feed: Feed | None, state: StreamState | None = None) -> RecordingScreen:
        """The screen now, given what is open and what it is doing. Cheap; called at display rate."""
        if self._feed is not None and (feed is not self._feed or state in _OVER):
            self.stop()
        possible = self._recorder is None and feed is not None and feed.recordable and state not in _OVER
        if self._recorder is None:
            return RecordingScreen(possible=possible, notice=self._notice)
        figures = self._recorder.figures()
        if self._feed is not None and time.monotonic() - self._noted >= NOTE_S:
            self._note(self._recorder)
        if not self._recorder.running and figures.state in (RecorderState.DONE, RecorderState.FAILED):
            self._settle(figures)
            return RecordingScreen(possible=possible, notice=self._notice)
        return RecordingScreen(
            Recording.RUNNING if self._feed is not None else Recording.FINISHING,
            False,
            time_text(time.monotonic() - self._began if self._feed is not None else figures.seconds),
            size_text(figures.bytes),
            tr("{n} lost", "{n} lost", n=figures.dropped) if figures.dropped else "",
            self._warning(figures),
        )

    def close(self) -> None:
        """Finish what is being recorded, within CLOSE_S; a file that is not finished then can be recovered."""
        self.stop()
        if self._recorder is not None:
            self._recorder.join(CLOSE_S)
            self._recorder = None

    def _warning(self, figures: RecorderFigures) -> Notice | None:
        if not figures.message:
            return None
        notice = Notice(figures.message, "warning")
        return None if notice == self._dismissed else notice

    def _let_go(self, recorder: Recorder) -> None:
        if self._feed is not None:
            self._feed.taps.remove(recorder)
            self._feed = None

    def _settle(self, figures: RecorderFigures) -> None:
        """The recorder has ended: say what came of it."""
        if self._recorder is not None:
            self._let_go(self._recorder)
        self._recorder = None
        if figures.state is RecorderState.FAILED:
            self._notice = Notice(one_line(EgoposeError(figures.message)), "error")
            return
        self._file = figures.path
        time_, size, name = time_text(figures.seconds), size_text(figures.bytes), figures.path.name
        text = tr("Recorded {time}, {frames} frames, {size}: {name}", time=time_, frames=figures.frames,
                  size=size, name=name)  # fmt: skip
        if figures.dropped:
            text = tr("Recorded {time}, {frames} frames, {size}, {lost} frames lost on the way: {name}", time=time_,
                      frames=figures.frames, size=size, lost=figures.dropped, name=name)  # fmt: skip
        ended = f"{figures.message} " if figures.message else ""
        tone = "warning" if ended or figures.dropped else "info"
        self._notice = Notice(f"{ended}{text}", tone, choices=(REPLAY, SHOW))
