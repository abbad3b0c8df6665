"""The calibration as a page of the window: it owns the session and passes on what the user does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.banner import Banner
from app.calibration.command import write_board
from app.calibration.look import Look
from app.calibration.models import model_kinds
from app.calibration.session import Session
from app.calibration.setup import Setup
from app.calibration.store import Kept, read_store, unfinished
from app.calibration.style import page_style
from app.calibration.unsaved import Unsaved, told, unsaved_of
from app.calibration.workbench import Workbench
from app.menus import camera_choices
from app.presenter import Notice, one_line
from app.theme import Colours
from app.translation import tr
from calib.errors import CalibrationError
from calib.targets.board import Board
from engine.capture.devices import list_cameras
from engine.errors import EgoposeError


class CalibrationPage(QWidget):
    """Begins with the choices; `look` is called at display rate while it is shown."""

    left = pyqtSignal()
    """The user is done here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session: Session | None = None
        self.unsaved: Unsaved | None = None
        """What was left last without being saved."""
        self._look: Look | None = None
        self._before: Callable[[], None] | None = None
        self._notice: Notice | None = None
        self.banner = Banner()
        self.setup, self.bench = Setup(), Workbench()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.setup)
        self.stack.addWidget(self.bench)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.banner)
        column.addWidget(self.stack, 1)
        self._connect()

    def _connect(self) -> None:
        self.setup.begin.connect(self.begin)
        self.setup.go_on.connect(self.go_on)
        self.setup.printing.connect(self.choose_print)
        self.bench.struck.connect(self._with_session(Session.set_used))
        self.bench.automatic.connect(self._set_automatic)
        self.bench.take.connect(self._with_session(Session.take))
        self.bench.skip.connect(self._with_session(Session.skip))
        self.bench.cancel.connect(self._with_session(Session.cancel))
        self.bench.save.connect(self.choose_save)
        self.bench.back.connect(self.back)
        self.banner.retry.connect(self._with_session(Session.reconnect))
        self.banner.dismissed.connect(self._dismiss)
        self.banner.chosen.connect(self._chosen)
        for keys, call in (
            ("T", self.bench.take_button.click),
            ("N", self.bench.skip_button.click),
            ("A", self.bench.auto_box.toggle),
            ("U", self.bench.flat_box.toggle),
            ("Ctrl+S", self.bench.save_button.click),
        ):
            shortcut = QShortcut(QKeySequence(keys), self.bench)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)

    def enter(self, before: Callable[[], None] | None, board: Board | None = None) -> None:
        """Show the choices. `before` frees the camera that the window used; called off the GUI thread."""
        self._before = before
        if board is not None:
            self.setup.set_board(board)
        self.setup.show_choices(camera_choices(), unfinished())
        self.stack.setCurrentWidget(self.setup)

    def begin(self, spec: str, board: Board) -> None:
        """Take views from a source."""
        self._start(lambda before: Session(spec, board, before))

    def go_on(self, kept: Kept) -> None:
        """Take further views of a camera, beside those that are on disk."""
        self._start(lambda before: Session.resumed(kept, before))

    def go_on_with(self, unsaved: Unsaved) -> None:
        """Where it was left: with the views on disk, or with the same files and what was struck out of them."""

        def again(before: Callable[[], None] | None) -> Session:
            if unsaved.folder is not None:
                return Session.resumed(read_store(unsaved.folder), before)
            return Session(unsaved.spec, unsaved.board, before, unsaved.struck)

        self._start(again)

    def _chosen(self, _notice: Notice, _choice: str) -> None:
        if self.unsaved is not None:
            self.go_on_with(self.unsaved)

    def _start(self, make: Callable[[Callable[[], None] | None], Session]) -> None:
        self._notice = None
        try:
            self.session = make(self._before)
        except (EgoposeError, CalibrationError) as error:
            self._notice = Notice(one_line(error), "error")
            return
        self._before = self.unsaved = None
        self.session.automatic = self.bench.auto_box.isChecked()
        self.bench.flat_box.setChecked(False)
        self.stack.setCurrentWidget(self.bench)
        self.bench.picture.setFocus()
        self.look()

    def look(self) -> None:
        """Draw what is known now."""
        notice = self._notice
        if self.session is not None:
            look = self._look = self.session.look()
            self.bench.show_look(look, self.session.live)
            self.bench.show_targets(self._targets(self.session))
            notice = notice or look.notice
        self.banner.show_notice(notice)

    def back(self) -> None:
        """From the views to the choices, from the choices out of here."""
        if self.session is None:
            self.left.emit()
            return
        self._end()
        self.enter(self._before)
        if self.unsaved is not None and (self.unsaved.folder is None or self.unsaved.saving is not None):
            self._notice = told(self.unsaved)  # views that are kept stand among the choices

    def escape(self) -> None:
        """Dismiss the banner; without one, go back."""
        if self.banner.notice is not None:
            self.banner.dismiss()
        else:
            self.back()

    def close_all(self) -> None:
        """End every thread."""
        self._end()
        before, self._before = self._before, None
        if before is not None:
            before()

    def _end(self) -> None:
        session, self.session = self.session, None
        look, self._look = self._look, None
        if session is not None:
            self.unsaved = unsaved_of(session, look) if look is not None else None
            session.close()
        self._notice = None
        self.banner.show_notice(None)

    def _with_session(self, call: Callable[..., None]) -> Callable[..., None]:
        """What a signal calls: the same on the present session, if there is one."""

        def slot(*values: object) -> None:
            if self.session is not None:
                call(self.session, *values)

        return slot

    def _set_automatic(self, on: bool) -> None:
        if self.session is not None:
            self.session.automatic = on

    def _dismiss(self, _notice: Notice) -> None:
        self._notice = None
        if self.session is not None:
            self.session.dismiss()
        self.banner.show_notice(None)

    @staticmethod
    def _targets(session: Session) -> list[tuple[str, str]]:
        if session.live:
            return [(session.source_id, f"for {session.name}")]
        cameras = [(camera.id, f"for {camera.name}") for camera in list_cameras()]
        return [(session.source_id, "for these pictures"), *cameras]

    # Files

    def choose_save(self) -> None:
        """Ask for a file, then save."""
        if self.session is None or not self.session.can_save:
            return
        name = "".join(c if c.isalnum() else "-" for c in self.session.name).strip("-") or "camera"
        dialog = QFileDialog(self, tr("Save the camera"), f"{name}.json", tr("Camera files (*.json)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        self._open(dialog, lambda path: self.save(Path(path)))

    def save(self, path: Path) -> None:
        """Solve with the chosen models, write the file, and remember it for the chosen camera."""
        if self.session is not None:
            target = self.bench.target.currentData()
            kinds = model_kinds(self.bench.model.currentData())
            self.session.save(path, kinds, [target] if target else [])

    def choose_print(self, board: Board) -> None:
        """Ask for a file, then write the printable page."""
        name = str(board).replace(":", "-")
        dialog = QFileDialog(self, tr("Save the board for printing"), f"{name}.pdf", "PDF (*.pdf);;SVG (*.svg)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        self._open(dialog, lambda path: self.write_board(board, Path(path)))

    def write_board(self, board: Board, path: Path) -> None:
        """Write the printable page; what goes wrong is shown."""
        try:
            write_board(str(board), path)
            self._notice = None
        except (EgoposeError, CalibrationError) as error:
            self._notice = Notice(one_line(error), "error")

    def _open(self, dialog: QFileDialog, call: Callable[[str], None]) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(call)
        dialog.open()

    def set_colours(self, colours: Colours) -> None:
        self.setStyleSheet(page_style(colours))
        self.setup.picture.set_colours(colours)
        self.bench.set_colours(colours)
