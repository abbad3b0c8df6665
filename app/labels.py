"""Small widgets whose text neither jumps nor clips."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFont, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QSizePolicy, QWidget


class ElidedLabel(QWidget):
    """One line that ends in an ellipsis where it does not fit; the tool tip then has it all."""

    def __init__(self, font: QFont, least: int = 60, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._least = "", least
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        return self._text

    def shown_text(self) -> str:
        """What fits."""
        return self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())

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
