"""The 3D view: one scene, drawn by a plain widget or, where the machine has hardware OpenGL, by an OpenGL one."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import time
from dataclasses import replace
from math import radians
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QSurfaceFormat,
    QWheelEvent,
)
from PyQt6.QtOpenGLWidgets import QOpenGLWidget
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.body import Body, Floor, Style, to_display
from app.body_painter import line_pen
from app.hardware_gl import has_hardware_gl
from app.layer import Layer
from app.lens_picture import LensPicture
from app.marks import draw_mark
from app.orbit import Orbit, preset
from app.shown import JOINT_SIDES, SIDE_WORDS, Shown, Side
from app.stage import Kept, Stage, paint_stage
from app.theme import DARK, GAP, Colours, font
from app.trail import Trail
from app.translation import tr
from engine.live.meter import Durations
from engine.types import Frame, Pose

_TURN = radians(0.45)
"""Radians for each pixel of a drag."""
_STILL, _NEAR = 4, 16.0
"""Pixels: how far a click may move, and how far from a joint it may be."""
_LEGEND = 8 * GAP
"""Height of the legend's picture."""
_KEY_STEP = 24.0
"""Pixels of drag that one press of an arrow key stands for."""

if TYPE_CHECKING:
    _Base = QWidget
else:
    _Base = object


class _SkeletonView(_Base):
    """Behaviour of both widgets."""

    if TYPE_CHECKING:
        joint_clicked: pyqtBoundSignal
        """The number of the joint that was clicked."""

    def _prepare(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 200)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Skeleton in 3D"))
        self.setToolTip(
            tr("Drag to turn, Shift-drag to move, scroll to zoom, double-click to reset. Click a joint for its trail")
        )
        self._colours = DARK
        self._orbit = Orbit()
        self._floor = Floor()
        self._kept = Kept()
        self._pose: Pose | None = None
        self._ghosts: tuple[Body, ...] = ()
        self._stage = Stage(self._orbit, self._floor.shown)
        self._shown = Shown()
        self._trail = Trail()
        self._lens = LensPicture()
        self._frame: Frame | None = None
        self._last: QPointF | None = None
        self._legend = Layer()
        self.paint_times = Durations()
        self._pressed: QPointF | None = None

    @property
    def orbit(self) -> Orbit:
        return self._orbit

    def sizeHint(self) -> QSize:
        return QSize(420, 512)

    def show_pose(self, pose: Pose | None) -> None:
        """Draw this from now on."""
        if pose is self._pose:
            return
        self._pose = pose
        if pose is None:
            self._floor = Floor()
            self._trail.clear()
        elif self._shown.trail is not None:
            self._trail.add(pose.capture_ns, to_display(pose.joints_m[self._shown.trail]))
        self._update_stage()

    def show_frame(self, frame: Frame | None) -> None:
        """What the head camera carries; drawn with the next pose."""
        self._frame = frame

    def set_shown(self, shown: Shown) -> None:
        """Which joint leaves a trail, and whether the camera carries its picture."""
        if shown.trail != self._shown.trail:
            self._trail.clear()
        self._shown = shown
        self.set_orbit(self._orbit)

    def show_ghosts(self, ghosts: tuple[Body, ...]) -> None:
        """Draw these beside the pose from now on: see `app.body.ghost`."""
        if ghosts != self._ghosts:
            self._ghosts = ghosts
            self._update_stage()

    def set_orbit(self, orbit: Orbit) -> None:
        self._orbit = replace(orbit, mirrored=self._shown.mirrored)
        self._update_stage()

    def look_from(self, name: str) -> None:
        """See `app.orbit.preset`."""
        self.set_orbit(preset(name))

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def _update_stage(self) -> None:
        pose, bodies = self._pose, self._ghosts
        if pose is not None:
            joints = to_display(pose.joints_m)
            self._floor.update(joints, pose.capture_ns)
            bodies = (Body(joints, pose.confidence), *bodies)
        joint = self._shown.trail
        trail = (*self._trail.lines(), JOINT_SIDES[joint]) if joint is not None else None
        picture = self._lens.of(self._frame if self._shown.lens else None)
        self._stage = Stage(self._orbit, self._floor.shown, bodies, trail, picture)
        self.update()

    def _size(self) -> tuple[float, float]:
        return float(self.width()), float(self.height())

    def _paint(self) -> None:
        began = time.monotonic_ns()
        painter = QPainter(self)
        paint_stage(painter, self._size(), self._stage, self._colours, self._kept)
        self._paint_legend(painter)
        painter.end()
        self.paint_times.add(time.monotonic_ns() - began)

    def _paint_legend(self, painter: QPainter) -> None:
        names = tuple((body.name, body.style) for body in self._stage.bodies)
        place = QRect(0, self.height() - _LEGEND, self.width(), _LEGEND)
        self._legend.paint(painter, place, (self._colours, names), self._write_legend)
        if not self._stage.bodies:
            painter.setFont(font(-1))
            self._paint_word(
                painter, tr("The skeleton appears here"), 1.5 * GAP, 1.5 * GAP + painter.fontMetrics().ascent()
            )

    def _write_legend(self, painter: QPainter) -> None:
        painter.setFont(font(-1))
        metrics = QFontMetricsF(painter.font())
        x, y = 1.5 * GAP, self.height() - 1.5 * GAP - metrics.descent()
        for side in Side:
            painter.setPen(QPen(Qt.PenStyle.NoPen))
            painter.setBrush(QColor(self._colours.side(side)))
            draw_mark(painter, side, QPointF(x + 5, y - metrics.xHeight() / 2), 4.5)
            x = self._paint_word(painter, tr(SIDE_WORDS[side]), x + 14, y)
        scale = tr("grid {metres} m", metres="0.5")
        left = self.width() - 1.5 * GAP - metrics.horizontalAdvance(scale)
        if left > x:
            self._paint_word(painter, scale, left, y)
        self._paint_ghost_legend(painter, y - 1.5 * metrics.height())

    def _paint_ghost_legend(self, painter: QPainter, y: float) -> None:
        x = 1.5 * GAP
        for body in self._stage.bodies:
            if body.name and body.style is not Style.SOLID:
                middle = y - QFontMetricsF(painter.font()).xHeight() / 2
                painter.setPen(line_pen(body.style, self._colours))
                painter.drawLine(QPointF(x, middle), QPointF(x + 20, middle))
                x = self._paint_word(painter, body.name, x + 26, y)

    def _paint_word(self, painter: QPainter, word: str, x: float, y: float) -> float:
        """Where the next one may begin. On a ground of its own: lines of the floor would strike it out."""
        metrics = QFontMetricsF(painter.font())
        box = QRectF(x - 2, y - metrics.ascent(), metrics.horizontalAdvance(word) + 4, metrics.height())
        painter.fillRect(box, QColor(self._colours.stage))
        painter.setPen(QColor(self._colours.muted))
        painter.drawText(QPointF(x, y), word)
        return x + metrics.horizontalAdvance(word) + 1.75 * GAP

    def _drag(self, dx: float, dy: float, pan: bool) -> None:
        across = -dx if self._orbit.mirrored else dx  # what is seen follows the pointer, mirrored or not
        turned = self._orbit.panned(dx, dy, self._size()) if pan else self._orbit.orbited(across * _TURN, dy * _TURN)
        self.set_orbit(turned)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None  # Qt always gives one
        self._last = self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None  # Qt always gives one
        pressed, self._last, self._pressed = self._pressed, None, None
        still = pressed is not None and (event.position() - pressed).manhattanLength() <= _STILL
        if still and event.button() == Qt.MouseButton.LeftButton:
            joint = self.joint_at(event.position())
            if joint is not None:
                self.joint_clicked.emit(joint)

    def joint_at(self, place: QPointF) -> int | None:
        """The joint nearest to a place in the view, if one is near enough to be meant."""
        if self._pose is None:
            return None
        projected = self._orbit.project(to_display(self._pose.joints_m), self._size())
        away = np.nan_to_num(np.hypot(*(projected[:, :2] - (place.x(), place.y())).T), nan=np.inf)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= _NEAR else None

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None  # Qt always gives one
        if self._last is None:
            return
        moved = event.position() - self._last
        self._last = event.position()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag(moved.x(), moved.y(), shift or not event.buttons() & Qt.MouseButton.LeftButton)

    def mouseDoubleClickEvent(self, _event: QMouseEvent | None) -> None:
        self.set_orbit(Orbit())

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        assert event is not None  # Qt always gives one
        pixels, steps = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            delta = pixels if not pixels.isNull() else steps / 4
            self._drag(delta.x(), delta.y(), pan=True)
        else:
            amount = pixels.y() / 400 if not pixels.isNull() else steps.y() / 1200
            self.set_orbit(self._orbit.zoomed(2.0**amount))
        event.accept()

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.set_orbit(self._orbit.zoomed(1.0 + event.value()))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        assert event is not None  # Qt always gives one
        pan = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        key = event.key()
        if key in steps:
            dx, dy = steps[Qt.Key(key)]
            self._drag(dx * _KEY_STEP, dy * _KEY_STEP, pan)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_PageUp):
            self.set_orbit(self._orbit.zoomed(1.15))
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_PageDown):
            self.set_orbit(self._orbit.zoomed(1 / 1.15))
        elif key == Qt.Key.Key_Home:
            self.set_orbit(Orbit())
        else:
            super().keyPressEvent(event)


class PaintedSkeletonView(_SkeletonView, QWidget):
    """Drawn by the processor; works everywhere."""

    joint_clicked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prepare()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        self._paint()


class GLSkeletonView(_SkeletonView, QOpenGLWidget):
    """Drawn by the graphics processor, with the same painter."""

    joint_clicked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        multisampled = QSurfaceFormat()
        multisampled.setSamples(4)
        self.setFormat(multisampled)
        self._prepare()

    def paintGL(self) -> None:
        self._paint()


SkeletonView = PaintedSkeletonView | GLSkeletonView


def make_skeleton_view(parent: QWidget | None = None) -> SkeletonView:
    """The faster of the two on this machine."""
    return GLSkeletonView(parent) if has_hardware_gl() else PaintedSkeletonView(parent)
