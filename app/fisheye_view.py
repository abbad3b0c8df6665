"""The picture with heatmaps and skeleton over it."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import time
from functools import lru_cache
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QRegion
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.marks import draw_mark
from app.pixels import borrowed_image
from app.shown import BONE_SIDES, JOINT_SIDES, Shown
from app.stale import paint_stale
from app.theme import DARK, GAP, Colours, font
from app.translation import tr
from calib.cv import cv2
from engine.live.meter import Durations
from engine.skeleton import BONES
from engine.types import FloatArray, Frame, ImageArray, Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calib.remap import CanonicalView

# The picture does not change with the theme, so neither do the colours on it: bright ones with a dark edge.
_ON_PICTURE = DARK
_EDGE = "#c80a0c10"
_HEAT_LONGEST = 320
"""Pixels of the longer side of the heat layer: heatmaps are coarse, so more than this is work without gain."""
_COARSE = 5
"""Pixels of the heat layer for one of the layer that tells where it is warm: less than one of a heatmap."""
_OPACITIES = 20
_OVERHANG = 14
"""Pixels around the picture that marks of joints at its edge may take."""


def _heat_table() -> NDArray[np.uint32]:
    """(256,) premultiplied ARGB: inferno, transparent where the network sees nothing, 80 % at its surest."""
    ramp = np.arange(256, dtype=np.uint8)
    # The darkest quarter is left away: it would blacken the picture around each peak.
    bright = (64 + ramp * 0.75).astype(np.uint8)
    bgr = cv2.applyColorMap(bright[:, None], cv2.COLORMAP_INFERNO)[:, 0].astype(np.float32)
    alpha = 0.8 * np.clip((ramp.astype(np.float32) / 255 - 0.06) / 0.5, 0, 1)
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.round(bgr * alpha[:, None])
    table[:, 3] = np.round(255 * alpha)
    return table.view("<u4")[:, 0].copy()


_HEAT = _heat_table()
_COLDEST = int(np.flatnonzero(_HEAT)[0])
"""The lowest level that is drawn at all."""


class Heat(NamedTuple):
    """The warm part of a layer as a QImage, which borrows the (h, w) premultiplied ARGB, and its place in the layer."""

    image: QImage
    pixels: NDArray[np.uint32]
    box: QRect


def warm_box(levels: NDArray[np.uint8], size: tuple[int, int]) -> QRect:
    """The rectangle of a layer of `size` (w, h) that holds all heat which a coarse (h', w') look at it shows.

    Heat may reach between the pixels of the coarse layer, so one of them is added all around.
    """
    rows, columns = (np.flatnonzero((levels >= _COLDEST).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return QRect()
    height, width = levels.shape
    across, down = size[0] / width, size[1] / height
    left, right = floor((columns[0] - 1) * across), ceil((columns[-1] + 2) * across)
    top, bottom = floor((rows[0] - 1) * down), ceil((rows[-1] + 2) * down)
    return QRect(left, top, right - left, bottom - top).intersected(QRect(0, 0, *size))


def heat_levels(pose: Pose, joints: frozenset[int]) -> NDArray[np.uint8]:
    """(s, s) of the canonical square: how sure the network is of the strongest chosen joint, 255 for certain."""
    strongest = np.nan_to_num(pose.heatmaps[sorted(joints)].max(axis=0))
    return np.asarray(np.clip(strongest * 255, 0, 255), np.uint8)


def heat_layer(levels: NDArray[np.uint8], view: CanonicalView, size: tuple[int, int]) -> Heat | None:
    """Heat over a picture shown at `size` (w, h): its pixels are made only where there is any; None if nowhere.

    A coarse layer tells where that is.
    """
    coarse = max(1, size[0] // _COARSE), max(1, size[1] // _COARSE)
    box = warm_box(view.spread(levels, coarse), size)
    if box.isEmpty():
        return None
    x, y, w, h = box.getRect()
    pixels = _HEAT.take(view.spread(levels, size, (slice(y, y + h), slice(x, x + w))))
    return Heat(borrowed_image(pixels, (w, h), QImage.Format.Format_ARGB32_Premultiplied), pixels, box)


def mirrored(heat: Heat, width: int) -> Heat:
    """The same as in a mirror, in a layer of this width."""
    pixels = np.ascontiguousarray(heat.pixels[:, ::-1])
    x, y, w, h = heat.box.getRect()
    box = QRect(width - x - w, y, w, h)
    return Heat(borrowed_image(pixels, (w, h), QImage.Format.Format_ARGB32_Premultiplied), pixels, box)


def shrunk(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """(H, W, 3) to a (width, height) that is not larger: averaged by a whole number, then interpolated.

    Averaging by a fraction is five times slower and looks no better.
    """
    height, width = image.shape[:2]
    whole = width // size[0]
    if whole > 1:
        image = np.asarray(cv2.resize(image, (width // whole, height // whole), interpolation=cv2.INTER_AREA), np.uint8)
    if image.shape[1::-1] == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


class FisheyeView(QWidget):
    """Draws one frame, aspect kept, and over it the pose that belongs to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 160)
        self.setAccessibleName(tr("Camera picture with the skeleton over it"))
        self._colours = DARK
        self._shown = Shown()
        self._frame: Frame | None = None
        self._pose: Pose | None = None
        self._view: CanonicalView | None = None
        self._stale: tuple[str, str] | None = None
        self._caption = ""
        self._besides: tuple[tuple[np.ndarray, bool], ...] = ()
        self.paint_times = Durations()
        # Each QImage borrows its array, so the two are kept together; the key says what they were made of.
        self._picture: tuple[object, QImage, np.ndarray] | None = None
        self._layer = QImage()
        self._heat: tuple[object, Heat | None] | None = None

    def sizeHint(self) -> QSize:
        return QSize(640, 512)

    def show_picture(self, frame: Frame | None, pose: Pose | None, view: CanonicalView | None) -> None:
        """Draw this from now on; `pose` must be that of `frame`."""
        before = self._touched()
        self._frame, self._pose, self._view = frame, pose, view
        self.update(before | self._touched())

    def show_besides(self, besides: tuple[tuple[np.ndarray, bool], ...]) -> None:
        """Other skeletons: (15, 2) pixels of the picture each, and whether it is another network's, else the truth."""
        if besides is not self._besides:
            self._besides = besides
            self.update()

    def set_caption(self, text: str) -> None:
        """Whose skeleton it is, in a corner of the picture; "" where that goes without saying."""
        if text != self._caption:
            self._caption = text
            self.update()

    def set_stale(self, text: tuple[str, str] | None) -> None:
        """Dim the picture under these two lines, since it is not live any more; None where it is."""
        if text != self._stale:
            self._stale = text
            self.update()

    def set_shown(self, shown: Shown) -> None:
        self._shown = shown
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def picture_rect(self) -> QRectF:
        """Where the picture lies in the widget; empty without a picture."""
        if self._frame is None:
            return QRectF()
        height, width = self._frame.image.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        size = width * scale, height * scale
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def _touched(self) -> QRect:
        """Where picture and marks are painted; the whole widget without a picture."""
        margin = _OVERHANG
        whole, picture = self.rect(), self.picture_rect().toAlignedRect()
        return whole if picture.isEmpty() else picture.adjusted(-margin, -margin, margin, margin) & whole

    def _whole_pixels(self, rect: QRectF) -> QRectF:
        """The same to within half a pixel of the screen: what lies on whole ones is copied, not scaled."""
        ratio = self.devicePixelRatioF()
        x, y, w, h = (round(value * ratio) for value in (rect.x(), rect.y(), rect.width(), rect.height()))
        return QRectF(x / ratio, y / ratio, w / ratio, h / ratio)

    def to_widget(self, uv: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of the picture to widget coordinates; a pixel's centre has whole-numbered coordinates."""
        rect = self.picture_rect()
        assert self._frame is not None  # callers draw a frame
        scale = rect.width() / self._frame.image.shape[1]
        placed = np.asarray((np.asarray(uv, np.float64) + 0.5) * scale + (rect.x(), rect.y()))
        if self._shown.mirrored:
            placed[..., 0] = rect.left() + rect.right() - placed[..., 0]
        return placed

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        began = time.monotonic_ns()
        painter = QPainter(self)
        rect = self._whole_pixels(self.picture_rect())
        painter.setClipRegion(QRegion(self.rect()) - QRegion(rect.toRect().adjusted(1, 1, -1, -1)))
        painter.fillRect(self.rect(), QColor(self._colours.stage))  # the bars beside the picture
        if self._frame is not None:
            painter.setClipRect(self._touched())
            painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
            painter.drawImage(rect, self._picture_image(self._frame, rect))
            if self._pose is not None and self._shown.heatmaps and self._view is not None and self._shown.joints:
                self._paint_heat(painter, self._pose, self._view, rect)
            if self._pose is not None and self._shown.skeleton:
                self._paint_skeleton(painter, self._pose, rect)
            for uv_px, other in self._besides:
                self._paint_beside(painter, uv_px, rect, other=other)
            if self._caption:
                self._paint_caption(painter, rect)
            if self._stale is not None:
                paint_stale(painter, rect, self._stale, self._colours)
        painter.end()
        self.paint_times.add(time.monotonic_ns() - began)

    def _picture_image(self, frame: Frame, rect: QRectF) -> QImage:
        """The frame as RGB32, which Qt draws fastest; made smaller by a whole number where it is shown so small."""
        height, width = frame.image.shape[:2]
        whole = max(1, int(width // (rect.width() * self.devicePixelRatioF())))
        size = width // whole, height // whole
        key = frame, size, self._shown.mirrored
        if self._picture is None or self._picture[0] != key:
            kept = self._picture[2] if self._picture is not None and self._picture[2].shape[1::-1] == size else None
            small = shrunk(frame.image, size)
            pixels = cv2.cvtColor(cv2.flip(small, 1) if self._shown.mirrored else small, cv2.COLOR_BGR2BGRA, dst=kept)
            self._picture = key, borrowed_image(pixels, size, QImage.Format.Format_RGB32), pixels
        return self._picture[1]

    def _paint_heat(self, painter: QPainter, pose: Pose, view: CanonicalView, rect: QRectF) -> None:
        """Only where there is some: most of the layer is clear, and blending it takes as long."""
        ratio = min(1.0, _HEAT_LONGEST / max(rect.width(), rect.height()))
        size = max(1, round(rect.width() * ratio)), max(1, round(rect.height() * ratio))
        key = (pose, id(view), self._shown.joints, size, self._shown.mirrored)
        if self._heat is None or self._heat[0] != key:
            layer = heat_layer(heat_levels(pose, self._shown.joints), view, size)
            self._heat = key, mirrored(layer, size[0]) if layer is not None and self._shown.mirrored else layer
        heat = self._heat[1]
        if heat is not None:
            across, down = rect.width() / size[0], rect.height() / size[1]
            x, y, w, h = heat.box.getRect()
            painter.drawImage(QRectF(rect.x() + across * x, rect.y() + down * y, across * w, down * h), heat.image)

    def _paint_caption(self, painter: QPainter, rect: QRectF) -> None:
        painter.setFont(font(0, strong=True))
        metrics = painter.fontMetrics()
        words = metrics.elidedText(self._caption, Qt.TextElideMode.ElideRight, round(rect.width()) - 4 * GAP)
        size = metrics.size(0, words)
        plate = QRectF(rect.x() + GAP, rect.y() + GAP, size.width() + 2 * GAP, size.height() + GAP)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colours.surface))
        painter.drawRoundedRect(plate, GAP / 2, GAP / 2)
        painter.setPen(QColor(self._colours.text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_beside(self, painter: QPainter, uv_px: np.ndarray, rect: QRectF, *, other: bool) -> None:
        """As the 3D view has them: the truth as a plain line, another network's dashed."""
        points = self.to_widget(uv_px)
        width = float(np.clip(rect.width() / 320, 1.2, 3.0))
        ink, line = (_ON_PICTURE.accent, [3.0, 2.0]) if other else (_ON_PICTURE.text, [])
        for colour, stroke, dashes in ((_EDGE, width * 2.2, []), (ink, width, line)):
            pen = QPen(QColor(colour), stroke, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
            if dashes:
                pen.setDashPattern(dashes)
            painter.setPen(pen)
            for parent, child in BONES:
                if np.isfinite(points[[parent, child]]).all():
                    painter.drawLine(QPointF(*points[parent]), QPointF(*points[child]))

    def _paint_skeleton(self, painter: QPainter, pose: Pose, rect: QRectF) -> None:
        """On a layer of its own: colours that see through are copied there, and blended with the picture once.

        Blended line by line they take three times as long, for Qt hands each to its threads.
        """
        uv = self.to_widget(pose.uv_px)
        shown = np.array(sorted(self._shown.joints), int)
        shown = shown[np.isfinite(uv[shown]).all(axis=1)]
        if not len(shown):
            return
        points = {joint: QPointF(x, y) for joint, (x, y) in zip(shown.tolist(), uv[shown].tolist(), strict=True)}
        width = float(np.clip(rect.width() / 170, 2.0, 6.0))
        (left, top), (right, bottom) = uv[shown].min(axis=0).tolist(), uv[shown].max(axis=0).tolist()
        reach = QRectF(left, top, right - left, bottom - top).adjusted(-_OVERHANG, -_OVERHANG, _OVERHANG, _OVERHANG)
        place = reach.toAlignedRect() & self._touched()
        ratio = self.devicePixelRatioF()
        if self._layer.size() != (room := (self.size().toSizeF() * ratio).toSize()):
            self._layer = QImage(room, QImage.Format.Format_ARGB32_Premultiplied)
            self._layer.setDevicePixelRatio(ratio)
            self._layer.fill(Qt.GlobalColor.transparent)
        canvas = QPainter(self._layer)
        canvas.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        # Between whole pixels, as at 150 %, what lies beside it is looked at too.
        canvas.fillRect(place.adjusted(-2, -2, 2, 2), Qt.GlobalColor.transparent)
        canvas.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bones(canvas, points, opacities(pose.confidence), width)
        canvas.end()
        of_layer = QRectF(place.x() * ratio, place.y() * ratio, place.width() * ratio, place.height() * ratio)
        painter.drawImage(QRectF(place), self._layer, of_layer)


def paint_bones(painter: QPainter, points: dict[int, QPointF], opacity: list[float], width: float) -> None:
    """Bones and marks of joints with dark edges; the painter copies colours, it does not blend them."""
    edges, inner = bone_lines(points, opacity)
    for lines, stroke in ((edges, width * 1.9), (inner, width)):
        for (colour, share), some in lines.items():
            # Flat ends, which Qt draws many times faster than round ones, lie under the marks.
            painter.setPen(QPen(with_alpha(colour, share), stroke, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLines(*some)
    painter.setPen(Qt.PenStyle.NoPen)
    for joint, point in points.items():
        side, share = JOINT_SIDES[joint], opacity[joint]
        for colour, radius in ((_EDGE, width * 1.75), (_ON_PICTURE.side(side), width * 1.25)):
            painter.setBrush(with_alpha(colour, share))
            draw_mark(painter, side, point, radius)


Lines = dict[tuple[str, float], list[QLineF]]
"""By colour and opacity."""


def opacities(confidence: FloatArray) -> list[float]:
    """(15,) confidence to opacities, in steps, so that bones share a pen."""
    steps = np.round(np.clip(np.nan_to_num(confidence), 0.0, 1.0) * _OPACITIES) / _OPACITIES
    return [0.15 + 0.85 * step for step in steps.tolist()]


def bone_lines(points: dict[int, QPointF], opacity: list[float]) -> tuple[Lines, Lines]:
    """The bones between the joints that are there: their dark edges, and the bones themselves."""
    edges, inner = Lines(), Lines()
    for (parent, child), side in zip(BONES, BONE_SIDES, strict=True):
        if parent in points and child in points:
            share = min(opacity[parent], opacity[child])
            line = QLineF(points[parent], points[child])
            edges.setdefault((_EDGE, share), []).append(line)
            inner.setdefault((_ON_PICTURE.side(side), share), []).append(line)
    return edges, inner


@lru_cache(maxsize=512)
def with_alpha(colour: str, share: float) -> QColor:
    """#rrggbb or #aarrggbb with a share (0..1) of its opacity."""
    made = QColor(colour)
    made.setAlphaF(made.alphaF() * share)
    return made
