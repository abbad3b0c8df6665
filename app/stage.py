"""Paints floor, head camera and bodies with a QPainter, on a plain or an OpenGL widget alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from PyQt6.QtCore import QLineF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen

from app.body import Body, Style, grid_lines
from app.body_painter import paint_body, paint_shadow
from app.head_camera import HeadCamera
from app.layer import Layer
from app.orbit import Orbit, Points
from app.shown import Side
from app.theme import Colours, mixed

_TRAIL_SHADES = 6


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


class Kept:
    """What is kept of a stage from one time that it is painted to the next."""

    def __init__(self) -> None:
        self.ground, self.camera = Layer(opaque=True), HeadCamera()


def paint_stage(
    painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours, kept: Kept | None = None
) -> None:
    """Fill a view of `size` in device-independent pixels."""
    kept = kept or Kept()
    whole = QRect(0, 0, ceil(size[0]), ceil(size[1]))
    kept.ground.paint(
        painter, whole, (stage.orbit, stage.floor, colours), lambda canvas: _paint_ground(canvas, size, stage, colours)
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    neck = stage.bodies[0].joints[0] if stage.bodies else None
    above_head = stage.orbit.elevation > 0
    if not above_head:
        kept.camera.paint(painter, size, stage.orbit, colours, stage.picture, neck)
    solid = [body for body in stage.bodies if body.style is Style.SOLID]
    for body in solid:
        paint_shadow(painter, size, stage.orbit, body, stage.floor, colours)
    for body in solid + [body for body in stage.bodies if body.style is not Style.SOLID]:
        paint_body(painter, size, stage.orbit, body, colours)
    _paint_trail(painter, size, stage, colours)
    if above_head:
        kept.camera.paint(painter, size, stage.orbit, colours, stage.picture, neck)


def _paint_ground(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    # A pixel further: at 150 % the last row is covered by half, and what was in memory would show through.
    painter.fillRect(QRectF(0, 0, size[0] + 1, size[1] + 1), QColor(colours.stage))
    lines, strength = grid_lines(stage.floor)
    projected = stage.orbit.project(lines, size)[..., :2].reshape(-1, 4)
    seen = np.asarray(np.isfinite(projected).all(axis=1))
    by_level: dict[float, list[QLineF]] = {}
    for line, level in zip(projected[seen].tolist(), strength[seen].tolist(), strict=True):
        by_level.setdefault(level, []).append(QLineF(*line))
    for level, some in sorted(by_level.items()):
        painter.setPen(QPen(mixed(colours.stage, colours.muted, 0.62 * level), 1.0))
        painter.drawLines(*some)


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
