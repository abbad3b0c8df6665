"""The marks of joints: round for right, square for left, diamond for torso."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from app.shown import Side

_ICON = 14


def draw_mark(painter: QPainter, side: Side, centre: QPointF, radius: float) -> None:
    """One joint's mark in the painter's pen and brush; `radius` is that of the round one, all have about its area."""
    path = QPainterPath()
    add_mark(path, side, centre, radius)
    painter.drawPath(path)


def add_mark(path: QPainterPath, side: Side, centre: QPointF, radius: float) -> None:
    """The same as a part of a path, to paint many at once."""
    if side is Side.RIGHT:
        path.addEllipse(centre, radius, radius)
    elif side is Side.LEFT:
        half = radius * 0.89
        path.addRect(centre.x() - half, centre.y() - half, 2 * half, 2 * half)
    else:
        half = radius * 1.25
        x, y = centre.x(), centre.y()
        corners = (QPointF(x, y - half), QPointF(x + half, y), QPointF(x, y + half), QPointF(x - half, y))
        path.addPolygon(QPolygonF(corners))
        path.closeSubpath()


def mark_icon(side: Side, colour: str, scale: float) -> QIcon:
    """The mark alone, for a list; `scale` is the screen's device pixel ratio."""
    pixmap = QPixmap(round(_ICON * scale), round(_ICON * scale))
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(Qt.PenStyle.NoPen))
    painter.setBrush(QColor(colour))
    draw_mark(painter, side, QPointF(_ICON / 2, _ICON / 2), 4.5)
    painter.end()
    return QIcon(pixmap)
