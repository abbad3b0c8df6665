"""A window to be arranged and taken pictures of. Qt's own, without anybody to see it.

What a scene shows goes the program's own way: a source that is opened, snapshots that the window pulls. So no picture
has a state that cannot be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt
from PyQt6.QtGui import QColor, QPainter, QPixmap
from PyQt6.QtWidgets import QWidget

from app.main_window import MainWindow
from app.opener import FeedOpener
from app.presenter import Notice, Screen
from app.run import application
from app.screenshots.moments import NAME, Moment
from app.settings import Settings
from app.theme import Theme, ThemeChoice
from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.live.tap import Taps
from engine.motion.settings import MotionSettings
from engine.types import Snapshot

if TYPE_CHECKING:
    from app.live_feed import LiveFeed

CAMERA = "camera:0"
_DEADLINE_S = 60.0
_BUSY = "camera 0 cannot be opened (/dev/video0 is busy); close the other program or choose another camera"


class Staged:
    """A camera that sees what a scene wants it to see; a `Feed`."""

    title, source_id, recordable = NAME, CAMERA, True

    def __init__(self, moment: Moment, assumed: bool) -> None:
        self.now = moment.snapshot
        lens = replace(moment.view.camera, assumed=True)
        self.view: CanonicalView | None = CanonicalView(lens, moment.view.size) if assumed else moment.view
        self.assumed_camera = assumed
        self.motion = MotionSettings()
        self.taps = Taps()

    def start(self) -> None:
        """Nothing has to run."""

    def snapshot(self) -> Snapshot:
        return self.now

    def stop(self) -> None:
        """Nothing runs."""

    def origin(self) -> tuple[SourceInfo, Calibration | None]:
        assert self.view is not None  # a moment has one
        size = self.view.size
        return SourceInfo(NAME, CAMERA, size, 30.0, "", live=True, seekable=False), self.view.camera


@dataclass
class StageOpener(FeedOpener):
    """Opens what a scene has staged as the camera, and everything else as it is."""

    staged: Staged | None = None

    def __call__(self, spec: str) -> LiveFeed:
        if spec != CAMERA:
            return super().__call__(spec)
        if self.staged is None:
            raise EgoposeError(
                "camera 0 cannot be opened (/dev/video0 is busy); close the other program or choose another camera"
            )
        return self.staged  # type: ignore[return-value]  # it has all that the window asks for


@dataclass
class Studio:
    """One scene's window, moments of a session to show in it, and what is shown over it."""

    window: MainWindow
    seen: Callable[[], Sequence[Moment]]
    """The network runs when a scene first asks for what it sees."""
    opener: StageOpener
    over: QWidget | None = None
    """A dialog of the window's: painted in its middle."""
    leave: list[Callable[[], object]] = field(default_factory=list)
    """Called after the picture is taken."""

    @property
    def moments(self) -> Sequence[Moment]:
        """Some that follow each other."""
        return self.seen()

    @property
    def moment(self) -> Moment:
        """The last of them, before which the window has shown the others."""
        return self.moments[-1]

    def show(self, screen: Screen) -> None:
        """Draw a screen of the presenter's."""
        self.window.draw(screen, at_once=True)

    def open_live(self, *, assumed: bool = False) -> Staged:
        """The camera, opened and with a picture."""
        moments = self.moments
        feed = self.opener.staged = Staged(moments[0], assumed)
        self.open(CAMERA)
        return feed

    def open(self, spec: str) -> None:
        """As the user does; returns as soon as it is open, or is not to be had."""
        self.window.open(spec)
        self.wait_for(self._opened)

    def _opened(self) -> bool:
        self.look()
        return self.window.presenter.feed is not None or self.window.presenter.error is not None

    def look(self) -> None:
        """What the window's timer does."""
        self.window.look(at_once=True)

    def show_live(
        self, snapshot: Snapshot | None = None, *, assumed: bool = False, notice: Notice | None = None
    ) -> Staged:
        """The view with a moment, after those before it, so that floor, trail and history are those of motion."""
        feed = self.open_live(assumed=assumed)
        for moment in self.moments[1:]:
            feed.now = moment.snapshot
            self.look()
        if snapshot is not None:
            feed.now = snapshot
            self.look()
        if notice is not None:
            self.window.banner.show_notice(notice)
        return feed

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
    arrange: Callable[[Studio], None],
    seen: Callable[[], Sequence[Moment]],
    size: tuple[int, int],
    themes: Sequence[ThemeChoice],
    grab: Callable[[QWidget], QPixmap] = QWidget.grab,
) -> list[QPixmap]:
    """The pictures of one scene, one a theme, `size` in device-independent pixels; `grab` takes them, dialogs too."""
    app = application()
    opener = StageOpener(Settings())
    window = MainWindow(opener, Theme(themes[0]))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*size)
    window.show()
    studio = Studio(window, seen, opener)
    pictures = []
    try:
        arrange(studio)
        if studio.over is not None:
            studio.over.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
            studio.over.show()
        for theme in themes:
            window.theme.choose(theme)  # while it is shown, as the user does
            for _ in range(3):  # layouts settle one after the other
                app.processEvents()
            picture = grab(window)
            if studio.over is not None:
                _put_over(picture, grab(studio.over))
            pictures.append(picture)
        return pictures
    finally:
        for call in studio.leave:
            call()
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _put_over(picture: QPixmap, above: QPixmap) -> None:
    """The dialog as a window manager would show it: in the middle, the window behind it a little darker."""
    painter = QPainter(picture)
    scale = picture.devicePixelRatio()
    width, height = picture.width() / scale, picture.height() / scale
    painter.fillRect(picture.rect(), QColor(0, 0, 0, 110))
    size = above.deviceIndependentSize()
    place = QPoint(round((width - size.width()) / 2), round((height - size.height()) / 2))
    painter.drawPixmap(place, above)
    painter.end()
