"""What a recorder has still to write: a queue bounded in bytes, whose losses are counted and told."""

from __future__ import annotations

import threading
from collections import deque

from engine.types import Event, EventKind, Frame, Pose

Item = Frame | Pose | Event

POSE_BYTES = 4096
EVENT_BYTES = 1024
"""About what one takes; both are small beside pictures."""
_EVENTS_OVER = 10_000
"""Events are taken in when there is no room for pictures too, up to this many."""


class Intake:
    """Between the pipeline's threads, which never wait, and the one that writes.

    A frame that finds no room is lost. The next one that is taken in is preceded by an event
    that tells how many were, and for how long.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._changed = threading.Condition()
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._dropped = self._dropped_poses = 0
        self._missing = 0
        """Frames lost since the last one that was taken in."""
        self._last_ns: int | None = None
        """Capture of the last frame that was taken in."""
        self._last_lost_ns = 0

    @property
    def dropped(self) -> int:
        """Frames lost so far."""
        return self._dropped

    @property
    def dropped_poses(self) -> int:
        """Poses lost so far, beside those that nobody made."""
        return self._dropped_poses

    @property
    def bytes(self) -> int:
        """What waits to be written."""
        return self._bytes

    def put_frame(self, frame: Frame, size: int) -> bool:
        """Take in a frame that occupies so many bytes; False where it is lost."""
        with self._changed:
            if self._closed:
                return False
            if self._items and self._bytes + size > self._limit:
                self._lose(frame)
                return False
            if self._missing:
                self._append(self._loss(frame.capture_ns), EVENT_BYTES)
            self._last_ns = frame.capture_ns
            self._append(frame, size)
            return True

    def put_pose(self, pose: Pose) -> bool:
        """Take in a pose; False where it is lost."""
        with self._changed:
            if self._closed:
                return False
            if self._bytes + POSE_BYTES > self._limit:
                self._dropped_poses += 1
                return False
            self._append(pose, POSE_BYTES)
            return True

    def put_event(self, event: Event) -> bool:
        """Take in an event; False only where there are far too many."""
        with self._changed:
            if self._closed or self._bytes > self._limit + _EVENTS_OVER * EVENT_BYTES:
                return False
            self._append(event, EVENT_BYTES)
            return True

    def take(self, timeout_s: float) -> tuple[Item, int] | None:
        """The oldest item with its bytes, which count until `done`; None where none came in time, or none will come."""
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout_s)
            return self._items.popleft() if self._items else None

    def done(self, size: int) -> None:
        """An item that was taken is written and let go."""
        with self._changed:
            self._bytes -= size

    @property
    def finished(self) -> bool:
        """Closed, and everything taken."""
        with self._changed:
            return self._closed and not self._items

    def close(self) -> None:
        """No more items; those that wait can still be taken."""
        with self._changed:
            if self._closed:
                return
            if self._missing:
                self._append(self._loss(self._last_lost_ns), EVENT_BYTES)
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Lose everything that waits, and count it; the event that tells stays."""
        with self._changed:
            for item, size in self._items:
                self._bytes -= size
                if isinstance(item, Frame):
                    self._lose(item)
                elif isinstance(item, Pose):
                    self._dropped_poses += 1
            kept = [(item, size) for item, size in self._items if isinstance(item, Event)]
            self._items.clear()
            for item, size in kept:
                self._append(item, size)
            if self._missing:
                self._append(self._loss(self._last_lost_ns), EVENT_BYTES)

    def _append(self, item: Item, size: int) -> None:
        self._items.append((item, size))
        self._bytes += size
        self._changed.notify_all()

    def _lose(self, frame: Frame) -> None:
        self._dropped += 1
        self._missing += 1
        self._last_lost_ns = frame.capture_ns

    def _loss(self, until_ns: int) -> Event:
        count, self._missing = self._missing, 0
        duration = max(until_ns - self._last_ns, 0) if self._last_ns is not None else 0
        frames = "1 frame was" if count == 1 else f"{count} frames were"
        return Event(EventKind.DROP, until_ns, f"{frames} not recorded: the disk could not keep up", duration)
