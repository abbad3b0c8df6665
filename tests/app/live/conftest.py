"""A window on the real feed: the bundled session as if a camera gave it, and a network that is quick to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app.live_feed import LiveFeed
from app.main_window import MainWindow
from app.opener import FeedOpener
from app.settings import Settings
from app.theme import Theme, ThemeChoice
from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from tests.app.qt import wait_for


class CameraFeed(LiveFeed):
    """What can be positioned is a recording; to be made into a camera nobody has to be asked."""

    recordable = True


class CameraOpener(FeedOpener):
    """Opens the bundled session as a camera, until it is told that the camera is gone."""

    gone = False

    def __call__(self, spec: str) -> LiveFeed:
        if self.gone:
            raise EgoposeError(f"{spec} is not plugged in; plug it in")
        return CameraFeed(str(DEMO_SESSION), self.settings, loop=True)


@pytest.fixture
def opener(tiny_weights: Path) -> CameraOpener:
    return CameraOpener(replace(Settings(network=str(tiny_weights), runtime="eager"), upgrades=False))


@pytest.fixture
def live(app: QApplication, opener: CameraOpener, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """Shown, with the camera's picture in it and the section Live beside it."""
    monkeypatch.setattr("engine.capture.devices.system_cameras", tuple)
    made = MainWindow(opener, Theme(ThemeChoice.DARK))
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)
    made.run()
    made.open("camera:0")
    made.view.sidebar.show_section(made.living)
    wait_for(lambda: posed(made), 30)
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def posed(window: MainWindow) -> bool:
    """Whether a picture with its pose is seen."""
    snapshot, _ = window.living.live.shown
    return snapshot is not None and snapshot.pose is not None
