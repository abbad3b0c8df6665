"""A camera that fails on purpose: every fault is a switch of `Device`, which outlives the sources that open it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from engine.capture.source import LiveSource, SourceInfo
from engine.errors import EgoposeError
from engine.types import Event, EventKind, Frame


@dataclass
class Device:
    """What the camera does, changed while it runs."""

    fps: float = 30.0
    size: tuple[int, int] = (64, 48)
    plugged: bool = True
    hangs: bool = False
    """Neither open nor read comes back, whatever is closed, until it is False again."""
    repeats: bool = False
    """`read` says yes with the same picture."""
    covered: bool = False
    """`read` gives black pictures, all alike. One switch, so that no picture comes between."""
    garbage: bool = False
    """Nothing can be decoded: `read` goes on looking."""
    nominal: float = 30.0
    clock_offset_ns: int = 5_000_000_000
    image: np.ndarray | None = None
    """The last noise: what is repeated."""
    opened: int = 0
    open_now: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))


class FaultyCamera(LiveSource):
    """Noise at a rate, from a `Device`."""

    def __init__(self, device: Device, clock: str = "faulty") -> None:
        self.device, self._clock = device, clock
        self._closed = threading.Event()
        self._is_open = False
        self._seq = 0
        self._due = 0.0

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("the camera", "faulty:1", self.device.size, self.device.nominal, self._clock, True, False)

    def again(self) -> FaultyCamera:
        return FaultyCamera(self.device, self._clock)

    def open(self) -> None:
        self._hang()
        self._check()
        self.device.opened += 1
        self.device.open_now += 1
        self._is_open = True
        self._due = time.monotonic()

    def read(self) -> Frame | None:
        while True:
            self._due = max(self._due + 1 / self.device.fps, time.monotonic() - 0.1)
            if self._closed.wait(max(0.0, self._due - time.monotonic())):
                return None
            self._hang()
            self._check()
            self._seq += 1
            if not self.device.garbage:
                break
        now = time.monotonic_ns()
        device_ns = now - self.device.clock_offset_ns if self._clock else None
        return Frame(self._picture(), self._seq - 1, now, "faulty:1", device_ns, self._clock or None)

    def _picture(self) -> np.ndarray:
        width, height = self.device.size
        if self.device.covered:
            return np.zeros((height, width, 3), np.uint8)
        if self.device.image is None or not self.device.repeats:
            self.device.image = self.device.rng.integers(0, 255, (height, width, 3), np.uint8)
        return self.device.image

    def close(self) -> None:
        self._closed.set()
        if self._is_open:
            self._is_open = False
            self.device.open_now -= 1

    def _hang(self) -> None:
        while self.device.hangs:
            threading.Event().wait(0.005)

    def _check(self) -> None:
        if not self.device.plugged:
            raise EgoposeError("the camera is gone: plug it in again.")


class Heard:
    """A tap that keeps what it is handed, and lets a test wait for it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.frames: list[Frame] = []
        self.events: list[Event] = []

    def frame(self, frame: Frame) -> None:
        with self.changed:
            self.frames.append(frame)
            self.changed.notify_all()

    def pose(self, pose: object) -> None:
        """Not looked at."""

    def event(self, event: Event) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait_frames(self, more: int = 3, seconds: float = 15.0) -> None:
        """Wait for so many further frames."""
        with self.changed:
            goal = len(self.frames) + more
            assert self.changed.wait_for(lambda: len(self.frames) >= goal, seconds), "no frames came"

    def wait_event(self, kind: EventKind, text: str = "", seconds: float = 15.0, after: str = "") -> Event:
        """Wait for an event of this kind with this text in it, and give it; of those after one with `after` in it."""

        def found() -> Event | None:
            first = next((i for i, e in enumerate(self.events) if after in e.text), len(self.events))
            return next((e for e in self.events[first:] if e.kind is kind and text in e.text), None)

        with self.changed:
            assert self.changed.wait_for(lambda: found() is not None, seconds), (kind, text, self.events)
            event = found()
            assert event is not None
            return event

    def of(self, kind: EventKind) -> list[Event]:
        """Those of one kind so far."""
        return [event for event in self.events if event.kind is kind]
