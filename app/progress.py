"""The progress bar of long commands."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A bar on the terminal's error stream that leaves nothing behind; what it does, the bar, then `columns`."""
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), *columns)
    # Off a terminal a bar is only an empty line in somebody's log.
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)
