"""The camera chooser: what is connected, with a picture of each; it follows plugging and unplugging."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.camera_watch import CameraWatch, Seen
from app.cameras import calibration_text, format_text
from app.chooser_rows import SEEN, CameraRows
from app.theme import DARK, GAP, Colours, font
from app.translation import noted, tr
from engine.capture.opening import SCHEMES

LOOK_MS = 100
LET_GO_S = 2.0
"""How long a camera whose thumbnail is being taken may hold up its opening."""
_SPEC = Qt.ItemDataRole.UserRole
NO_CAMERA = noted("No camera is connected. Plug one in: it appears here by itself.")
LOOKING = noted("Looking for cameras …")


def described(seen: Seen) -> str:
    """The text beside a thumbnail."""
    known = seen.known
    best = max(known.formats, key=lambda given: (given.size[0] * given.size[1], given.fps), default=None)
    about = " · ".join([known.camera.where, *([tr("up to {format}", format=format_text(best))] if best else [])])
    own = calibration_text(known)
    calibrated = (
        tr("Calibrated: {file}", file=own.rpartition("/")[2]) if known.calibration else tr("Not calibrated yet")
    )
    note = tr("May not be read by this user") if not known.readable else seen.why_not
    return "\n".join(filter(None, [known.camera.name, about, calibrated, note]))


class Chooser(QDialog):
    """Emits `chosen` with the spec of a camera or an address once no thumbnail is being taken, and closes."""

    chosen = pyqtSignal(str)

    def __init__(
        self,
        parent: QWidget | None = None,
        in_use: str = "",
        watch: Callable[[str], CameraWatch] = CameraWatch,
        colours: Colours = DARK,
    ) -> None:
        super().__init__(parent)
        self._rows = CameraRows(colours)
        self.setWindowTitle(tr("Open a camera"))
        self._shown: tuple[Seen, ...] | None = None
        self._waiting: tuple[str, float] | None = None
        """What was chosen, and until when it waits for the watch to let go."""
        self._build()
        self._watch = watch(in_use)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)

    def _build(self) -> None:
        self.note = QLabel(tr(LOOKING))
        self.note.setProperty("place", True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.note.setWordWrap(True)
        self.list = QListWidget()
        self.list.setItemDelegate(self._rows)
        self.list.setSpacing(GAP // 2)
        self.list.setAccessibleName(tr("Connected cameras"))
        self.list.itemActivated.connect(lambda item: self.choose(item.data(_SPEC)))
        self.list.currentItemChanged.connect(lambda *_: self._enable())
        self.address = QLineEdit()
        self.address.setPlaceholderText(tr("or a network camera: http://192.168.1.20:8080/video"))
        self.address.setClearButtonEnabled(True)
        self.address.textChanged.connect(lambda _: self._enable())
        self.open_button = QPushButton(tr("Open"))
        self.open_button.setProperty("primary", True)
        self.open_button.setDefault(True)
        self.open_button.clicked.connect(self._open)
        cancel = QPushButton(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        headline = QLabel(tr("Which camera?"))
        headline.setFont(font(2, strong=True))
        row = QHBoxLayout()
        row.addWidget(self.address, 1)
        row.addWidget(cancel)
        row.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        column.setSpacing(GAP)
        column.addWidget(headline)
        column.addWidget(self.note, 1)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        self.resize(620, 460)
        self._enable()

    def set_colours(self, colours: Colours) -> None:
        """Draw in these from now on."""
        self._rows.set_colours(colours)
        viewport = self.list.viewport()
        if viewport is not None:  # a list has one
            viewport.update()

    def choose(self, spec: str) -> None:
        """Take this one, as soon as nothing holds it."""
        if self._waiting is None:
            self._watch.stop()
            self._waiting = spec, time.monotonic() + LET_GO_S
            self.setEnabled(False)
            self._look()

    def _open(self) -> None:
        address = self.address.text().strip()
        item = self.list.currentItem()
        if address:
            self.choose(address)
        elif item is not None:
            self.choose(item.data(_SPEC))

    def _enable(self) -> None:
        address = self.address.text().strip()
        known = any(address.startswith(f"{scheme}://") for scheme in SCHEMES)
        self.open_button.setEnabled(known if address else self.list.currentItem() is not None)

    def _look(self) -> None:
        if self._waiting is not None:
            spec, until_s = self._waiting
            if not self._watch.running or time.monotonic() > until_s:
                self._timer.stop()
                self.accept()
                self.chosen.emit(spec)
            return
        seen = self._watch.seen
        if seen is not self._shown:
            self._shown = seen
            self._fill(seen or ())
        text = self._watch.error or (tr(LOOKING) if seen is None else "" if seen else tr(NO_CAMERA))
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.list.setVisible(not text)

    def _fill(self, seen: tuple[Seen, ...]) -> None:
        """Show these; the one that is selected stays so."""
        current = self.list.currentItem()
        selected = current.data(_SPEC) if current is not None else None
        self.list.clear()
        for one in seen:
            item = QListWidgetItem(described(one))
            item.setData(SEEN, one)
            item.setData(_SPEC, one.known.camera.spec)
            self.list.addItem(item)
            if one.known.camera.spec == selected or selected is None:
                selected = one.known.camera.spec
                self.list.setCurrentItem(item)
        self._enable()

    def done(self, result: int) -> None:
        """However it is closed, the watch ends."""
        self._timer.stop()
        self._watch.stop()
        super().done(result)
