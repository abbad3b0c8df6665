"""Pictures of the camera with the board found in them, from two threads. No Qt."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from calib.targets.board import Board
from calib.targets.detect import Detection, detect
from engine.capture.opening import open_source
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.live.mailbox import Mailbox
from engine.types import Frame

log = logging.getLogger(__name__)

_WAITING = 4
"""Sightings that a source which waits may be ahead by; of a live one, those the window has not looked at yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A picture, and where the board is in it."""

    frame: Frame
    detection: Detection | None


class BoardFeed:
    """Reads a source on one thread and looks for the board on another; a live source's newest picture wins."""

    def __init__(self, spec: str, board: Board, before: Callable[[], None] | None = None) -> None:
        """`before` is called first, off the GUI thread: it frees the camera. Raises EgoposeError at once where there
        is no such source; what goes wrong later is in `error`."""
        self.spec, self._board, self._before = spec, board, before
        self._source = open_source(spec)
        self.live = self._source.info.live
        self._frames: Mailbox[Frame] = Mailbox(lossless=not self.live)
        self._seen: queue.Queue[Sighting] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._newest: Frame | None = None
        self._opened = self._ended = False
        self._read = 0
        self._threads = (
            threading.Thread(target=self._capture, name="calibration capture", daemon=True),
            threading.Thread(target=self._detect, name="calibration detection", daemon=True),
        )

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def info(self) -> SourceInfo:
        """Complete once opened."""
        return self._source.info

    @property
    def opened(self) -> bool:
        return self._opened

    @property
    def ended(self) -> bool:
        """Whether everything has been read and looked at."""
        return self._ended and self._seen.empty()

    @property
    def error(self) -> Exception | None:
        """What ended the source."""
        return self._error

    @property
    def newest(self) -> Frame | None:
        """The newest picture, looked at or not."""
        return self._newest

    @property
    def skipped(self) -> tuple[str, ...]:
        """See `Source.skipped`."""
        return self._source.skipped

    @property
    def part(self) -> float | None:
        """Of a file, how much of it was read; None where that is not known."""
        count = self.info.frame_count
        return self._read / count if count else None

    def take(self) -> list[Sighting]:
        """Every sighting since the last call, the oldest first. Does not wait."""
        taken: list[Sighting] = []
        while len(taken) < _WAITING:
            try:
                taken.append(self._seen.get_nowait())
            except queue.Empty:
                break
        return taken

    def stop(self, deadline_s: float = 1.5) -> None:
        """End both threads and close the source. Idempotent."""
        self._stop.set()
        self._frames.close(discard=True)
        self._source.close()
        deadline = time.monotonic() + deadline_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
                if thread.is_alive():
                    log.error("the thread %r did not end in time and is left behind", thread.name)

    def _capture(self) -> None:
        try:
            if self._before is not None:
                self._before()
            if self._stop.is_set():
                return
            self._read_all(self._source)
        except Exception as error:  # shown in the window, which words it
            if not isinstance(error, EgoposeError):
                log.exception("reading %s failed", self.spec)
            self._error = error
        finally:
            self._source.close()
            self._frames.close()

    def _read_all(self, source: Source) -> None:
        source.open()
        self._opened = True
        while not self._stop.is_set() and (frame := source.read()) is not None:
            self._read = frame.seq + 1
            self._newest = frame
            if not self._frames.put(frame):
                return

    def _detect(self) -> None:
        try:
            while not self._stop.is_set() and (frame := self._frames.take()) is not None:
                self._hand_over(Sighting(frame, detect(self._board, frame.image, quick=self.live)))
        except Exception as error:  # shown in the window, which words it
            log.exception("looking for the board failed")
            self._error = self._error or error
            self._frames.close(discard=True)
        finally:
            self._ended = True

    def _hand_over(self, sighting: Sighting) -> None:
        while not self._stop.is_set():
            try:
                self._seen.put(sighting, timeout=0.05)
                return
            except queue.Full:
                # The window is busy: of a live camera the oldest is let go.
                if self.live:
                    self.take()
