"""The timeline: pictures, ruler, what happened, what is known, and the error below."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PyQt6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.pixels import borrowed_image
from app.replay.scale import Scale, clock, slots, tick_step_s
from app.replay.thumbnails import Thumbnails
from app.theme import DARK, GAP, Colours, font, mixed
from app.translation import tr
from calib.cv import cv2
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.types import EventKind, ImageArray

_RULER, _PICTURES, _LANE, _ERRORS = 20, 44, 10, 40
_MARGIN = 2 * GAP


def pixmap_of(image: ImageArray) -> QPixmap:
    """A copy of a (H, W, 3) BGR picture."""
    height, width = image.shape[:2]
    return QPixmap.fromImage(borrowed_image(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), (width, height),
                                            QImage.Format.Format_RGB32).copy())  # fmt: skip


class HoverCard(QFrame):
    """A larger picture of the moment under the pointer, with its time."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip)
        self.picture, self.words = QLabel(), QLabel()
        self.words.setFont(font(-1))
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP // 2, GAP // 2, GAP // 2, GAP // 2)
        column.setSpacing(2)
        column.addWidget(self.picture)
        column.addWidget(self.words)

    def show_at(self, middle: QPoint, picture: QPixmap | None, words: str) -> None:
        """Above this point of the screen."""
        self.words.setText(words)
        self.picture.setVisible(picture is not None)
        if picture is not None:
            self.picture.setPixmap(picture)
        self.adjustSize()
        self.move(middle.x() - self.width() // 2, middle.y() - self.height() - GAP)
        self.show()


class Timeline(QWidget):
    """Draws a recording from left to right; `sought` tells the frame that is dragged, clicked or keyed to."""

    sought = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._reel: Reel | None = None
        self._track: Track | None = None
        self._thumbnails: Thumbnails | None = None
        self._pixmaps: dict[int, QPixmap] = {}
        self._position = 0
        self._marked: tuple[int, int] | None = None
        self._joint: int | None = None
        self._base: tuple[object, QPixmap] = None, QPixmap()
        self._card = HoverCard(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Timeline"))

    def sizeHint(self) -> QSize:
        errors = _ERRORS + GAP // 2 if self._reel is not None and self._reel.has_truth else 0
        return QSize(40 * GAP, _RULER + _PICTURES + _LANE + errors + GAP)

    def minimumSizeHint(self) -> QSize:
        return QSize(20 * GAP, self.sizeHint().height())

    def show_recording(self, reel: Reel | None, track: Track | None, thumbnails: Thumbnails | None) -> None:
        """Draw this from now on."""
        if self._reel is reel and self._track is track and self._thumbnails is thumbnails:
            return
        self._reel, self._track, self._thumbnails = reel, track, thumbnails
        self._pixmaps, self._base = {}, (None, QPixmap())
        self._card.hide()
        self.updateGeometry()
        self.update()

    def show_moment(self, position: int, marked: tuple[int, int] | None) -> None:
        """Where the playhead is, and what lies between in and out; cheap where nothing has changed."""
        if (position, marked) != (self._position, self._marked) or self._key() != self._base[0]:
            self._position, self._marked = position, marked
            self.update()

    def show_joint(self, joint: int | None, _on: bool = False) -> None:
        """Whose error the strip draws; None for the mean of all."""
        self._joint = joint
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    @property
    def scale(self) -> Scale:
        reel = self._reel
        start, duration = (0, 0) if reel is None else (reel.start_ns, reel.duration_ns)
        return Scale(_MARGIN, self.width() - 2 * _MARGIN, start, duration)

    def x_of(self, index: int) -> float:
        """Pixels from the left, of a frame."""
        return self.scale.x(self._reel.time_ns(index)) if self._reel is not None else 0.0

    def index_of(self, x: float) -> int:
        """The frame nearest to a pixel."""
        if self._reel is None:
            return 0
        time_ns = self.scale.time_ns(x)
        at = self._reel.index_at(time_ns)
        after = min(at + 1, len(self._reel) - 1)
        return after if self._reel.time_ns(after) - time_ns < time_ns - self._reel.time_ns(at) else at

    def _key(self) -> object:
        """What the part that does not move with the playhead is made of."""
        return (
            self.size(), self.devicePixelRatioF(), self._colours.dark, self._joint, id(self._reel),
            id(self._track),
            self._track.count // 4 if self._track is not None else 0,
            self._thumbnails.count if self._thumbnails is not None else 0,
        )  # fmt: skip

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        key = self._key()
        if self._base[0] != key:
            self._base = key, self._painted()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._base[1])
        if self._reel is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_marked(painter)
            self._paint_playhead(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _painted(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(self._colours.surface))
        reel, track = self._reel, self._track
        if reel is not None and track is not None:
            painter = QPainter(pixmap)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_ruler(painter, reel)
            self._paint_pictures(painter, reel)
            self._paint_lane(painter, reel, track)
            self._paint_events(painter, reel)
            if reel.has_truth:
                self._paint_errors(painter, track)
            painter.end()
        return pixmap

    def _paint_ruler(self, painter: QPainter, reel: Reel) -> None:
        scale, seconds = self.scale, reel.duration_ns / 1e9
        painter.setFont(font(-1))
        step = tick_step_s(seconds, scale.width, 9.0 * GAP)
        metrics = QFontMetricsF(painter.font())
        for number in range(int(seconds / step) + 1):
            x = scale.x(reel.start_ns + round(number * step * 1e9))
            painter.setPen(QColor(self._colours.border))
            painter.drawLine(QPointF(x, _RULER - 5), QPointF(x, _RULER - 1))
            words = clock(number * step, 1 if step < 1 else 0)
            if x + 4 + metrics.horizontalAdvance(words) < self.width():
                painter.setPen(QColor(self._colours.muted))
                painter.drawText(QPointF(x + 4, _RULER - 6), words)

    def _paint_pictures(self, painter: QPainter, reel: Reel) -> None:
        scale = self.scale
        row = QRectF(scale.left, _RULER, scale.width, _PICTURES)
        painter.fillRect(row, QColor(self._colours.stage))
        shown = self._thumbnails.nearest(0) if self._thumbnails is not None else None
        if self._thumbnails is None or shown is None:
            return
        height, width = shown[1].shape[:2]
        each = scale.width / slots(scale.width, _PICTURES * width / height)
        for number in range(round(scale.width / each)):
            cell = QRectF(scale.left + number * each, _RULER, each, _PICTURES)
            found = self._thumbnails.nearest(reel.index_at(scale.time_ns(cell.center().x())))
            if found is not None:
                pixmap = self._pixmap(*found)
                wide = min(pixmap.height() * each / _PICTURES, pixmap.width())
                cut = QRectF((pixmap.width() - wide) / 2, 0, wide, pixmap.height())
                painter.drawPixmap(cell.adjusted(0, 0, -1, 0), pixmap, cut)

    def _pixmap(self, index: int, image: ImageArray) -> QPixmap:
        if index not in self._pixmaps:
            self._pixmaps[index] = pixmap_of(image)
        return self._pixmaps[index]

    def _paint_lane(self, painter: QPainter, reel: Reel, track: Track) -> None:
        """Which frames have a pose, the surer the stronger; those that were looked at and have none, in red."""
        scale, top = self.scale, _RULER + _PICTURES + 2
        painter.fillRect(QRectF(scale.left, top, scale.width, _LANE - 4), QColor(self._colours.raised))
        columns = max(1, int(scale.width))
        edges = np.searchsorted(reel.times_ns, reel.start_ns + np.arange(columns + 1) / columns * reel.duration_ns)
        painter.setPen(Qt.PenStyle.NoPen)
        for column in range(columns):
            first, last = int(edges[column]), max(int(edges[column + 1]), int(edges[column]) + 1)
            looked = track.known[first:last]
            if not looked.any():
                continue
            sure = track.confidence[first:last][looked]
            there = sure[np.isfinite(sure)]
            colour = (
                mixed(self._colours.raised, self._colours.accent, 0.25 + 0.75 * float(there.mean()))
                if there.size
                else QColor(self._colours.error)
            )
            painter.fillRect(QRectF(scale.left + column, top, 1.0, _LANE - 4), colour)

    def _paint_events(self, painter: QPainter, reel: Reel) -> None:
        scale, bottom = self.scale, _RULER + _PICTURES
        for begin, end in reel.gaps:
            stretch = QRectF(scale.x(begin), _RULER, max(scale.x(end) - scale.x(begin), 2.0), _PICTURES)
            ground = QColor(self._colours.stage)
            ground.setAlpha(190)
            painter.fillRect(stretch, ground)
            painter.fillRect(stretch, QBrush(QColor(self._colours.warning), Qt.BrushStyle.BDiagPattern))
        colours = {
            EventKind.MARK: self._colours.accent,
            EventKind.DROP: self._colours.error,
            EventKind.CLOCK: self._colours.warning,
        }
        for event in reel.events:
            if event.kind in colours:
                x = scale.x(event.capture_ns)
                painter.setPen(QPen(QColor(colours[event.kind]), 1.5))
                painter.drawLine(QPointF(x, _RULER), QPointF(x, bottom))
                painter.setBrush(QColor(colours[event.kind]))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawPolygon(QPolygonF([QPointF(x - 5, _RULER), QPointF(x + 5, _RULER), QPointF(x, _RULER + 7)]))

    def _errors(self, track: Track) -> np.ndarray:
        return track.mpjpe_mm() if self._joint is None else track.errors_mm[:, self._joint]

    def _paint_errors(self, painter: QPainter, track: Track) -> None:
        scale, top = self.scale, _RULER + _PICTURES + _LANE + GAP // 2
        box = QRectF(scale.left, top, scale.width, _ERRORS)
        painter.fillRect(box, QColor(self._colours.ground))
        errors = self._errors(track)
        known = errors[np.isfinite(errors)]
        painter.setFont(font(-1))
        painter.setPen(QColor(self._colours.muted))
        inner = box.adjusted(GAP // 2, 1, -GAP // 2, -1)
        if not known.size:
            words = tr("Error over time: it fills as frames are looked at")
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
            return
        high = max(50.0, float(np.percentile(known, 99)) * 1.15)
        columns = max(1, int(scale.width))
        assert self._reel is not None  # the caller checks
        at = np.minimum(((self._reel.times_ns - self._reel.start_ns) / max(self._reel.duration_ns, 1) * (columns - 1))
                        .astype(int), columns - 1)  # fmt: skip
        worst = np.full(columns, np.nan)
        np.fmax.at(worst, at, errors)
        painter.setPen(QPen(QColor(self._colours.accent), 1.3))
        run: list[QPointF] = []
        for column in np.flatnonzero(np.isfinite(worst)):
            y = box.bottom() - min(float(worst[column]) / high, 1.0) * (_ERRORS - 2)
            if run and column - (run[-1].x() - scale.left) > max(3.0, 2.5 * columns / len(errors)):
                painter.drawPolyline(QPolygonF(run))
                run = []
            run.append(QPointF(scale.left + float(column), y))
        painter.drawPolyline(QPolygonF(run))
        painter.setPen(QColor(self._colours.muted))
        words = tr("{high} mm", high=f"{high:.0f}")
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, words)

    def _paint_marked(self, painter: QPainter) -> None:
        if self._marked is None:
            return
        first, last = (self.x_of(index) for index in self._marked)
        bottom = self.height() - GAP // 2
        shade = QColor(self._colours.ground)
        shade.setAlpha(150)
        # Not over the errors, whose figures are to be read.
        painter.fillRect(QRectF(_MARGIN, _RULER, first - _MARGIN, _PICTURES + _LANE), shade)
        painter.fillRect(QRectF(last, _RULER, self.width() - _MARGIN - last, _PICTURES + _LANE), shade)
        painter.setPen(QPen(QColor(self._colours.text), 2))
        for x, inwards in ((first, 5), (last, -5)):
            painter.drawLine(QPointF(x, _RULER), QPointF(x, bottom))
            painter.drawLine(QPointF(x, _RULER), QPointF(x + inwards, _RULER))
            painter.drawLine(QPointF(x, bottom), QPointF(x + inwards, bottom))

    def _paint_playhead(self, painter: QPainter) -> None:
        x = self.x_of(self._position)
        colour = QColor(self._colours.text)
        painter.setPen(QPen(QColor(self._colours.stage), 4))
        painter.drawLine(QPointF(x, _RULER - 4), QPointF(x, self.height() - 2))
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, _RULER - 4), QPointF(x, self.height() - 2))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        tip = _RULER - 2
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, tip - 9), QPointF(x + 6, tip - 9), QPointF(x + 6, tip - 4), QPointF(x, tip + 2),
                       QPointF(x - 6, tip - 4)])
        )  # fmt: skip

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None  # Qt always gives one
        if event.button() is Qt.MouseButton.LeftButton and self._reel is not None:
            self.sought.emit(self.index_of(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None  # Qt always gives one
        if self._reel is None:
            return
        index = self.index_of(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._card.hide()
            self.sought.emit(index)
        else:
            self._hover(index)

    def _hover(self, index: int) -> None:
        reel, track = self._reel, self._track
        assert reel is not None  # the caller checks
        assert track is not None  # comes with the reel
        words = clock((reel.time_ns(index) - reel.start_ns) / 1e9)
        if track.known[index] and np.isfinite(track.errors_mm[index]).any():
            words += tr("  {error} mm", error=f"{float(np.nanmean(track.errors_mm[index])):.0f}")
        near = max(reel.duration_ns * 4 // max(self.width(), 1), 1)
        told = [e.text for e in reel.events if abs(e.capture_ns - reel.time_ns(index)) <= near]
        words = "\n".join([words, *told[:3]])
        found = self._thumbnails.nearest(index) if self._thumbnails is not None else None
        middle = self.mapToGlobal(QPoint(round(self.x_of(index)), 0))
        self._card.show_at(middle, self._pixmap(*found) if found is not None else None, words)

    def leaveEvent(self, _event: object) -> None:
        self._card.hide()

    def hideEvent(self, _event: object) -> None:
        self._card.hide()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        assert event is not None  # Qt always gives one
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
        if self._reel is not None and event.key() in steps:
            moved = self._position + steps[Qt.Key(event.key())]
            self.sought.emit(min(max(moved, 0), len(self._reel) - 1))
        else:
            super().keyPressEvent(event)
