"""A camera that vanishes, freezes or hangs, made into one that says so and comes back.

CLOSED -> OPENING -> STREAMING -> STALLED -> BACKOFF -> OPENING ..., or FAILED. The camera is
read on a thread of its own, which is left behind where its driver hangs; a watchdog looks at
the age of the newest picture and at whether it is a new one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.capture.clock import DeviceClock
from engine.capture.source import LiveSource, Source, SourceInfo
from engine.errors import EgoposeError
from engine.live.content import fingerprint
from engine.live.reader import Reader
from engine.types import Event, EventKind, Frame, StreamState

log = logging.getLogger(__name__)

JOIN_S = 1.2
"""How long `close` waits for threads: the whole program has two seconds to end."""
MOST_LEFT = 3
"""Threads that hang in a driver, before no further one is risked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When what is noticed, in seconds."""

    stall_s: float = 0.8
    """Without a new picture for so long, or for three of its periods, a camera is stalled."""
    give_up_s: float = 1.6
    """After so long it is closed and opened anew."""
    open_s: float = 6.0
    """Opening and a first picture may take so long."""
    first_wait_s: float = 0.1
    """Before the first attempt to open it again; each further wait is twice as long, up to `longest_wait_s`."""
    longest_wait_s: float = 0.8
    failed_s: float = 600.0
    """After so long without a picture it is given up."""
    gap_s: float = 0.5
    """A longer step between two frames, or one of four periods, is a gap."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a supervised source is doing."""

    state: StreamState
    message: str = ""
    """One line for the user where the state needs one, else empty."""


def supervised(source: Source) -> Source:
    """A live source under supervision; any other as it is."""
    return Supervised(source) if isinstance(source, LiveSource) else source


class Supervised(Source):
    """Reads a live source and opens it again when it is lost. `close` may be called from any thread.

    Its frames are numbered on over gaps, and their `capture_ns`, where the device has a clock, is
    the device's time on the host's clock; it never goes back. What happens is told to `listener`, on the thread
    that calls `open` and `read`: of a gap before the frame that ends it is returned.
    """

    def __init__(self, source: LiveSource, limits: Limits | None = None) -> None:
        self._template = source
        self._limits = limits or Limits()
        self.listener: Callable[[Event], None] | None = None
        self._changed = threading.Condition()
        self._closed, self._used = True, False
        self._reader: Reader | None = None
        self._left: list[Reader] = []
        """Readers that were told to end and have not yet."""
        self._condition = Condition(StreamState.CLOSED)
        self._events: list[Event] = []
        self._forget()

    def _forget(self) -> None:
        self._attempts = 0
        self._retry_s = 0.0
        self._clock = DeviceClock()
        self._last: Frame | None = None
        """The last frame given out, with the number and time it was given."""
        self._last_raw_seq = -1
        self._last_new_s = 0.0
        """When the last new picture came, by `time.monotonic()`."""
        self._content: int | None = None
        self._repeated = False
        """Whether the camera gave the same picture again."""
        self._stuck: int | None = None
        """The content on which the camera was opened anew: if it is still there, that did not help."""
        self._arrivals: deque[float] = deque(maxlen=256)
        self._slow = False
        self.gaps = self.clock_faults = 0

    @property
    def info(self) -> SourceInfo:
        return self._template.info

    @property
    def delivered(self) -> str:
        return self._template.delivered

    @property
    def skipped(self) -> tuple[str, ...]:
        return self._template.skipped

    @property
    def condition(self) -> Condition:
        """What it is doing now."""
        return self._condition

    @property
    def silent_s(self) -> float:
        """Seconds since the last new picture, while it is not streaming; 0 while it is."""
        last = self._last_new_s
        return 0.0 if self._condition.state is StreamState.STREAMING or not last else time.monotonic() - last

    @property
    def clock_skew_ppm(self) -> float | None:
        """See `DeviceClock.skew_ppm`."""
        return self._clock.skew_ppm

    def open(self) -> None:
        """Open the camera. Raises EgoposeError where that fails the first time: then it is not tried again."""
        with self._changed:
            self._forget()
            self._closed, self._condition = False, Condition(StreamState.CLOSED)
            self._start(self._template.again() if self._used else self._template)
            self._used = True
            reader = self._reader
            assert reader is not None  # just started
            until = reader.began_s + self._limits.open_s
            while not (self._closed or reader.opened or reader.ended) and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
            error = reader.error
            if error is None and not (self._closed or reader.opened):
                name = self._template.info.name
                error = EgoposeError(f"{name} does not answer: plug it in again, or switch it off and on.")
            if error is not None:
                self._abandon()
                self._enter(StreamState.FAILED, str(error))
            self._last_new_s = time.monotonic()
        self._tell()
        if error is not None:
            raise error

    def read(self) -> Frame | None:
        """The next frame; None once closed. Raises EgoposeError where the camera has not come back for long."""
        while True:
            try:
                with self._changed:
                    if self._closed:
                        return None
                    now_s = time.monotonic()
                    frame = self._step(now_s)
                    if frame is None and not self._events:
                        self._changed.wait(self._until_next(now_s))
            finally:
                self._tell()
            if frame is not None:
                return frame

    def close(self) -> None:
        """End, within `JOIN_S`; a thread that hangs in a driver is named in the log and left behind."""
        with self._changed:
            self._closed = True
            self._abandon()
            left, self._left = self._left, []
            if self._condition.state is not StreamState.FAILED:
                self._condition = Condition(StreamState.CLOSED)
            self._changed.notify_all()
        deadline_s = time.monotonic() + JOIN_S
        for reader in left:
            if not reader.join(deadline_s):
                log.error("%s does not let go; its thread is left behind", reader.source.info.name)

    # What happens to the camera; each called with `_changed` held.

    def _start(self, source: LiveSource) -> None:
        self._template = source
        self._enter(StreamState.OPENING, self._condition.message)
        self._clock = DeviceClock()
        self._last_raw_seq = -1
        self._repeated = False
        self._arrivals.clear()
        self._reader = Reader(source, self._changed)

    def _abandon(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.end()
            self._left = [other for other in [*self._left, reader] if other.running]

    def _step(self, now_s: float) -> Frame | None:
        """The next frame, if there is one; else whatever is due."""
        reader = self._reader
        if reader is None:
            if now_s >= self._retry_s:
                self._retry(now_s)
        elif reader.frames:
            while reader.frames and self._reader is reader:
                frame = self._taken(reader.frames.popleft(), now_s)
                if frame is not None:
                    return frame
        elif reader.ended:
            self._lost(reader.error or EgoposeError(f"{reader.source.info.name} has ended"), now_s)
        else:
            self._watch(reader, now_s)
        return None

    def _retry(self, now_s: float) -> None:
        """Open it again, unless too many attempts hang already: each holds a thread."""
        self._left = [reader for reader in self._left if reader.running]
        if len(self._left) < MOST_LEFT:
            self._start(self._template.again())
        else:
            name = self._template.info.name
            self._lost(EgoposeError(f"{name} does not let go: unplug it, and start the program anew"), now_s)

    def _watch(self, reader: Reader, now_s: float) -> None:
        """No new picture is at hand: how long has it been?"""
        name, silent_s = reader.source.info.name, now_s - self._last_new_s
        what, advice = "sends no new picture", "check its cable"
        if self._repeated:
            what, advice = "repeats one picture", "if that lasts, plug it in again"
        elif self._condition.state is StreamState.OPENING:
            if now_s - reader.began_s >= self._limits.open_s:
                self._lost(EgoposeError(f"{name} does not answer: plug it in again, or switch it off and on"), now_s)
            return
        if silent_s >= self._give_up_s and not (self._repeated and self._stuck == self._content):
            self._stuck = self._content if self._repeated else None
            self._lost(EgoposeError(f"{name} {what}"), now_s)
        elif silent_s >= self._stall_s:
            self._enter(StreamState.STALLED, f"{name} {what}; {advice}")

    def _lost(self, error: Exception, now_s: float) -> None:
        """Close it, and open it again later, unless that is hopeless."""
        self._abandon()
        hopeless = not isinstance(error, EgoposeError)
        if hopeless or now_s - self._last_new_s >= self._limits.failed_s:
            self._enter(StreamState.FAILED, str(error))
            raise error
        wait_s = min(self._limits.first_wait_s * 2**self._attempts, self._limits.longest_wait_s)
        self._attempts = min(self._attempts + 1, 16)
        self._retry_s = now_s + wait_s
        reason = str(error).rstrip(".")
        self._enter(StreamState.BACKOFF, f"{reason}. It is opened again as soon as it is back.")

    def _enter(self, state: StreamState, message: str = "") -> None:
        if state is self._condition.state and message == self._condition.message:
            return
        known, self._condition = self._condition.state, Condition(state, message)
        if state is not known:
            self._note(EventKind.STATE, f"{state.value}: {message}" if message else state.value)

    def _note(self, kind: EventKind, text: str, capture_ns: int | None = None, duration_ns: int = 0) -> None:
        when = time.monotonic_ns() if capture_ns is None else capture_ns
        self._events.append(Event(kind, when, " ".join(text.split()), duration_ns))

    def _tell(self) -> None:
        """Hand what happened to the listener, without the lock: it may do anything."""
        with self._changed:
            events, self._events = self._events, []
        for event in events:
            log.log(logging.WARNING if event.kind is EventKind.CLOCK else logging.INFO, "%s", event.text)
            if self.listener is not None:
                self.listener(event)

    # What happens to a frame

    def _taken(self, frame: Frame, now_s: float) -> Frame | None:
        """The frame as it is given out; None where it shows what was shown long ago."""
        content = fingerprint(frame)
        self._repeated = content is not None and content == self._content
        if not self._repeated:
            self._content, self._stuck = content, None
            self._last_new_s = now_s
        elif now_s - self._last_new_s >= self._stall_s or self._condition.state is not StreamState.STREAMING:
            assert self._reader is not None  # it has given the frame
            self._watch(self._reader, now_s)
            return None
        frame = self._timed(frame)
        self._compare(frame)
        self._last = frame
        self._attempts = 0
        self._arrivals.append(now_s)
        self._enter(StreamState.STREAMING, self._pace(now_s))
        return frame

    def _timed(self, frame: Frame) -> Frame:
        """With its number and its time on the host's clock, both of which only grow."""
        last, capture_ns = self._last, frame.capture_ns
        if frame.device_ns is not None:
            reading = self._clock.read(frame.device_ns, capture_ns)
            if reading.violation:
                self._clock_fault(reading.violation, capture_ns)
            capture_ns = reading.host_ns
        if last is not None and capture_ns <= last.capture_ns:
            if frame.capture_ns < last.capture_ns:
                back_ms = (last.capture_ns - frame.capture_ns) / 1e6
                self._clock_fault(f"a frame was grabbed {back_ms:.1f} ms before the one it follows", last.capture_ns)
            capture_ns = max(frame.capture_ns, last.capture_ns + 1)
        step = frame.seq - self._last_raw_seq if self._last_raw_seq >= 0 else 1
        self._last_raw_seq = frame.seq
        return replace(frame, seq=last.seq + max(step, 1) if last is not None else 0, capture_ns=capture_ns)

    def _clock_fault(self, text: str, capture_ns: int) -> None:
        self.clock_faults += 1
        name = self._template.info.name
        self._note(EventKind.CLOCK, f"{name}: {text}", capture_ns)

    def _compare(self, frame: Frame) -> None:
        """Note what changed from the last frame to this one."""
        last = self._last
        if last is None:
            return
        if last.image.shape != frame.image.shape:
            (h0, w0), (h1, w1) = last.image.shape[:2], frame.image.shape[:2]
            self._note(EventKind.STATE, f"pictures are {w1} x {h1} from here on, {w0} x {h0} before", frame.capture_ns)
        step_ns = frame.capture_ns - last.capture_ns
        if step_ns > max(self._limits.gap_s, 4 * self._period_s) * 1e9 or self._condition.state in (
            StreamState.STALLED,
            StreamState.OPENING,
        ):
            self.gaps += 1
            self._arrivals.clear()
            self._note(EventKind.GAP, f"no picture for {step_ns / 1e9:.2f} s", frame.capture_ns, step_ns)

    def _pace(self, now_s: float) -> str:
        """A line where the camera gives less than half of what it promised, else ""."""
        period_s, recent = self._period_s, [at for at in self._arrivals if at > now_s - 1]
        if period_s and len(recent) < len(self._arrivals):
            rate = len(recent)
            slow = rate < 0.5 / period_s
            if slow is not self._slow:
                self._slow = slow
                known = f"{rate} pictures a second instead of {1 / period_s:g}"
                self._note(EventKind.STATE, f"slow: {known}" if slow else "as fast as it should be again")
            if slow:
                return (
                    f"The camera gives less than half of its {1 / period_s:g} pictures a second; "
                    "more light or another USB port may help."
                )
        return ""

    # How long things may take

    @property
    def _period_s(self) -> float:
        fps = self.info.fps
        return 1 / fps if fps else 0.0

    @property
    def _stall_s(self) -> float:
        return max(self._limits.stall_s, 3 * self._period_s)

    @property
    def _give_up_s(self) -> float:
        return max(self._limits.give_up_s, 6 * self._period_s)

    def _until_next(self, now_s: float) -> float:
        """Seconds until something is due though nothing happens."""
        reader = self._reader
        if reader is None:
            return max(self._retry_s - now_s, 0.0)
        if self._condition.state is StreamState.OPENING:
            due_s = reader.began_s + self._limits.open_s
        elif self._condition.state is StreamState.STALLED:
            due_s = self._last_new_s + self._give_up_s
        else:
            due_s = self._last_new_s + self._stall_s
        # What is overdue was seen to already: a picture that stays the same is waited for.
        return due_s - now_s if due_s > now_s else self._limits.stall_s
