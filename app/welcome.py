"""The page shown while nothing is open: what to do."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.labels import ElidedLabel
from app.theme import DARK, GAP, Colours, font
from app.translation import tr


class Welcome(QFrame):
    """A place to drop things on, with the ways in as buttons."""

    open_file = pyqtSignal()
    open_camera = pyqtSignal()
    open_synthetic = pyqtSignal()
    calibrate = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._hovered = False
        self._headline = ElidedLabel(font(3, strong=True), least=20 * GAP)
        self._hint = QLabel()
        self._hint.setWordWrap(True)
        self._hint.setProperty("muted", True)
        self._hint.setFont(font())
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for text, tip, signal, primary in (
            ("Open camera…", "Choose one of the connected cameras (Ctrl+Shift+C)", self.open_camera, True),
            ("Open file…", "A video, an image or a session (Ctrl+O)", self.open_file, False),
            ("Calibrate…", "Find out how the camera sees (Ctrl+K)", self.calibrate, False),
            ("Synthetic wearer", "Try the program without a camera (Ctrl+Y)", self.open_synthetic, False),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setProperty("primary", primary)
            button.clicked.connect(signal)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * GAP, 4 * GAP, 4 * GAP, 4 * GAP)
        column.setSpacing(2 * GAP)
        column.addStretch(1)
        column.addWidget(self._headline, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._hint)
        column.addWidget(self._buttons, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self._headline.set_text(tr("Nothing open yet"))
        self._hint.setText(
            tr("Drop a video, a session or a folder of images here, or choose where pictures come from.")
        )

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(640, 512))

    def set_hovered(self, hovered: bool) -> None:
        """Whether something that can be dropped is over the window."""
        self._hovered = hovered
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colours.stage))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._colours.accent if self._hovered else self._colours.border
        painter.setPen(QPen(QColor(colour), 2.0 if self._hovered else 1.5, Qt.PenStyle.DashLine))
        inset = 2 * GAP
        painter.drawRoundedRect(self.rect().adjusted(inset, inset, -inset, -inset), 12, 12)
        painter.end()
