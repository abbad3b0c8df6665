"""The history of the stages and the age, painted plainly.

pyqtgraph's plot takes half as long again to paint, 0.1 s of the GUI's time to import, and changes what happens when a
slot raises; zooming into two minutes of history is not worth that.
"""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.diagnostics.presenter import HISTORY_S, SAMPLE_S, Sample
from app.theme import DARK, GAP, Colours, font, mixed
from app.translation import tr

_BREAK_S = 3 * SAMPLE_S
"""Samples further apart are not joined."""
_NICE = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


def stage_colour(number: int, colours: Colours) -> QColor:
    """Of the so-manieth stage, softened towards the ground."""
    return mixed(colours.series[number % len(colours.series)], colours.surface, 0.25)


def top_of(samples: Sequence[Sample]) -> float:
    """A round number of milliseconds that the plot reaches to."""
    highest = max((max(s.age_p95, sum(s.stages.values())) for s in samples), default=0.0)
    return next((nice for nice in _NICE if nice >= highest), highest)


class HistoryPlot(QWidget):
    """The median of each stage, stacked; over them the age, median and 95th percentile."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self._samples: list[Sample] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("History of stages and age"))
        self.setToolTip(
            tr("The last two minutes: each stage's median as an area, the age's median and 95th percentile as lines")
        )

    def sizeHint(self) -> QSize:
        return QSize(20 * GAP, 15 * GAP)

    def show_samples(self, samples: Sequence[Sample]) -> None:
        """Paint these, unless they are those that are painted."""
        if list(samples) != self._samples:
            self._samples = list(samples)
            self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(-1))
        line = painter.fontMetrics().height()
        area = QRectF(0, line / 2, self.width() - 1.0, self.height() - 1.5 * line - 2)
        top = top_of(self._samples)
        self._paint_axes(painter, area)
        for run in _runs(self._samples):
            self._paint_run(painter, area, top, run)
        self._paint_scale(painter, area, top)
        painter.end()

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QPen(QColor(self._colours.border), 1.0))
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(QColor(self._colours.muted))
        below = QRectF(area.left(), area.bottom() + 2, area.width(), painter.fontMetrics().height())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, tr("2 min ago"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, tr("now"))
        if not self._samples:
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, tr("The history appears here"))

    def _paint_scale(self, painter: QPainter, area: QRectF, top: float) -> None:
        """Over the curves, on a ground of its own, so that it can always be read."""
        metrics = painter.fontMetrics()
        for share in (0.5, 1.0) if self._samples else ():
            text = tr("{value} ms", value=f"{share * top:.0f}")
            y = area.bottom() - share * area.height()
            place = QRectF(area.left(), y + 1, metrics.horizontalAdvance(text) + 4.0, metrics.height())
            painter.fillRect(place, QColor(self._colours.surface))
            painter.setPen(QColor(self._colours.muted))
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft, text)

    def _paint_run(self, painter: QPainter, area: QRectF, top: float, run: list[Sample]) -> None:
        newest = self._samples[-1].at_s
        xs = [area.right() - area.width() * (newest - sample.at_s) / HISTORY_S for sample in run]

        def points(values: list[float]) -> list[QPointF]:
            return [
                QPointF(x, area.bottom() - area.height() * min(v / top, 1.0)) for x, v in zip(xs, values, strict=True)
            ]

        below = [0.0] * len(run)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        for number, name in enumerate(run[-1].stages):
            above = [low + sample.stages.get(name, 0.0) for low, sample in zip(below, run, strict=True)]
            painter.setBrush(stage_colour(number, self._colours))
            painter.drawPolygon(QPolygonF(points(below) + points(above)[::-1]))
            below = above
        for values, width in (([s.age_p95 for s in run], 1.0), ([s.age_p50 for s in run], 1.8)):
            painter.setPen(QPen(QColor(self._colours.text), width))
            painter.drawPolyline(QPolygonF(points(values)))


def _runs(samples: list[Sample]) -> list[list[Sample]]:
    """Samples that follow each other without a gap."""
    runs: list[list[Sample]] = [samples[:1]] if samples else []
    for before, sample in pairwise(samples):
        if sample.at_s - before.at_s > _BREAK_S:
            runs.append([])
        runs[-1].append(sample)
    return runs
