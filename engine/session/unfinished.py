"""Recordings that are not finished: how they are called, and which of them nobody is writing any more."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

PART = ".part.mcap"
"""End of the name of a recording until it is finished; still a session, which every reader opens."""
SUFFIX = ".mcap"
_MOST_NAMES = 1000


def part_path(path: Path) -> Path:
    """Where the recording that shall become `path` is written."""
    return path.with_name(path.name.removesuffix(SUFFIX) + PART)


def whole_path(part: Path) -> Path:
    """What a recording is called once it is whole."""
    return part.with_name(part.name.removesuffix(PART) + SUFFIX) if part.name.endswith(PART) else part


def free_path(path: Path) -> Path:
    """This name, or with a number where it, or a recording that shall have it, is there already."""
    stem = path.name.removesuffix(SUFFIX)
    for number in range(1, _MOST_NAMES):
        tried = path.with_name(f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}")
        if not tried.exists() and not part_path(tried).exists():
            return tried
    raise FileExistsError(17, "no name is free", str(path))


def settle(part: Path, whole: Path) -> None:
    """Give a file that is whole its name, also on the disk itself. Raises OSError."""
    part.replace(whole)
    sync_folder(whole.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a file whose name a power cut takes is lost with all that is in it."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def hold(file: BinaryIO) -> None:
    """Mark an open file as being written, until it is closed or its program ends, however that happens."""
    if sys.platform != "win32":
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def held(path: Path) -> bool:
    """Whether somebody is writing the file. On Windows nobody is known to, and renaming the file fails instead."""
    if sys.platform == "win32":
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def unfinished(folder: Path) -> list[Path]:
    """Recordings in a folder that were cut off, the newest first; [] where there is no such folder."""
    try:
        parts = [path for path in folder.glob(f"*{PART}") if path.is_file() and not held(path)]
        return sorted(parts, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
