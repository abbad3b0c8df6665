"""The timeline's rows from top to bottom, and what moves over all of them: playhead and marked range."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.replay.lanes import HEADER, JOINT_ROWS, ROW
from app.theme import GAP, Colours

RULER, PICTURES, LANE, ERRORS = 20, 44, 10, HEADER + 40
"""Heights in pixels."""
JOINTS = ROW * len(JOINT_ROWS)
_LEGEND = 18
_LEAST = 2 * GAP
"""What is left at both sides."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where each begins, in pixels from the top."""

    told: bool = False
    """Whether flags or gaps are explained, in a row of its own above the ruler, where no playhead goes."""
    errors: bool = False
    joints: bool = False

    @property
    def ruler(self) -> int:
        return _LEGEND if self.told else 0

    @property
    def pictures(self) -> int:
        return self.ruler + RULER

    @property
    def known(self) -> int:
        return self.pictures + PICTURES

    @property
    def errors_top(self) -> int:
        return self.known + LANE + GAP // 2

    @property
    def joints_top(self) -> int:
        return self.errors_top + ERRORS + GAP // 2

    @property
    def bottom(self) -> int:
        """Of the last row."""
        if not self.errors:
            return self.known + LANE
        return self.joints_top + JOINTS if self.joints else self.errors_top + ERRORS

    @property
    def pieces(self) -> tuple[tuple[int, int], ...]:
        """(top, bottom) of what a line over all rows is drawn in: not through the words above the errors."""
        if not self.errors:
            return ((self.pictures, self.bottom + GAP // 2),)
        return ((self.pictures, self.errors_top - 2), (self.errors_top + HEADER, self.bottom + GAP // 2))


def paint_marked(painter: QPainter, rows: Rows, width: float, first: float, last: float, colours: Colours) -> None:
    """Brackets around the range between two places, and a shade over what lies outside of it."""
    shade = QColor(colours.ground)
    shade.setAlpha(150)
    # Not over the errors, whose figures are to be read.
    for left, right in ((_LEAST, first), (last, width - _LEAST)):
        painter.fillRect(QRectF(left, rows.pictures, right - left, PICTURES + LANE), shade)
    painter.setPen(QPen(QColor(colours.text), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    top, bottom = rows.pieces[0][0], rows.pieces[-1][1]
    for x, inwards in ((first, 5), (last, -5)):
        for begin, end in rows.pieces:
            painter.drawLine(QPointF(x, begin), QPointF(x, end))
        for y in (top, bottom):
            painter.drawLine(QPointF(x, y), QPointF(x + inwards, y))


def paint_playhead(painter: QPainter, rows: Rows, x: float, colours: Colours) -> None:
    """A line through every row, with a handle in the ruler."""
    tip = rows.pictures - 2
    (top, first_bottom), *others = rows.pieces
    for colour, width in ((colours.stage, 4), (colours.text, 2)):
        painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        for begin, end in ((top - 4, first_bottom), *others):
            painter.drawLine(QPointF(x, begin), QPointF(x, end))
    painter.setBrush(QColor(colours.text))
    painter.setPen(Qt.PenStyle.NoPen)
    corners = ((-6, -9), (6, -9), (6, -4), (0, 2), (-6, -4))
    painter.drawPolygon(QPolygonF([QPointF(x + dx, tip + dy) for dx, dy in corners]))
