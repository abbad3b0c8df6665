"""Paints bodies with a QPainter: limbs that are lit, or lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import acos, atan2, degrees, hypot

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.body import RADII, TRUNK, Body, Joint, Limb, Style, parts
from app.marks import draw_mark
from app.orbit import Orbit, Points
from app.shown import JOINT_SIDES, Side
from app.theme import Colours, mixed
from engine.skeleton import BONES

_FADES = 12
_EDGE = 1.6
"""Pixels of ground around each limb."""
_LIT_SHIFT, _LIT_SHARE = 0.2, 0.68
"""Where the lit part of a limb lies, and how wide it is, in radii of the limb."""


def points(projected: Points) -> list[QPointF]:
    """(..., 3) as `Orbit.project` gives them."""
    return [QPointF(x, y) for x, y in projected[..., :2].reshape(-1, 2).tolist()]


def bones_path(projected: Points) -> QPainterPath:
    """(15, 3) projected joints to lines between them; bones with a joint that is not known are left out."""
    path = QPainterPath()
    places = points(projected)
    seen = np.asarray(np.isfinite(projected).all(axis=1))
    for a, b in BONES:
        if seen[a] and seen[b]:
            path.moveTo(places[a])
            path.lineTo(places[b])
    return path


def paint_shadow(
    painter: QPainter, size: tuple[float, float], orbit: Orbit, body: Body, floor: float, colours: Colours
) -> None:
    """Straight down onto the floor; one path, so that overlapping limbs do not darken twice.

    Its edge is faint, so it is not smoothed: that takes seven times as long.
    """
    flat = body.joints.copy()
    flat[:, 2] = floor
    width = 2.2 * float(RADII.mean()) * orbit.focal(size) / max(orbit.distance, 0.1)
    shade = QColor(0, 0, 0, 120 if colours.dark else 34)
    pen = QPen(shade, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.strokePath(bones_path(orbit.project(flat, size)), pen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


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


@dataclass(frozen=True, slots=True)
class Tones:
    """What one part is painted with."""

    plain: QColor
    lit: QColor
    shade: QColor
    inside: QColor
    """Of a joint's mark."""


@lru_cache(maxsize=256)
def _tones(side: Side, fade: int, colours: Colours) -> Tones:
    """Unsure parts fade into the ground: `fade` 0 is sure, _FADES not at all.

    Drawn opaque, so that what overlaps does not add up.
    """
    plain = mixed(colours.side(side), colours.stage, 0.72 * fade / _FADES)
    return Tones(
        plain, plain.lighter(112), plain.darker(150 if colours.dark else 128), mixed(colours.stage, plain.name(), 0.12)
    )


def _paint_solid(painter: QPainter, drawn: list[Limb | Joint], projected: Points, colours: Colours) -> None:
    trunk = projected[list(TRUNK)]
    trunk_depth = float(trunk[:, 2].mean()) if np.isfinite(trunk).all() else None
    ground = QPen(QColor(colours.stage), 2 * _EDGE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
    for part in drawn:
        if trunk_depth is not None and part.depth < trunk_depth:
            _paint_trunk(painter, trunk, colours)
            trunk_depth = None
        tones = _tones(part.side, _FADES - round(part.confidence * _FADES), colours)
        if isinstance(part, Limb):
            _paint_limb(painter, part, tones, ground)
        else:
            _paint_joint(painter, part, tones)
    if trunk_depth is not None:
        _paint_trunk(painter, trunk, colours)


def _paint_trunk(painter: QPainter, trunk: Points, colours: Colours) -> None:
    fill = QColor(colours.torso)
    fill.setAlpha(46)
    painter.setPen(QPen(Qt.PenStyle.NoPen))
    painter.setBrush(fill)
    painter.drawPolygon(QPolygonF(points(trunk)))


def _paint_joint(painter: QPainter, joint: Joint, tones: Tones) -> None:
    """Two fills, since a stroke takes three times as long."""
    centre, radius, rim = QPointF(*joint.centre), max(2.5, joint.radius), max(0.6, joint.radius * 0.225)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, reach in ((tones.plain, radius + rim), (tones.inside, radius - rim)):
        painter.setBrush(colour)
        draw_mark(painter, joint.side, centre, reach)


def capsule(start: tuple[float, float], end: tuple[float, float], radii: tuple[float, float]) -> QPainterPath:
    """The outline of two circles and what lies between them, all in pixels."""
    (ax, ay), (bx, by), (ra, rb) = start, end, radii
    path = QPainterPath()
    length = hypot(bx - ax, by - ay)
    if length <= abs(ra - rb):  # one circle hides the other: seen end on
        path.addEllipse(QPointF(*(start if ra >= rb else end)), max(radii), max(radii))
        return path
    heading = degrees(atan2(ay - by, bx - ax))  # anticlockwise, as Qt's arcs
    lean = degrees(acos((ra - rb) / length))  # where the common tangents touch, from the heading
    path.arcMoveTo(bx - rb, by - rb, 2 * rb, 2 * rb, heading - lean)
    path.arcTo(bx - rb, by - rb, 2 * rb, 2 * rb, heading - lean, 2 * lean)
    path.arcTo(ax - ra, ay - ra, 2 * ra, 2 * ra, heading + lean, 360 - 2 * lean)
    path.closeSubpath()
    return path


def _paint_limb(painter: QPainter, limb: Limb, tones: Tones, ground: QPen) -> None:
    """A rounded limb lit from the upper left, with an edge of ground that parts it from what is behind.

    Two flat tones: gradients take three times as long to paint.
    """
    (ax, ay), (bx, by), (ra, rb) = limb.start, limb.end, limb.radii
    length = max(hypot(bx - ax, by - ay), 1e-6)
    # Across the limb, turned towards the light.
    nx, ny = (by - ay) / length, -(bx - ax) / length
    if nx + 1.6 * ny > 0:
        nx, ny = -nx, -ny
    # The lit part stays inside the outline with a rim of shade all around.
    dx, dy, share = nx * _LIT_SHIFT, ny * _LIT_SHIFT, _LIT_SHARE
    lit_start, lit_end = (ax + dx * ra, ay + dy * ra), (bx + dx * rb, by + dy * rb)
    # The edge is seen along the limb alone: two lines are painted far faster than a larger outline.
    painter.setPen(ground)
    painter.drawLines(
        QLineF(ax + nx * ra, ay + ny * ra, bx + nx * rb, by + ny * rb),
        QLineF(ax - nx * ra, ay - ny * ra, bx - nx * rb, by - ny * rb),
    )
    painter.fillPath(capsule(limb.start, limb.end, limb.radii), tones.shade)
    painter.fillPath(capsule(lit_start, lit_end, (ra * share, rb * share)), tones.lit)
