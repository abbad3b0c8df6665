"""Draws a row of the camera chooser: what the camera sees, its name, and what is known of it."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPixmap
from PyQt6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.camera_watch import Seen
from app.icons import icon_pixmap
from app.replay.timeline import pixmap_of
from app.theme import DARK, GAP, Colours, font

SEEN = Qt.ItemDataRole.UserRole + 1
"""Under which a row has its camera."""
PICTURE = QSize(128, 96)
_SIGN = 4 * GAP


class CameraRows(QStyledItemDelegate):
    """The first line of an item's text is the name, the others say more."""

    def __init__(self, colours: Colours = DARK) -> None:
        super().__init__()
        self._colours = colours

    def set_colours(self, colours: Colours) -> None:
        """Draw in these from now on."""
        self._colours = colours

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        lines = 3 * QFontMetrics(font()).lineSpacing() + QFontMetrics(font(0, strong=True)).lineSpacing()
        return QSize(40 * GAP, max(PICTURE.height(), lines) + 2 * GAP)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        assert painter is not None  # Qt always gives one
        style = option.widget.style() if option.widget is not None else QApplication.style()
        assert style is not None  # there always is one
        # The row's own ground and border are the style sheet's.
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        seen: Seen = index.data(SEEN)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRect(option.rect.topLeft() + QPoint(GAP, GAP), PICTURE)
        place.moveTop(option.rect.center().y() - PICTURE.height() // 2)
        self._paint_picture(painter, QRectF(place), seen)
        words = QRect(place.right() + 2 * GAP, option.rect.top(), 0, option.rect.height())
        words.setRight(option.rect.right() - GAP)
        self._paint_words(painter, words, seen, str(index.data()).splitlines())
        painter.restore()

    def _paint_picture(self, painter: QPainter, place: QRectF, seen: Seen) -> None:
        shape = QPainterPath()
        shape.addRoundedRect(place, 6, 6)
        painter.fillPath(shape, QColor(self._colours.raised))
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        if seen.thumbnail is None:
            sign: QPixmap = icon_pixmap("camera", self._colours.muted, _SIGN, ratio)
            painter.drawPixmap(place.center().toPoint() - QPoint(_SIGN // 2, _SIGN // 2), sign)
            return
        pixmap = pixmap_of(seen.thumbnail)
        scale = max(place.width() / pixmap.width(), place.height() / pixmap.height())
        part = QRectF(0, 0, place.width() / scale, place.height() / scale)
        part.moveCenter(QRectF(pixmap.rect()).center())
        painter.setClipPath(shape)
        painter.drawPixmap(place, pixmap, part)
        painter.setClipping(False)

    def _paint_words(self, painter: QPainter, place: QRect, seen: Seen, lines: list[str]) -> None:
        c = self._colours
        known = seen.known
        inks = c.text, c.muted, c.good if known.calibration else c.warning, c.muted if known.readable else c.error
        fonts = font(0, strong=True), *[font()] * 3
        written = list(zip(lines, fonts, inks, strict=False))  # most have no fourth line
        heights = [QFontMetrics(used).lineSpacing() for _, used, _ in written]
        top = place.center().y() - sum(heights) // 2
        for (line, used, ink), height in zip(written, heights, strict=True):
            painter.setFont(used)
            painter.setPen(QColor(ink))
            shown = QFontMetrics(used).elidedText(line, Qt.TextElideMode.ElideRight, place.width())
            at = QRect(place.left(), top, place.width(), height)
            painter.drawText(at, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
            top += height
