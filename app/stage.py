"""Paints floor, head camera and bodies with a QPainter, on a plain or an OpenGL widget alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF, QTransform

from app.body import Body, Style, grid_lines, to_display
from app.body_painter import paint_body, paint_shadow, points
from app.orbit import Orbit, Points
from app.shown import Side
from app.theme import Colours, mixed

_GRID_SHADES = 8
_TRAIL_SHADES = 6
_LENS = 0.05
"""Metres: half the width of the head camera's glyph."""
_PICTURE = 0.13
"""Metres: half the width of the picture that it carries."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the 3D view draws, in the display frame."""

    orbit: Orbit
    floor: float
    bodies: tuple[Body, ...] = ()
    """Those of lines are drawn over the solid ones, so that none is hidden."""
    trail: tuple[Points, Points, Side] | None = None
    """(N, 2, 3) metres and (N,) freshness, as `app.trail.Trail.lines` gives them, and the side it is coloured by."""
    picture: QImage | None = None
    """Square, what the head camera sees; its top is what the camera has on top."""


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
    _paint_trail(painter, size, stage, colours)
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


def _paint_trail(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """The older, the thinner and the fainter."""
    if stage.trail is None:
        return
    lines, fresh, side = stage.trail
    projected = stage.orbit.project(lines, size)
    seen = np.isfinite(projected).all(axis=(1, 2))
    shade = np.ceil(fresh * _TRAIL_SHADES).astype(int)
    for level in range(1, _TRAIL_SHADES + 1):
        chosen = projected[seen & (shade == level)][..., :2].reshape(-1, 4).tolist()
        if chosen:
            colour = QColor(colours.side(side))
            colour.setAlphaF(level / _TRAIL_SHADES)
            cap = Qt.PenCapStyle.FlatCap
            painter.setPen(QPen(colour, 1.0 + 2.5 * level / _TRAIL_SHADES, Qt.PenStyle.SolidLine, cap))
            painter.drawLines(*[QLineF(*line) for line in chosen])


def _paint_head_camera(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """A frustum at the origin, open towards what the camera sees; a thin line ties it to the neck."""
    half, depth = (_LENS, 2.2 * _LENS) if stage.picture is None else (_PICTURE, 0.9 * _PICTURE)
    corners = np.array(
        [[-half, -half, depth], [half, -half, depth], [half, half, depth], [-half, half, depth], [0, 0, 0]]
    )
    projected = stage.orbit.project(to_display(corners), size)
    if not np.isfinite(projected).all():
        return
    *mouth, apex = points(projected)
    if stage.bodies:
        neck = stage.orbit.project(stage.bodies[0].joints[0], size)
        if np.isfinite(neck).all():
            painter.setPen(QPen(QColor(colours.muted), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(apex, QPointF(*neck[:2].tolist()))
    painter.setPen(
        QPen(QColor(colours.accent), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    if stage.picture is None:
        fill = QColor(colours.accent)
        fill.setAlpha(60)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(mouth))
        ends = mouth
    else:
        _paint_picture(painter, stage.picture, mouth)
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
