"""The canonical picture of the next frame, made while the network is still busy with the last one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from statistics import median

from engine.live.estimator import Seen
from engine.types import Frame

_REMEMBERED = 15
_MARGIN_NS = 300_000
"""A thread that is woken at a time is awake this much later."""


class Incoming:
    """A frame on its way to the network. What the network sees of it is made once, by whoever wants it first."""

    __slots__ = ("_lock", "_made", "_see", "_seen", "frame")

    def __init__(self, frame: Frame, see: Callable[[Frame], Seen | None]) -> None:
        self.frame = frame
        self._see = see
        self._lock = threading.Lock()
        self._made = False
        self._seen: Seen | None = None

    def seen(self) -> Seen | None:
        """See `Estimator.see`; who comes second waits for the first."""
        with self._lock:
            if not self._made:
                self._seen, self._made = self._see(self.frame), True
            return self._seen


class Ahead:
    """Looks at the newest frame shortly before the network is free for it, on a thread of its own.

    Not sooner, or frames would be prepared that a newer one replaces: those cost nothing. While the network waits
    for a frame, nothing is done here: it looks at the next one itself, without a hand-over. Lossless, every frame
    is looked at as soon as it is there.
    """

    def __init__(self, lossless: bool = False) -> None:
        self._lossless = lossless
        self._changed = threading.Condition()
        self._closed = self._busy = False
        self._newest: Incoming | None = None
        self._free_ns = 0
        """When the network is about to be free."""
        self._took: deque[int] = deque(maxlen=_REMEMBERED)

    def offer(self, incoming: Incoming) -> None:
        """A newer frame is there to be looked at."""
        with self._changed:
            self._newest = incoming
            if self._busy:
                self._changed.notify()

    def begun(self, incoming: Incoming, free_ns: int) -> None:
        """The network works on a frame until `free_ns`, by `time.monotonic_ns()`, as far as is known."""
        with self._changed:
            if self._newest is incoming:
                self._newest = None
            self._busy, self._free_ns = True, free_ns
            if self._newest is not None:
                self._changed.notify()

    def ended(self) -> None:
        """The network is free."""
        with self._changed:
            self._busy = False

    def run(self) -> None:
        """Look at frames until `close`."""
        while (incoming := self._next()) is not None:
            began = time.monotonic_ns()
            incoming.seen()
            self._took.append(time.monotonic_ns() - began)

    def close(self) -> None:
        """No more frames; `run` returns."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _next(self) -> Incoming | None:
        """Wait for a frame whose turn it is; None once closed."""
        with self._changed:
            while not self._closed:
                if self._newest is None or not self._busy:
                    self._changed.wait()
                elif (early_ns := self._free_ns - self.lead_ns - time.monotonic_ns()) > 0 and not self._lossless:
                    self._changed.wait(early_ns / 1e9)
                else:
                    incoming, self._newest = self._newest, None
                    return incoming
            return None

    @property
    def lead_ns(self) -> int:
        """How long before the network is free a frame is looked at."""
        return round(1.5 * median(self._took)) + _MARGIN_NS if self._took else _MARGIN_NS
