"""Live choices as the window has them: the menu with its keys, marks over the picture, snapshots, and the booth."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QEvent, QIODevice, QObject, QTimer
from PyQt6.QtGui import QAction, QImage, QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QMenu

from app.live.booth_mode import BoothMode
from app.live.overlays import Badges, Toast
from app.live.section import STEP
from app.live.snapshot import Writing, record_of
from app.presenter import Notice, Phase, Screen
from app.theme import Colours
from app.translation import tr
from app.wording import UNCALIBRATED

if TYPE_CHECKING:
    from app.main_window import MainWindow

KEEP_MS = 500
"""A slider that has rested so long is remembered where it is."""


class LiveControls(QObject):
    """Ties the live choices to a window: made after its menus, asked at every look, closed with it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.section = window.living
        self.live = self.section.live
        self.badges, self.toast = Badges(window.view.left), Toast(window.view.left)
        for overlay in (self.badges, self.toast):  # a page that is shown comes to the front
            window.view.left.currentChanged.connect(overlay.raise_)
        self.booth = BoothMode(window, self.toast.say)
        self._writing: Writing | None = None
        self._error: Notice | None = None
        self._keep = QTimer(self)
        self._keep.setSingleShot(True)
        self._keep.timeout.connect(self._kept)
        self._build_menu()
        self._connect()
        window.installEventFilter(self)
        panel = window.view.panel
        panel.set_shown(replace(panel.shown, mirrored=window.recording.preferences.mirrored))

    def _connect(self) -> None:
        section, window = self.section, self._window
        section.camera_wanted.connect(window.open)
        section.other_camera.connect(window.choose_camera)
        section.calibration_file.connect(self.choose_calibration)
        section.weights_file.connect(self.choose_weights)
        section.strength.connect(self.set_strength)
        section.froze.connect(self.freeze)
        section.snapped.connect(self.snap)
        section.booth.connect(self.booth.toggle)
        window.view.panel.mirrored.toggled.connect(lambda on: window.remember(mirrored=on))

    # At every look

    def look(self, screen: Screen) -> Screen:
        """Follow what is shown; the screen as it is to be drawn."""
        window = self._window
        screen = self.live.look(
            window.presenter.feed, window.presenter.spec, screen, recording=window.recording.recording.active
        )
        self._poll_snapshot()
        said = self.live.notice or self._error
        if said is not None and (screen.notice is None or screen.notice.tone != "error"):
            screen = replace(screen, notice=said)
        self.freeze_action.setEnabled(self.live.live)
        self.snap_action.setEnabled(screen.phase is Phase.PICTURE)
        self.booth_action.setEnabled(self.booth.on or screen.phase is Phase.PICTURE)
        self.badges.show_texts(self._badges(screen))
        return self.booth.look(screen, time.monotonic())

    def _badges(self, screen: Screen) -> tuple[str, ...]:
        if screen.phase is not Phase.PICTURE:
            return ()
        mirrored = self._window.view.panel.shown.mirrored
        marks = (
            (screen.frozen, tr("❚❚ Frozen")),
            (mirrored, tr("Mirrored")),
            (screen.assumed_camera and screen.view is not None, tr(UNCALIBRATED)),
        )
        return tuple(text for on, text in marks if on)

    def dismiss(self, notice: Notice) -> None:
        """The user has read what the banner says."""
        self.live.dismiss(notice)
        if notice == self._error:
            self._error = None

    def set_colours(self, colours: Colours) -> None:
        for part in (self.badges, self.toast):
            part.set_colours(colours)

    def close(self, seconds: float) -> None:
        """Wait for what is under way. May be called off the GUI thread, after `stop`."""
        deadline = time.monotonic() + seconds
        if self._writing is not None:
            self._writing.join(seconds)
        self.booth.join(max(0.0, deadline - time.monotonic()))
        self.live.close(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """The window closes: keep what is still to be remembered."""
        self.booth.stop()
        if self._keep.isActive():
            self._keep.stop()
            self._kept()

    # What the user does

    def freeze(self, on: bool) -> None:
        """Hold the picture, or let it go on."""
        self.live.freeze(on)
        self.section.look(None)  # at once: a button that is a moment behind would do the opposite

    def set_strength(self, strength: float) -> None:
        """Of the filter, 0..1."""
        self.live.set_smoothing(strength)
        self.section.look(None)
        self._keep.start(KEEP_MS)

    def _turn(self, percent: int) -> None:
        feed = self._window.presenter.feed
        if feed is not None:
            strength = min(max(feed.motion.smoothing + percent / 100, 0.0), 1.0)
            self.set_strength(strength)
            self.toast.say(tr("Filter {percent} %", percent=round(100 * strength)))

    def _kept(self) -> None:
        self._window.remember(smoothing=self.live.smoothing)

    def snap(self) -> None:
        """Keep what is seen as a PNG, and the pose beside it, in the recordings folder."""
        snapshot, view = self.live.shown
        if snapshot is None or snapshot.frame is None or self._writing is not None:
            return
        self.toast.hide()  # what was said before is no part of it
        window = self._window
        image = window.view.splitter.grab().toImage()
        record = record_of(
            snapshot,
            window.presenter.feed.title if window.presenter.feed is not None else "",
            calibrated=view is not None and not view.camera.assumed,
            mirrored=window.view.panel.shown.mirrored,
        )
        self._writing = Writing(lambda: png_of(image), record, window.recording.preferences.folder)

    def _poll_snapshot(self) -> None:
        written = self._writing.poll() if self._writing is not None else None
        if written is None:
            return
        self._writing = None
        if written.error is not None:
            self._error = Notice(str(written.error), "error")
        else:
            self.toast.say(tr("Kept: {path}", path=written.path))

    def choose_calibration(self) -> None:
        """Ask for the file of the camera that is shown."""
        self._ask(tr("Calibration of this camera"), "(*.json *.yaml *.yml *.txt *.xml *.cameramodel *.npz)",
                  self.live.choose_lens)  # fmt: skip

    def choose_weights(self) -> None:
        """Ask for a network of the user's own."""
        self._ask(tr("Weights of a network"), "(*.safetensors)", self.live.choose_network)

    def _ask(self, title: str, endings: str, chosen: Callable[[str], None]) -> None:
        filters = f"{title} {endings};;{tr('All files')} (*)"
        dialog = QFileDialog(self._window, title, "", filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(chosen)
        dialog.open()

    # Keys

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """A key that a focused button takes is not a command; in the booth few are."""
        if event is None or event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        keys = QKeySequence(event.keyCombination()).toString()
        focused = QApplication.focusWidget()
        taken = keys == "Space" and isinstance(focused, QAbstractButton | QComboBox)
        if taken or self.booth.swallows(keys, repeated=event.isAutoRepeat()):
            event.accept()
            return True
        return False

    def _build_menu(self) -> None:
        bar = self._window.menuBar()
        assert bar is not None  # a QMainWindow makes one
        self.menu = QMenu(tr("&Live"), bar)
        bar.insertMenu(self._window.recording.menu.menuAction(), self.menu)
        self.freeze_action = self._add(tr("&Freeze or go on"), "Space", lambda: self.freeze(not self.live.frozen))
        self.snap_action = self._add(tr("&Snapshot"), "F2", self.snap)
        panel = self._window.view.panel
        self.mirror_action = self._add(tr("As in a &mirror"), "X", panel.mirrored.toggle)
        self.menu.addSeparator()
        self._add(tr("Filter &stronger"), "]", lambda: self._turn(STEP))
        self._add(tr("Filter &weaker"), "[", lambda: self._turn(-STEP))
        self.menu.addSeparator()
        self._add(tr("&Calibration file…"), "Ctrl+Shift+K", self.choose_calibration)
        self._add(tr("&Weights file…"), "Ctrl+Shift+W", self.choose_weights)
        self.menu.addSeparator()
        self.booth_action = self._add(tr("&Booth mode"), "F4", self.booth.toggle)
        for action in (self.freeze_action, self.snap_action, self.booth_action):
            action.setEnabled(False)

    def _add(self, text: str, key: str, call: Callable[[], object]) -> QAction:
        action = QAction(text, self._window)
        action.setShortcut(QKeySequence(key))
        action.setAutoRepeat(key in "[]")
        action.triggered.connect(lambda _checked=False: call())
        self._window.addAction(action)
        self.menu.addAction(action)
        return action


def png_of(image: QImage) -> bytes:
    """The picture compressed. On any thread."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return buffer.data().data()
