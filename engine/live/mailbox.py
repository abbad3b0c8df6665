"""How one thread hands items to another: the newest wins, or none is lost."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A slot for one item between one writer and one reader.

    Newest wins: a new item replaces one that was not taken, which is counted. Lossless:
    the writer waits until the slot is empty.
    """

    def __init__(self, lossless: bool = False) -> None:
        self._lossless = lossless
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self._overwritten = 0

    @property
    def overwritten(self) -> int:
        """How many items a newer one replaced before they were taken."""
        return self._overwritten

    def put(self, item: T) -> bool:
        """Leave an item; False where the mailbox is closed and the item was not taken in."""
        with self._changed:
            while self._lossless and self._item is not None and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            if self._item is not None:
                self._overwritten += 1
            self._item = item
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Wait for an item and empty the slot; None once the mailbox is closed and empty."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait()
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self, discard: bool = False) -> None:
        """No more items; wakes both sides. The item in the slot can still be taken unless discarded."""
        with self._changed:
            self._closed = True
            if discard:
                self._item = None
            self._changed.notify_all()
