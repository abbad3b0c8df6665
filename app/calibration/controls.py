"""Calibrating as the window has it: the mode that takes the place of what is open, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.translation import tr

if TYPE_CHECKING:
    from app.calibration.page import CalibrationPage
    from app.main_window import MainWindow
    from app.theme import Colours
    from calib.targets.board import Board


class CalibrationControls:
    """Ties the calibration to a window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._resumes = False
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
        """End it, where it is shown."""
        page, self.page = self.page, None
        if page is not None:
            page.close_all()
            self._window.pages.removeWidget(page)
            page.deleteLater()

    def set_colours(self, colours: Colours) -> None:
        if self.page is not None:
            self.page.set_colours(colours)

    def _back(self) -> None:
        self.leave()
        if self._resumes:
            self._window.reopen()
        else:
            self._window.look()
