"""The marks of joints: round for right, square for left, diamond for torso."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from app.shown import Side

_ICON = 14


def draw_mark(painter: QPainter, side: Side, centre: QPointF, radius: float) -> None:
    """One joint's mark in the painter's pen and brush; `radius` is that of the round one, all have about its area."""
    if side is Side.RIGHT:
        painter.drawEllipse(centre, radius, radius)
        return
    if side is Side.LEFT:
        half = radius * 0.89
        painter.drawRect(QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half))
        return
    half = radius * 1.25
    steps = ((0.0, -half), (half, 0.0), (0.0, half), (-half, 0.0))
    painter.drawPolygon(QPolygonF([QPointF(centre.x() + dx, centre.y() + dy) for dx, dy in steps]))


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
