"""What lies over the picture: marks of what is not as usual, and a word on what was just done."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from app.theme import DARK, GAP, Colours, font

TOAST_MS = 4000
_TALL = 3.5 * GAP


class _Overlay(QWidget):
    """Lines of text on plates of their own, over another widget; clicks go through it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._over, self._colours = over, DARK
        self._texts: tuple[str, ...] = ()
        self.setFont(font(strong=True))
        over.installEventFilter(self)
        self.hide()

    @property
    def texts(self) -> tuple[str, ...]:
        """What is shown."""
        return self._texts

    def show_texts(self, texts: tuple[str, ...]) -> None:
        if texts != self._texts:
            self._texts = texts
            self.setAccessibleName(", ".join(texts))
            self._place()
            self.setVisible(bool(texts))
            self.raise_()
            self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(self.font())
        widths = [metrics.horizontalAdvance(text) + 3 * GAP for text in self._texts]
        return QSize(round(sum(widths) + GAP * max(0, len(widths) - 1)) + 1, round(_TALL))

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        """Where it lies over the other widget."""
        self.resize(self.sizeHint().boundedTo(QSize(self._over.width() - 2 * GAP, self._over.height())))
        self.move(GAP + GAP // 2, GAP + GAP // 2)

    def _ink(self) -> str:
        return self._colours.warning

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, left = QFontMetricsF(self.font()), 0.0
        for text in self._texts:
            room = self.width() - left
            width = min(metrics.horizontalAdvance(text) + 3 * GAP, room)
            plate = QRectF(left, 0, width, self.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._colours.surface))
            painter.drawRoundedRect(plate, 6, 6)
            painter.setPen(QColor(self._ink()))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, width - 2 * GAP)
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, shown)
            left += width + GAP
        painter.end()


class Badges(_Overlay):
    """At the top left, as long as something is not as usual."""


class Toast(_Overlay):
    """At the bottom left, for a moment."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setFont(font())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self.show_texts(()))

    def say(self, text: str, milliseconds: int = TOAST_MS) -> None:
        """Show it, in place of what was said before."""
        self.show_texts((text,))
        self._timer.start(milliseconds)

    def _place(self) -> None:
        super()._place()
        self.move(GAP + GAP // 2, self._over.height() - self.height() - GAP - GAP // 2)

    def _ink(self) -> str:
        return self._colours.text
