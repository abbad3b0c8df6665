"""The booth: it opens again what fails, with longer and longer breaks, and is not left by accident."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtTest import QTest

from app.cli import main
from app.live.booth import FIRST_S, LEAVE_S, LONGEST_S, SETTLED_S, SILENT_S, Booth
from app.main_window import MainWindow
from app.presenter import Notice, Phase, Screen
from engine.types import Figures, Snapshot, StreamState
from tests.app import fake
from tests.app.live.conftest import CameraOpener, posed
from tests.app.qt import wait_for


def seen(state: StreamState = StreamState.STREAMING, silent_s: float = 0.0) -> Screen:
    figures: Figures = replace(fake.figures(state), silent_s=silent_s)
    return Screen(Phase.PICTURE, "x", Snapshot(figures))


GONE = Screen(Phase.EMPTY, "x", notice=Notice("the camera is gone; plug it in", "error", retry=True))
OPENING = Screen(Phase.OPENING, "x")


def attempts(booth: Booth, until: float, step: float = 0.25) -> list[float]:
    """The breaks before each attempt at what never works."""
    times, now = [0.0], 0.0
    while now < until:
        if booth.due(GONE, now):
            times.append(now)
            booth.due(OPENING, now)
        now += step
    return [after - before for before, after in pairwise(times)]


def test_the_breaks_grow_to_a_limit() -> None:
    breaks = attempts(Booth(), 200)
    assert breaks[:5] == pytest.approx([1, 2, 4, 8, 16], abs=0.6)
    assert max(breaks) == pytest.approx(LONGEST_S, abs=0.6)


def test_what_has_run_well_for_a_while_begins_with_short_breaks_again() -> None:
    booth = Booth()
    attempts(booth, 40)
    booth.due(seen(), 100)
    booth.due(seen(), 100 + SETTLED_S)
    assert not booth.due(GONE, 120)
    assert booth.due(GONE, 120 + FIRST_S)
    booth.due(seen(), 130)
    booth.due(GONE, 131)
    assert not booth.due(GONE, 131 + FIRST_S), "it ran for a second only"


@pytest.mark.parametrize("state", [StreamState.FAILED, StreamState.ENDED])
def test_what_ends_or_fails_is_opened_again(state: StreamState) -> None:
    booth = Booth()
    assert not booth.due(seen(state), 0)
    assert booth.due(seen(state), FIRST_S)


def test_a_lost_camera_is_left_to_those_who_look_for_it_for_a_minute() -> None:
    booth = Booth()
    assert not any(booth.due(seen(StreamState.BACKOFF, s), s) for s in range(int(SILENT_S)))
    booth.due(seen(StreamState.BACKOFF, SILENT_S), SILENT_S)
    assert booth.due(seen(StreamState.BACKOFF, SILENT_S + 2), SILENT_S + 2)


def test_visitors_see_neither_the_start_page_nor_what_the_operator_mends() -> None:
    booth = Booth()
    booth.due(GONE, 0)
    shown = booth.shown(GONE, 0)
    assert shown.phase is Phase.OPENING
    assert shown.notice is None
    assert shown.waiting == ("Back in a moment", "It is opened again in 1 s. The camera is gone; plug it in")
    warned = replace(seen(), notice=Notice("slow", "warning"))
    assert booth.shown(warned, 0).notice is None
    assert booth.shown(warned, 0).phase is Phase.PICTURE


def test_only_the_second_press_counts() -> None:
    booth = Booth()
    assert not booth.pressed(0)
    assert not booth.pressed(LEAVE_S + 0.1)
    assert booth.pressed(LEAVE_S + 1)
    assert not booth.pressed(LEAVE_S + 1.5), "and then it begins anew"


def controls(window: MainWindow) -> list[bool]:
    bar = window.menuBar()
    assert bar is not None
    return [bar.isVisible(), window.view.sidebar.isVisible(), window.view.strip.isVisible()]


def test_a_camera_that_goes_comes_back_by_itself(live: MainWindow, opener: CameraOpener) -> None:
    QTest.keyClick(live, Qt.Key.Key_F4)
    assert live.live.booth.on
    assert live.isFullScreen()
    assert controls(live) == [False] * 3
    opener.gone = True
    live.reopen()
    wait_for(lambda: live.view.waiting.headline == "Back in a moment")
    assert live.pages.currentWidget() is live.view
    assert not live.banner.isVisible()
    opener.gone = False
    wait_for(lambda: posed(live), 30)
    assert live.live.booth.on


def test_a_visitor_plays_but_neither_opens_nor_ends_anything(live: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(live.presenter, "open", called.append)
    live.live.booth.enter()
    view = live.view.skeleton
    for key, modifier in (
        (Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_R, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F11, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F2, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.AltModifier),
    ):
        QTest.keyClick(view, key, modifier)
    assert called == []
    assert live.isFullScreen()
    assert live.isVisible()
    assert not live.recording.recording.active
    assert live.presenter.busy
    QTest.keyClick(view, Qt.Key.Key_X)
    assert live.view.panel.shown.mirrored
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert live.living.live.frozen


def test_it_is_left_by_the_key_twice_and_all_is_as_before(live: MainWindow) -> None:
    before = controls(live)
    live.live.booth.enter()
    QTest.keyClick(live, Qt.Key.Key_Escape)
    assert live.live.booth.on
    assert "again" in live.live.toast.texts[0]
    QTest.keyClick(live, Qt.Key.Key_Escape)
    assert not live.live.booth.on
    assert not live.isFullScreen()
    assert controls(live) == before
    assert live.view.sidebar.current is live.living


def test_closing_by_the_window_manager_counts_as_the_key_and_by_the_program_closes(live: MainWindow) -> None:
    live.live.booth.enter()

    class ByHand(QCloseEvent):
        def spontaneous(self) -> bool:
            return True

    event = ByHand()
    live.closeEvent(event)
    assert not event.isAccepted()
    assert live.isVisible()
    live.leave()
    QCoreApplication.processEvents()
    assert not live.isVisible()


def test_nothing_open_is_no_booth(window: MainWindow) -> None:
    window.live.booth.enter()
    assert not window.live.booth.on


@pytest.mark.parametrize("words", [["live"], ["demo"], ["replay", "x.mcap"]])
def test_a_booth_without_a_window_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--booth", "--headless"]) == 2
    assert capsys.readouterr().err == "egopose: --booth is a window; leave --headless away\n"
