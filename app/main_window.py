"""The window: pages, commands, one timer. It shows what the presenter computes."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QIcon
from PyQt6.QtWidgets import QApplication, QDialog, QMainWindow, QStackedWidget, QToolTip, QVBoxLayout, QWidget

from app.about import show_about
from app.banner import Banner
from app.calibration.controls import CalibrationControls
from app.chooser import Chooser
from app.closing import close_together
from app.diagnostics.section import DiagnosticsSection
from app.diagnostics.window import diagnostics_of
from app.doctor.dialog import DoctorDialog, show_doctor
from app.feed import Opener
from app.files import Files
from app.live.controls import LiveControls
from app.live.presenter import Live
from app.live.section import LiveSection
from app.menus import Commands, build_menus
from app.outputs.presenter import Outputs
from app.outputs.section import OutputsSection
from app.preferences import change_preferences, load_preferences
from app.presenter import Notice, Phase, Presenter, Screen
from app.recording.controls import RecordControls
from app.replay.controls import ReplayControls
from app.replay.section import ReplaySection
from app.shown import Shown
from app.start.home import HomeButton
from app.start.page import StartPage
from app.start.presenter import StartPresenter
from app.theme import ICONS, Theme, ThemeChoice, missing_fonts, qt_palette, style_sheet
from app.translation import tr
from app.view_page import ViewPage
from app.wearer.section import WearerSection
from app.wording import window_title
from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.live.meter import Durations

if TYPE_CHECKING:
    from app.calibration.page import CalibrationPage
    from calib.targets.board import Board

log = logging.getLogger(__name__)

ICON = ICONS / "egopose.svg"
LIVE_CLOSE_S = 1.5
"""How long closing may wait for a snapshot to be written, and for a change that is being tried."""
START_CLOSE_S = 0.2
"""How long closing may wait for what looks for sessions and cameras; it holds nothing."""


class MainWindow(QMainWindow):
    """Owns the widgets and one timer; `presenter` owns the feed."""

    closing = pyqtSignal()
    """Once, while everything is still shown."""

    def __init__(self, opener: Opener, theme: Theme) -> None:
        super().__init__()
        self.presenter = Presenter(opener)
        self.theme = theme
        self._closed = self._running = False
        self.chooser: Chooser | None = None
        self.setWindowTitle("egopose")
        self.setWindowIcon(QIcon(str(ICON)))
        self.files = Files(self)
        self.calibrating = CalibrationControls(self)
        self._build()
        self.actions_ = build_menus(self, self._commands())
        self.home_button = HomeButton(self, self.actions_.home, theme)
        self.recording = RecordControls(self)
        self.replay = ReplayControls(self)
        self.live = LiveControls(self)
        self._connect()
        self._page_changed()
        self.set_theme()
        self.setMinimumSize(960, 560)
        self.resize(1280, 800)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def _build(self) -> None:
        self.banner = Banner()
        self.start = StartPage(StartPresenter(lambda: self.recording.preferences.folder), str(DEMO_SESSION))
        self.replaying = ReplaySection()
        self.view = ViewPage()  # further sections are added to its sidebar here, before the menus are made
        self.look_times = Durations()
        self.diagnostics = diagnostics_of(self)
        self.living = LiveSection(Live(self.presenter.opener, self.reopen, load_preferences(), self.remember))
        self.view.sidebar.add(self.living)
        self.view.sidebar.add(self.replaying)
        self.view.sidebar.add(DiagnosticsSection(self.diagnostics))
        self.outputs = Outputs()
        self.view.sidebar.add(OutputsSection(self.outputs))
        self.wearing = WearerSection()
        self.view.sidebar.add(self.wearing)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(self.view)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.banner)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _commands(self) -> Commands:
        panel, sidebar = self.view.panel, self.view.sidebar
        return Commands(
            home=self.home,
            open_file=self.files.choose_file,
            open_folder=self.files.choose_folder,
            choose_camera=self.choose_camera,
            open_spec=self.open,
            calibrate=self.calibrate,
            reopen=self.reopen,
            quit=self.leave,
            set_heatmaps=lambda on: panel.set_shown(replace(panel.shown, heatmaps=on)),
            set_skeleton=lambda on: panel.set_shown(replace(panel.shown, skeleton=on)),
            show_panel=sidebar.unfold,
            sections=[(tr(one.title), partial(sidebar.toggle, one)) for one in sidebar.sections],
            look_from=self.view.skeleton.look_from,
            choose_theme=self.choose_theme,
            full_screen=lambda on: self.showFullScreen() if on else self.showNormal(),
            escape=self.escape,
            about=lambda: show_about(self),
            doctor=lambda: show_doctor(self, self.theme.colours),
        )

    def _connect(self) -> None:
        self.start.live.connect(self.go_live)
        self.start.camera.connect(self.choose_camera)
        self.start.replay.connect(self.files.choose_file)
        self.start.folder.connect(self.files.choose_folder)
        self.start.calibrate.connect(self.calibrate)
        self.start.opened.connect(self.open)
        self.files.chosen.connect(self.open)
        self.files.hovered.connect(self.start.set_hovered)
        self.view.panel.changed.connect(self._set_shown)
        self.view.sidebar.unfolded.connect(self.actions_.panel.setChecked)
        self.pages.currentChanged.connect(self._page_changed)
        self.banner.retry.connect(self.reopen)
        self.banner.dismissed.connect(self._dismiss)
        self.banner.chosen.connect(self.calibrating.choose)
        self.theme.changed.connect(self.set_theme)

    # What the user does

    def open(self, spec: str) -> None:
        """Open a source in place of the present one; `spec` as the command line has it."""
        self.calibrating.leave()
        self.presenter.open(spec)
        self.actions_.reopen.setEnabled(True)
        self.view.begin()
        self.diagnostics.clear()

    def go_live(self) -> None:
        """Open the camera that is plugged in; let choose where there are several, or none."""
        only = self.start.presenter.only_camera
        if only is not None:
            self.open(only)
        else:
            self.choose_camera()

    def home(self) -> None:
        """Back to the start page; what is open is let go."""
        self.calibrating.leave()
        self.recording.stop()
        self.presenter.leave()
        self.look()

    def reopen(self) -> None:
        if self.presenter.spec is not None:
            self.open(self.presenter.spec)

    def calibrate(self, board: Board | None = None) -> None:
        """Show the calibration in place of what is open."""
        self.calibrating.enter(board)

    @property
    def calibration(self) -> CalibrationPage | None:
        """The calibration's page while it is shown."""
        return self.calibrating.page

    def _page_changed(self) -> None:
        page = self.pages.currentWidget()
        viewing = page is self.view
        # Single keys turn the 3D view and the overlay: not while neither is shown.
        for action in self.actions():
            if any(len(key.toString()) == 1 for key in action.shortcuts()):
                action.setEnabled(viewing)
        self.recording.bar.setVisible(viewing)
        self.actions_.home.setEnabled(page is not self.start)
        if viewing:
            self.view.skeleton.setFocus()  # so that the arrow keys turn it from the start
        if page is self.start and self._running:
            self.start.enter()
        else:
            self.start.presenter.leave()

    def choose_camera(self) -> None:
        """Show the connected cameras to choose from."""
        if self.chooser is not None:
            return
        self.chooser = Chooser(self, self.presenter.source_id, colours=self.theme.colours)
        self.chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.chooser.finished.connect(self._choice_made)
        self.chooser.chosen.connect(self.open)
        self.chooser.open()

    def _choice_made(self) -> None:
        self.chooser = None

    def leave(self) -> None:
        """Close the window, and with it the program."""
        self.close()

    def escape(self) -> None:
        """Dismiss the banner; else leave off a change that is being tried; else leave full screen; else go to the start
        page, unless that would end a recording."""
        if self.live.booth.on:
            self.live.booth.press()
        elif self.calibration is not None:
            self.calibration.escape()
        elif self.banner.notice is not None:
            self.banner.dismiss()
        elif self.living.live.changing:
            self.living.live.cancel()
        elif self.actions_.full_screen.isChecked():
            self.actions_.full_screen.setChecked(False)
        elif self.pages.currentWidget() is self.view and not self.recording.recording.active:
            self.home()

    def report(self, error: BaseException) -> None:
        """Show an error that nobody handled."""
        self.presenter.report(error)
        self.banner.show_notice(self.presenter.error)

    def _dismiss(self, notice: Notice) -> None:
        self.presenter.dismiss(notice)
        self.recording.dismiss(notice)
        self.outputs.dismiss(notice)
        self.live.dismiss(notice)
        self.calibrating.dismiss(notice)
        self.banner.show_notice(None)

    def choose_theme(self, choice: ThemeChoice) -> None:
        """From now on, and the next time."""
        self.theme.choose(choice)
        self.remember(theme=choice.value)

    def remember(self, **changes: Any) -> None:
        """Keep preferences, by name; where that fails they hold until the program ends."""
        try:
            change_preferences(**changes)
        except EgoposeError as error:
            self.report(error)

    # What the window shows

    def run(self) -> None:
        """Begin to pull snapshots at display rate."""
        line = missing_fonts()
        if line is not None:
            log.warning(line)
        self._running = True
        self._page_changed()
        self.recording.begin()
        self.outputs.begin()
        self.diagnostics.machine.start()
        self._timer.start(0)

    def _tick(self) -> None:
        began = time.monotonic()
        try:
            self.look()
        finally:
            # At most half of the GUI's time goes into looking, however slow the feed is.
            took_ms = (time.monotonic() - began) * 1000
            self.look_times.add(round(took_ms * 1e6))
            if not self._closed:
                self._timer.start(max(self._period_ms(), round(took_ms)))

    def _period_ms(self) -> int:
        screen = self.screen()
        rate = screen.refreshRate() if screen is not None else 60.0
        return round(1000 / min(max(rate, 30.0), 60.0))

    def look(self, *, at_once: bool = False) -> None:
        """Pull what is to be shown, and draw it; see `draw`."""
        if self.calibration is not None:
            self.calibration.look()
            return
        if self.pages.currentWidget() is self.start:
            self.start.look()
        self.living.live.settle()
        screen = self.recording.look(self.presenter.look())
        self.outputs.follow(self.presenter.feed)
        self.wearing.wearer.look(self.presenter.feed, screen.snapshot)
        if screen.notice is None and (said := self.outputs.notice()) is not None:
            screen = replace(screen, notice=said)
        screen = self.calibrating.look(self.live.look(screen))
        self.draw(screen, at_once=at_once)
        self.replay.look(self.presenter.feed, screen)

    def draw(self, screen: Screen, *, at_once: bool = False) -> None:
        """Show a screen; only what has changed is painted again. `at_once` does not wait with the figures."""
        self.pages.setCurrentWidget(self.start if screen.phase is Phase.EMPTY else self.view)
        if screen.snapshot is not None:
            self.diagnostics.sample(screen.snapshot.figures)
        self.view.draw(screen, at_once=at_once)
        figures = screen.snapshot.figures if screen.snapshot is not None else None
        title = window_title(screen.name, figures) if screen.name and screen.phase is not Phase.EMPTY else "egopose"
        if title != self.windowTitle():
            self.setWindowTitle(title)
        self.banner.show_notice(screen.notice)

    def _set_shown(self, shown: Shown) -> None:
        for action, on in ((self.actions_.heatmaps, shown.heatmaps), (self.actions_.skeleton, shown.skeleton)):
            action.setChecked(on)

    def set_theme(self) -> None:
        """Draw everything in the theme's colours."""
        colours = self.theme.colours
        palette = qt_palette(colours)
        # On the program, not on the window: a style sheet keeps a window's palette from its children.
        QApplication.setPalette(palette)
        QToolTip.setPalette(palette)
        self.setStyleSheet(style_sheet(colours))
        for part in (self.start, self.view, self.recording.bar, self.replay, self.live):
            part.set_colours(colours)
        self.calibrating.set_colours(colours)
        for dialog in self.findChildren(QDialog):
            if isinstance(dialog, Chooser | DoctorDialog):
                dialog.set_colours(colours)
        self.actions_.themes[self.theme.choice].setChecked(True)

    # What Qt tells

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if self.live.booth.on and event is not None and event.spontaneous():
            self.live.booth.press()  # a visitor's Alt+F4 counts as the key that leaves
            event.ignore()
            return
        if not self._closed:
            self._closed = True
            self.closing.emit()
            self._timer.stop()
            if self.chooser is not None:
                self.chooser.reject()
            self.calibrating.leave()
            self.start.presenter.leave()
            self.recording.stop()  # before the feed that it takes from
            self.replay.close()
            self.live.stop()
            self.diagnostics.machine.stop()
            close_together(
                {
                    "recording": self.recording.close,
                    "recovering": self.recording.leave_leftovers,
                    "live choices": partial(self.live.close, LIVE_CLOSE_S),
                    "outputs": self.outputs.close,
                    "source": self.presenter.close,
                    "start page": partial(self.start.presenter.close, START_CLOSE_S),
                }
            )
        super().closeEvent(event)
