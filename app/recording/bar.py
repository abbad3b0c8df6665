"""The record button, and beside it how the recording goes."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.recording.presenter import Recording, RecordingScreen
from app.theme import DARK, GAP, Colours, font
from app.translation import tr

_DOT = 10
_WIDEST = RecordingScreen(Recording.RUNNING, time="88:00:00", size="99.9 GB", lost="99999 lost")


class _Dot(QWidget):
    """Round while it could record, square while it does, as on every recorder; nothing else says it at a glance."""

    def __init__(self) -> None:
        super().__init__()
        self._colour, self._square = DARK.muted, False
        self.setFixedSize(QSize(_DOT + 2, _DOT + 2))

    def show_as(self, colour: str, square: bool) -> None:
        if (colour, square) != (self._colour, self._square):
            self._colour, self._square = colour, square
            self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colour))
        if self._square:
            painter.drawRoundedRect(QRectF(2, 2, _DOT - 2, _DOT - 2), 1.5, 1.5)
        else:
            painter.drawEllipse(QPointF(1 + _DOT / 2, 1 + _DOT / 2), _DOT / 2, _DOT / 2)
        painter.end()


class RecordBar(QWidget):
    """Record or stop, mark, and the recording's time, size and losses. Nothing jumps while it counts."""

    toggled = pyqtSignal()
    marked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._screen = RecordingScreen()
        self.dot = _Dot()
        self.time, self.size_, self.lost = QLabel(), QLabel(), QLabel()
        self.time.setFont(font(0, strong=True))
        self.size_.setFont(font())
        self.size_.setMinimumWidth(self.size_.fontMetrics().horizontalAdvance(_WIDEST.size) + 2)
        self.size_.setProperty("muted", True)
        self.lost.setFont(font())
        self.lost.setProperty("alarming", True)
        self.lost.setToolTip(tr("Frames that are missing in the file: the disk could not keep up"))
        self.mark = QPushButton(tr("Mark"))
        self.mark.setToolTip(tr("Mark this moment in the recording (M)"))
        self.mark.clicked.connect(self.marked)
        self.button = QPushButton(tr("Record"))
        self.button.clicked.connect(self.toggled)
        for button in (self.mark, self.button):
            button.setProperty("small", True)
            button.setFont(font())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must leave the arrow keys with the 3D view
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, GAP // 4, 2 * GAP, GAP // 4)
        row.setSpacing(GAP)
        row.addStretch(1)
        for part in (self.dot, self.time, self.size_, self.lost, self.mark, self.button):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._apply()

    def sizeHint(self) -> QSize:
        """Always that of the widest: a menu bar gives its corner a place only once."""
        texts = (_WIDEST.time, _WIDEST.size, _WIDEST.lost, "Mark", "Finishing…")
        width = sum(self.time.fontMetrics().horizontalAdvance(text) for text in texts)
        return QSize(width + _DOT + 18 * GAP, super().sizeHint().height())

    @property
    def screen_(self) -> RecordingScreen:
        """What is shown."""
        return self._screen

    def show_screen(self, screen: RecordingScreen) -> None:
        if screen != self._screen:
            self._screen = screen
            self._apply()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self._apply()

    def _apply(self) -> None:
        screen, colours = self._screen, self._colours
        running, finishing = screen.state is Recording.RUNNING, screen.state is Recording.FINISHING
        live = running or screen.possible
        self.dot.show_as(colours.error if live else colours.muted, running)
        for label, text in ((self.time, screen.time), (self.size_, screen.size), (self.lost, screen.lost)):
            label.setText(text)
            label.setVisible(bool(text))
        self.mark.setVisible(running)
        self.button.setText(tr("Finishing…") if finishing else tr("Stop") if running else tr("Record"))
        self.button.setEnabled(live)
        self.button.setToolTip(
            tr("End the recording (R)") if running
            else tr("Record pictures, poses and events (R)") if screen.possible
            else tr("A camera has to be open; what is a file already is not recorded again")
        )  # fmt: skip
