"""A window to be arranged and taken pictures of. Qt's own, without anybody to see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PyQt6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt
from PyQt6.QtGui import QColor, QPainter, QPixmap
from PyQt6.QtWidgets import QWidget

from app.main_window import MainWindow
from app.opening import refuse
from app.presenter import Notice, Phase, Screen
from app.run import application
from app.screenshots.moments import Moment
from app.theme import Theme, ThemeChoice
from engine.errors import EgoposeError
from engine.types import Snapshot

_DEADLINE_S = 60.0


@dataclass
class Studio:
    """One scene's window, moments of a session to show in it, and what is shown over it."""

    window: MainWindow
    look: Callable[[], Sequence[Moment]]
    """The network runs when a scene first asks for what it sees."""
    over: QWidget | None = None
    """A dialog of the window's: painted in its middle."""
    leave: list[Callable[[], object]] = field(default_factory=list)
    """Called after the picture is taken."""

    @property
    def moments(self) -> Sequence[Moment]:
        """Some that follow each other."""
        return self.look()

    @property
    def moment(self) -> Moment:
        """The last of them, before which the window has shown the others."""
        return self.moments[-1]

    def show(self, screen: Screen) -> None:
        """Draw a screen of the presenter's."""
        self.window.draw(screen, at_once=True)

    def show_live(
        self, snapshot: Snapshot | None = None, *, assumed: bool = False, notice: Notice | None = None
    ) -> None:
        """The view with a moment, after those before it, so that floor, trail and history are those of motion."""
        for moment in self.moments[:-1]:
            self.show(Screen(Phase.PICTURE, "Fisheye 190", moment.snapshot, moment.view, assumed))
        last = snapshot or self.moment.snapshot
        self.show(Screen(Phase.PICTURE, "Fisheye 190", last, self.moment.view, assumed, notice))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Let the window work until it has come so far. Raises EgoposeError where it does not."""
        deadline = time.monotonic() + _DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                raise EgoposeError("a page did not come to rest within a minute; run it again on a quieter machine")
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)


def show_section(studio: Studio, title: str) -> None:
    """One of the sidebar's."""
    sidebar = studio.window.view.sidebar
    sidebar.show_section(next(section for section in sidebar.sections if section.title == title))


def take(
    arrange: Callable[[Studio], None], look: Callable[[], Sequence[Moment]], size: tuple[int, int], theme: ThemeChoice
) -> QPixmap:
    """The picture of one scene, `size` in device-independent pixels."""
    app = application()
    window = MainWindow(refuse, Theme(theme))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*size)
    window.show()
    studio = Studio(window, look)
    try:
        arrange(studio)
        for _ in range(3):  # layouts settle one after the other
            app.processEvents()
        picture = window.grab()
        if studio.over is not None:
            _put_over(picture, studio.over)
        return picture
    finally:
        for call in studio.leave:
            call()
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _put_over(picture: QPixmap, dialog: QWidget) -> None:
    """The dialog as a window manager would show it: in the middle, the window behind it a little darker."""
    above = dialog.grab()
    painter = QPainter(picture)
    scale = picture.devicePixelRatio()
    width, height = picture.width() / scale, picture.height() / scale
    painter.fillRect(picture.rect(), QColor(0, 0, 0, 110))
    place = QPoint(round((width - dialog.width()) / 2), round((height - dialog.height()) / 2))
    painter.drawPixmap(place, above)
    painter.end()
