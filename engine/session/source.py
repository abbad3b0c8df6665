"""A recorded session as a source."""

from __future__ import annotations

import threading
from bisect import bisect_right
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.capture.seekable import SeekableSource
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.session.reader import Session
from engine.types import Frame


class SessionSource(SeekableSource):
    """The frames of a session with their truth, `capture_ns` as it was recorded.

    `info` has the session's own calibration; `source_id` is that of the recorded source, so
    that a camera's recording is the same camera. A frame that cannot be read is skipped and
    named, and its number stays unused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session: Session | None = None
        self._size: tuple[int, int] | None = None
        self._next = 0
        self._skipped: dict[str, None] = {}
        self._lock = threading.Lock()

    @property
    def info(self) -> SourceInfo:
        session = self._session
        return SourceInfo(
            name=self._path.name,
            source_id=session.source_id if session else f"file:{self._path.resolve()}",
            size=self._size,
            fps=_rate(session) if session else None,
            clock=session.metadata.get("clock", "") if session else "",
            live=False,
            seekable=True,
            frame_count=len(session) if session else None,
            calibration=session.calibration if session else None,
        )

    @property
    def duration_s(self) -> float | None:
        session = self._session
        return (session.stamps[-1].capture_ns - session.stamps[0].capture_ns) / 1e9 if session else None

    def times_ns(self) -> NDArray[np.int64]:
        """As recorded."""
        with self._lock:
            if self._session is not None:
                return self._session.times_ns.astype(np.int64)
        return super().times_ns()

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(self._skipped)

    def open(self) -> None:
        """Open the session and decode up to its first good frame. Raises EgoposeError where there is none."""
        self.close()
        with self._lock:
            self._skipped = {}
            self._session = Session(self._path)
            self._next = 0
        first = self.read()
        if first is None:
            reason = next(reversed(self._skipped))
            self.close()
            raise EgoposeError(f"No frame of {self._path} can be read; the last: {reason}")
        self._size = (first.image.shape[1], first.image.shape[0])
        self._next = 0

    def read(self) -> Frame | None:
        with self._lock:
            session = self._session
            while session is not None and self._next < len(session):
                index = self._next
                self._next += 1
                try:
                    frame = session.frame(index)
                except EgoposeError as error:
                    self._skipped[str(error)] = None
                else:
                    return frame
                finally:
                    self._skipped |= dict.fromkeys(session.skipped)
            return None

    def seek(self, seconds: float) -> None:
        with self._lock:
            if self._session is not None:
                stamps = self._session.stamps
                # Half a microsecond on, so that seconds as a float find the frame they came from.
                target = stamps[0].capture_ns + round(max(seconds, 0.0) * 1e9) + 500
                self._next = max(bisect_right(stamps, target, key=lambda stamp: stamp.capture_ns) - 1, 0)

    def seek_frame(self, index: int) -> None:
        with self._lock:
            if self._session is not None:
                self._next = min(max(index, 0), len(self._session) - 1)

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None


def _rate(session: Session) -> float | None:
    """As recorded, else the mean; None where there is a single frame."""
    try:
        rate = float(session.metadata.get("fps", ""))
        if 0 < rate < 1e4:
            return rate
    except ValueError:
        pass  # Not said: the frames tell.
    span = session.stamps[-1].capture_ns - session.stamps[0].capture_ns
    return (len(session) - 1) * 1e9 / span if span > 0 else None
