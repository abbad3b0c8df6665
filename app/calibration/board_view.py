"""The camera's picture with the found corners, and a ghost of the board where it should go next."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QWidget

from app.calibration.look import Look
from app.calibration.undistort import Undistorter
from app.fisheye_view import FisheyeView
from app.theme import DARK
from app.translation import tr
from calib.calibration import Calibration
from calib.models.base import Array
from engine.types import Frame

_EDGE = QColor(10, 12, 16, 190)


class BoardView(FisheyeView):
    """Draws a `Look`; with `undistorted` the picture as a perspective camera would see it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Camera picture with the found board"))
        self._look: Look | None = None
        self._undistorted = False
        self._undistorter: Undistorter | None = None
        self._flat: tuple[Frame, Frame] | None = None

    def show_look(self, look: Look) -> None:
        """Draw this from now on."""
        self._look = look
        self.show_picture(self._shown_frame(look), None, None)

    def set_undistorted(self, on: bool) -> None:
        """Choose which picture is shown; there is a perspective one only after the first solve."""
        self._undistorted = on
        if self._look is not None:
            self.show_look(self._look)

    def _shown_frame(self, look: Look) -> Frame | None:
        frame = look.frame
        if not self._undistorted or look.result is None or frame is None:
            return frame
        camera = look.result.calibration
        if self._undistorter is None or self._undistorter.camera is not camera:
            self._undistorter, self._flat = Undistorter(camera, self._flat_size(camera)), None
        if self._flat is None or self._flat[0] is not frame:
            flat = self._undistorter.image(frame.image)
            self._flat = frame, Frame(flat, frame.seq, frame.capture_ns, frame.source_id)
        return self._flat[1]

    @staticmethod
    def _flat_size(camera: Calibration) -> tuple[int, int]:
        width = min(960, camera.size[0])
        return width, round(width * camera.size[1] / camera.size[0])

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        look = self._look
        if look is None or look.frame is None or (self._undistorted and look.result is not None):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self.picture_rect())
        if look.suggestion is not None:
            self._paint_ghost(painter, look.suggestion.outlines)
        if look.sighting is not None and look.sighting.detection is not None:
            self._paint_corners(painter, look.sighting.detection.pixels, look.still)
        painter.end()

    def _paint_ghost(self, painter: QPainter, outlines: tuple[Array, ...]) -> None:
        for number, line in enumerate(outlines):
            if len(line) < 2:
                continue
            points = _points(self.to_widget(line))
            if number == 0:
                fill = QColor(DARK.warning)
                fill.setAlpha(34)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(fill)
                painter.drawPolygon(points)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            colour = QColor(DARK.warning)
            colour.setAlpha(255 if number == 0 else 90)
            for pen in (QPen(_EDGE, 4.5 if number == 0 else 0.0), QPen(colour, 2.2 if number == 0 else 1.0)):
                if pen.widthF() > 0:
                    painter.setPen(pen)
                    painter.drawPolyline(points)

    def _paint_corners(self, painter: QPainter, pixels: Array, still: float) -> None:
        points = self.to_widget(pixels)
        radius = float(np.clip(self.picture_rect().width() / 260, 2.0, 4.5))
        painter.setPen(QPen(_EDGE, 1.2))
        for i, point in enumerate(QPointF(*pair) for pair in points.tolist()):
            # The first point is marked, so that a board that is turned round is seen to be.
            painter.setBrush(QColor(DARK.error if i == 0 else DARK.accent))
            painter.drawEllipse(point, radius * (1.5 if i == 0 else 1.0), radius * (1.5 if i == 0 else 1.0))
        if still <= 0.0:
            return
        centre = points.mean(0)
        ring = QRectF(centre[0] - 22, centre[1] - 22, 44, 44)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_EDGE, 9.0))
        painter.drawEllipse(ring)
        painter.setPen(QPen(QColor(DARK.good), 5.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawArc(ring, 90 * 16, round(-360 * 16 * still))


def _points(line: Array) -> QPolygonF:
    return QPolygonF([QPointF(*point) for point in line.tolist()])
