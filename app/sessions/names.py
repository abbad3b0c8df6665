"""Where recordings go and how they are called, and how long and how large things are in words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from platformdirs import user_videos_dir

_UNITS = ("B", "kB", "MB", "GB", "TB")


def default_folder() -> Path:
    """Where recordings go unless the user says otherwise."""
    return Path(user_videos_dir()) / "egopose"


def recording_name(now: datetime | None = None) -> str:
    """File name with date and time, in the order that sorts."""
    return f"egopose-{now or datetime.now():%Y-%m-%d-%H%M%S}.mcap"


def size_text(size: float) -> str:
    """Bytes in words: 12.3 MB."""
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"


def time_text(seconds: float) -> str:
    """Minutes and seconds, hours where there are any: 0:07, 12:34, 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
