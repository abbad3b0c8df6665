"""The row under picture and 3D view: timeline, and below it the transport."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.icons import tinted_icon
from app.labels import ElidedLabel
from app.replay.presenter import SPEEDS, ReplayScreen
from app.replay.timeline import Timeline
from app.theme import DARK, GAP, Colours, font
from app.translation import noted, tr

_ICON = 20
_ROOMY = 92 * GAP
BUTTONS = (
    ("to-start", noted("First frame (Home)")),
    ("step-back", noted("One frame back (comma)")),
    ("play", noted("Play or pause (Space)")),
    ("step-forward", noted("One frame on (full stop)")),
    ("to-end", noted("Last frame (End)")),
    ("worst", noted("Next of the worst frames (W)")),
    ("mark-in", noted("Begin the range with this frame (I)")),
    ("mark-out", noted("End the range with this frame (O)")),
    ("loop", noted("Play the range, or all, over and over (L)")),
)


class ReplayBar(QFrame):
    """`pressed` carries the name of a button's icon."""

    pressed = pyqtSignal(str)
    speed_chosen = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self._colours = DARK
        self._screen: ReplayScreen | None = None
        self.timeline = Timeline()
        self.buttons = {name: self._button(name, tr(tip)) for name, tip in BUTTONS}
        self.buttons["loop"].setCheckable(True)
        self.time, self.frame, self.error = QLabel(), QLabel(), QLabel()
        self.time.setFont(font(0, strong=True))
        for label in (self.frame, self.error):
            label.setFont(font())
            label.setProperty("muted", True)
        self.error.setToolTip(tr("Mean distance of the joints to the truth, in this frame"))
        self.note = ElidedLabel(font(), least=4 * GAP)
        self.speed = QComboBox()
        self.speed.setFont(font())
        self.speed.addItems([f"{speed:g}×" for speed in SPEEDS])  # noqa: RUF001
        self.speed.setToolTip(tr("Speed (< slower, > faster)"))
        self.speed.setAccessibleName(tr("Speed"))
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.activated.connect(lambda at: self.speed_chosen.emit(SPEEDS[at]))
        self._arrange()

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(2 * GAP, 0, 2 * GAP, 0)
        row.setSpacing(GAP // 2)
        for name in ("to-start", "step-back", "play", "step-forward", "to-end"):
            row.addWidget(self.buttons[name])
        row.addSpacing(GAP)
        row.addWidget(self.time)
        row.addSpacing(GAP)
        row.addWidget(self.frame)
        row.addSpacing(GAP)
        row.addWidget(self.error)
        row.addWidget(self.note, 1)
        for name in ("worst", "mark-in", "mark-out", "loop"):
            row.addWidget(self.buttons[name])
        row.addWidget(self.speed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GAP // 2, 0, GAP)
        column.setSpacing(GAP // 2)
        column.addWidget(self.timeline)
        column.addLayout(row)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Where there is little room, what keys and the timeline do as well gives way."""
        for part in (self.frame, self.buttons["to-start"], self.buttons["to-end"]):
            part.setVisible(self.width() >= _ROOMY)
        super().resizeEvent(event)

    def _button(self, name: str, tip: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("quiet", True)
        button.setIconSize(QSize(_ICON, _ICON))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must leave the arrow keys with the 3D view
        button.clicked.connect(lambda: self.pressed.emit(name))
        return button

    def show_screen(self, screen: ReplayScreen) -> None:
        """Draw this from now on."""
        self.timeline.show_moment(screen.position, screen.marked)
        before, self._screen = self._screen, screen
        if screen == before:
            return
        self.time.setText(screen.time)
        self.frame.setText(screen.frame)
        self.error.setText("" if screen.error_mm is None else tr("{error} mm", error=f"{screen.error_mm:.0f}"))
        self.note.set_text(screen.note)
        self.buttons["loop"].setChecked(screen.loop)
        self.speed.setCurrentIndex(SPEEDS.index(screen.speed) if screen.speed in SPEEDS else -1)
        if before is None or before.playing != screen.playing:
            self._draw_play()

    def _draw_play(self) -> None:
        name = "pause" if self._screen is not None and self._screen.playing else "play"
        self.buttons["play"].setIcon(tinted_icon(name, self._colours, _ICON, self.devicePixelRatioF()))

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        for name, button in self.buttons.items():
            button.setIcon(tinted_icon(name, colours, _ICON, self.devicePixelRatioF()))
        self._draw_play()
        self.timeline.set_colours(colours)
