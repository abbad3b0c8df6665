"""What the user has chosen for good, kept in a file between runs."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from app.sessions.names import default_folder
from engine.cameras import write_atomically
from engine.errors import EgoposeError

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 20
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Preferences:
    """Choices of the window."""

    recordings: str = ""
    """Folder for recordings; "" for the default."""
    h264: bool = False
    """Whether recordings are made as a video instead of single pictures."""
    profile: str = ""
    """Name of the wearer's profile that is used; "" for none."""
    smoothing: float | None = None
    """Strength of the filter, 0..1; None for the default of what is shown."""
    network: str = ""
    """A bundled network's name or a weights file, as chosen in the window; "" for the default."""
    runtime: str = ""
    """One of `engine.runtime.choice.choices`, as chosen in the window; "" for the default."""
    mirrored: bool = False
    """Whether picture and skeleton are shown as in a mirror."""
    theme: str = "system"
    """One of `app.theme.ThemeChoice`."""

    @property
    def folder(self) -> Path:
        """Where recordings go."""
        return Path(self.recordings) if self.recordings else default_folder()


def preferences_path() -> Path:
    """The file they are kept in."""
    return Path(user_config_dir("egopose")) / "preferences.json"


def load_preferences() -> Preferences:
    """Those that were saved; the defaults for whatever is missing or cannot be read, which the log tells."""
    path = preferences_path()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("version") != _VERSION:
            raise ValueError("it is of another version")
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        log.warning("the preferences in %s cannot be read (%s); the defaults are used", path, error)
        return Preferences()
    return _known(record)


def _known(record: dict[str, Any]) -> Preferences:
    """What a file says, the default in place of what makes no sense."""
    found = Preferences()
    words, switches = ("recordings", "profile", "network", "runtime", "theme"), ("h264", "mirrored")
    for name in (*words, *switches):
        if isinstance(record.get(name), str if name in words else bool):
            found = replace(found, **{name: record[name]})
    smoothing = record.get("smoothing")
    if isinstance(smoothing, int | float) and not isinstance(smoothing, bool) and 0 <= smoothing <= 1:
        found = replace(found, smoothing=float(smoothing))
    return found


def change_preferences(**changes: Any) -> Preferences:
    """Keep some of them anew, by name, and the others as the file has them. Raises EgoposeError."""
    changed = replace(load_preferences(), **changes)
    save_preferences(changed)
    return changed


def save_preferences(preferences: Preferences) -> None:
    """Keep them. Raises EgoposeError where that cannot be done."""
    text = json.dumps({"version": _VERSION} | asdict(preferences), indent=2) + "\n"
    try:
        write_atomically(preferences_path(), text.encode())
    except EgoposeError as error:
        raise EgoposeError(f"the choice holds until the program ends: {error}") from error
