"""Paints floor, head camera and bodies with a QPainter, on a plain or an OpenGL widget alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from app.body import Body, Style, grid_lines, to_display
from app.body_painter import paint_body, paint_shadow, points
from app.orbit import Orbit
from app.theme import Colours, mixed

_GRID_SHADES = 8
_LENS = 0.05
"""Metres: half the width of the head camera's glyph."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the 3D view draws, in the display frame."""

    orbit: Orbit
    floor: float
    bodies: tuple[Body, ...] = ()
    """Those of lines are drawn over the solid ones, so that none is hidden."""


class Ground:
    """The floor's grid as a picture, painted anew only when it looks different: it is most of the lines."""

    def __init__(self) -> None:
        self._key: object = None
        self._pixmap = QPixmap()

    def paint(self, painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
        """Fill the view."""
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        key = size, stage.orbit, stage.floor, colours, ratio
        if key != self._key:
            self._key = key
            self._pixmap = QPixmap(ceil(size[0] * ratio), ceil(size[1] * ratio))
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(QColor(colours.stage))
            canvas = QPainter(self._pixmap)
            canvas.setRenderHint(QPainter.RenderHint.Antialiasing)
            _paint_grid(canvas, size, stage, colours)
            canvas.end()
        painter.drawPixmap(QPointF(0, 0), self._pixmap)


def paint_stage(
    painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours, ground: Ground | None = None
) -> None:
    """Fill a view of `size` in device-independent pixels; `ground` is kept from one time to the next."""
    (ground or Ground()).paint(painter, size, stage, colours)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    above_head = stage.orbit.elevation > 0
    if not above_head:
        _paint_head_camera(painter, size, stage, colours)
    solid = [body for body in stage.bodies if body.style is Style.SOLID]
    for body in solid:
        paint_shadow(painter, size, stage.orbit, body, stage.floor, colours)
    for body in solid + [body for body in stage.bodies if body.style is not Style.SOLID]:
        paint_body(painter, size, stage.orbit, body, colours)
    if above_head:
        _paint_head_camera(painter, size, stage, colours)


def _paint_grid(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    lines, strength = grid_lines(stage.floor)
    projected = stage.orbit.project(lines, size)
    seen = np.isfinite(projected).all(axis=(1, 2))
    shade = np.ceil(strength * _GRID_SHADES).astype(int)
    for level in range(1, _GRID_SHADES + 1):
        chosen = projected[seen & (shade == level)][..., :2].reshape(-1, 4).tolist()
        painter.setPen(QPen(mixed(colours.stage, colours.muted, 0.62 * level / _GRID_SHADES), 1.0))
        if chosen:
            painter.drawLines(*[QLineF(*line) for line in chosen])


def _paint_head_camera(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """A small frustum at the origin, open towards what the camera sees; a thin line ties it to the neck."""
    corners = np.array([[-1, -1, 2.2], [1, -1, 2.2], [1, 1, 2.2], [-1, 1, 2.2], [0, 0, 0]]) * _LENS
    projected = stage.orbit.project(to_display(corners), size)
    if not np.isfinite(projected).all():
        return
    *mouth, apex = points(projected)
    pen = QPen(QColor(colours.accent), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    if stage.bodies:
        neck = stage.orbit.project(stage.bodies[0].joints[0], size)
        if np.isfinite(neck).all():
            painter.setPen(QPen(QColor(colours.muted), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(apex, QPointF(*neck[:2].tolist()))
    fill = QColor(colours.accent)
    fill.setAlpha(60)
    painter.setPen(pen)
    painter.setBrush(fill)
    painter.drawPolygon(QPolygonF(mouth))
    for corner in mouth:
        painter.drawLine(apex, corner)
    painter.setBrush(QColor(colours.accent))
    painter.drawEllipse(apex, 3.0, 3.0)
