"""Recording as the window has it: the bar, the menu with its keys, and the banner's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QUrl
from PyQt6.QtGui import QAction, QDesktopServices, QKeySequence
from PyQt6.QtWidgets import QFileDialog, QMenu

from app.preferences import change_preferences, load_preferences
from app.presenter import Notice, Screen
from app.recording.bar import RecordBar
from app.recording.leftovers import RECOVER, Leftovers
from app.recording.presenter import CLOSE_S, REPLAY, SHOW, Recording, RecordingPresenter
from app.translation import tr
from engine.errors import EgoposeError
from engine.live.recorder import RecorderSettings
from engine.session.writer import Pictures

if TYPE_CHECKING:
    from app.main_window import MainWindow


class RecordControls(QObject):
    """Ties the recording to a window: made after its menus, asked at every look, closed with it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.preferences = load_preferences()
        self.recording = RecordingPresenter(lambda: self.preferences.folder, self._settings, window.diagnostics.record)
        self.leftovers = Leftovers((REPLAY, SHOW))
        self.bar = RecordBar()
        self.bar.toggled.connect(self.toggle)
        self.bar.marked.connect(self.mark)
        self._said: Notice | None = None
        self._build_menu()
        window.banner.chosen.connect(self._choose)

    def begin(self) -> None:
        """The window is shown: look for what a crash has left."""
        self.leftovers.search(self.preferences.folder)

    def toggle(self) -> None:
        """Record, or stop."""
        self.recording.toggle(self._window.presenter.feed)

    def stop(self) -> None:
        """What is recorded goes away."""
        self.recording.stop()

    def mark(self) -> None:
        """Mark this moment."""
        self.recording.mark()

    def look(self, screen: Screen) -> Screen:
        """Show how it goes; the screen with what there is to say about it."""
        state = screen.snapshot.figures.state if screen.snapshot is not None else None
        shown = self.recording.look(self._window.presenter.feed, state)
        self.bar.show_screen(shown)
        running = shown.state is Recording.RUNNING
        self.record_action.setText(tr("&Stop recording") if running else tr("&Record"))
        self.record_action.setEnabled(running or shown.possible)
        self.mark_action.setEnabled(running)
        self._said = shown.notice or self.leftovers.notice()
        return screen if screen.notice is not None or self._said is None else replace(screen, notice=self._said)

    def dismiss(self, notice: Notice) -> None:
        """The user has read what the banner says."""
        self.recording.dismiss(notice)
        if notice == self.leftovers.notice():
            self.leftovers.dismiss()

    def close(self) -> None:
        """Finish the file, within CLOSE_S. May be called off the GUI thread, after `stop`."""
        self.recording.close()

    def leave_leftovers(self) -> None:
        """The same of what is being made whole."""
        self.leftovers.close(CLOSE_S)

    def _settings(self) -> RecorderSettings:
        return RecorderSettings(pictures=Pictures.H264 if self.preferences.h264 else Pictures.JPEG)

    def _choose(self, notice: Notice, choice: str) -> None:
        if choice == RECOVER:
            self.leftovers.recover()
            return
        path = self.leftovers.file if notice == self.leftovers.notice() else self.recording.file
        self.dismiss(notice)
        if path is None:
            return
        if choice == REPLAY:
            self._window.open(str(path))
        elif choice == SHOW:
            show_folder(path.parent)

    def _build_menu(self) -> None:
        bar = self._window.menuBar()
        assert bar is not None  # a QMainWindow makes one
        bar.setNativeMenuBar(False)  # the record button has its place in it
        bar.setCornerWidget(self.bar)
        self.menu = QMenu("&Recording", bar)
        bar.insertMenu(bar.actions()[-1], self.menu)
        self.record_action = self._add("&Record", "R", self.toggle)
        self.mark_action = self._add("&Mark this moment", "M", self.mark)
        self.menu.addSeparator()
        self.h264_action = self._add("As &video (H.264), which takes less space", "", self._set_h264)
        self.h264_action.setCheckable(True)
        self.h264_action.setChecked(self.preferences.h264)
        self._add("Recordings &folder…", "", self.choose_folder)
        self._add("&Show recordings", "", lambda: show_folder(self.preferences.folder))
        self.menu.setToolTipsVisible(True)
        for action in (self.record_action, self.mark_action):
            action.setEnabled(False)

    def _add(self, text: str, key: str, call: Callable[[], None]) -> QAction:
        action = QAction(text, self._window)
        if key:
            action.setShortcut(QKeySequence(key))
            action.setAutoRepeat(False)  # a key that is held down must not begin and end a row of recordings
        action.triggered.connect(lambda _checked=False: call())
        self._window.addAction(action)
        self.menu.addAction(action)
        return action

    def choose_folder(self) -> None:
        """Let the user choose where recordings go."""
        dialog = QFileDialog(self._window, tr("Folder for recordings"), str(self.preferences.folder))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self._change(recordings=name))
        dialog.open()

    def _set_h264(self) -> None:
        self._change(h264=self.h264_action.isChecked())

    def _change(self, **changes: str | bool) -> None:
        """Holds until the program ends even where it cannot be kept."""
        self.preferences = replace(self.preferences, **changes)  # type: ignore[arg-type]
        try:
            change_preferences(**changes)
        except EgoposeError as error:
            self._window.report(error)


def show_folder(folder: Path) -> None:
    """Open a folder in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
