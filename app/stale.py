"""A picture that is not live any more: what is written over it, so that nobody takes it for live."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter

from app.theme import GAP, Colours, font
from app.translation import noted, tr
from engine.types import Figures, StreamState

HEADLINES = {
    StreamState.STALLED: noted("No new picture"),
    StreamState.BACKOFF: noted("Camera lost"),
    StreamState.OPENING: noted("Opening the camera again"),
    StreamState.FAILED: noted("Camera lost"),
}
DIM = 0.66


def age_text(seconds: float) -> str:
    """In whole seconds, or minutes and seconds."""
    whole = int(seconds)
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=f"{whole % 60:02d}")


def stale_text(figures: Figures) -> tuple[str, str] | None:
    """Two lines over a picture that was live, None while it is."""
    headline = HEADLINES.get(figures.state)
    if headline is None or figures.silent_s <= 0:
        return None
    return tr(headline), tr("This picture is {age} old", age=age_text(figures.silent_s))


def paint_stale(painter: QPainter, rect: QRectF, text: tuple[str, str], colours: Colours) -> None:
    """Dim what is there, and write over it."""
    ground = QColor(colours.stage)
    ground.setAlphaF(DIM)
    painter.fillRect(rect, ground)
    middle, (headline, age) = rect.center(), text
    lines = ((headline, font(3, strong=True), colours.warning), (age, font(1), colours.text))
    sizes = [QFontMetricsF(used).size(0, words) for words, used, _ in lines]
    width, heights = max(size.width() for size in sizes), [1.3 * size.height() for size in sizes]
    # On a ground of its own: the picture may be black behind dark words, or white behind bright ones.
    plate = QRectF(0, 0, width + 4 * GAP, sum(heights) + 2 * GAP)
    plate.moveCenter(middle)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.surface))
    painter.drawRoundedRect(plate, GAP, GAP)
    top = plate.top() + GAP
    for (words, used, colour), height in zip(lines, heights, strict=True):
        painter.setFont(used)
        painter.setPen(QColor(colour))
        painter.drawText(QRectF(plate.left(), top, plate.width(), height), Qt.AlignmentFlag.AlignCenter, words)
        top += height
