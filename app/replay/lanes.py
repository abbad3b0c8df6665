"""Paints the timeline's lanes: what is known, the error over time, the error joint by joint, and their legends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from app.marks import draw_mark
from app.pixels import borrowed_image
from app.replay.strips import Curve, axis_mm, curve, sureness, worst_frames, worst_of
from app.shown import JOINT_SIDES, Side, joint_word
from app.theme import GAP, Colours, font, mixed
from app.translation import noted, tr
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.skeleton import JOINT_COUNT
from engine.types import EventKind, FloatArray

ROW = 4
"""Pixels of one joint's row."""
JOINT_ROWS = tuple(joint for side in (Side.TORSO, Side.RIGHT, Side.LEFT) for joint in range(JOINT_COUNT)
                   if JOINT_SIDES[joint] is side)  # fmt: skip
"""The joints from top to bottom, side by side."""
HEADER = 17
"""Pixels above the error's lines, for what they mean."""
_STEPS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """What is drawn of the errors."""

    reel: Reel
    first: Track
    first_name: str
    second: Track | None = None
    second_name: str = ""
    joint: int | None = None
    """Whose error; None for the mean of all."""

    def of(self, track: Track) -> FloatArray:
        """(N,) mm of each frame, NaN where it is not known."""
        return track.mpjpe_mm if self.joint is None else track.errors_mm[:, self.joint]

    @property
    def worst(self) -> tuple[int, ...]:
        """See `worst_frames`."""
        return worst_frames(self.reel, self.first)


@lru_cache(maxsize=8)
def _ramp(low: str, high: str) -> NDArray[np.uint32]:
    """(_STEPS + 1,) RGB32 from one colour to another."""
    made = [mixed(low, high, step / _STEPS).rgb() for step in range(_STEPS + 1)]
    return np.array(made, np.uint32)


def _paint_levels(painter: QPainter, box: QRectF, pixels: NDArray[np.uint32]) -> None:
    """(rows, columns) RGB32 over a box, a pixel a column."""
    made = np.ascontiguousarray(pixels)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(box, borrowed_image(made, (made.shape[1], made.shape[0]), QImage.Format.Format_RGB32))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)


def paint_known(painter: QPainter, box: QRectF, reel: Reel, track: Track, colours: Colours) -> None:
    """Which frames have a pose, the surer the stronger; those that were looked at and have none, in red."""
    sure = sureness(reel, track, max(1, int(box.width())))
    level = np.round(_STEPS * (0.25 + 0.75 * np.clip(np.nan_to_num(sure), 0, 1))).astype(int)
    pixels = _ramp(colours.raised, colours.accent)[level]
    pixels[np.isnan(sure)] = QColor(colours.raised).rgb()
    pixels[sure < 0] = QColor(colours.error).rgb()
    _paint_levels(painter, box, pixels[None])


def paint_joints(painter: QPainter, box: QRectF, errors: Errors, colours: Colours) -> None:
    """A row for each joint, the stronger the larger its error; the sides' marks stand at the left."""
    values = worst_of(errors.first.errors_mm, errors.reel, max(1, int(box.width())))
    share = np.clip(np.nan_to_num(values) / axis_mm(values, room=1.0), 0, 1)
    pixels = _ramp(colours.ground, colours.warning)[np.round(share * _STEPS).astype(int)]
    pixels[np.isnan(values)] = QColor(colours.raised).rgb()
    _paint_levels(painter, box, pixels.T[list(JOINT_ROWS)])
    painter.setPen(Qt.PenStyle.NoPen)
    for side in Side:
        rows = [row for row, joint in enumerate(JOINT_ROWS) if JOINT_SIDES[joint] is side]
        middle = box.top() + ROW * (rows[0] + rows[-1] + 1) / 2
        painter.setBrush(QColor(colours.side(side)))
        draw_mark(painter, side, QPointF(box.left() / 2, middle), 3.5 if len(rows) > 1 else 2.0)
        painter.fillRect(QRectF(box.left(), box.top() + ROW * rows[0] - 0.5, box.width(), 1), QColor(colours.surface))


def paint_errors(painter: QPainter, box: QRectF, errors: Errors, colours: Colours) -> None:
    """The first network's error as a line, the second's dashed, and the worst frames; above them what is what."""
    plot = box.adjusted(0, HEADER, 0, 0)
    painter.fillRect(plot, QColor(colours.ground))
    painter.setFont(font(-1))
    columns = max(1, int(box.width()))
    first = curve(errors.of(errors.first), errors.reel, columns)
    second = curve(errors.of(errors.second), errors.reel, columns) if errors.second is not None else None
    lines = [first.values] if second is None else [first.values, second.values]
    if not any(np.isfinite(values).any() for values in lines):
        painter.setPen(QColor(colours.muted))
        words = tr("Error over time: it fills as frames are looked at")
        painter.drawText(plot.adjusted(GAP, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        return
    high = axis_mm(*lines)
    if second is not None:
        _paint_curve(painter, plot, second, high, second_pen(colours))
    _paint_curve(painter, plot, first, high, first_pen(colours))
    worst = errors.worst
    _paint_worst(painter, plot, errors.reel, worst, colours)
    _paint_error_legend(painter, box, errors, high, colours, worst=bool(worst))


def first_pen(colours: Colours) -> QPen:
    """Of the network whose poses are shown."""
    return QPen(QColor(colours.text), 1.4)


def second_pen(colours: Colours) -> QPen:
    """Of the one beside it: dashed and in the accent's colour, as its skeleton is."""
    pen = QPen(QColor(colours.accent), 1.6, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([4.0, 2.0])
    return pen


def _paint_curve(painter: QPainter, box: QRectF, line: Curve, high: float, pen: QPen) -> None:
    """Segment by segment: stroked as one path, a thousand that cross each other take fifty times as long."""
    pen = QPen(pen)
    dashes, width = pen.dashPattern(), pen.widthF()
    pen.setStyle(Qt.PenStyle.SolidLine)
    if not dashes:
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)  # without joins, corners would have notches
    painter.setPen(pen)
    for piece in line.pieces():
        x = box.left() + piece.shares * box.width()
        y = box.bottom() - 1 - np.minimum(piece.values / high, 1.0) * (box.height() - 3)
        places = np.stack([x, y], -1).astype(float)
        if len(places) == 1:  # a frame on its own is seen too
            half = np.array([1.5, 0.0])
            places = np.concatenate([places - half, places + half])
        pairs = np.concatenate([places[:-1], places[1:]], axis=1)
        if dashes:
            pairs = dashed(pairs, dashes[0] * width, dashes[1] * width)
        if len(pairs):
            painter.drawLines(*[QLineF(*pair) for pair in pairs.tolist()])


def dashed(segments: NDArray[np.float64], on: float, off: float) -> NDArray[np.float64]:
    """(N, 4) segments from left to right as those of their parts that lie in dashes, `on` and `off` pixels across.

    Along the line the dashes of a jagged one would be dots.
    """
    left, right = segments[:, 0], segments[:, 2]
    first, last = (np.floor(edge / (on + off)).astype(int) for edge in (left, right))
    which = np.repeat(np.arange(len(segments)), last - first + 1)
    number = np.arange(len(which)) - np.repeat(np.cumsum(last - first + 1) - (last - first + 1), last - first + 1)
    begin = (first[which] + number) * (on + off)
    a = np.maximum(left[which], begin)
    b = np.minimum(right[which], begin + on)
    cut, which, a, b = segments[which[a < b]], which[a < b], a[a < b], b[a < b]
    slope = (cut[:, 3] - cut[:, 1]) / (cut[:, 2] - cut[:, 0])
    return np.stack([a, cut[:, 1] + slope * (a - cut[:, 0]), b, cut[:, 1] + slope * (b - cut[:, 0])], -1)


def _triangle(tip: QPointF, half: float) -> QPolygonF:
    """Pointing down."""
    return QPolygonF([tip + QPointF(-half, -1.4 * half), tip + QPointF(half, -1.4 * half), tip])


def _paint_worst(painter: QPainter, box: QRectF, reel: Reel, worst: tuple[int, ...], colours: Colours) -> None:
    for index in worst:
        x = box.left() + (reel.time_ns(index) - reel.start_ns) / max(reel.duration_ns, 1) * box.width()
        painter.setPen(QPen(QColor(colours.warning), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.warning))
        painter.drawPolygon(_triangle(QPointF(x, box.top() + 6), 4.5))


class _Legend:
    """Signs and words from left to right."""

    def __init__(self, painter: QPainter, left: float, middle: float, colours: Colours) -> None:
        self._painter, self.x, self._middle, self._colours = painter, left, middle, colours
        self._metrics = QFontMetricsF(painter.font())

    def width(self, words: str, sign: float) -> float:
        """Of one entry, with the space after it."""
        return sign + 6 + self._metrics.horizontalAdvance(words) + 2 * GAP

    def write(self, words: str, sign: float) -> QPointF:
        """The words of one entry; where its sign begins, in the middle of the line."""
        place = QPointF(self.x, self._middle)
        self._painter.setPen(QColor(self._colours.muted))
        self._painter.drawText(place + QPointF(sign + 6, self._metrics.capHeight() / 2), words)
        self.x += self.width(words, sign)
        return place


def _paint_error_legend(
    painter: QPainter, box: QRectF, errors: Errors, high: float, colours: Colours, *, worst: bool
) -> None:
    legend = _Legend(painter, box.left(), box.top() + HEADER / 2, colours)
    lines = [(errors.first_name, first_pen(colours))]
    if errors.second is not None:
        lines.append((errors.second_name, second_pen(colours)))
    for name, pen in lines:
        at = legend.write(name, 22)
        painter.setPen(pen)
        painter.drawLine(at, at + QPointF(22, 0))
    if worst:
        at = legend.write(tr("worst frames (W)"), 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.warning))
        painter.drawPolygon(_triangle(at + QPointF(4.5, 3), 4.5))
    painter.setPen(QColor(colours.muted))
    title = tr("mean error") if errors.joint is None else tr("error of the {joint}", joint=joint_word(errors.joint))
    words = tr("{title}, to {high} mm", title=title, high=f"{high:.0f}")
    right = QRectF(legend.x, box.top(), box.right() - legend.x, HEADER)
    painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)


def event_colours(colours: Colours) -> dict[EventKind, str]:
    """Of the flags above the pictures."""
    return {EventKind.MARK: colours.accent, EventKind.DROP: colours.error, EventKind.CLOCK: colours.warning}


def gap_brush(colours: Colours) -> QBrush:
    """What covers a stretch without frames."""
    return QBrush(QColor(colours.warning), Qt.BrushStyle.BDiagPattern)


_FLAGS = ((EventKind.MARK, noted("mark")), (EventKind.DROP, noted("lost frames")),
          (EventKind.CLOCK, noted("clock fault")))  # fmt: skip


def explained(reel: Reel) -> bool:
    """Whether a recording has flags or hatches to be explained."""
    return bool(reel.gaps) or any(event.kind in dict(_FLAGS) for event in reel.events)


def event_legend(painter: QPainter, right: float, middle: float, reel: Reel, colours: Colours) -> None:
    """What the flags and hatches of this recording mean, in the painter's font, ending at `right`."""
    kinds = {event.kind for event in reel.events}
    legend = _Legend(painter, 0, middle, colours)
    entries = [(kind, tr(words), 10) for kind, words in _FLAGS if kind in kinds]
    if reel.gaps:
        entries.append((EventKind.GAP, tr("gap"), 14))
    legend.x = right + 2 * GAP - sum(legend.width(words, sign) for _, words, sign in entries)
    for kind, words, sign in entries:
        at = legend.write(words, sign)
        if kind is EventKind.GAP:
            painter.fillRect(QRectF(at.x(), at.y() - 5, 14, 10), gap_brush(colours))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(event_colours(colours)[kind]))
            painter.drawPolygon(_triangle(at + QPointF(5, 4), 5))
