"""What is written in a window, in which ink and on which ground, as it was really painted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, QRect, QRectF
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPixmap
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QTabBar,
    QWidget,
)

from app.pixels import bgr_of
from app.theme import contrast


@dataclass(frozen=True)
class Written:
    """A text, where it is in the window, and its ink where that is known."""

    text: str
    place: QRect
    """Null where it goes into a picture that is kept."""
    ink: str = ""


def _of_widget(widget: QWidget) -> str:
    if isinstance(widget, QLineEdit):
        return widget.text() or widget.placeholderText()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QLabel | QAbstractButton | QAbstractSpinBox):
        return widget.text()
    return widget.tabText(0) if isinstance(widget, QTabBar) else ""


def of_widgets(window: QWidget) -> list[Written]:
    """What Qt's own widgets say, where they are seen."""
    found = []
    for widget in window.findChildren(QWidget):
        text = _of_widget(widget).strip()
        seen = widget.visibleRegion().boundingRect()
        if (
            text
            and widget.window() is window
            and widget.isVisible()
            and not seen.isEmpty()
            and seen.height() >= widget.height() - 1
        ):
            inner = seen.adjusted(2, 2, -2, -2)
            found.append(Written(text, QRect(widget.mapTo(window, inner.topLeft()), inner.size())))
    return found


@contextmanager
def of_painters(window: QWidget, found: list[Written]) -> Iterator[None]:
    """Collects what the program's own painters write into the window meanwhile."""
    plain = QPainter.drawText
    kept = QPainter.__dict__["drawText"]  # what binds it to a painter

    def drawn(painter: QPainter, *words: object) -> object:
        device, text = painter.device(), str(words[-1])
        ink = painter.pen().color().name()
        if isinstance(device, QPixmap | QImage) and text.strip():
            found.append(Written(text, QRect(), ink))
        elif isinstance(device, QWidget) and text.strip() and device.window() is window:
            box = _box(painter, words)
            place = painter.worldTransform().mapRect(box).toAlignedRect() & device.rect()
            offset = device.mapTo(window, QPoint(0, 0))
            found.append(Written(text, place.translated(offset), ink))
        return plain(painter, *words)

    QPainter.drawText = drawn  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        QPainter.drawText = kept


def _box(painter: QPainter, words: tuple[object, ...]) -> QRectF:
    metrics, text = QFontMetricsF(painter.font()), str(words[-1])
    first = words[0]
    if isinstance(first, QPointF | QPoint):
        return metrics.boundingRect(text).translated(QPointF(first))
    if (isinstance(first, QRectF | QRect) and isinstance(words[1], int)) or hasattr(words[1], "value"):
        flags = words[1] if isinstance(words[1], int) else int(words[1].value)  # type: ignore[attr-defined]
        return metrics.boundingRect(QRectF(first), flags, text)  # type: ignore[arg-type]
    return QRectF(first)  # type: ignore[arg-type]


def poor(picture: QPixmap, written: list[Written], grounds: tuple[str, ...], least: float = 4.5) -> list[str]:
    """Texts with less contrast to their ground: of the ink, or of what differs most from the ground.

    What is kept in a picture before it comes into the window has to be read on each of `grounds`.
    """
    pixels = bgr_of(picture.toImage().convertToFormat(QImage.Format.Format_RGB32))
    wrong = []
    for one in written:
        if one.place.isNull():
            wrong += [f"{one.text!r} on {ground}" for ground in grounds if contrast(one.ink, ground) < least]
            continue
        x, y, w, h = one.place.getRect()
        part = pixels[max(y, 0) : y + h, max(x, 0) : x + w].reshape(-1, 3)
        if not len(part):
            continue
        colours, counts = np.unique(part, axis=0, return_counts=True)
        names = [QColor(*colour[::-1].tolist()).name() for colour in colours]
        ground = names[int(counts.argmax())]
        ratio = contrast(one.ink, ground) if one.ink else max(contrast(name, ground) for name in names)
        if ratio < least:
            wrong.append(f"{one.text!r} at {x}, {y}: {ratio:.2f} on {ground}")
    return wrong
