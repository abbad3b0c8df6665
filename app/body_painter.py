"""Paints floor, head camera and wearer with a QPainter, on a plain or an OpenGL widget alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QPolygonF

from app.body import RADII, TRUNK, Joint, Limb, grid_lines, parts, to_display
from app.marks import draw_mark
from app.orbit import Orbit, Points
from app.theme import Colours, mixed
from engine.skeleton import BONES

_GRID_SHADES = 8
_FADES = 12
_LENS = 0.05
"""Metres: half the width of the head camera's glyph."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the 3D view draws, in the display frame."""

    orbit: Orbit
    floor: float
    joints: Points | None = None
    """(15, 3) metres."""
    confidence: np.ndarray | None = None


def paint_stage(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """Fill a view of `size` in device-independent pixels."""
    painter.fillRect(0, 0, int(size[0]) + 1, int(size[1]) + 1, QColor(colours.stage))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_grid(painter, size, stage, colours)
    above_head = stage.orbit.elevation > 0
    if not above_head:
        _paint_head_camera(painter, size, stage, colours)
    if stage.joints is not None and stage.confidence is not None:
        _paint_shadow(painter, size, stage, colours)
        projected = stage.orbit.project(stage.joints, size)
        _paint_body(painter, parts(projected, stage.confidence, stage.orbit.focal(size)), projected, colours)
    if above_head:
        _paint_head_camera(painter, size, stage, colours)


def _points(projected: Points) -> list[QPointF]:
    return [QPointF(x, y) for x, y in projected[..., :2].reshape(-1, 2).tolist()]


def _paint_grid(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    lines, strength = grid_lines(stage.floor)
    projected = stage.orbit.project(lines, size)
    seen = np.isfinite(projected).all(axis=(1, 2))
    shade = np.ceil(strength * _GRID_SHADES).astype(int)
    for level in range(1, _GRID_SHADES + 1):
        chosen = projected[seen & (shade == level)][..., :2].reshape(-1, 4).tolist()
        colour = mixed(colours.stage, colours.muted, 0.62 * level / _GRID_SHADES)
        painter.setPen(QPen(colour, 1.0))
        for line in chosen:
            painter.drawLine(QLineF(*line))


def _paint_shadow(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """Straight down onto the floor; one path, so that overlapping limbs do not darken twice."""
    assert stage.joints is not None  # the caller checks
    flat = stage.joints.copy()
    flat[:, 2] = stage.floor
    projected = stage.orbit.project(flat, size)
    path = QPainterPath()
    for a, b in BONES:
        if np.isfinite(projected[[a, b]]).all():
            path.moveTo(*projected[a, :2].tolist())
            path.lineTo(*projected[b, :2].tolist())
    width = 2.2 * float(RADII.mean()) * stage.orbit.focal(size) / max(stage.orbit.distance, 0.1)
    shade = QColor(0, 0, 0, 120 if colours.dark else 34)
    pen = QPen(shade, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)


def _paint_body(painter: QPainter, drawn: list[Limb | Joint], projected: Points, colours: Colours) -> None:
    trunk = projected[list(TRUNK)]
    trunk_depth = float(trunk[:, 2].mean()) if np.isfinite(trunk).all() else None
    for part in drawn:
        if trunk_depth is not None and part.depth < trunk_depth:
            _paint_trunk(painter, trunk, colours)
            trunk_depth = None
        # Unsure parts fade into the ground; drawn opaque, so that what overlaps does not add up. In a few
        # steps, since Qt keeps the tables of only sixty gradients.
        faded = 0.72 * (1.0 - round(part.confidence * _FADES) / _FADES)
        colour = mixed(colours.side(part.side), colours.stage, faded)
        if isinstance(part, Limb):
            _paint_limb(painter, part, colour, colours)
        else:
            painter.setPen(QPen(colour, max(1.2, part.radius * 0.45)))
            painter.setBrush(mixed(colours.stage, colour.name(), 0.12))
            draw_mark(painter, part.side, QPointF(*part.centre), max(2.5, part.radius))
    if trunk_depth is not None:
        _paint_trunk(painter, trunk, colours)


def _paint_trunk(painter: QPainter, trunk: Points, colours: Colours) -> None:
    fill = QColor(colours.torso)
    fill.setAlpha(46)
    painter.setPen(QPen(Qt.PenStyle.NoPen))
    painter.setBrush(fill)
    painter.drawPolygon(QPolygonF(_points(trunk)))


def capsule(limb: Limb, grow: float = 0.0) -> QPolygonF:
    """The outline of two circles and what lies between them."""
    (ax, ay), (bx, by) = limb.start, limb.end
    ra, rb = limb.radii[0] + grow, limb.radii[1] + grow
    length = hypot(bx - ax, by - ay)
    heading = atan2(by - ay, bx - ax)
    if length <= abs(ra - rb):  # one circle hides the other: seen end on
        x, y, radius = (ax, ay, ra) if ra >= rb else (bx, by, rb)
        return QPolygonF([QPointF(x + radius * cos(t), y + radius * sin(t)) for t in np.linspace(0, 2 * pi, 25)])
    lean = acos((ra - rb) / length)  # where the common tangents touch, from the heading
    far = np.linspace(-lean, lean, 11) + heading
    near = np.linspace(lean, 2 * pi - lean, 13) + heading
    outline = [QPointF(bx + rb * cos(t), by + rb * sin(t)) for t in far]
    return QPolygonF(outline + [QPointF(ax + ra * cos(t), ay + ra * sin(t)) for t in near])


def _paint_limb(painter: QPainter, limb: Limb, colour: QColor, colours: Colours) -> None:
    """A rounded limb lit from the upper left, with an edge of ground that parts it from what is behind."""
    (ax, ay), (bx, by) = limb.start, limb.end
    length = max(hypot(bx - ax, by - ay), 1e-6)
    # Across the limb, turned towards the light.
    nx, ny = (by - ay) / length, -(bx - ax) / length
    if nx + 1.6 * ny > 0:
        nx, ny = -nx, -ny
    reach = max(limb.radii)
    mx, my = (ax + bx) / 2, (ay + by) / 2
    shading = QLinearGradient(mx + nx * reach, my + ny * reach, mx - nx * reach, my - ny * reach)
    shading.setColorAt(0.0, colour.lighter(112))
    shading.setColorAt(0.3, colour.lighter(124))
    shading.setColorAt(1.0, colour.darker(190 if colours.dark else 150))
    painter.setPen(QPen(Qt.PenStyle.NoPen))
    painter.setBrush(QColor(colours.stage))
    painter.drawPolygon(capsule(limb, grow=1.6))
    painter.setBrush(QBrush(shading))
    painter.drawPolygon(capsule(limb))


def _paint_head_camera(painter: QPainter, size: tuple[float, float], stage: Stage, colours: Colours) -> None:
    """A small frustum at the origin, open towards what the camera sees; a thin line ties it to the neck."""
    corners = np.array([[-1, -1, 2.2], [1, -1, 2.2], [1, 1, 2.2], [-1, 1, 2.2], [0, 0, 0]]) * _LENS
    projected = stage.orbit.project(to_display(corners), size)
    if not np.isfinite(projected).all():
        return
    *mouth, apex = _points(projected)
    pen = QPen(QColor(colours.accent), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    if stage.joints is not None:
        neck = stage.orbit.project(stage.joints[0], size)
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
