"""The window as pictures, where there is no screen: for videos of what it would show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage

from app.opening import refuse
from app.pixels import bgr_of
from app.presenter import Phase, Screen
from engine.types import ImageArray, Snapshot

if TYPE_CHECKING:
    from calib.remap import CanonicalView


class OffscreenWindow:
    """The very window of the program, painted into arrays. Use on the main thread, and `close` at the end."""

    def __init__(self, size: tuple[int, int] = (1280, 800), theme: str = "dark") -> None:
        """`size` is (width, height) in pixels; makes the QApplication where there is none yet."""
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        # Widgets need the variable above in place.
        from app.main_window import MainWindow  # noqa: PLC0415
        from app.run import application  # noqa: PLC0415
        from app.theme import Theme, ThemeChoice  # noqa: PLC0415

        self._app = application()
        self._window = MainWindow(refuse, Theme(ThemeChoice(theme)))
        self._window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self._window.resize(*size)
        self._window.show()
        self._image = QImage(*size, QImage.Format.Format_RGB32)

    def paint(
        self, snapshot: Snapshot, view: CanonicalView | None, *, title: str = "", assumed_camera: bool = False
    ) -> ImageArray:
        """(H, W, 3) BGR: what the window shows of this snapshot."""
        phase = Phase.PICTURE if snapshot.frame is not None else Phase.OPENING
        self._window.draw(Screen(phase, title, snapshot, view, assumed_camera), at_once=True)
        self._app.processEvents()
        self._window.render(self._image)
        return bgr_of(self._image)

    def fold_sidebar(self) -> None:
        """More room for picture and skeleton."""
        self._window.view.sidebar.unfold(False)

    def close(self) -> None:
        """Let the window go."""
        self._window.close()
        self._window.deleteLater()
