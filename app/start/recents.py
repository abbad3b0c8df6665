"""Which sessions, videos and folders were opened or recorded last. No Qt."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_state_dir

from engine.cameras import write_atomically
from engine.errors import EgoposeError
from engine.session.unfinished import PART, SUFFIX

log = logging.getLogger(__name__)

MOST = 6
"""How many are shown."""
_KEPT, _KEPT_FORGOTTEN = 50, 500
_MAX_BYTES = 1 << 20
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Recent:
    """Something that can be replayed."""

    path: Path
    used_s: float
    """POSIX time at which it was opened or recorded last."""


def recents_path() -> Path:
    """Where they are kept: {"version": 1, "opened": [[path, POSIX time]...], "forgotten": [...]}, the newest first."""
    return Path(user_state_dir("egopose")) / "recent.json"


def remember(path: Path, now_s: float | None = None) -> None:
    """It was opened just now. A list that cannot be written is logged: nothing depends on it."""
    opened = _with(path, now_s, _kept("opened"))
    try:
        _write(opened, _kept("forgotten"))
    except EgoposeError as error:
        log.warning("it is not remembered that %s was opened: %s", path, error)


def forget(path: Path, now_s: float | None = None) -> Recent | None:
    """Leave it out until it is opened or recorded anew; the file stays. What `restore` needs, None where it is nothing.

    Raises EgoposeError where that is not kept.
    """
    forgotten = _with(path, now_s, _kept("forgotten"))
    gone, opened = forgotten[0].path, _kept("opened")
    _write([recent for recent in opened if recent.path != gone], forgotten)
    return next((recent for recent in opened if recent.path == gone), None)


def restore(path: Path, opened: Recent | None) -> None:
    """Take back what `forget` did and gave. Raises EgoposeError where that is not kept."""
    gone = path.expanduser().resolve()
    others = [recent for recent in _kept("opened") if recent.path != gone]
    back = sorted([*others, *([opened] if opened is not None else [])], key=lambda recent: -recent.used_s)
    _write(back, [recent for recent in _kept("forgotten") if recent.path != gone])


def _with(path: Path, now_s: float | None, others: list[Recent]) -> list[Recent]:
    first = Recent(path.expanduser().resolve(), time.time() if now_s is None else now_s)
    return [first, *(recent for recent in others if recent.path != first.path)]


def _write(opened: list[Recent], forgotten: list[Recent]) -> None:
    """Raises EgoposeError."""
    record: dict[str, Any] = {"version": _VERSION}
    for key, rows, most in (("opened", opened, _KEPT), ("forgotten", forgotten, _KEPT_FORGOTTEN)):
        record[key] = [[str(recent.path), recent.used_s] for recent in rows[:most]]
    write_atomically(recents_path(), json.dumps(record, indent=2).encode())


def recents(recordings: Path, most: int = MOST) -> list[Recent]:
    """Those that are still there, the newest first: what was opened, and what lies in the folder of recordings."""
    found = {recent.path: recent for recent in _recorded(recordings)}
    for recent in _kept("opened"):
        known = found.get(recent.path)
        if known is None or recent.used_s > known.used_s:
            found[recent.path] = recent
    for gone in _kept("forgotten"):
        if gone.path in found and found[gone.path].used_s <= gone.used_s:
            del found[gone.path]
    newest = sorted(found.values(), key=lambda recent: recent.used_s, reverse=True)
    there = (recent for recent in newest if recent.path.exists())
    return [recent for recent, _ in zip(there, range(most), strict=False)]


def _recorded(folder: Path) -> list[Recent]:
    try:
        with os.scandir(folder) as entries:
            return [
                Recent(Path(entry.path).resolve(), entry.stat().st_mtime)
                for entry in entries
                if entry.name.endswith(SUFFIX) and not entry.name.endswith(PART)
            ]
    except OSError:
        return []  # nothing was recorded yet, or the disk is not there


def _kept(key: str) -> list[Recent]:
    """What was opened, or forgotten; a file that cannot be read counts as empty, which the log tells."""
    path = recents_path()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("version") != _VERSION:
            raise ValueError("it is of another version")
        rows = record["opened"] if key == "opened" else record.get(key, [])
        return [Recent(Path(str(name)), float(used_s)) for name, used_s in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("the list of recent sessions in %s cannot be read (%s); it begins anew", path, error)
        return []
