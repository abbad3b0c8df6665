"""The section Wearer: the profile in use, and two ways to a new one."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QRectF, QSignalBlocker, Qt, QTimer
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.labels import note, say
from app.sidebar import Section, heading
from app.theme import DARK, GAP, Colours, font
from app.translation import noted, tr
from app.wearer.presenter import Wearer, WearerScreen
from engine.motion.profile import DEFAULT_HEIGHT_M, GREATEST_HEIGHT_M, LEAST_HEIGHT_M
from engine.types import Snapshot

_RING = 12 * GAP
_REDRAW_MS = 50


class Ring(QWidget):
    """How much of the time is stood still, and the seconds that are left."""

    def __init__(self) -> None:
        super().__init__()
        self._share, self._text, self._colours = 0.0, "", DARK
        self.setFixedHeight(_RING)
        self.setAccessibleName(tr("Seconds to stand still"))

    def show_share(self, share: float, text: str) -> None:
        if (share, text) != (self._share, self._text):
            self._share, self._text = share, text
            self.setAccessibleDescription(text)
            self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = _RING - 2 * GAP
        box = QRectF((self.width() - side) / 2, GAP, side, side)
        for colour, share in ((self._colours.border, 1.0), (self._colours.accent, self._share)):
            pen = QPen(QColor(colour), GAP)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            if share > 0:
                painter.drawArc(box, 90 * 16, -round(share * 360 * 16))
        painter.setPen(QColor(self._colours.text))
        painter.setFont(font(3, strong=True))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._text)


class WearerSection(Section):
    """Draws what `Wearer` computes."""

    title, icon = noted("Wearer"), "section-wearer"

    def __init__(self, wearer: Wearer | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wearer = wearer or Wearer()
        self._add_kept()
        self.body.addSpacing(2 * GAP)
        self._add_new()
        self.body.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        self._redraw()

    def _add_kept(self) -> None:
        self.profiles = QComboBox()
        self.profiles.setFont(font())
        self.profiles.setAccessibleName(tr("Profile in use"))
        self.profiles.setToolTip(tr("Whose bone lengths the skeleton keeps"))
        self.profiles.activated.connect(lambda _: self._act(partial(self.wearer.choose, self.profiles.currentData())))
        self.about = note()
        self.about.setProperty("muted", True)
        self.name = QLineEdit()
        self.name.setFont(font(-1))
        self.name.setMaxLength(60)
        self.name.setAccessibleName(tr("Name of the profile"))
        self.name.setToolTip(tr("Type another name and press Enter"))
        self.name.returnPressed.connect(self._rename)
        self.rename = _button(tr("Rename"), tr("Give the profile in use this name"))
        self.rename.clicked.connect(self._rename)
        self.delete = _button(tr("Delete"), tr("Forget the profile in use"))
        self.delete.clicked.connect(lambda: self._act(self.wearer.delete))
        self.restore = _button("", tr("Bring back the profile that was deleted"))
        self.restore.clicked.connect(lambda: self._act(self.wearer.restore))
        self.trouble = note()
        self.trouble.setProperty("alarming", True)
        self.body.addWidget(heading(tr("In use")))
        self.body.addWidget(self.profiles)
        self.body.addWidget(self.about)
        self.body.addWidget(self.name)
        self.body.addLayout(_row(self.rename, self.delete, self.restore))
        self.body.addWidget(self.trouble)

    def _add_new(self) -> None:
        self.height_m = QDoubleSpinBox()
        self.height_m.setFont(font())
        self.height_m.setRange(LEAST_HEIGHT_M, GREATEST_HEIGHT_M)
        self.height_m.setDecimals(2)
        self.height_m.setSingleStep(0.01)
        self.height_m.setValue(DEFAULT_HEIGHT_M)
        self.height_m.setSuffix(tr(" m"))
        self.height_m.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # arrow keys and the wheel do it
        self.height_m.setAccessibleName(tr("Height of the wearer"))
        self.height_m.setToolTip(tr("From the floor to the top of the head, without shoes"))
        self.use_height = _button(tr("Use height"), tr("Make a profile of this height and of average proportions"))
        self.use_height.clicked.connect(lambda: self._act(partial(self.wearer.use_height, self.height_m.value())))
        self.scale = QCheckBox(tr("Scale to the height above"))
        self.scale.setFont(font(-1))
        self.scale.setToolTip(tr("Measure the proportions alone; the size is that of the height you entered"))
        self.height_m.valueChanged.connect(lambda: self.scale.setChecked(True))  # whoever enters it knows it
        self.measure = QPushButton(tr("Stand still for three seconds"))
        self.measure.setFont(font())
        self.measure.setProperty("primary", True)
        self.measure.setToolTip(tr("Measure the bones from what the camera sees"))
        self.measure.clicked.connect(self._measure)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setFont(font())
        self.cancel.clicked.connect(lambda: self._act(self.wearer.cancel))
        self.ring = Ring()
        self.hint = note()
        self.hint.setAccessibleName(tr("What to do"))
        self.body.addWidget(heading(tr("A new profile by height")))
        self.body.addLayout(_row(self.height_m, self.use_height))
        self.body.addSpacing(2 * GAP)
        self.body.addWidget(heading(tr("A new profile by measuring")))
        for part in (self.scale, self.measure, self.ring, self.hint):
            self.body.addWidget(part)
        self.body.addSpacing(GAP // 2)
        self.body.addWidget(self.cancel)

    def _rename(self) -> None:
        self._act(partial(self.wearer.rename, self.name.text()))

    def _measure(self) -> None:
        height_m = self.height_m.value() if self.scale.isChecked() else None
        self._act(partial(self.wearer.measure, height_m))

    def _act(self, act: Callable[[], None]) -> None:
        act()
        self._redraw()

    def look(self, snapshot: Snapshot | None) -> None:
        self._redraw()

    def _redraw(self) -> None:
        screen = self.wearer.screen
        self.show_screen(screen)
        if screen.measuring is not self._timer.isActive():
            if screen.measuring:
                self._timer.start()
            else:
                self._timer.stop()

    def show_screen(self, screen: WearerScreen) -> None:
        """Draw it; what the user is typing stays."""
        with QSignalBlocker(self.profiles):
            wanted = [("", tr("None")), *((name, name) for name in screen.names)]
            if wanted != [(self.profiles.itemData(i), self.profiles.itemText(i)) for i in range(self.profiles.count())]:
                self.profiles.clear()
                for name, text in wanted:
                    self.profiles.addItem(text, name)
            self.profiles.setCurrentIndex(self.profiles.findData(screen.used))
        if self.name.property("of") != screen.used:  # else it may be half typed
            self.name.setProperty("of", screen.used)
            self.name.setText(screen.used)
        for part in (self.name, self.rename, self.delete):
            part.setVisible(bool(screen.used))
        self.restore.setText(tr("Undo deleting {name}", name=screen.deleted))
        self.restore.setVisible(bool(screen.deleted))
        say(self.about, screen.about)
        say(self.trouble, screen.trouble)
        self._show_measuring(screen)

    def _show_measuring(self, screen: WearerScreen) -> None:
        for part, on in ((self.measure, not screen.measuring), (self.scale, not screen.measuring),
                         (self.ring, screen.measuring), (self.cancel, screen.measuring)):  # fmt: skip
            part.setVisible(on)
        self.measure.setEnabled(screen.can_measure)
        self.ring.show_share(screen.share, str(screen.seconds_left))
        say(self.hint, screen.hint, screen.tone)

    def set_colours(self, colours: Colours) -> None:
        self.ring.set_colours(colours)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setFont(font(-1))
    button.setProperty("small", True)
    button.setToolTip(tip)
    return button


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(GAP)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return row
