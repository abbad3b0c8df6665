"""The way back to the start page, in the window's upper left corner on every other page."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMainWindow, QToolButton

from app.icons import tinted_icon
from app.theme import GAP, Theme, font
from app.translation import tr

_ICON = 14


class HomeButton(QToolButton):
    """Does what the menu's command does, and is there while that can be done."""

    def __init__(self, window: QMainWindow, command: QAction, theme: Theme) -> None:
        super().__init__(window)
        self._command, self._theme = command, theme
        self.setProperty("tab", True)
        self.setProperty("corner", True)
        self.setText(tr("Start page"))
        self.setFont(font(-1))
        self.setIconSize(QSize(_ICON, _ICON))
        self.setFixedHeight(2 * GAP + GAP // 2)  # a higher one would make the menu bar higher
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must leave the arrow keys with the 3D view
        self.setToolTip(tr("Back to the start page ({key})", key=command.shortcut().toString()))
        self.clicked.connect(command.trigger)
        command.changed.connect(self._follow)
        theme.changed.connect(self._tint)
        bar = window.menuBar()
        assert bar is not None  # a QMainWindow makes one
        bar.setCornerWidget(self, Qt.Corner.TopLeftCorner)
        self._tint()
        self._follow()

    def _follow(self) -> None:
        self.setVisible(self._command.isEnabled())

    def _tint(self) -> None:
        self.setIcon(tinted_icon("home", self._theme.colours, _ICON, self.devicePixelRatioF()))
