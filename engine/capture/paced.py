"""A recorded source played as if it were a live camera."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from engine.capture.seekable import SeekableSource
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame

_LONGEST_GAP_NS = 2_000_000_000
"""Longer gaps in a recording are shortened to this."""
_LATE_NS = 200_000_000
"""Later than this, time is taken up anew, so that a stalled reader is not followed by a burst."""


class Paced(Source):
    """Releases the frames of `source` when they are due, `speed` times as fast as recorded.

    `capture_ns` is the host's monotonic clock at the release, as with a camera; `device_ns`
    is the media time, which falls back when the recording starts anew or is positioned;
    `seq` never falls back. `pause`, `resume`, `seek`, `seek_frame` and `close` may be called
    from any thread. While paused, `read` waits; a seek then still gives its one frame.
    """

    def __init__(self, source: Source, speed: float = 1.0, loop: bool = False) -> None:
        if not speed > 0:
            raise EgoposeError(f"A speed of {speed:g} does not play anything: give one above 0.")
        if loop and not isinstance(source, SeekableSource):
            raise EgoposeError(f"{source.info.name} cannot be played in a loop: it cannot be positioned.")
        self._source = source
        self._speed = speed
        self._loop = loop
        self._wake = threading.Condition()
        self._closed = True
        self._paused = False
        self._seek: Callable[[SeekableSource], None] | None = None
        self._single = False
        """Whether one frame is to be given although paused."""
        self._anchor: tuple[int, int] | None = None
        """(media ns, host ns) of the last release; None where the next frame is due at once and numbered after it."""
        self._last_seq = -1
        self._offset = 0

    @property
    def info(self) -> SourceInfo:
        return dataclasses.replace(self._source.info, live=True, clock="file")

    @property
    def skipped(self) -> tuple[str, ...]:
        return self._source.skipped

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def duration_s(self) -> float | None:
        """Seconds of the recording, None where that is not known."""
        return self._source.duration_s if isinstance(self._source, SeekableSource) else None

    def open(self) -> None:
        self._source.open()
        with self._wake:
            self._closed = False
            self._anchor, self._seek, self._single = None, None, False
            self._last_seq, self._offset = -1, 0

    def read(self) -> Frame | None:
        """The next frame when it is due; None at the end, and at once when closed."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or not self._paused or self._seek is not None)
                if self._closed:
                    return None
                seek, self._seek = self._seek, None
            if seek is not None and isinstance(self._source, SeekableSource):
                seek(self._source)
                self._anchor = None
                self._single = True
            frame = self._source.read()
            if frame is None and self._loop:
                frame = self._from_start()
            if frame is None:
                return None
            if self._wait_until_due(frame.capture_ns):
                return self._released(frame)

    def pause(self) -> None:
        """Hold the frames back until `resume`."""
        with self._wake:
            self._paused = True
            self._wake.notify_all()

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        with self._wake:
            self._paused = False
            if self._anchor is not None:
                self._anchor = self._anchor[0], time.monotonic_ns()
            self._wake.notify_all()

    def seek(self, seconds: float) -> None:
        """Go on with the frame shown at this media time, in seconds from the first frame."""
        self._request(lambda source: source.seek(seconds))

    def seek_frame(self, index: int) -> None:
        """Go on with the frame at this position."""
        self._request(lambda source: source.seek_frame(index))

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._source.close()

    def _request(self, seek: Callable[[SeekableSource], None]) -> None:
        if not isinstance(self._source, SeekableSource):
            raise EgoposeError(f"{self._source.info.name} cannot be positioned: it has no beginning and no end.")
        with self._wake:
            self._seek = seek
            self._wake.notify_all()

    def _from_start(self) -> Frame | None:
        # Where nothing was ever released there is nothing to repeat.
        if self._last_seq < 0 or not isinstance(self._source, SeekableSource):
            return None
        self._source.seek_frame(0)
        self._anchor = None
        return self._source.read()

    def _wait_until_due(self, media_ns: int) -> bool:
        """False where a seek has made the frame in hand the wrong one, or the source was closed."""
        with self._wake:
            while not self._closed and self._seek is None:
                if self._paused and not self._single:
                    self._wake.wait()
                    continue
                left = self._due(media_ns) - time.monotonic_ns()
                if left <= 0:
                    return True
                self._wake.wait(left / 1e9)
            return False

    def _due(self, media_ns: int) -> int:
        """Host time of the release."""
        if self._anchor is None:
            return 0
        media, host = self._anchor
        return host + round(min(max(media_ns - media, 0), _LONGEST_GAP_NS) / self._speed)

    def _released(self, frame: Frame) -> Frame:
        with self._wake:
            now = time.monotonic_ns()
            due = self._due(frame.capture_ns)
            if self._anchor is None:
                self._offset = self._last_seq + 1 - frame.seq if self._last_seq >= 0 else 0
            self._anchor = frame.capture_ns, due if now - due < _LATE_NS else now
            self._single = False
        self._last_seq = frame.seq + self._offset
        return dataclasses.replace(
            frame, seq=self._last_seq, capture_ns=now, device_ns=frame.capture_ns, device_clock="file"
        )
