"""The timeline: pictures, ruler, what happened, what is known, and the error below."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
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
from app.replay.lanes import (
    JOINT_ROWS,
    ROW,
    Errors,
    event_colours,
    event_legend,
    explained,
    gap_brush,
    paint_errors,
    paint_joints,
    paint_known,
)
from app.replay.rows import ERRORS, JOINTS, LANE, PICTURES, Rows, paint_marked, paint_playhead
from app.replay.scale import Scale, clock, slots, tick_step_s
from app.replay.thumbnails import Thumbnails
from app.shown import joint_word
from app.theme import DARK, GAP, Colours, font
from app.translation import tr
from calib.cv import cv2
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.types import ImageArray

_MARGIN = 2 * GAP
_STATES = 400
"""How often at most the lanes are drawn anew while poses are found."""


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
        self._by_joint = False
        self._second: tuple[Track | None, tuple[str, str]] = None, ("", "")
        self._base: tuple[object, QPixmap] = None, QPixmap()
        self._card = HoverCard(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Timeline"))

    def sizeHint(self) -> QSize:
        return QSize(40 * GAP, self._rows.bottom + GAP)

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

    def show_second(self, track: Track | None, names: tuple[str, str]) -> None:
        """What the second network found, if there is one, and the names of both."""
        if self._second != (track, names):
            self._second = track, names
            self.update()

    def show_joint(self, joint: int | None, _on: bool = False) -> None:
        """Whose error the strip draws; None for the mean of all."""
        self._joint = joint
        self.update()

    def show_by_joint(self, on: bool) -> None:
        """Whether there is a row for each joint's error."""
        self._by_joint = on
        self.updateGeometry()
        self.update()

    @property
    def _rows(self) -> Rows:
        return Rows(self._reel is not None and explained(self._reel), self._errors is not None, self._by_joint)

    @property
    def _errors(self) -> Errors | None:
        """None where the truth is not known."""
        if self._reel is None or self._track is None or not self._reel.has_truth:
            return None
        second, (name, second_name) = self._second
        return Errors(self._reel, self._track, name, second, second_name, self._joint)

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
            self.size(), self.devicePixelRatioF(), self._colours.dark, self._joint, self._by_joint, id(self._reel),
            self._second[1], *(self._state(track) for track in (self._track, self._second[0])),
            self._thumbnails.count if self._thumbnails is not None else 0,
        )  # fmt: skip

    @staticmethod
    def _state(track: Track | None) -> object:
        """In steps of a few frames, so that a long recording is not drawn anew for what is not seen; and the end."""
        if track is None:
            return None
        count = track.count
        return id(track), count // max(4, len(track) // _STATES), count == len(track)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        key = self._key()
        if self._base[0] != key:
            self._base = key, self._painted()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._base[1])
        if self._reel is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            rows = self._rows
            if self._marked is not None:
                first, last = (self.x_of(index) for index in self._marked)
                paint_marked(painter, rows, self.width(), first, last, self._colours)
            paint_playhead(painter, rows, self.x_of(self._position), self._colours)
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
            rows = self._rows
            known = self._box(rows.known + 2, LANE - 4)
            paint_known(painter, known, reel, track, self._colours)
            self._paint_events(painter, reel)
            if self._errors is not None:
                paint_errors(painter, self._box(rows.errors_top, ERRORS), self._errors, self._colours)
                if self._by_joint:
                    paint_joints(painter, self._box(rows.joints_top, JOINTS), self._errors, self._colours)
            painter.end()
        return pixmap

    def _box(self, top: float, height: float) -> QRectF:
        return QRectF(self.scale.left, top, self.scale.width, height)

    def _paint_ruler(self, painter: QPainter, reel: Reel) -> None:
        scale, seconds, rows = self.scale, reel.duration_ns / 1e9, self._rows
        painter.setFont(font(-1))
        if rows.told:
            event_legend(painter, self.width() - _MARGIN, rows.ruler / 2, reel, self._colours)
        step = tick_step_s(seconds, scale.width, 9.0 * GAP)
        metrics = QFontMetricsF(painter.font())
        for number in range(int(seconds / step) + 1):
            x = scale.x(reel.start_ns + round(number * step * 1e9))
            painter.setPen(QColor(self._colours.border))
            painter.drawLine(QPointF(x, rows.pictures - 5), QPointF(x, rows.pictures - 1))
            words = clock(number * step, 1 if step < 1 else 0)
            if x + 4 + metrics.horizontalAdvance(words) < self.width():
                painter.setPen(QColor(self._colours.muted))
                painter.drawText(QPointF(x + 4, rows.pictures - 6), words)

    def _paint_pictures(self, painter: QPainter, reel: Reel) -> None:
        scale, top = self.scale, self._rows.pictures
        row = self._box(top, PICTURES)
        painter.fillRect(row, QColor(self._colours.stage))
        shown = self._thumbnails.nearest(0) if self._thumbnails is not None else None
        if self._thumbnails is None or shown is None:
            return
        height, width = shown[1].shape[:2]
        each = scale.width / slots(scale.width, PICTURES * width / height)
        for number in range(round(scale.width / each)):
            cell = QRectF(scale.left + number * each, top, each, PICTURES)
            found = self._thumbnails.nearest(reel.index_at(scale.time_ns(cell.center().x())))
            if found is not None:
                pixmap = self._pixmap(*found)
                wide = min(pixmap.height() * each / PICTURES, pixmap.width())
                cut = QRectF((pixmap.width() - wide) / 2, 0, wide, pixmap.height())
                painter.drawPixmap(cell.adjusted(0, 0, -1, 0), pixmap, cut)

    def _pixmap(self, index: int, image: ImageArray) -> QPixmap:
        if index not in self._pixmaps:
            self._pixmaps[index] = pixmap_of(image)
        return self._pixmaps[index]

    def _paint_events(self, painter: QPainter, reel: Reel) -> None:
        scale, top, bottom = self.scale, self._rows.pictures, self._rows.known
        for begin, end in reel.gaps:
            stretch = QRectF(scale.x(begin), top, max(scale.x(end) - scale.x(begin), 2.0), PICTURES)
            ground = QColor(self._colours.stage)
            ground.setAlpha(190)
            painter.fillRect(stretch, ground)
            painter.fillRect(stretch, gap_brush(self._colours))
        colours = event_colours(self._colours)
        for event in reel.events:
            if event.kind in colours:
                x = scale.x(event.capture_ns)
                painter.setPen(QPen(QColor(colours[event.kind]), 1.5))
                painter.drawLine(QPointF(x, top), QPointF(x, bottom))
                painter.setBrush(QColor(colours[event.kind]))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 7)]))

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
            self._hover(index, event.position())

    def _hover(self, index: int, place: QPointF) -> None:
        reel = self._reel
        assert reel is not None  # the caller checks
        words = [clock((reel.time_ns(index) - reel.start_ns) / 1e9), *self._error_words(index, place.y())]
        time_ns = self.scale.time_ns(place.x())
        words += [tr("gap of {seconds} s", seconds=f"{(end - begin) / 1e9:.1f}")
                  for begin, end in reel.gaps if begin < time_ns < end]  # fmt: skip
        near = max(reel.duration_ns * 4 // max(self.width(), 1), 1)
        words += [e.text for e in reel.events if e.text and abs(e.capture_ns - reel.time_ns(index)) <= near][:3]
        found = self._thumbnails.nearest(index) if self._thumbnails is not None else None
        middle = self.mapToGlobal(QPoint(round(self.x_of(index)), 0))
        self._card.show_at(middle, self._pixmap(*found) if found is not None else None, "\n".join(words))

    def _error_words(self, index: int, y: float) -> list[str]:
        """The error of the networks in a frame; of the joint whose row is under the pointer."""
        errors = self._errors
        if errors is None:
            return []
        row, joint = int((y - self._rows.joints_top) // ROW), self._joint
        if self._by_joint and 0 <= row < len(JOINT_ROWS):
            joint = JOINT_ROWS[row]
        told = [joint_word(joint)] if joint is not None else []
        for track, name in ((errors.first, errors.first_name), (errors.second, errors.second_name)):
            if track is not None and track.known[index]:
                mm = track.errors_mm[index] if joint is None else track.errors_mm[index, [joint]]
                if np.isfinite(mm).any():
                    told.append(tr("{name}: {mm} mm", name=name, mm=f"{float(np.nanmean(mm)):.0f}"))
        return told

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
