"""What the start page is to show, computed from what is found and what is plugged in. No Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

from app.camera_watch import CameraWatch, Seen
from app.cameras import briefly_known
from app.sessions.names import size_text, time_text
from app.start.library import Found, Library
from app.start.recents import Recent, forget, restore
from app.translation import tr
from engine.errors import EgoposeError
from engine.types import ImageArray


@dataclass(frozen=True, slots=True)
class SessionCard:
    """A session that can be opened again."""

    spec: str
    name: str
    about: str
    """When, how long, how large."""
    pictured: bool
    unreadable: bool
    picture: ImageArray | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A camera that is plugged in."""

    spec: str
    name: str
    about: str
    calibrated: bool
    """Whether nothing is left to do: it is, and may be read."""


@dataclass(frozen=True, slots=True)
class StartScreen:
    """Everything the page draws at one moment."""

    sessions: tuple[SessionCard, ...] = ()
    sessions_note: str = ""
    """What to do, or what is being done, where there is none."""
    cameras: tuple[CameraRow, ...] = ()
    cameras_note: str = ""
    gone: str = ""
    """The name of the session that was taken off last and can be put back; "" where there is none."""


def watch_briefly() -> CameraWatch:
    """Follows what is plugged in and leaves every camera alone: nobody asked for its light to go on."""
    return CameraWatch(describe=briefly_known, look=None)


class StartPresenter:
    """Looks for sessions and cameras from `enter` to `leave`; `look` computes the rest. Waits in `close` alone."""

    def __init__(self, recordings: Callable[[], Path], watch: Callable[[], CameraWatch] = watch_briefly) -> None:
        self._recordings, self._new_watch = recordings, watch
        self._library: Library | None = None
        self._watch: CameraWatch | None = None
        self._ending: list[Library | CameraWatch] = []
        self._forgotten: dict[str, Recent | None] = {}
        """Taken off while the page is shown, the last one last, with what puts them back."""
        self._trouble = ""

    def enter(self) -> None:
        """The page is shown."""
        if self._library is None:
            self._forgotten, self._trouble = {}, ""
            self._library = Library(self._recordings())
            self._watch = self._new_watch()

    def leave(self) -> None:
        """It is not shown any more."""
        for one in (self._library, self._watch):
            if one is not None:
                one.stop()
                self._ending.append(one)
        self._ending = [one for one in self._ending if not one.join(0.0)]
        self._library = self._watch = None

    def close(self, seconds: float) -> None:
        """Leave, and wait for every thread, for no longer than this in all."""
        self.leave()
        deadline = time.monotonic() + seconds
        for one in self._ending:
            one.join(max(0.0, deadline - time.monotonic()))

    def forget(self, spec: str) -> None:
        """Take a session off the list; its file stays."""
        self._forgotten[spec], self._trouble = None, ""
        try:
            self._forgotten[spec] = forget(Path(spec))
        except EgoposeError as error:
            self._trouble = tr("It is back on this list at the next start: {reason}", reason=error)

    def put_back(self) -> str | None:
        """Put the session that was taken off last on the list again; which one, None where there is none."""
        if not self._forgotten:
            return None
        spec, opened = self._forgotten.popitem()
        self._trouble = ""
        try:
            restore(Path(spec), opened)
        except EgoposeError as error:
            self._trouble = tr("It is not on this list at the next start: {reason}", reason=error)
        return spec

    @property
    def only_camera(self) -> str | None:
        """The spec of the one camera that is plugged in; None where there is none or a choice."""
        seen = (self._watch.seen if self._watch is not None else None) or ()
        return seen[0].known.camera.spec if len(seen) == 1 else None

    def look(self, now: datetime | None = None) -> StartScreen:
        """The screen now. Cheap."""
        now = datetime.now() if now is None else now
        found = self._library.found if self._library is not None else None
        if found is not None:
            found = tuple(one for one in found if str(one.recent.path) not in self._forgotten)
        seen = self._watch.seen if self._watch is not None else None
        error = self._watch.error if self._watch is not None else ""
        gone = Path(next(reversed(self._forgotten))).stem if self._forgotten else ""
        screen = replace(start_screen(found, seen, now, error), gone=gone)
        return replace(screen, sessions_note=self._trouble) if self._trouble else screen


def start_screen(
    found: Sequence[Found] | None, seen: Sequence[Seen] | None, now: datetime, error: str = ""
) -> StartScreen:
    """The whole page in words; None for what is not known yet, `error` for why there are no cameras."""
    return StartScreen(
        tuple(session_card(one, now) for one in found or ()),
        _sessions_note(found),
        tuple(camera_row(one) for one in seen or ()),
        error or _cameras_note(seen),
    )


def _sessions_note(found: Sequence[Found] | None) -> str:
    if found is None:
        return tr("Looking for sessions …")
    if found:
        return ""
    return tr(
        "What you record or open appears here. Drop a session, a video or a folder of pictures onto this window, "
        "or open a camera and record it."
    )


def _cameras_note(seen: Sequence[Seen] | None) -> str:
    if seen is None:
        return tr("Looking for cameras …")
    return "" if seen else tr("No camera is connected. Plug one in: it appears here by itself.")


def session_card(found: Found, now: datetime) -> SessionCard:
    """One session in words."""
    path, picture = found.recent.path, found.thumbnail
    facts = [when_text(found.recent.used_s, now)]
    if picture is not None and isfinite(picture.seconds):
        facts.append(time_text(picture.seconds))
    if found.unreadable:
        facts.append(tr("cannot be read"))
    elif found.bytes is not None:
        facts.append(size_text(found.bytes))
    image = picture.image if picture is not None else None
    return SessionCard(str(path), path.stem, " · ".join(facts), image is not None, found.unreadable, image)


def camera_row(seen: Seen) -> CameraRow:
    """One camera in words."""
    known = seen.known
    if not known.readable:
        about = tr("May not be read by this user")
    elif known.calibration == "device":
        about = tr("Calibrated by its maker")
    elif known.calibration:
        about = tr("Calibrated: {file}", file=Path(known.calibration).name)
    else:
        about = tr("Not calibrated yet")
    return CameraRow(known.camera.spec, known.camera.name, about, bool(known.calibration) and known.readable)


def when_text(then_s: float, now: datetime) -> str:
    """A moment as people say it: today and yesterday by name, then the date."""
    then = datetime.fromtimestamp(then_s)
    if then.date() == now.date():
        return tr("Today {time}", time=f"{then:%H:%M}")
    if then.date() == (now - timedelta(days=1)).date():
        return tr("Yesterday {time}", time=f"{then:%H:%M}")
    return f"{then:%Y-%m-%d}"
