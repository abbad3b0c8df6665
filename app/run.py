"""Runs the window as a program."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from app.display import check_display, has_display
from app.errors import ErrorHook
from app.feed import Opener
from app.main_window import MainWindow
from app.preferences import load_preferences
from app.theme import Theme, ThemeChoice
from app.translation import use_language
from engine.errors import EgoposeError

__all__ = ["application", "check_display", "has_display", "run_window"]

log = logging.getLogger(__name__)

_SCREENSHOT_S = 3.0
"""When a screenshot is taken without a duration."""
_USER_ERROR, _PROGRAM_ERROR = 2, 1


def application() -> QApplication:
    """The one QApplication, made on first use."""
    present = QApplication.instance()
    if isinstance(present, QApplication):
        return present
    made = QApplication(sys.argv[:1])
    made.setApplicationName("egopose")
    made.setDesktopFileName("egopose")
    made.setStyle("Fusion")
    use_language(made)
    return made


def run_window(
    opener: Opener,
    spec: str | None,
    *,
    theme: str | None = None,
    seconds: float | None = None,
    screenshot: Path | None = None,
    begin: Callable[[MainWindow], None] | None = None,
) -> int:
    """Show the window until it is closed, or for some seconds; the exit status. `begin` is called once it is shown.

    0, or 1 after an error inside the program, or 2 where the window closed by itself and nothing could be
    opened. `theme` None is what was chosen last. Raises EgoposeError where there is no display, and where the
    screenshot cannot be written.
    """
    check_display()
    app = application()
    window = MainWindow(opener, Theme(theme_choice(theme)))
    hook = ErrorHook(interrupted=window.leave)
    hook.caught.connect(window.report)
    hook.install()
    written = True
    try:
        window.show()
        if spec is not None:
            window.open(spec)
        if begin is not None:
            begin(window)
        window.run()
        timed = seconds is not None or screenshot is not None
        if timed:
            QTimer.singleShot(round(1000 * (seconds if seconds is not None else _SCREENSHOT_S)), window.leave)
        if screenshot is not None:
            window.closing.connect(lambda: window.grab().save(str(screenshot)))
        with _interruptible(window):
            app.exec()
        written = screenshot is None or screenshot.is_file()
    finally:
        window.close()
        hook.remove()
        failed = window.presenter.error
        window.deleteLater()
    if not written:
        raise EgoposeError(f"cannot write the screenshot {screenshot}; choose a folder that exists, and .png")
    if hook.count:
        return _PROGRAM_ERROR
    return _USER_ERROR if timed and failed is not None else 0


def theme_choice(asked: str | None) -> ThemeChoice:
    """What is asked for, else what was chosen last."""
    name = asked or load_preferences().theme
    return ThemeChoice(name) if name in list(ThemeChoice) else ThemeChoice.SYSTEM


@contextmanager
def _interruptible(window: MainWindow) -> Iterator[None]:
    """Ctrl+C and SIGTERM close the window. Python sees signals whenever the window's timer runs a slot."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: window.leave())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
