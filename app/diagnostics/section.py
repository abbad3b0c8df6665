"""The section Diagnostics: figures in groups, their history, and all of it as text to copy."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication, QIcon, QPixmap
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from app.diagnostics.plot import HistoryPlot, stage_colour
from app.diagnostics.presenter import Diagnostics
from app.diagnostics.report import GROUPS, Report, Row
from app.labels import note
from app.sidebar import Section, heading
from app.theme import DARK, GAP, Colours, font
from app.translation import noted, tr
from engine.types import Snapshot

_CHIP = 9


class _Rows(QWidget):
    """A group's lines. Labels are made when there are more lines, else only their words change."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, GAP)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        self._lines: list[tuple[QLabel, QLabel, QLabel]] = []

    def show_rows(self, rows: tuple[Row, ...], chips: dict[str, QColor]) -> None:
        while len(self._lines) < len(rows):
            self._add_line()
        for number, (chip, label, value) in enumerate(self._lines):
            row = rows[number] if number < len(rows) else None
            colour = chips.get(row.stage) if row is not None else None
            for part in (label, value):
                part.setVisible(row is not None)
            chip.setVisible(colour is not None)
            if colour is not None:
                pixmap = QPixmap(_CHIP, _CHIP)
                pixmap.fill(colour)
                chip.setPixmap(pixmap)
            if row is not None:
                _say(label, row.label)
                _say(value, row.value)

    def _add_line(self) -> None:
        chip, label, value = QLabel(), QLabel(), QLabel()
        label.setProperty("muted", True)
        for part in (label, value):
            part.setFont(font(-1))
            part.setTextFormat(Qt.TextFormat.PlainText)
        value.setWordWrap(True)
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        row = len(self._lines)
        for column, part in enumerate((chip, label, value)):
            self._grid.addWidget(part, row, column)
        self._lines.append((chip, label, value))


def _say(label: QLabel, text: str) -> None:
    if label.text() != text:  # laying out anew costs more than looking
        label.setText(text)


class DiagnosticsSection(Section):
    """Draws what `Diagnostics` computes."""

    title, icon = noted("Diagnostics"), "section-diagnostics"

    def __init__(self, diagnostics: Diagnostics, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._diagnostics = diagnostics
        self._colours = DARK
        self._report: Report | None = None
        self.empty = QLabel(
            tr("Open a camera or a session: how fast each part works and what is lost stands here then.")
        )
        self.empty.setWordWrap(True)
        self.empty.setFont(font(-1))
        self.empty.setProperty("muted", True)
        self.plot = HistoryPlot()
        self.legend = note(tr("Areas: the stages below. Lines: the age, p50 thick and p95 thin."))
        self.legend.setProperty("muted", True)
        self.copy = QPushButton(tr("Copy as text"))
        self.copy.setIcon(QIcon())
        self.copy.setToolTip(tr("All figures, to paste into a message"))
        self.copy.clicked.connect(self._copy)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.plot)
        self.body.addWidget(self.legend)
        self.body.addWidget(self.copy)
        self.body.addSpacing(GAP)
        self._groups: dict[str, tuple[QLabel, _Rows]] = {}
        for key, name in GROUPS.items():
            self._groups[key] = heading(tr(name)), _Rows()
            for part in self._groups[key]:
                self.body.addWidget(part)
        self.body.addStretch(1)
        self.look(None)

    def look(self, snapshot: Snapshot | None) -> None:
        figures = snapshot.figures if snapshot is not None else None
        self.empty.setVisible(figures is None)
        self.copy.setVisible(figures is not None)
        for part in (self.plot, self.legend):
            part.setVisible(figures is not None)
        self._report = self._diagnostics.report(figures) if figures is not None else None
        groups = self._report.groups if self._report is not None else {}
        stages = [row.stage for row in groups.get("stages", ())]
        chips = {stage: stage_colour(number, self._colours) for number, stage in enumerate(stages)}
        for key, (title, rows) in self._groups.items():
            there = key in groups
            title.setVisible(there)
            rows.setVisible(there)
            if there:
                rows.show_rows(groups[key], chips)
        self.plot.show_samples(self._diagnostics.history)

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.plot.set_colours(colours)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self._report is not None:
            clipboard.setText(self._report.text())
