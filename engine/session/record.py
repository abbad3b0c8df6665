"""Recording any source to a session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.session.writer import DEFAULT_QUALITY, SessionWriter


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording came to."""

    frames: int
    skipped: tuple[str, ...]
    """What the source could not decode."""


def record(
    source: Source, path: Path, limit: int | None = None, *, quality: int = DEFAULT_QUALITY, overwrite: bool = False
) -> Recorded:
    """Write `source`, which is opened and closed here, up to its end or `limit` frames.

    Truth and the source's own calibration go along. Raises EgoposeError where the source or
    the file fails, and where an endless source is given no limit.
    """
    if limit is not None and limit < 1:
        raise EgoposeError(f"{limit} frames cannot be recorded: give 1 or more.")
    with source:
        info = source.info
        if limit is None and info.live:
            raise EgoposeError(f"{info.name} has no end: give the number of frames to record.")
        with SessionWriter(path, info.calibration, info=info, quality=quality, overwrite=overwrite) as writer:
            while limit is None or writer.frames < limit:
                frame = source.read()
                if frame is None:
                    break
                writer.add(frame)
            return Recorded(writer.frames, source.skipped)
