"""Motion as files that other programs read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from engine.errors import EgoposeError
from engine.motion.clip import Clip, Tell
from engine.motion.files.bvh import write_bvh
from engine.motion.files.c3d import write_c3d
from engine.motion.files.tables import write_csv, write_npz

Writer = Callable[[Clip, Path, Tell], None]


def _as_text(write: Callable[[Clip, TextIO, Tell], None]) -> Writer:
    def write_path(clip: Clip, path: Path, tell: Tell) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            write(clip, file, tell)

    return write_path


WRITERS: dict[str, Writer] = {
    "bvh": _as_text(write_bvh),
    "csv": _as_text(write_csv),
    "npz": write_npz,
    "c3d": write_c3d,
}
"""By the ends of the files' names."""

NEEDS_EVEN_TIMES = frozenset({"bvh", "c3d"})


def write_clip(clip: Clip, path: Path, tell: Tell = lambda share: None) -> None:
    """Write a clip in the format that the name's end says; the file is there whole or not at all.

    Raises EgoposeError where there is no such format, the file cannot be written, or a package is missing.
    """
    kind = check_name(path)
    part = path.with_name(f".{path.stem}.part.{kind}")
    try:
        WRITERS[kind](clip, part, tell)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EgoposeError(f"{path} cannot be written ({error.strerror}); free some space or choose another") from error
    finally:
        part.unlink(missing_ok=True)


def check_name(path: Path) -> str:
    """The format that a name's end says. Raises EgoposeError where there is none of it, or no such folder."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in WRITERS:
        raise EgoposeError(f"{path} is no name for a motion file: let it end in .{', .'.join(WRITERS)}")
    if not path.parent.is_dir():
        raise EgoposeError(f"{path} cannot be written: there is no folder {path.parent}; make it, or choose another")
    return kind
