"""The doctor in the window."""

from __future__ import annotations

import threading

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest

from app.doctor import dialog
from app.doctor.dialog import DoctorDialog
from app.doctor.findings import Finding, Verdict, plain_text
from app.main_window import MainWindow
from app.theme import DARK
from tests.app.qt import wait_for

FOUND = [Finding("disk", "recordings", Verdict.BROKEN, "full", "tidy up")]


def test_looks_beside_the_window_and_shows_what_was_found(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def examine() -> list[Finding]:
        go_on.wait(20)
        return FOUND

    monkeypatch.setattr(dialog, "examine", examine)
    QTest.keyClick(window, Qt.Key.Key_F1, Qt.KeyboardModifier.ControlModifier)
    shown = window.findChild(DoctorDialog)
    assert isinstance(shown, DoctorDialog)
    assert not shown.isModal()
    assert not shown.copy.isEnabled()
    dialog.show_doctor(window, DARK)
    assert window.findChildren(DoctorDialog) == [shown]
    go_on.set()
    wait_for(shown.copy.isEnabled)
    assert shown.headline.text() == "1 thing is broken: see ✗."
    shown.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == plain_text(FOUND)
    shown.close()


def test_closed_while_it_looks(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(dialog, "examine", lambda: go_on.wait(20) and FOUND)
    dialog.show_doctor(window, DARK)
    shown = window.findChild(DoctorDialog)
    assert isinstance(shown, DoctorDialog)
    gone: list[bool] = []
    shown.destroyed.connect(lambda: gone.append(True))
    shown.close()
    wait_for(lambda: bool(gone))
    go_on.set()
