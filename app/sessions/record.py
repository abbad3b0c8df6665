"""`egopose record`: a source into a session, without a window and without the network."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from rich.progress import TextColumn, TimeElapsedColumn

from app.progress import progress_bar
from app.sessions.names import size_text
from app.settings import Settings
from engine.capture.opening import open_source
from engine.capture.paced import Paced
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.live.recorder import Recorder, RecorderFigures, RecorderSettings, RecorderState
from engine.live.supervisor import Supervised, supervised
from engine.session.writer import Pictures

_FINISH_S = 30.0


def record_headless(spec: str, out: Path, seconds: float | None, *, h264: bool = False) -> RecorderFigures:
    """Record until the source ends, `seconds` have passed, or Ctrl+C; how it went.

    Raises EgoposeError where the source or the file cannot be used, and what was recorded before is kept.
    """
    opened = open_source(spec)
    source = supervised(opened) if opened.info.live else Paced(opened)
    settings = RecorderSettings(pictures=Pictures.H264 if h264 else Pictures.JPEG)
    with source:
        recorder = Recorder(out, source.info, Settings().known_camera(source), settings)
        recorder.start()
        if isinstance(source, Supervised):
            source.listener = recorder.event
        try:
            _pump(source, recorder, seconds)
        except KeyboardInterrupt:
            pass  # The way to end it.
        finally:
            recorder.stop(_FINISH_S)
            recorder.join()
    figures = recorder.figures()
    if figures.state is RecorderState.FAILED:
        raise EgoposeError(figures.message)
    return figures


def _pump(source: Source, recorder: Recorder, seconds: float | None) -> None:
    """Hand frames over until the end. A source that is silent does not keep it from ending in time."""
    timer = threading.Timer(seconds, source.close) if seconds is not None else None
    until = None if seconds is None else time.monotonic() + seconds
    with progress_bar(TimeElapsedColumn(), TextColumn("{task.fields[size]}")) as bar:
        task = bar.add_task("recording; Ctrl+C ends it", total=None, size="")
        if timer is not None:
            timer.start()
        try:
            while recorder.running and (frame := source.read()) is not None:
                recorder.frame(frame)
                figures = recorder.figures()
                lost = f", {figures.dropped} frames lost" if figures.dropped else ""
                bar.update(task, size=f"{figures.frames} frames, {size_text(figures.bytes)}{lost}")
                if until is not None and time.monotonic() >= until:
                    return
        except EgoposeError:
            if until is None or time.monotonic() < until:
                raise  # Else the source was closed because the time is up.
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()
