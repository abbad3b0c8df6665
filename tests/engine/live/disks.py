"""Disks that are slow, full, or broken."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

from engine.session.writer import Disk

GIB = 1 << 30


class RoomyDisk(Disk):
    """Says it has this much room, whatever the machine's has."""

    def __init__(self, room: int = 1000 * GIB) -> None:
        self.room = room

    def free_bytes(self, folder: Path) -> int:
        return self.room


class HeldDisk(RoomyDisk):
    """Syncs only once it is let go; the first sync, of the file's beginning, goes through."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on, self.waiting = threading.Event(), threading.Event()
        self.syncs = 0

    def sync(self, file: BinaryIO) -> None:
        self.syncs += 1
        if self.syncs > 1:
            self.waiting.set()
            self.go_on.wait(30)
        super().sync(file)


class FullDisk(RoomyDisk):
    """Takes so many bytes, the last write in part, as a real one does."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity

    def open(self, path: Path, overwrite: bool) -> BinaryIO:
        return _FullFile(path, self.capacity)  # type: ignore[return-value]


class _FullFile:
    def __init__(self, path: Path, capacity: int) -> None:
        self._file, self._left = path.open("xb", buffering=0), capacity

    def write(self, data: bytes) -> int:
        self._file.write(data[: self._left])
        self._left -= len(data)
        if self._left < 0:
            self._left = 0
            raise OSError(28, "No space left on device")
        return len(data)

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
