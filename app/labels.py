"""Small widgets whose text neither jumps nor clips, and lines that say what is to be said."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFont, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.theme import font as font_of


class ElidedLabel(QWidget):
    """One line that ends in an ellipsis where it does not fit; the tool tip then has it all."""

    def __init__(
        self,
        font: QFont,
        least: int = 60,
        parent: QWidget | None = None,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(parent)
        self._text, self._least, self._mode = "", least, mode
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        return self._text

    def shown_text(self) -> str:
        """What fits."""
        return self.fontMetrics().elidedText(self._text, self._mode, self.width())

    def set_text(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.setToolTip(text)
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._text) + 2
        return QSize(max(self._least, width), self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._least, self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.shown_text())
        painter.end()


def note(text: str = "") -> QLabel:
    """A small line of plain words, over several rows where it has to; not there while it says nothing."""
    label = QLabel(text)
    label.setFont(font_of(-1))
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if not text:
        label.hide()
    return label


def say(label: QLabel, text: str, tone: str | None = None) -> None:
    """Let a `note` say something, or nothing; in a tone that the style sheet knows, None to leave it."""
    if label.text() != text:
        label.setText(text)
    label.setVisible(bool(text))
    if tone is not None:
        restyle(label, "tone", tone)


def restyle(widget: QWidget, name: str, value: str) -> None:
    """Set a property that the style sheet looks at."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    if style is not None:  # a property in the style sheet is looked at again only then
        style.unpolish(widget)
        style.polish(widget)
