"""The strip of figures below the views."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from collections import deque
from math import isfinite

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.labels import ElidedLabel
from app.theme import DARK, GAP, Colours, font, mixed
from app.translation import noted, tr
from app.wording import EMPTY, STATE_WORDS, UNCALIBRATED, UNKNOWN, WIDEST, StripText

_BAR = 3
"""Height of the action's bar."""
_KEPT = 120
"""Samples in the history of the age: 30 s at four a second."""


class Spark(QWidget):
    """The age of what is shown over the last half minute: median as a line, up to the 95th percentile as a band."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._samples: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setToolTip(tr("Age over the last 30 s: median, and the 95th percentile above it"))
        self.setAccessibleName(tr("History of the age"))

    def sizeHint(self) -> QSize:
        return QSize(12 * GAP, 3 * GAP)

    def add(self, p50: float, p95: float) -> None:
        if isfinite(p50) and isfinite(p95):
            self._samples.append((p50, p95))
            self.update()

    def clear(self) -> None:
        self._samples.clear()
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = float(self.width()), float(self.height()) - 2.0
        painter.setPen(QPen(QColor(self._colours.border), 1.0))
        painter.drawLine(QPointF(0, height + 1), QPointF(width, height + 1))
        if len(self._samples) > 1:
            top = max(50.0, 1.15 * max(p95 for _, p95 in self._samples))
            start = width * (1 - (len(self._samples) - 1) / (_KEPT - 1))
            xs = [start + i * width / (_KEPT - 1) for i in range(len(self._samples))]
            low = [QPointF(x, 1 + height * (1 - p50 / top)) for x, (p50, _) in zip(xs, self._samples, strict=True)]
            high = [QPointF(x, 1 + height * (1 - p95 / top)) for x, (_, p95) in zip(xs, self._samples, strict=True)]
            painter.setPen(QPen(Qt.PenStyle.NoPen))
            painter.setBrush(mixed(self._colours.surface, self._colours.accent, 0.3))
            painter.drawPolygon(QPolygonF(low + high[::-1]))
            painter.setPen(QPen(QColor(self._colours.accent), 1.5))
            painter.drawPolyline(QPolygonF(low))
        painter.end()


class _Bar(QWidget):
    """How sure the action is; nothing before `set`."""

    def __init__(self) -> None:
        super().__init__()
        self._share: float | None = None
        self._colours = DARK
        self.setFixedHeight(_BAR)

    def set(self, share: float, colours: Colours) -> None:
        self._share, self._colours = share, colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        if self._share is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        for width, colour in ((1.0, self._colours.border), (self._share, self._colours.accent)):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(0, 0, self.width() * width, _BAR), _BAR / 2, _BAR / 2)
        painter.end()


RUNTIME_TIP = noted("Which network runs, and what runs it")
RATES_TIP = noted("Frames the source gives and poses made of them, a second")


class _Cell(QWidget):
    """A caption and a value below it."""

    def __init__(self, caption: str, tip: str, widest: str | None) -> None:
        """`widest` fixes the width; without it the cell stretches and elides."""
        super().__init__()
        self.caption = QLabel(caption)
        self.caption.setFont(font(-1))
        self.caption.setProperty("muted", True)
        # Only the action's is ever drawn; the others keep the space, so that all values lie on one line.
        self.bar = _Bar()
        self.value = ElidedLabel(font(0, strong=True), least=10 * GAP)
        self.setToolTip(tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.caption)
        column.addWidget(self.value)
        column.addWidget(self.bar)
        if widest is not None:
            advance = self.value.fontMetrics().horizontalAdvance(widest) + 4
            self.setFixedWidth(max(advance, self.caption.sizeHint().width()))

    def paint_value(self, colour: str) -> None:
        palette = self.value.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(colour))
        self.value.setPalette(palette)


class Strip(QFrame):
    """State, rates, age, skipped frames, action, network, and whether the camera is calibrated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self._colours = DARK
        self._text = EMPTY
        longest_state = max(map(tr, STATE_WORDS), key=lambda word: self.fontMetrics().horizontalAdvance(word))
        self.state = _Cell(tr("State"), tr("What the source is doing"), longest_state)
        self.rates = _Cell(tr("Frames/s in → out"), tr(RATES_TIP), WIDEST.rates)
        self.age = _Cell(tr("Age p50 / p95"), tr("From the grab of a frame to its finished pose"), WIDEST.age)
        self.spark = Spark()
        self.skipped = _Cell(
            tr("Skipped"),
            tr("Frames that a newer one replaced before they were looked at, since the start"),
            WIDEST.skipped,
        )
        self.action = _Cell(tr("Action"), tr("The likeliest action and how sure the network is of it"), None)
        self.action.setMaximumWidth(30 * GAP)
        self.runtime = _Cell(tr("Network"), tr(RUNTIME_TIP), None)
        self.camera = _Cell(
            tr("Camera"),
            tr(
                "Uncalibrated: a default stands in, so distances are approximate. "
                "`egopose calibrate` measures the camera."
            ),
            tr(UNCALIBRATED),
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GAP, GAP, 2 * GAP, GAP)
        row.setSpacing(3 * GAP)
        for cell in (self.state, self.rates, self.age, self.spark, self.skipped):
            row.addWidget(cell)
        row.addWidget(self.action, 2)
        row.addWidget(self.runtime, 3)
        row.addWidget(self.camera)
        self.set_text(EMPTY, calibrated=None)

    @property
    def text(self) -> StripText:
        return self._text

    def set_text(self, text: StripText, *, calibrated: bool | None) -> None:
        """`calibrated` is None while no camera is known."""
        self._text = text
        cells = (
            (self.state, tr(text.state)),
            (self.rates, text.rates),
            (self.age, text.age),
            (self.skipped, text.skipped),
        )
        for cell, value in (*cells, (self.action, text.action), (self.runtime, text.runtime)):
            cell.value.set_text(value)
        tones = {"good": self._colours.good, "warning": self._colours.warning, "error": self._colours.error}
        # A network without actions leaves the room to what runs it, and why.
        self.action.setVisible(text.acts)
        self.state.paint_value(tones.get(text.tone, self._colours.muted))
        self.action.bar.set(text.share, self._colours)
        self._calibrated = calibrated
        known = tr("Calibrated") if calibrated else tr(UNCALIBRATED)
        self.camera.value.set_text(UNKNOWN if calibrated is None else known)
        self.camera.paint_value(self._colours.warning if calibrated is False else self._colours.text)

    def set_delivery(self, tip: str) -> None:
        """What the camera really gives, in the rates' tool tip."""
        self.rates.setToolTip("\n".join(filter(None, [tr(RATES_TIP), tip])))

    def set_reason(self, tip: str) -> None:
        """Why it is this runtime, in the network's tool tip."""
        self.runtime.setToolTip("\n".join(filter(None, [tr(RUNTIME_TIP), tip])))

    def add_age(self, p50: float, p95: float) -> None:
        self.spark.add(p50, p95)

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.spark.set_colours(colours)
        for cell in (self.rates, self.age, self.skipped, self.action, self.runtime):
            cell.paint_value(colours.text)
        self.set_text(self._text, calibrated=self._calibrated)
