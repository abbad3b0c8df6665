"""The head camera in the 3D view: a frustum that is open towards what the camera sees, with its picture."""

from __future__ import annotations

from functools import partial

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QTransform

from app.body import to_display
from app.body_painter import points
from app.layer import Layer
from app.orbit import Orbit, Points
from app.theme import Colours

_LENS = 0.05
"""Metres: half the width of the glyph."""
_PICTURE = 0.13
"""Metres: half the width of the picture that it carries."""
_RIM = 4
"""Pixels around the corners that lines and the dot take."""


class HeadCamera:
    """Paints it, and keeps what it painted: its picture changes a few times a second, and turning one takes long."""

    def __init__(self) -> None:
        self._layer = Layer()

    def paint(
        self,
        painter: QPainter,
        size: tuple[float, float],
        orbit: Orbit,
        colours: Colours,
        picture: QImage | None = None,
        neck: Points | None = None,
    ) -> None:
        """In a view of `size`, with a thin line to the neck, (3,) metres in the display frame, where that is known."""
        corners = orbit.project(to_display(_corners(picture is not None)), size)
        if not np.isfinite(corners).all():
            return
        *mouth, apex = points(corners)
        if neck is not None and np.isfinite(there := orbit.project(neck, size)).all():
            painter.setPen(QPen(QColor(colours.muted), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(apex, QPointF(*there[:2].tolist()))
        place = QPolygonF([*mouth, apex]).boundingRect().adjusted(-_RIM, -_RIM, _RIM, _RIM).toAlignedRect()
        place &= QRectF(0, 0, *size).toAlignedRect()
        if not place.isEmpty():
            key = size, orbit, colours, picture.cacheKey() if picture is not None else None
            self._layer.paint(
                painter, place, key, partial(_draw, mouth=mouth, apex=apex, colours=colours, picture=picture)
            )


def _corners(with_picture: bool) -> Points:
    """(5, 3) metres in the camera's frame: the mouth's corners, and the apex."""
    half, depth = (_PICTURE, 0.9 * _PICTURE) if with_picture else (_LENS, 2.2 * _LENS)
    mouth = [[-half, -half, depth], [half, -half, depth], [half, half, depth], [-half, half, depth]]
    return np.array([*mouth, [0.0, 0.0, 0.0]])


def _draw(painter: QPainter, mouth: list[QPointF], apex: QPointF, colours: Colours, picture: QImage | None) -> None:
    painter.setPen(
        QPen(QColor(colours.accent), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    if picture is None:
        fill = QColor(colours.accent)
        fill.setAlpha(60)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(mouth))
        ends = mouth
    else:
        _paint_picture(painter, picture, mouth)
        ends = [(mouth[i] + mouth[i - 1]) / 2 for i in range(4)]  # the disc touches its square there
    for end in ends:
        painter.drawLine(apex, end)
    painter.setBrush(QColor(colours.accent))
    painter.drawEllipse(apex, 3.0, 3.0)


def _paint_picture(painter: QPainter, picture: QImage, mouth: list[QPointF]) -> None:
    """A round picture in perspective, with a rim in the painter's pen. Nothing where it is seen exactly edge on."""
    square = QPolygonF(QRectF(0, 0, picture.width(), picture.height()))
    turned = QTransform()
    if not QTransform.quadToQuad(QPolygonF(square[:4]), QPolygonF(mouth), turned):
        return
    before = painter.transform()
    painter.setTransform(turned, True)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setOpacity(0.92)
    painter.drawImage(0, 0, picture)
    painter.setOpacity(1.0)
    rim = QPen(painter.pen())
    rim.setCosmetic(True)
    painter.setPen(rim)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QRectF(0, 0, picture.width(), picture.height()))
    painter.setTransform(before)
