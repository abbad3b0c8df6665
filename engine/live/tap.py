"""Somebody who is handed everything that passes a pipeline: the recorder, the outputs."""

from __future__ import annotations

import threading
from typing import Protocol

from engine.types import Event, Frame, Pose


class Tap(Protocol):
    """Called on the pipeline's threads, which wait for it: each method must return at once and raise nothing."""

    def frame(self, frame: Frame) -> None:
        """A frame that the source gave; called for every one, also for those that get no pose."""

    def pose(self, pose: Pose) -> None:
        """The pose of a frame that was handed over before."""

    def event(self, event: Event) -> None:
        """Something that happened to the stream."""


class Taps:
    """Those who listen to one pipeline, itself a tap: each is handed everything from `add` until `remove`."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._taps: tuple[Tap, ...] = ()

    def add(self, tap: Tap) -> None:
        """From any thread. One that is there already is not handed things twice."""
        with self._changing:
            if tap not in self._taps:
                self._taps = (*self._taps, tap)

    def remove(self, tap: Tap) -> None:
        """From any thread; a call that is under way still ends. One that is not there is no fault."""
        with self._changing:
            self._taps = tuple(other for other in self._taps if other is not tap)

    def __len__(self) -> int:
        return len(self._taps)

    def frame(self, frame: Frame) -> None:
        """See `Tap.frame`."""
        for tap in self._taps:
            tap.frame(frame)

    def pose(self, pose: Pose) -> None:
        """See `Tap.pose`."""
        for tap in self._taps:
            tap.pose(pose)

    def event(self, event: Event) -> None:
        """See `Tap.event`."""
        for tap in self._taps:
            tap.event(event)
