"""What is shown in the picture's place until the first picture is there."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.labels import ElidedLabel
from app.theme import DARK, GAP, Colours, font
from app.translation import tr


class Waiting(QWidget):
    """A source is on its way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._headline = ElidedLabel(font(3, strong=True), least=20 * GAP)
        self._usual = tr("The first picture appears as soon as the camera and the network are ready.")
        self._hint = hint = QLabel(self._usual)
        hint.setWordWrap(True)
        hint.setProperty("muted", True)
        hint.setFont(font())
        hint.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * GAP, 4 * GAP, 4 * GAP, 4 * GAP)
        column.setSpacing(2 * GAP)
        column.addStretch(1)
        column.addWidget(self._headline, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(hint)
        column.addStretch(1)

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(640, 512))

    @property
    def headline(self) -> str:
        """What is said largest."""
        return self._headline.text()

    def show_name(self, name: str, instead: tuple[str, str] | None = None) -> None:
        """What is being opened; or another headline with its line."""
        headline, line = instead or (tr("Opening {name} …", name=name), self._usual)
        self._headline.set_text(headline)
        if self._hint.text() != line:
            self._hint.setText(line)

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colours.stage))
        painter.end()
