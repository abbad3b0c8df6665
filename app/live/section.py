"""The section Live: camera, calibration, network, runtime and filter of what is shown, and what is done with it."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QHideEvent, QShowEvent, QStandardItemModel
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from app.labels import note, say
from app.live.presenter import OTHER, Chooser, Live, LiveScreen
from app.sidebar import Section, heading
from app.theme import GAP, font
from app.translation import noted, tr
from engine.types import Snapshot

STEP = 5
"""Percent of strength that one press of a key stands for."""


class ChooserRow(QWidget):
    """A heading, the list, and what is to be said of it."""

    chosen = pyqtSignal(str)
    other = pyqtSignal()

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._tip = tip
        self.box = QComboBox()
        self.box.setFont(font())
        self.box.setAccessibleName(title)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(8)
        self.box.activated.connect(self._activated)
        self.note = note()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, GAP)
        grid.setVerticalSpacing(GAP // 2)
        grid.addWidget(heading(title), 0, 0)
        grid.addWidget(self.box, 1, 0)
        grid.addWidget(self.note, 2, 0)
        self._shown = Chooser()

    def _activated(self, row: int) -> None:
        key = self.box.itemData(row)
        self.show_chooser(self._shown)  # what holds is shown until the change has been tried
        if key == OTHER:
            self.other.emit()
        elif key != self._shown.chosen:
            self.chosen.emit(key)

    def show_chooser(self, chooser: Chooser) -> None:
        """Draw it; a list that is open stays as it is."""
        view = self.box.view()
        if view is not None and view.isVisible():
            return
        with QSignalBlocker(self.box):
            if chooser.choices != self._shown.choices:
                self.box.clear()
                for choice in chooser.choices:
                    self.box.addItem(choice.text, choice.key)
                model = self.box.model()
                assert isinstance(model, QStandardItemModel)  # a combo box makes one
                for row, choice in enumerate(chooser.choices):
                    item = model.item(row)
                    if item is not None:
                        item.setEnabled(choice.possible)
            self.box.setCurrentIndex(self.box.findData(chooser.chosen))
        self._shown = chooser
        self.box.setEnabled(not chooser.locked)
        self.box.setToolTip(chooser.locked or "\n".join(filter(None, [self._tip, self.box.currentText()])))
        say(self.note, chooser.note, chooser.tone)


class LiveSection(Section):
    """Draws what `Live` computes."""

    title, icon = noted("Live"), "section-live"
    camera_wanted = pyqtSignal(str)
    other_camera = pyqtSignal()
    calibration_file = pyqtSignal()
    weights_file = pyqtSignal()
    strength = pyqtSignal(float)
    froze = pyqtSignal(bool)
    snapped = pyqtSignal()
    booth = pyqtSignal()

    def __init__(self, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.live = live
        self.camera = ChooserRow(tr("Camera"), tr("What is shown"))
        self.lens = ChooserRow(tr("Calibration"), tr("Of this camera; a file is used from then on"))
        self.network = ChooserRow(tr("Network"), tr("What finds the joints; the one before goes on until it is ready"))
        self.runtime = ChooserRow(tr("Runtime"), tr("What runs the network; the one before goes on until it is ready"))
        for part in (self.camera, self.lens, self.network, self.runtime):
            self.body.addWidget(part)
        self._add_changing()
        self.body.addSpacing(GAP)
        self._add_filter()
        self._add_buttons()
        self.body.addStretch(1)
        self.camera.chosen.connect(self.camera_wanted)
        self.camera.other.connect(self.other_camera)
        self.lens.chosen.connect(live.choose_lens)
        self.lens.other.connect(self.calibration_file)
        self.network.chosen.connect(live.choose_network)
        self.network.other.connect(self.weights_file)
        self.runtime.chosen.connect(live.choose_runtime)
        self.look(None)

    def _add_changing(self) -> None:
        """What is being tried, how far that is, and a way to leave off."""
        self.changing = note()
        self.changing.setAccessibleName(tr("What is being made ready"))
        self.done = QProgressBar()
        self.done.setTextVisible(False)
        self.done.setFixedHeight(GAP // 2 + 2)
        self.done.setAccessibleName(tr("How far it is"))
        self.cancel = _button(tr("Cancel"), tr("Leave off; what is shown goes on as it is (Esc)"))
        self.cancel.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.cancel.clicked.connect(self._cancelled)
        self._progress = QWidget()
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self.done, 1)
        row.addWidget(self.cancel)
        self._progress.hide()
        self.body.addWidget(self.changing)
        self.body.addWidget(self._progress)

    def _cancelled(self) -> None:
        self.live.cancel()
        self.look(None)

    def _show_changing(self, screen: LiveScreen) -> None:
        say(self.changing, screen.changing, "muted")
        self._progress.setVisible(bool(screen.changing))
        self.done.setRange(0, 0 if screen.done is None and screen.changing else 1000)
        self.done.setValue(round(1000 * (screen.done or 0.0)))

    def _add_filter(self) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setSingleStep(STEP)
        self.slider.setPageStep(4 * STEP)
        self.slider.setAccessibleName(tr("Strength of the filter"))
        self.slider.setToolTip(tr("How much trembling is taken out: the more, the later what moves ([ and ])"))
        self.slider.valueChanged.connect(lambda value: self.strength.emit(value / 100))
        self.percent = QLabel()
        self.percent.setFont(font(-1))
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.percent.setFixedWidth(self.percent.fontMetrics().horizontalAdvance("100 %") + 2)
        self.lag = note()
        self.lag.setAccessibleName(tr("Delay of the filter"))
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.slider, 1)
        row.addWidget(self.percent)
        self.body.addWidget(heading(tr("Filter")))
        self.body.addLayout(row)
        self.body.addWidget(self.lag)
        self.body.addSpacing(GAP)

    def _add_buttons(self) -> None:
        self.freeze = _button(tr("Freeze"), tr("Hold the picture; recording and outputs go on (Space)"))
        self.freeze.setCheckable(True)
        self.freeze.clicked.connect(self.froze)
        self.snap = _button(tr("Snapshot"), tr("Keep what is seen as a picture, and the pose beside it (F2)"))
        self.snap.clicked.connect(self.snapped)
        self.booth_button = _button(tr("Booth mode"), tr("Full screen without controls, for visitors (F4)"))
        self.booth_button.clicked.connect(self.booth)
        grid = QGridLayout()
        grid.setSpacing(GAP)
        grid.addWidget(self.freeze, 0, 0)
        grid.addWidget(self.snap, 0, 1)
        grid.addWidget(self.booth_button, 1, 0, 1, 2)
        self.body.addLayout(grid)

    def look(self, snapshot: Snapshot | None) -> None:
        self.show_screen(self.live.screen())

    def show_screen(self, screen: LiveScreen) -> None:
        """Draw it."""
        for row, chooser in ((self.camera, screen.camera), (self.lens, screen.lens),
                             (self.network, screen.network), (self.runtime, screen.runtime)):  # fmt: skip
            row.show_chooser(chooser)
        self._show_changing(screen)
        percent = round(100 * screen.smoothing)
        if not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self.slider.setValue(percent)
        self.percent.setText(tr("{percent} %", percent=percent))
        say(self.lag, screen.lag, "muted")
        self.freeze.setChecked(screen.frozen)
        self.freeze.setEnabled(screen.live)
        for part in (self.slider, self.snap, self.booth_button):
            part.setEnabled(screen.shown)

    def showEvent(self, event: QShowEvent | None) -> None:
        self.live.enter()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent | None) -> None:
        self.live.leave()
        super().hideEvent(event)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setFont(font())
    button.setProperty("small", True)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must leave the arrow keys with the 3D view
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button
