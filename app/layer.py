"""A part of a drawing that seldom changes, kept as a picture."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QPainter, QPixmap


class Layer:
    """Painted from a picture of it, which is made anew where it looks different."""

    def __init__(self, *, opaque: bool = False) -> None:
        """Opaque where all of it is painted: it is copied faster, and while it changes it is painted straight away."""
        self._opaque = opaque
        self._key: object = None
        self._kept: QPixmap | None = None

    def paint(self, painter: QPainter, place: QRect, key: object, draw: Callable[[QPainter], None]) -> None:
        """`draw` paints within `place`, antialiased; what it paints depends on `key` alone."""
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        whole = key, place, ratio
        if whole != self._key:
            self._key, self._kept = whole, None
            if self._opaque:
                painter.save()
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                draw(painter)
                painter.restore()
                return
        if self._kept is None:
            self._kept = self._picture(place, ratio, draw)
        painter.drawPixmap(place.topLeft(), self._kept)

    def _picture(self, place: QRect, ratio: float, draw: Callable[[QPainter], None]) -> QPixmap:
        made = QPixmap((place.size().toSizeF() * ratio).toSize().expandedTo(QSize(1, 1)))
        made.setDevicePixelRatio(ratio)
        if not self._opaque:
            made.fill(Qt.GlobalColor.transparent)
        canvas = QPainter(made)
        canvas.setRenderHint(QPainter.RenderHint.Antialiasing)
        canvas.translate(-place.x(), -place.y())
        draw(canvas)
        canvas.end()
        return made
