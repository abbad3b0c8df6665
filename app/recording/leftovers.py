"""What a crash has left: found when the program starts, offered, and made whole off the GUI thread. No Qt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.presenter import Notice, one_line
from app.sessions.names import size_text, time_text
from app.translation import tr
from engine.errors import EgoposeError
from engine.session.reader import Session
from engine.session.recover import Recovered, recover
from engine.session.unfinished import unfinished

log = logging.getLogger(__name__)

RECOVER = "Recover"
_SMALL = 4_000_000


class Leftovers:
    """Recordings that were cut off, from `search` to `recover`. Used on the GUI thread, never waits."""

    def __init__(self, choices: tuple[str, ...]) -> None:
        """`choices` are offered for what was recovered."""
        self._choices = choices
        self._thread: threading.Thread | None = None
        self._leaving = threading.Event()
        self._found: list[Path] = []
        self._share: tuple[str, float] | None = None
        self._done: list[Recovered] = []
        self._errors: list[str] = []
        self._dismissed = False

    @property
    def file(self) -> Path | None:
        """What was recovered last."""
        return self._done[-1].path if self._done else None

    def search(self, folder: Path) -> None:
        """Look for recordings that were cut off; slow disks are waited for elsewhere."""
        self._run(lambda: self._search(folder), "look for cut-off recordings")

    def recover(self) -> None:
        """Make all of them whole, one after the other."""
        found, self._found = self._found, []
        self._run(lambda: self._recover(found), "recover recordings")

    def dismiss(self) -> None:
        """The user has read it, or does not want it: until the next start nothing more is said."""
        self._found, self._done, self._errors = [], [], []
        self._dismissed = True

    def notice(self) -> Notice | None:
        """What to say now."""
        working = self._thread is not None and self._thread.is_alive()
        if working and self._share is not None:
            name, share = self._share
            return Notice(tr("Recovering {name}: {share} %", name=name, share=f"{100 * share:.0f}"), "info")
        if working or self._dismissed:
            return None
        if self._errors:
            return Notice(self._errors[0], "error")
        if self._done:
            return Notice(_told(self._done), "info", choices=self._choices)
        if self._found:
            return Notice(_offer(self._found), "warning", choices=(RECOVER,))
        return None

    def close(self, timeout_s: float) -> None:
        """Give up what is under way; the originals stay as they were."""
        self._leaving.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                log.error("the thread %r did not end in time; it is left behind", self._thread.name)

    def _run(self, work: Callable[[], None], name: str) -> None:
        self._dismissed = False
        self._thread = threading.Thread(target=work, name=name, daemon=True)
        self._thread.start()

    def _search(self, folder: Path) -> None:
        self._found = [path for path in unfinished(folder) if _worth_it(path)]

    def _recover(self, found: list[Path]) -> None:
        for path in found:
            try:
                self._share = path.name, 0.0
                self._done.append(recover(path, progress=partial(self._tell, path)))
            except InterruptedError:
                break
            except EgoposeError as error:
                self._errors.append(one_line(error))
            except Exception as error:
                log.exception("recovering %s failed", path)
                self._errors.append(one_line(error))
        self._share = None

    def _tell(self, path: Path, share: float) -> None:
        if self._leaving.is_set():
            raise InterruptedError
        self._share = path.name, share


def _worth_it(path: Path) -> bool:
    """Whether there is a frame in it. A large file is not read for that: it did not become large without."""
    try:
        if path.stat().st_size < _SMALL:
            Session(path).close()
    except EgoposeError as error:
        log.info("%s is not offered: %s", path, error)
        return False
    except OSError:
        return False
    return True


def _offer(found: list[Path]) -> str:
    """What was found, and that something can be done about it."""
    newest = found[0]
    if len(found) > 1:
        return tr("{count} recordings were cut off and can be made whole, the newest {name}",
                  count=len(found), name=newest.name)  # fmt: skip
    try:
        size = size_text(newest.stat().st_size)
    except OSError:
        return tr("A recording was cut off and can be made whole: {name}", name=newest.name)
    return tr("A recording was cut off and can be made whole: {name} ({size})", name=newest.name, size=size)


def _told(done: list[Recovered]) -> str:
    last = done[-1]
    if len(done) > 1:
        text = tr("Recovered {count} recordings, the last {name}", count=len(done), name=last.path.name)
    else:
        text = tr("Recovered {name}: {frames} frames over {time}", name=last.path.name, frames=last.frames,
                  time=time_text(last.seconds))  # fmt: skip
    kept = [one.kept for one in done if one.kept is not None]
    if not kept:
        return text
    return tr("{told}; parts were damaged, the original is {name}", told=text, name=kept[-1].name)
