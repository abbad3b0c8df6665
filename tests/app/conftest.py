"""Qt without a screen, for every test of the window."""

from __future__ import annotations

import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Iterator

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.opening import refuse
from app.run import application
from app.theme import Theme, ThemeChoice


@pytest.fixture(scope="session")
def app() -> QApplication:
    """The one QApplication."""
    return application()


@pytest.fixture
def window(app: QApplication) -> Iterator[MainWindow]:
    """A shown window in dark that opens nothing; its presenter may be replaced."""
    made = MainWindow(refuse, Theme(ThemeChoice.DARK))
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)  # keys go to the active window alone
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees or touches what the user of this machine has chosen and recorded."""
    home = tmp_path_factory.mktemp("home")
    for name in ("config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(home / name))
    monkeypatch.setattr("app.sessions.names.user_videos_dir", lambda: str(home / "videos"))


@pytest.fixture(autouse=True)
def no_lost_exception(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyQt6 hands what a slot raises to the hook and goes on, or ends the process: here the test fails."""
    lost: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: lost.append(error))
    yield
    assert not lost, f"raised inside Qt: {lost!r}"
