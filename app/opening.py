"""Opens a source off the GUI thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from app.feed import Feed, Opener
from engine.errors import EgoposeError

log = logging.getLogger(__name__)


class Opening:
    """One source being opened and started, after what must have ended `before` it.

    The thread is a daemon: an opener that hangs in a driver must not keep the program alive.
    A feed that arrives after `cancel` is stopped here, on the thread that made it.
    """

    def __init__(self, opener: Opener, spec: str, before: Callable[[], None] | None = None) -> None:
        self.spec = spec
        self._opener, self._before = opener, before
        self._lock = threading.Lock()
        self._cancelled = False
        self._outcome: Feed | Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"open {spec}", daemon=True)
        self._thread.start()

    def poll(self) -> Feed | Exception | None:
        """The started feed, the error that came instead, or None while neither is there."""
        with self._lock:
            return self._outcome

    def cancel(self) -> None:
        """Nobody wants the feed any more. Returns at once; `join` waits."""
        with self._lock:
            self._cancelled = True
            feed, self._outcome = self._outcome, None
        if feed is not None and not isinstance(feed, Exception):
            feed.stop()

    def join(self, deadline: float) -> bool:
        """Wait until `time.monotonic()` reaches `deadline`; whether the thread has ended."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            log.error("opening %s did not end in time; thread %r is left behind", self.spec, self._thread.name)
            return False
        return True

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        outcome: Feed | Exception
        try:
            if self._before is not None:
                self._before()
            with self._lock:
                if self._cancelled:
                    return
            outcome = self._open()
        except Exception as error:  # handed to the presenter, which words it
            outcome = error
        with self._lock:
            if not self._cancelled:
                self._outcome = outcome
                return
        if isinstance(outcome, Exception):
            log.info("opening %s was cancelled and then failed: %s", self.spec, outcome)
        else:
            outcome.stop()

    def _open(self) -> Feed:
        feed = self._opener(self.spec)
        try:
            feed.start()
        except Exception:
            feed.stop()
            raise
        return feed


def refuse(spec: str) -> Feed:
    """The opener of a window that only shows what it is given."""
    raise EgoposeError(f"this window cannot open {spec}; start the program with `egopose live`")
