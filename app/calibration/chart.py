"""A widget that one painter fills, and a picture of a board."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.calibration.paint import fitted, paint_empty
from app.theme import DARK, GAP, Colours
from app.translation import tr
from calib.targets.board import Board
from calib.targets.printing import Page, layout

Draw = Callable[[QPainter, QRectF, Colours], None]


class Chart(QWidget):
    """Painted anew only when what it shows has changed."""

    def __init__(self, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty, self._colours = empty, DARK
        self._key: tuple[object, ...] = ()
        self._draw: Draw | None = None
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(340, 300)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 140)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self._draw is None

    def show_drawing(self, key: tuple[object, ...], draw: Draw | None) -> None:
        """`key` holds what the drawing is made of; while it holds the same objects nothing happens."""
        same = len(self._key) == len(key) and all(one is other for one, other in zip(self._key, key, strict=True))
        if same:
            return
        self._key, self._draw = key, draw
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colours.surface))
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        rect = QRectF(self.rect()).adjusted(GAP / 2, GAP / 2, -GAP / 2, -GAP / 2)
        if self._draw is None:
            paint_empty(painter, rect.adjusted(GAP, 0, -GAP, 0), self._empty, self._colours)
        else:
            self._draw(painter, rect, self._colours)
        painter.end()


class BoardPicture(QWidget):
    """The board as it would be printed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page: Page | None = None
        self._colours = DARK
        self.setMinimumSize(220, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("The board"))

    def show_board(self, board: Board | None) -> None:
        """None where there is no such board."""
        self._page = layout(board) if board is not None else None
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        if self._page is None:
            return
        page = self._page
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = fitted(QRectF(self.rect()), (max(1, round(page.width * 100)), max(1, round(page.height * 100))))
        box.moveTopRight(QRectF(self.rect()).topRight())
        painter.setPen(QColor(self._colours.border))
        painter.setBrush(QColor("white"))
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        scale = box.width() / page.width
        painter.translate(box.topLeft())
        painter.scale(scale, scale)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("black"))
        for x, y, width, height in page.rectangles.tolist():
            painter.drawRect(QRectF(x, y, width, height))
        for x, y, radius in page.circles.tolist():
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.end()
