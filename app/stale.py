"""A picture that is not live any more: what is written over it, so that nobody takes it for live."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QPainter

from app.theme import Colours, font
from engine.types import Figures, StreamState

HEADLINES = {
    StreamState.STALLED: "No new picture",
    StreamState.BACKOFF: "Camera lost",
    StreamState.OPENING: "Opening the camera again",
    StreamState.FAILED: "Camera lost",
}
DIM = 0.66


def age_text(seconds: float) -> str:
    """In whole seconds, or minutes and seconds."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def stale_text(figures: Figures) -> tuple[str, str] | None:
    """Two lines over a picture that was live, None while it is."""
    headline = HEADLINES.get(figures.state)
    if headline is None or figures.silent_s <= 0:
        return None
    return headline, f"This picture is {age_text(figures.silent_s)} old"


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
