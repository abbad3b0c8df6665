"""Paints bodies with a QPainter: limbs that are lit, or lines."""

from __future__ import annotations

from math import acos, atan2, cos, hypot, pi, sin

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QPolygonF

from app.body import RADII, TRUNK, Body, Joint, Limb, Style, parts
from app.marks import draw_mark
from app.orbit import Orbit, Points
from app.shown import JOINT_SIDES
from app.theme import Colours, mixed
from engine.skeleton import BONES

_FADES = 12


def points(projected: Points) -> list[QPointF]:
    """(..., 3) as `Orbit.project` gives them."""
    return [QPointF(x, y) for x, y in projected[..., :2].reshape(-1, 2).tolist()]


def bones_path(projected: Points) -> QPainterPath:
    """(15, 3) projected joints to lines between them; bones with a joint that is not known are left out."""
    path = QPainterPath()
    for a, b in BONES:
        if np.isfinite(projected[[a, b]]).all():
            path.moveTo(*projected[a, :2].tolist())
            path.lineTo(*projected[b, :2].tolist())
    return path


def paint_shadow(
    painter: QPainter, size: tuple[float, float], orbit: Orbit, body: Body, floor: float, colours: Colours
) -> None:
    """Straight down onto the floor; one path, so that overlapping limbs do not darken twice."""
    flat = body.joints.copy()
    flat[:, 2] = floor
    width = 2.2 * float(RADII.mean()) * orbit.focal(size) / max(orbit.distance, 0.1)
    shade = QColor(0, 0, 0, 120 if colours.dark else 34)
    pen = QPen(shade, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(bones_path(orbit.project(flat, size)), pen)


def paint_body(painter: QPainter, size: tuple[float, float], orbit: Orbit, body: Body, colours: Colours) -> None:
    """One body in its style."""
    projected = orbit.project(body.joints, size)
    if body.style is Style.SOLID:
        _paint_solid(painter, parts(projected, body.confidence, orbit.focal(size)), projected, colours)
    else:
        _paint_lines(painter, projected, body.style, colours)


def line_pen(style: Style, colours: Colours, width: float = 2.0) -> QPen:
    """What a body of lines is drawn with."""
    dashed = style is Style.DASHED
    colour = QColor(colours.accent if dashed else colours.text)
    stroke = Qt.PenStyle.CustomDashLine if dashed else Qt.PenStyle.SolidLine
    pen = QPen(colour, width, stroke, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([3.0, 2.0])
    return pen


def _paint_lines(painter: QPainter, projected: Points, style: Style, colours: Colours) -> None:
    """Lines with an edge of ground, and each joint's mark hollow: its shape tells the side."""
    path = bones_path(projected)
    painter.strokePath(path, QPen(QColor(colours.stage), 5.0))
    pen = line_pen(style, colours)
    painter.strokePath(path, pen)
    painter.setPen(QPen(pen.color(), 1.4))
    painter.setBrush(QColor(colours.stage))
    for joint in np.flatnonzero(np.isfinite(projected).all(axis=1)).tolist():
        draw_mark(painter, JOINT_SIDES[joint], QPointF(*projected[joint, :2].tolist()), 3.2)


def _paint_solid(painter: QPainter, drawn: list[Limb | Joint], projected: Points, colours: Colours) -> None:
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
    painter.drawPolygon(QPolygonF(points(trunk)))


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
