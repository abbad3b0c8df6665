"""A picture that is not live any more: what is written over it, so that nobody takes it for live."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QPainter

from app.theme import Colours, font
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
    for words, step, colour, above in ((headline, 3, colours.warning, True), (age, 1, colours.text, False)):
        painter.setFont(font(step, strong=above))
        painter.setPen(QColor(colour))
        height = painter.fontMetrics().height() * 1.3
        line = QRectF(rect.left(), middle.y() - height if above else middle.y(), rect.width(), height)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)
