"""A recorded source played as if it were a live camera."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.capture.seekable import SeekableSource
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame

_LONGEST_GAP_NS = 2_000_000_000
"""Longer gaps in a recording are shortened to this."""
_LATE_NS = 200_000_000
"""Later than this, time is taken up anew, so that a stalled reader is not followed by a burst."""
_MEASURED_NS = 500_000_000
"""The speed that is reached is told of no shorter time than this."""


class Paced(Source):
    """Releases the frames of `source` when they are due, `speed` times as fast as recorded.

    `capture_ns` is the host's monotonic clock at the release, as with a camera; `device_ns`
    is the media time, which falls back when the recording starts anew or is positioned;
    `seq` never falls back. Everything but `open` and `read` may be called from any thread.
    While paused, `read` waits; a seek or a step then still gives its one frame.

    With `stay`, `read` waits at the end for a seek, for `resume`, which begins again, or for `close`.
    With `lockstep` a frame waits until `done` was called for the one before it: nothing is
    lost where the reader's reader is slow, the play is slower instead (`reached`).
    """

    def __init__(
        self, source: Source, speed: float = 1.0, loop: bool = False, *, stay: bool = False, lockstep: bool = False
    ) -> None:
        if loop and not isinstance(source, SeekableSource):
            raise EgoposeError(f"{source.info.name} cannot be played in a loop: it cannot be positioned.")
        self._source = source
        self._speed = _checked(speed)
        self._loop = loop
        self._first = 0
        self._last_ns: int | None = None
        self._stay, self._lockstep = stay, lockstep
        self._wake = threading.Condition()
        self._closed = True
        self._paused = self._ended = False
        self._seek: Callable[[SeekableSource], None] | None = None
        self._target: int | None = None
        self._single = False
        """Whether one frame is to be given although paused."""
        self._anchor: tuple[int, int] | None = None
        """(media ns, host ns) of the last release; None where the next frame is due at once."""
        self._step_ns = 0
        """Between the last two frames; the time from the last frame of a loop to its first."""
        self._last_seq = self._done = -1
        self._offset = 0
        self._jumped = False
        """Whether the next frame is numbered after the last, whatever its own number."""
        self._begun: int | None = None
        """The source's number of the frame that a loop began with."""
        self._sought: Frame | None = None
        self._releases: deque[tuple[int, int]] = deque(maxlen=64)
        """(media ns, host ns) of those that followed each other."""

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
    def ended(self) -> bool:
        """Whether the last frame was given and none follows before a seek or `resume`."""
        return self._ended

    @property
    def speed(self) -> float:
        """As asked for; `reached` is what came of it."""
        return self._speed

    @property
    def loops(self) -> bool:
        """Whether it begins again at the end."""
        return self._loop

    @property
    def duration_s(self) -> float | None:
        """Seconds of the recording, None where that is not known."""
        return self._source.duration_s if isinstance(self._source, SeekableSource) else None

    @property
    def target(self) -> int | None:
        """The frame that was asked for by `seek_frame` and is not released yet."""
        return self._target

    @property
    def sought(self) -> Frame | None:
        """The frame that was released last because of a seek or a step."""
        return self._sought

    @property
    def reached(self) -> float | None:
        """How fast it really plays, 1 as recorded, over the last frames; None where that is not known."""
        with self._wake:
            if len(self._releases) < 2:
                return None
            (media, host), (media_now, host_now) = self._releases[0], self._releases[-1]
        return (media_now - media) / (host_now - host) if host_now - host >= _MEASURED_NS else None

    def superseded(self, seq: int) -> bool:
        """Whether nobody waits any more for what is made of this released frame: another one was asked for."""
        with self._wake:
            return self._closed or self._seek is not None or (self._sought is not None and seq < self._sought.seq)

    def open(self) -> None:
        self._source.open()
        with self._wake:
            self._closed = self._ended = False
            self._anchor, self._seek, self._target, self._single = None, None, None, False
            self._last_seq, self._done, self._offset, self._sought = -1, -1, 0, None
            self._jumped, self._begun = False, None
            self._step_ns = round(1e9 / (self._source.info.fps or 30.0))
            self._releases.clear()

    def read(self) -> Frame | None:
        """The next frame when it is due; None at the end, and at once when closed."""
        held: Frame | None = None
        while True:
            with self._wake:
                self._wake.wait_for(self._may_read)
                if self._closed:
                    return None
                seek, self._seek = self._seek, None
            if seek is not None and isinstance(self._source, SeekableSource):
                seek(self._source)
                self._positioned()
                held = None
            frame = held or self._source.read()
            if frame is None or self._beyond(frame):
                frame = self._from_start()
            if frame is None:
                if not self._stay:
                    return None
                with self._wake:
                    self._ended = self._seek is None
                continue
            held = frame
            if self._wait_until_due(frame):
                return self._released(frame)

    def pause(self) -> None:
        """Hold the frames back until `resume`."""
        with self._wake:
            self._paused = True
            self._releases.clear()
            self._wake.notify_all()

    def resume(self) -> None:
        """Go on where `pause` stopped; begin again where the end was reached."""
        with self._wake:
            self._paused = False
            if self._anchor is not None:
                self._anchor = self._anchor[0], time.monotonic_ns()
            if self._ended:
                first = self._first
                self._seek, self._target, self._ended = lambda source: source.seek_frame(first), first, False
            self._wake.notify_all()

    def set_speed(self, speed: float) -> None:
        """Play so many times as fast as recorded, from now on."""
        speed = _checked(speed)
        with self._wake:
            if self._anchor is not None:
                media, host = self._anchor
                now = time.monotonic_ns()
                self._anchor = media + round((now - host) * self._speed), now
            self._speed = speed
            self._releases.clear()
            self._wake.notify_all()

    def set_loop(self, on: bool, first: int = 0, last_ns: int | None = None) -> None:
        """Begin again at the frame `first` after the one at media time `last_ns`, or after the end; or not at all."""
        if on and not isinstance(self._source, SeekableSource):
            raise EgoposeError(f"{self._source.info.name} cannot be played in a loop: it cannot be positioned.")
        with self._wake:
            self._loop, self._first, self._last_ns = on, first, last_ns
            self._wake.notify_all()

    def seek(self, seconds: float) -> None:
        """Go on with the frame shown at this media time, in seconds from the first frame."""
        self._request(lambda source: source.seek(seconds), None)

    def seek_frame(self, index: int) -> None:
        """Go on with the frame at this position."""
        self._request(lambda source: source.seek_frame(index), index)

    def step(self) -> None:
        """Give the next frame at once, also while paused."""
        with self._wake:
            self._single = True
            self._wake.notify_all()

    def done(self, seq: int) -> None:
        """The reader has no more work with the frame of this number."""
        with self._wake:
            self._done = max(self._done, seq)
            self._wake.notify_all()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._source.close()

    def _may_read(self) -> bool:
        if self._closed or self._seek is not None:
            return True
        return not self._ended and (not self._paused or self._single)

    def _request(self, seek: Callable[[SeekableSource], None], target: int | None) -> None:
        if not isinstance(self._source, SeekableSource):
            raise EgoposeError(f"{self._source.info.name} cannot be positioned: it has no beginning and no end.")
        with self._wake:
            self._seek, self._target, self._ended = seek, target, False
            self._wake.notify_all()

    def _positioned(self) -> None:
        with self._wake:
            self._anchor = None
            self._single = self._jumped = True
            self._begun = None
            self._releases.clear()

    def _beyond(self, frame: Frame) -> bool:
        """Whether a frame lies behind what is played in a loop; one that was sought is shown wherever it lies."""
        last_ns = self._last_ns if self._loop and not self._single else None
        return last_ns is not None and frame.capture_ns > last_ns and frame.seq != self._begun

    def _from_start(self) -> Frame | None:
        # Where nothing was ever released there is nothing to repeat.
        if not self._loop or self._last_seq < 0 or not isinstance(self._source, SeekableSource):
            return None
        self._source.seek_frame(self._first)
        frame = self._source.read()
        with self._wake:
            if frame is not None and self._anchor is not None:
                self._anchor = frame.capture_ns - self._step_ns, self._anchor[1]
            self._jumped, self._begun = True, frame.seq if frame is not None else None
            self._releases.clear()
        return frame

    def _wait_until_due(self, frame: Frame) -> bool:
        """False where the frame in hand has become the wrong one, or the source was closed."""
        with self._wake:
            while not self._closed and self._seek is None and not self._beyond(frame):
                if self._single:
                    return True
                if self._paused or (self._lockstep and self._done < self._last_seq):
                    self._wake.wait()
                    continue
                left = self._due(frame.capture_ns) - time.monotonic_ns()
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
            if self._jumped:
                self._offset = self._last_seq + 1 - frame.seq if self._last_seq >= 0 else 0
            elif self._anchor is not None and frame.capture_ns > self._anchor[0]:
                self._step_ns = min(frame.capture_ns - self._anchor[0], _LONGEST_GAP_NS)
            self._jumped = False
            self._anchor = frame.capture_ns, due if now - due < _LATE_NS else now
            self._last_seq = frame.seq + self._offset
            released = dataclasses.replace(
                frame, seq=self._last_seq, capture_ns=now, device_ns=frame.capture_ns, device_clock="file"
            )
            if self._single:
                self._single = False
                self._sought = released
            else:
                self._releases.append((frame.capture_ns, now))
            if self._seek is None:
                self._target = None
            return released


def _checked(speed: float) -> float:
    if not speed > 0:
        raise EgoposeError(f"A speed of {speed:g} does not play anything: give one above 0.")
    return speed
