"""The second page of the calibration: the picture, what is covered, how good it is, and saving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QRectF, Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.calibration import paint
from app.calibration.board_view import BoardView
from app.calibration.chart import Chart
from app.calibration.coverage import border_line
from app.calibration.look import Look
from app.calibration.models import LABELS
from app.calibration.views import ENOUGH_TO_SOLVE
from app.labels import ElidedLabel
from app.theme import GAP, Colours, font
from app.translation import tr
from calib.calibrate import Result

_NARROW = 12 * GAP
_AFTER = f"Shown after the first solve, from {ENOUGH_TO_SOLVE} views on."


@dataclass(frozen=True, slots=True)
class _Line:
    """A view as the list shows it."""

    name: str
    used: bool
    text: str


class Workbench(QWidget):
    """Draws a `Look`; tells by signals what the user wants."""

    struck = pyqtSignal(str, bool)
    """(view, used)."""
    automatic = pyqtSignal(bool)
    take = pyqtSignal()
    skip = pyqtSignal()
    save = pyqtSignal()
    cancel = pyqtSignal()
    back = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[_Line, ...] = ()
        self.picture = BoardView()
        self.say = QLabel()
        self.say.setFont(font(1, strong=True))
        self.say.setWordWrap(True)
        self.say.setMinimumHeight(5 * GAP)
        self.coverage = Chart("Coverage", "Shown with the first picture.")
        self.sigma = Chart("Projection uncertainty", _AFTER)
        self.arrows = Chart("Residual arrows", _AFTER)
        self.histogram, self.bars = Chart("Histogram of errors", _AFTER), Chart("Error of each view", _AFTER)
        self.figures = ElidedLabel(font())
        self.views = QListWidget()
        self.views.setAccessibleName(tr("Views"))
        self.views.setToolTip(tr("Space strikes a view out, or puts it back"))
        self.views.itemChanged.connect(self._item_changed)
        self.auto_box = self._check(tr("Take by itself"), tr("When the board is still and the view is new (A)"), True)
        self.auto_box.toggled.connect(self.automatic)
        self.flat_box = self._check(tr("Undistorted"), tr("As a perspective camera would see it (U)"), False)
        self.flat_box.toggled.connect(self.picture.set_undistorted)
        self.take_button = self._button(tr("Take view"), tr("Take what is seen now (T)"), self.take)
        self.skip_button = self._button(tr("Another place"), tr("Suggest somewhere else (N)"), self.skip)
        self.back_button = self._button(tr("Back"), tr("Leave the views and choose again (Esc)"), self.back)
        self.model = QComboBox()
        self.model.setAccessibleName(tr("Lens model"))
        for name, label in LABELS.items():
            self.model.addItem(label, name)
        self.model.setToolTip(tr("Solved for when saving: all models compete, or one is asked for"))
        self.model.setMinimumWidth(_NARROW)  # they give way where there is little room
        self.target = QComboBox()
        self.target.setAccessibleName(tr("Camera that uses the file"))
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.target.setMinimumWidth(_NARROW)
        self.target.setMaximumWidth(28 * GAP)
        self.save_button = self._button(
            tr("Save camera…"), tr("Compare the models, then write the file (Ctrl+S)"), self.save
        )
        self.save_button.setProperty("primary", True)
        self.doing = ElidedLabel(font(-1), least=18 * GAP)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(16 * GAP, 6)
        self.cancel_button = self._button(tr("Cancel"), tr("Leave off"), self.cancel)
        self._lay_out()

    def _lay_out(self) -> None:
        errors = QWidget()
        stack = QVBoxLayout(errors)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(0)
        stack.addWidget(self.histogram, 1)
        stack.addWidget(self.bars, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        bar = self.tabs.tabBar()
        if bar is not None:  # a QTabWidget makes one
            bar.setDrawBase(False)
        pages: tuple[tuple[QWidget, str], ...] = (
            (self.coverage, "&Coverage"),
            (self.sigma, "U&ncertainty"),
            (self.arrows, "&Residuals"),
            (errors, "&Errors"),
        )
        for page, label in pages:
            self.tabs.addTab(page, label)
        side = QFrame()
        side.setProperty("panel", True)
        column = QVBoxLayout(side)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.setSpacing(GAP)
        column.addWidget(self.tabs, 3)
        column.addWidget(self.figures)
        column.addWidget(self.views, 2)
        left = QFrame()
        left.setProperty("panel", True)
        above = QVBoxLayout(left)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(0)
        line = QHBoxLayout()
        line.setContentsMargins(2 * GAP, GAP, 2 * GAP, GAP)
        line.setSpacing(GAP)
        line.addWidget(self.say, 1)
        for widget in (self.doing, self.bar, self.cancel_button):
            line.addWidget(widget)
        above.addLayout(line)
        above.addWidget(self.picture, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(side)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(3)
        self.splitter.setSizes([800, 420])
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(1)
        whole.addWidget(self.splitter, 1)
        whole.addWidget(self._foot())

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setProperty("panel", True)
        row = QHBoxLayout(foot)
        row.setContentsMargins(2 * GAP, GAP, 2 * GAP, GAP)
        row.setSpacing(GAP + GAP // 2)
        left: tuple[QWidget, ...] = (
            self.back_button, self.auto_box, self.take_button, self.skip_button, self.flat_box,
        )  # fmt: skip
        right: tuple[QWidget, ...] = (self.model, self.target, self.save_button)
        for widget in left:
            row.addWidget(widget)
        row.addStretch(1)
        for widget in right:
            row.addWidget(widget)
        return foot

    def show_targets(self, targets: list[tuple[str, str]]) -> None:
        """(source id, label) of the cameras the file can be remembered for; the first is chosen."""
        if [self.target.itemData(i) for i in range(self.target.count())] == [one for one, _ in targets]:
            return
        self.target.clear()
        for source_id, label in targets:
            self.target.addItem(label, source_id)
        self.target.setToolTip(tr("The camera that uses the saved file from then on"))

    def show_look(self, look: Look, live: bool) -> None:
        """Draw a moment; what has not changed is not painted again."""
        self.picture.show_look(look)
        said = tr("Saved: {file}", file=look.saved) if look.saved is not None else look.say
        if said != self.say.text():
            self.say.setText(said)
        for widget in (self.auto_box, self.take_button, self.skip_button):
            widget.setVisible(live)
        self._show_charts(look)
        self._show_views(look)
        busy = bool(look.doing.what)
        self.doing.set_text(look.doing.what)
        self.bar.setVisible(busy)
        self.doing.setVisible(busy)
        self.bar.setRange(0, 0 if look.doing.part is None else 1000)
        self.bar.setValue(round(1000 * (look.doing.part or 0.0)))
        self.cancel_button.setVisible(look.doing.final)
        self.save_button.setEnabled(look.result is not None and not look.doing.final)
        self.flat_box.setEnabled(look.result is not None)

    def _show_charts(self, look: Look) -> None:
        coverage, suggestion, result = look.coverage, look.suggestion, look.result
        target = suggestion.cell if suggestion is not None else None

        def cover(painter: QPainter, rect: QRectF, colours: Colours) -> None:
            assert coverage is not None  # only drawn with one
            paint.paint_coverage(painter, rect, coverage, colours, target)

        self.coverage.show_drawing((coverage, target), None if coverage is None else cover)
        for chart, draw in (
            (self.sigma, _sigma),
            (self.arrows, _arrows),
            (self.histogram, _histogram),
            (self.bars, _bars),
        ):
            drawn = None if result is None else (lambda p, r, c, draw=draw, result=result: draw(p, r, c, result))
            chart.show_drawing((result,), drawn)
        if result is not None:
            held = tr(", held out {error} px", error=f"{result.held_out:.3f}") if np.isfinite(result.held_out) else ""
            self.figures.set_text(
                tr(
                    "{n} view, error {rms} px RMS{held}",
                    "{n} views, error {rms} px RMS{held}",
                    n=len(result.used_views),
                    rms=f"{result.rms:.3f}",
                    held=held,
                )
            )
        else:
            used = sum(one.used for one in look.taken)
            few = tr("{used} of the {all} views that the first solve needs", used=used, all=ENOUGH_TO_SOLVE)
            self.figures.set_text(few if used < ENOUGH_TO_SOLVE else tr("{n} view", "{n} views", n=used))

    def _show_views(self, look: Look) -> None:
        told = {view.name: view for view in look.result.views} if look.result is not None else {}
        lines = []
        for one in look.taken:
            view = told.get(one.name)
            figure = f"{view.rms:.3f} px" if view is not None and view.points else "left out" if view else "–"  # noqa: RUF001
            lines.append(_Line(one.name, one.used, f"{one.name}   {figure if one.used else 'struck out'}"))
        if tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        self.views.blockSignals(True)
        for row, line in enumerate(lines):
            item = self.views.item(row)
            if item is None:
                item = QListWidgetItem()
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                self.views.addItem(item)
                self.views.scrollToItem(item)
            item.setText(line.text)
            item.setData(Qt.ItemDataRole.UserRole, line.name)
            item.setCheckState(Qt.CheckState.Checked if line.used else Qt.CheckState.Unchecked)
            shown = self.views.font()
            shown.setStrikeOut(not line.used)
            item.setFont(shown)
        while self.views.count() > len(lines):
            self.views.takeItem(self.views.count() - 1)
        self.views.blockSignals(False)

    def _item_changed(self, item: QListWidgetItem) -> None:
        self.struck.emit(item.data(Qt.ItemDataRole.UserRole), item.checkState() is Qt.CheckState.Checked)

    def set_colours(self, colours: Colours) -> None:
        for part in (self.picture, self.coverage, self.sigma, self.arrows, self.histogram, self.bars):
            part.set_colours(colours)

    @staticmethod
    def _check(text: str, tip: str, on: bool) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.setChecked(on)
        return box

    @staticmethod
    def _button(text: str, tip: str, signal: pyqtBoundSignal) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: signal.emit())
        return button


def _sigma(painter: QPainter, rect: QRectF, colours: Colours, result: Result) -> None:
    camera = result.calibration
    border = border_line(camera.model, 0.999 * camera.valid_angle)
    paint.paint_sigma(painter, rect, result.sigma_map, camera.size, colours, border)


def _arrows(painter: QPainter, rect: QRectF, colours: Colours, result: Result) -> None:
    paint.paint_arrows(painter, rect, result.pixels, result.residuals, result.calibration.size, colours)


def _histogram(painter: QPainter, rect: QRectF, colours: Colours, result: Result) -> None:
    paint.paint_histogram(painter, rect, np.hypot(*result.residuals.T), result.rms, colours)


def _bars(painter: QPainter, rect: QRectF, colours: Colours, result: Result) -> None:
    paint.paint_view_bars(painter, rect, [view.rms for view in result.used_views], result.rms, colours)
