"""One thread that opens a source and reads it, so that a driver that hangs hangs nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.types import Frame

log = logging.getLogger(__name__)

WAITING = 8
"""Frames that may wait to be taken, so that a hiccup of the reader's reader loses none for the recording."""


class Reader:
    """A source being opened and read. What it has come to is read under `changed`, which is notified each time."""

    def __init__(self, source: Source, changed: threading.Condition) -> None:
        self.source = source
        self.opened = False
        self.ended = False
        self.error: Exception | None = None
        """What ended it; None also where the source just ended."""
        self.frames: deque[Frame] = deque(maxlen=WAITING)
        self.began_s = time.monotonic()
        self._changed = changed
        self._stop = threading.Event()
        self._closer: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="egopose camera", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive() or (self._closer is not None and self._closer.is_alive())

    def end(self) -> None:
        """Ask it to end, without waiting; a driver that hangs may keep its thread."""
        self._stop.set()
        if self._closer is None and self._thread.is_alive():
            # On a thread of its own, since to close may hang as well.
            self._closer = threading.Thread(target=self.source.close, name="egopose camera closing", daemon=True)
            self._closer.start()

    def join(self, deadline_s: float) -> bool:
        """Wait until `time.monotonic()` reaches `deadline_s`; whether its threads have ended."""
        for thread in (self._closer, self._thread):
            if thread is not None:
                thread.join(max(0.0, deadline_s - time.monotonic()))
        return not self.running

    def _run(self) -> None:
        try:
            self.source.open()
            with self._changed:
                self.opened = True
                self._changed.notify_all()
            while not self._stop.is_set() and (frame := self.source.read()) is not None:
                with self._changed:
                    self.frames.append(frame)
                    self._changed.notify_all()
        except Exception as error:  # handed to the supervisor, which words it
            if not isinstance(error, EgoposeError) and not self._stop.is_set():
                log.exception("reading %s failed", self.source.info.name)
            self.error = error
        finally:
            self.source.close()
            with self._changed:
                self.ended = True
                self._changed.notify_all()
