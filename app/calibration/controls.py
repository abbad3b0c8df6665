"""Calibrating as the window has it: the mode that takes the place of what is open, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.translation import tr

if TYPE_CHECKING:
    from app.calibration.page import CalibrationPage
    from app.calibration.unsaved import Unsaved
    from app.main_window import MainWindow
    from app.presenter import Notice, Screen
    from app.theme import Colours
    from calib.targets.board import Board


class CalibrationControls:
    """Ties the calibration to a window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._resumes = False
        self._unsaved: Unsaved | None = None
        """What the page that was left last had not saved."""
        self._notice: Notice | None = None
        self.page: CalibrationPage | None = None
        """While it is shown."""

    def enter(self, board: Board | None = None) -> None:
        """Show it in place of what is open, whose camera it takes."""
        from app.calibration.page import CalibrationPage  # noqa: PLC0415  the solver takes a while to import

        if self.page is not None:
            return
        window = self._window
        window.recording.stop()
        self.page = CalibrationPage()
        self.page.set_colours(window.theme.colours)
        self.page.left.connect(self._back)
        window.pages.addWidget(self.page)
        window.pages.setCurrentWidget(self.page)
        window.banner.show_notice(None)
        window.setWindowTitle(tr("Calibrate a camera – egopose"))  # noqa: RUF001
        self._resumes = window.presenter.busy
        self.page.enter(window.presenter.release(), board)

    def leave(self) -> None:
        """End it, where it is shown; views that are no camera yet are told of."""
        page, self.page = self.page, None
        self._unsaved = self._notice = None
        if page is not None:
            from app.calibration.unsaved import told  # noqa: PLC0415  as the page itself

            page.close_all()
            self._unsaved = page.unsaved
            self._notice = told(page.unsaved) if page.unsaved is not None else None
            self._window.pages.removeWidget(page)
            page.deleteLater()

    def look(self, screen: Screen) -> Screen:
        """The screen, with what is to be told where nothing else is."""
        return screen if screen.notice is not None or self._notice is None else replace(screen, notice=self._notice)

    def dismiss(self, notice: Notice) -> None:
        """The user has read it."""
        if notice == self._notice:
            self._unsaved = self._notice = None

    def choose(self, notice: Notice, _choice: str) -> None:
        """Go on with what was left."""
        unsaved = self._unsaved
        if notice != self._notice or unsaved is None:
            return
        self._unsaved = self._notice = None
        self.enter(unsaved.board)
        if self.page is not None:
            self.page.go_on_with(unsaved)

    def set_colours(self, colours: Colours) -> None:
        if self.page is not None:
            self.page.set_colours(colours)

    def _back(self) -> None:
        self.leave()
        if self._resumes:
            self._window.reopen()
        else:
            self._window.look()
