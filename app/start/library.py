"""Looks up recent sessions and their thumbnails on a thread of its own. No Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.background import Background
from app.start.recents import Recent, recents
from app.start.thumbnails import Thumbnail, thumbnail
from calib.errors import CalibrationError
from engine.errors import EgoposeError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A recent session as far as it is known."""

    recent: Recent
    bytes: int | None = None
    """Size of the file; None of a folder."""
    thumbnail: Thumbnail | None = None
    unreadable: bool = False
    """Whether there is nothing to see in it."""


class Library(Background):
    """Begins at once; `found` is replaced whenever more is known. Used on the GUI thread, never waits."""

    def __init__(self, recordings: Path, look: Callable[[Path], Thumbnail] = thumbnail) -> None:
        self.found: tuple[Found, ...] | None = None
        """None until the list is known; thumbnails come one by one."""
        self._recordings, self._look = recordings, look
        super().__init__("recent sessions")

    def _run(self) -> None:
        found = [_measured(recent) for recent in recents(self._recordings)]
        self.found = tuple(found)
        for i, one in enumerate(found):
            if self._stop.is_set():
                return
            found[i] = self._looked_at(one)
            self.found = tuple(found)

    def _looked_at(self, one: Found) -> Found:
        try:
            return replace(one, thumbnail=self._look(one.recent.path))
        except (EgoposeError, CalibrationError) as error:
            log.info("no thumbnail: %s", error)
        except Exception:
            log.exception("no thumbnail of %s", one.recent.path)
        return replace(one, unreadable=True)


def _measured(recent: Recent) -> Found:
    try:
        state = recent.path.stat()
    except OSError:
        return Found(recent)
    return Found(recent, None if recent.path.is_dir() else state.st_size)
