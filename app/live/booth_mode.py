"""The booth as the window has it: full screen, nothing but what is seen, until a key is pressed twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt

from app.live.awake import Awake
from app.live.booth import LEAVE_S, Booth
from app.presenter import Screen
from app.translation import noted, tr

if TYPE_CHECKING:
    from app.main_window import MainWindow

LEAVES = ("F4", "Esc")
HOW = noted("Press {key} twice to leave the booth mode")
_ALLOWED = frozenset({*LEAVES, *"012345HSX", "Space"})
"""Keys that visitors may play with: how it is looked at, and nothing that opens, records or ends anything."""
_UNBOUNDED = 16_777_215
"""Qt's QWIDGETSIZE_MAX."""


class BoothMode:
    """Enters, restarts what fails, and leaves."""

    def __init__(self, window: MainWindow, say: Callable[[str, int], None]) -> None:
        """`say` shows a line for so many milliseconds."""
        self._window, self._say = window, say
        self._booth: Booth | None = None
        self._awake: Awake | None = None
        self._full_before = False

    @property
    def on(self) -> bool:
        return self._booth is not None

    def toggle(self) -> None:
        """Enter; or leave, where this was the second time."""
        if self._booth is None:
            self.enter()
        else:
            self.press()

    def enter(self) -> None:
        """What is open, or being opened, fills the screen."""
        if self._booth is not None or not self._window.presenter.busy:
            return
        self._booth, self._awake = Booth(), Awake()
        full = self._window.actions_.full_screen
        self._full_before = full.isChecked()
        self.show_controls(False)
        full.setChecked(True)
        self._say(tr(HOW, key=LEAVES[0]), 6000)

    def press(self) -> None:
        """The key that leaves: the second time within two seconds counts."""
        if self._booth is not None and self._booth.pressed(time.monotonic()):
            self.leave()
        elif self._booth is not None:
            self._say(tr("Press it again to leave the booth mode"), round(1000 * LEAVE_S))

    def leave(self) -> None:
        """As it was before."""
        self._booth = None
        self.stop()
        self.show_controls(True)
        self._window.actions_.full_screen.setChecked(self._full_before)

    def stop(self) -> None:
        """The screen may go off again."""
        if self._awake is not None:
            self._awake.stop()

    def join(self, seconds: float) -> None:
        """After `stop`."""
        if self._awake is not None:
            self._awake.join(seconds)

    def look(self, screen: Screen, now: float) -> Screen:
        """Open again what failed; the screen as visitors see it."""
        if self._booth is None:
            return screen
        if self._booth.due(screen, now):
            self._window.reopen()
        return self._booth.shown(screen, now)

    def swallows(self, keys: str, *, repeated: bool) -> bool:
        """Whether a key does nothing now; one that is held down was pressed once."""
        return self._booth is not None and (repeated or keys not in _ALLOWED)

    def show_controls(self, on: bool) -> None:
        """Whether there is anything but picture and 3D view."""
        window = self._window
        for part in (window.menuBar(), window.view.sidebar, window.view.strip):
            if part is not None:
                part.setVisible(on)
        window.replay.bar.setMaximumHeight(_UNBOUNDED if on else 0)
        if on:
            window.view.unsetCursor()
        else:
            window.view.setCursor(Qt.CursorShape.BlankCursor)
            window.view.skeleton.setFocus()
