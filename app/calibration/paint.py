"""Painters of the calibration's charts, for the window and for the report's pictures alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, degrees, floor, log10, pi, sin

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF

from app.calibration.coverage import RING, SECTORS, Cell, Coverage
from app.pixels import borrowed_image
from app.theme import GAP, Colours, font, mixed
from calib.cv import cv2
from calib.models.base import Array

_MOST_DOTS = 3000
_MOST_ARROWS = 1200
_ALIGN = Qt.AlignmentFlag


def nice(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above `value`."""
    power = 10.0 ** floor(log10(value))
    return power * max(step for step in (1.0, 2.0, 5.0) if step * power <= value * (1.0 + 1e-9))


def fitted(rect: QRectF, size: tuple[int, int]) -> QRectF:
    """The largest rectangle of the shape of `size` in the middle of `rect`."""
    scale = min(rect.width() / size[0], rect.height() / size[1])
    width, height = size[0] * scale, size[1] * scale
    return QRectF(rect.center().x() - width / 2, rect.center().y() - height / 2, width, height)


def write(painter: QPainter, rect: QRectF, text: str, colour: str, where: Qt.AlignmentFlag, step: int = -1) -> None:
    """A caption."""
    painter.setFont(font(step))
    painter.setPen(QColor(colour))
    painter.drawText(rect, int(where), text)


def paint_empty(painter: QPainter, rect: QRectF, text: str, colours: Colours) -> None:
    """What a chart says before there is anything to draw."""
    painter.setFont(font())
    painter.setPen(QColor(colours.muted))
    painter.drawText(rect, int(_ALIGN.AlignCenter) | int(Qt.TextFlag.TextWordWrap), text)


def paint_coverage(
    painter: QPainter, rect: QRectF, coverage: Coverage, colours: Colours, target: Cell | None = None
) -> None:
    """Angle from the axis outwards, direction around: how many points each cell has, and where they are."""
    margin = 2.5 * GAP
    radius = max(10.0, min(rect.width(), rect.height()) / 2 - margin)
    centre = rect.center()
    step = radius / coverage.rings
    most = max(1, int(coverage.counts.max()))
    for i, cell in enumerate(coverage.cells):
        share = float(np.log1p(coverage.counts[i]) / np.log1p(most))
        ground = colours.raised if coverage.reachable[i] else colours.stage
        painter.setBrush(mixed(ground, colours.accent, 0.75 * share))
        painter.setPen(QPen(QColor(colours.border), 1.0))
        painter.drawPath(_cell_path(centre, step, cell))
    _paint_dots(painter, centre, step, coverage.angles, colours)
    if target is not None and target.ring < coverage.rings:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.warning), 2.5))
        painter.drawPath(_cell_path(centre, step, target))
    _paint_ring_labels(painter, centre, step, coverage.rings, colours)
    for word, dx, dy in (("right", 1, 0), ("bottom", 0, 1), ("left", -1, 0), ("top", 0, -1)):
        at = QPointF(centre.x() + dx * (radius + margin / 2), centre.y() + dy * (radius + margin / 2))
        painter.save()
        painter.translate(at)
        painter.rotate(90.0 * dx)
        write(painter, QRectF(-40, -10, 80, 20), word, colours.muted, _ALIGN.AlignCenter)
        painter.restore()


def _cell_path(centre: QPointF, step: float, cell: Cell) -> QPainterPath:
    path = QPainterPath()
    if cell.whole:
        path.addEllipse(centre, step, step)
        return path
    inner, outer = cell.ring * step, (cell.ring + 1) * step
    # Qt counts angles against the clock, pictures with it.
    start, span = -degrees(cell.phi) - 180.0 / SECTORS, 360.0 / SECTORS
    path.arcMoveTo(_around(centre, outer), start)
    path.arcTo(_around(centre, outer), start, span)
    path.arcTo(_around(centre, inner), start + span, -span)
    path.closeSubpath()
    return path


def _around(centre: QPointF, radius: float) -> QRectF:
    return QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)


def _paint_dots(painter: QPainter, centre: QPointF, step: float, angles: Array, colours: Colours) -> None:
    chosen = angles[:: max(1, len(angles) // _MOST_DOTS)]
    colour = QColor(colours.text)
    colour.setAlpha(90)
    painter.setPen(QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    out = chosen[:, 0] / RING * step
    x, y = centre.x() + out * np.cos(chosen[:, 1]), centre.y() + out * np.sin(chosen[:, 1])
    painter.drawPoints(QPolygonF([QPointF(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]))


def _paint_ring_labels(painter: QPainter, centre: QPointF, step: float, rings: int, colours: Colours) -> None:
    painter.setFont(font(-1))
    metrics = QFontMetricsF(painter.font())
    angle = -pi / SECTORS  # on the line between two sectors
    every = 2 if step < 3 * GAP else 1
    for ring in range(every, rings + 1, every):
        text = f"{degrees(ring * RING):.0f}°"
        at = QPointF(centre.x() + ring * step * cos(angle), centre.y() + ring * step * sin(angle))
        box = metrics.boundingRect(text).adjusted(-2, 0, 2, 0)
        box.moveCenter(at)
        ground = QColor(colours.surface)
        ground.setAlpha(210)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(colours.text))
        painter.drawText(box, int(_ALIGN.AlignCenter), text)


def paint_arrows(
    painter: QPainter, rect: QRectF, pixels: Array, residuals: Array, size: tuple[int, int], colours: Colours
) -> None:
    """Where the lens would have the points, seen from where they were found, much magnified."""
    line = QFontMetricsF(font(-1)).height()
    box = fitted(rect.adjusted(0, 0, 0, -line - GAP), size)
    painter.setPen(QPen(QColor(colours.border), 1.0))
    painter.setBrush(QColor(colours.stage))
    painter.drawRect(box)
    if not len(pixels):
        return
    chosen = slice(None, None, max(1, len(pixels) // _MOST_ARROWS))
    scale = box.width() / size[0]
    errors = np.hypot(residuals[:, 0], residuals[:, 1])
    typical = max(float(np.median(errors)), 1e-6)
    shown = nice(max(box.width() / 45 / typical, 1e-3))
    """Widget pixels for one picture pixel."""
    starts = (pixels[chosen] + 0.5) * scale + (box.x(), box.y())
    ends = starts + residuals[chosen] * shown
    painter.save()
    painter.setClipRect(box)
    worst = max(float(np.percentile(errors, 99)), 1e-9)
    for level in range(4):
        share = np.clip(np.floor(4 * errors[chosen] / worst), 0, 3) == level
        colour = QColor((colours.muted, colours.accent, colours.warning, colours.error)[level])
        painter.setPen(QPen(colour, 1.3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for pair in np.concatenate([starts, ends], -1)[share].tolist():
            painter.drawLine(QLineF(*pair))
        painter.setPen(QPen(colour, 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(QPolygonF([QPointF(*pair) for pair in starts[share].tolist()]))
    painter.restore()
    length = nice(box.width() / 6 / shown)
    at = QPointF(box.x(), box.bottom() + GAP + line / 2)
    painter.setPen(QPen(QColor(colours.text), 2.0))
    painter.drawLine(at, QPointF(at.x() + length * shown, at.y()))
    note = f"{length:g} px, from where a point was found to where the lens has it"
    left = at.x() + length * shown + GAP
    text = QRectF(left, at.y() - line / 2, rect.right() - left, line)
    note = QFontMetricsF(font(-1)).elidedText(note, Qt.TextElideMode.ElideRight, text.width())
    write(painter, text, note, colours.muted, _ALIGN.AlignLeft | _ALIGN.AlignVCenter)


def _axis_frame(painter: QPainter, rect: QRectF, colours: Colours, label: str) -> QRectF:
    line = QFontMetricsF(font(-1)).height()
    box = rect.adjusted(0.5 * GAP, line + 2, -0.5 * GAP, -line - 4)
    painter.setPen(QPen(QColor(colours.border), 1.0))
    painter.drawLine(box.bottomLeft(), box.bottomRight())
    write(painter, QRectF(rect.x(), rect.y(), rect.width(), line), label, colours.muted, _ALIGN.AlignLeft)
    return box


def paint_histogram(painter: QPainter, rect: QRectF, errors: Array, rms: float, colours: Colours) -> None:
    """How many points are how far off."""
    box = _axis_frame(painter, rect, colours, f"Points by error; the line is the RMS, {rms:.3f} px")
    if not len(errors):
        return
    top = max(float(np.percentile(errors, 99.5)), 1.2 * rms, 1e-6)
    counts, edges = np.histogram(np.minimum(errors, top), bins=28, range=(0.0, top))
    width = box.width() / len(counts)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.accent))
    for i, count in enumerate(counts.tolist()):
        height = box.height() * count / max(1, int(counts.max()))
        painter.drawRect(QRectF(box.x() + i * width + 0.5, box.bottom() - height, max(1.0, width - 1), height))
    x = box.x() + box.width() * rms / float(edges[-1])
    painter.setPen(QPen(QColor(colours.text), 1.5, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
    _paint_ticks(painter, box, top, colours)


def _paint_ticks(painter: QPainter, box: QRectF, top: float, colours: Colours) -> None:
    line = QFontMetricsF(font(-1)).height()
    step = nice(top / 2.5)
    for i in range(int(top / step * 0.95) + 1):
        at = QRectF(box.x() + box.width() * i * step / top - 40, box.bottom() + 2, 80, line)
        where = _ALIGN.AlignHCenter
        if i == 0:
            at.moveLeft(box.x())
            where = _ALIGN.AlignLeft
        write(painter, at, f"{i * step:g} px" if i else "0", colours.muted, where)


def paint_view_bars(painter: QPainter, rect: QRectF, rms: Sequence[float], overall: float, colours: Colours) -> None:
    """The error of each view, in their order; those well above the others stand out by colour."""
    box = _axis_frame(painter, rect, colours, f"RMS error of each view; the line is that of all, {overall:.3f} px")
    if not rms:
        return
    line = QFontMetricsF(font(-1)).height()
    top = 1.1 * max(*rms, overall, 1e-9)
    width = min(box.width() / len(rms), 4.0 * GAP)
    painter.setPen(Qt.PenStyle.NoPen)
    for i, value in enumerate(rms):
        height = box.height() * value / top
        painter.setBrush(QColor(colours.warning if value > 1.6 * overall else colours.accent))
        gap = min(3.0, 0.2 * width)
        painter.drawRect(QRectF(box.x() + i * width, box.bottom() - height, max(1.0, width - gap), height))
    y = box.bottom() - box.height() * overall / top
    painter.setPen(QPen(QColor(colours.text), 1.5, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(box.left(), y), QPointF(box.left() + width * len(rms), y))
    below = QRectF(box.x(), box.bottom() + 2, width * len(rms), line)
    write(painter, below, "1", colours.muted, _ALIGN.AlignLeft)
    if len(rms) > 3:
        write(painter, below, str(len(rms)), colours.muted, _ALIGN.AlignRight)


def paint_sigma(
    painter: QPainter,
    rect: QRectF,
    sigma: Array,
    size: tuple[int, int],
    colours: Colours,
    border: Array | None = None,
) -> None:
    """The standard deviation of a projection over the picture, in pixels; a bar below tells what the colours mean.

    `border` is an (N, 2) closed line in pixels around what is trusted.
    """
    line = QFontMetricsF(font(-1)).height()
    box = fitted(rect.adjusted(0, 0, 0, -2 * line - 1.5 * GAP), size)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.stage))
    painter.drawRect(box)
    known = sigma[np.isfinite(sigma)]
    if not len(known):
        return
    low, high = max(float(known.min()), 1e-4), max(float(np.percentile(known, 95)), 2e-4)
    high = max(high, 2 * low)
    image, pixels = _heat(sigma, low, high)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(box, image)
    del pixels  # the image borrowed it until here
    if border is not None:
        _paint_border(painter, box, (border + 0.5) * (box.width() / size[0]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colours.border), 1.0))
    painter.drawRect(box)
    bar = QRectF(box.x(), box.bottom() + GAP, box.width(), 0.6 * line)
    ramp, kept = _heat(np.geomspace(low, high, 128)[None, :], low, high)
    painter.drawImage(bar, ramp)
    del kept
    below = QRectF(bar.x(), bar.bottom() + 2, bar.width(), line)
    write(painter, below, f"{low:.2g} px", colours.muted, _ALIGN.AlignLeft)
    write(painter, below, f"{(low * high) ** 0.5:.2g} px", colours.muted, _ALIGN.AlignHCenter)
    write(painter, below, f"{high:.2g} px and more", colours.muted, _ALIGN.AlignRight)


def _paint_border(painter: QPainter, box: QRectF, line: Array) -> None:
    painter.save()
    painter.setClipRect(box)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, style in ((QColor(0, 0, 0, 120), Qt.PenStyle.SolidLine), (QColor("white"), Qt.PenStyle.DashLine)):
        painter.setPen(QPen(colour, 2.0, style))
        painter.drawPolygon(QPolygonF([QPointF(box.x() + x, box.y() + y) for x, y in line.tolist()]))
    painter.restore()


def _heat(values: Array, low: float, high: float) -> tuple[QImage, np.ndarray]:
    """Viridis over the logarithm, transparent where the value is not known; the image borrows the array."""
    known = np.isfinite(values)
    shares = np.log(np.clip(np.where(known, values, low), low, high) / low) / np.log(high / low)
    levels = np.round(255 * shares).astype(np.uint8)
    coloured = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    pixels = np.ascontiguousarray(np.concatenate([coloured, np.where(known, 255, 0)[..., None]], -1).astype(np.uint8))
    pixels[~known] = 0
    size = (pixels.shape[1], pixels.shape[0])
    return borrowed_image(pixels, size, QImage.Format.Format_ARGB32_Premultiplied), pixels
