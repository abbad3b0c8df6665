"""The start page: what it says, by keyboard alone, at every size, and the way there and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app import cli
from app.camera_watch import CameraWatch, Seen
from app.cameras import Known
from app.main_window import MainWindow
from app.opening import refuse
from app.presenter import Notice, Phase, Presenter, Screen
from app.start.library import Found
from app.start.presenter import CameraRow, SessionCard, StartPresenter, StartScreen, camera_row, session_card, when_text
from app.start.recents import Recent, recents, recents_path, remember
from app.start.thumbnails import Thumbnail
from app.theme import Theme, ThemeChoice
from engine.assets import DEMO_SESSION
from engine.capture.devices import Camera
from tests.app import fake
from tests.app.qt import wait_for
from tests.app.test_chooser import known
from tests.app.test_layout import clipped

NOW = datetime(2026, 3, 10, 15, 0)
PICTURE = np.full((288, 360, 3), 120, np.uint8)
FULL = StartScreen(
    sessions=tuple(
        SessionCard(f"/v/{i}.mcap", f"a session with a long name, number {i}", "Yesterday 23:59 · 1:02:03 · 999 MB",
                    i % 2 == 0, i % 2 == 1, PICTURE if i % 2 == 0 else None)
        for i in range(6)
    ),
    gone="a session with a long name that was taken off",
    cameras=(
        CameraRow("camera:a", "A camera with a long enough name", "Calibrated: a-file-of-some-length.json", True),
        CameraRow("camera:b", "webcam", "Not calibrated yet", False),
    ),
)  # fmt: skip
EMPTY = StartPresenter(Path, CameraWatch).look()


class Plugged:
    """Cameras as the test says; none is asked anything."""

    def __init__(self, *cameras: Known) -> None:
        self.cameras = list(cameras)

    def __call__(self) -> CameraWatch:
        return CameraWatch(listed=lambda: [one.camera for one in self.cameras], describe=self.describe, look=None)

    def describe(self, camera: Camera) -> Known:
        return next(one for one in self.cameras if one.camera == camera)


@pytest.fixture
def plugged(window: MainWindow) -> Plugged:
    """The window's cameras."""
    made = Plugged()
    window.start.presenter = StartPresenter(lambda: window.recording.preferences.folder, made)
    return made


def laid_out(size: tuple[int, int], theme: ThemeChoice, screen: StartScreen) -> MainWindow:
    window = MainWindow(refuse, Theme(theme))
    window.resize(*size)
    window.show()
    window.start.show_screen(screen)
    for _ in range(3):  # what is in a layout in a layout settles one after the other
        QCoreApplication.processEvents()
    return window


@pytest.mark.parametrize("screen", [FULL, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("theme", [ThemeChoice.DARK, ThemeChoice.LIGHT])
@pytest.mark.parametrize("size", [(960, 560), (1280, 800), (1920, 1080)])
def test_nothing_is_clipped(app: QApplication, size: tuple[int, int], theme: ThemeChoice, screen: StartScreen) -> None:
    window = laid_out(size, theme, screen)
    assert clipped(window) == []
    bar = window.start.area.verticalScrollBar()
    assert bar is not None
    assert bar.maximum() == 0 or size[0] < 1280, "all of it is seen without scrolling"
    window.close()


def test_nothing_is_clipped_at_150_percent() -> None:
    code = (
        "from tests.app.start import test_page as t; from app.run import application; app = application();"
        "w = t.laid_out((1280, 800), t.ThemeChoice.DARK, t.FULL); print(t.clipped(w)); w.close()"
    )
    environment = {**os.environ, "QT_SCALE_FACTOR": "1.5", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=Path(__file__).parents[3],
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_sessions_and_cameras_in_words() -> None:
    recent = Recent(Path("/v/walk.mcap"), NOW.replace(hour=9).timestamp())
    card = session_card(Found(recent, 7_500_000, Thumbnail(PICTURE, 32.0)), NOW)
    assert (card.name, card.about, card.pictured) == ("walk", "Today 09:00 · 0:32 · 7.5 MB", True)
    assert session_card(Found(recent, unreadable=True), NOW).about == "Today 09:00 · cannot be read"
    assert when_text(NOW.replace(day=9).timestamp(), NOW) == "Yesterday 15:00"
    assert when_text(NOW.replace(day=8).timestamp(), NOW) == "2026-03-08"
    assert camera_row(Seen(known("fish", "/home/me/fish.json"))).about == "Calibrated: fish.json"
    assert not camera_row(Seen(known("fish"))).calibrated


def test_first_run_says_what_to_do(window: MainWindow, plugged: Plugged) -> None:
    window.run()
    wait_for(lambda: "Plug one in" in window.start._cameras_note.text())
    wait_for(lambda: "Drop a session" in window.start._sessions_note.text())
    assert window.start._sessions_note.isVisible()


def test_cameras_come_and_go_and_one_alone_goes_live(
    window: MainWindow, plugged: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.camera_watch.EVERY_S", 0.01)
    monkeypatch.setattr("engine.capture.devices.system_cameras", tuple)
    specs: list[str] = []
    monkeypatch.setattr(window.presenter, "open", specs.append)
    plugged.cameras = [known("fish", "/x/fish.json"), known("other")]
    window.run()
    wait_for(lambda: [card.row.calibrated for card in window.start.cameras] == [True, False])
    window.start.jobs[0].click()
    assert window.chooser is not None, "there is a choice"
    window.chooser.reject()
    plugged.cameras = plugged.cameras[:1]
    wait_for(lambda: len(window.start.cameras) == 1)
    window.start.jobs[0].click()
    window.start.cameras[0].click()
    assert specs == ["camera:fish", "camera:fish"]


def test_a_recent_session_opens_by_keyboard_alone_and_escape_leads_back(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    shutil.copy(DEMO_SESSION, path)
    remember(path)
    specs: list[str] = []
    window.presenter = Presenter(lambda spec: specs.append(spec) or fake.FakeFeed())  # type: ignore[func-returns-value]
    window.run()
    wait_for(lambda: [card.card.pictured for card in window.start.sessions] == [True])
    wait_for(lambda: window.start.sessions[0].geometry().isValid() and window.start.sessions[0].isVisible())

    def press(key: Qt.Key) -> None:
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, key)

    assert QApplication.focusWidget() is window.start.jobs[0]
    press(Qt.Key.Key_Down)
    assert QApplication.focusWidget() is window.start.sessions[0]
    press(Qt.Key.Key_Return)
    wait_for(lambda: window.pages.currentWidget() is window.view)
    assert specs == [str(path)]
    wait_for(lambda: window.presenter.feed is not None)
    feed = window.presenter.feed
    assert isinstance(feed, fake.FakeFeed)
    press(Qt.Key.Key_Escape)
    assert window.pages.currentWidget() is window.start
    wait_for(feed.stopped.is_set)
    wait_for(lambda: len(window.start.sessions) == 1)
    path.unlink()
    window.open("camera:0")
    wait_for(lambda: window.presenter.feed is not None)
    window.home()
    wait_for(lambda: window.start.sessions == [])


def test_sessions_are_taken_off_the_list_by_cross_and_key_and_their_files_stay(
    window: MainWindow, plugged: Plugged, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.mcap" for name in "abc"]
    for second, path in enumerate(paths):
        path.touch()
        remember(path, 100.0 - second)
    window.run()
    wait_for(lambda: [card.card.name for card in window.start.sessions] == ["a", "b", "c"])
    first = window.start.sessions[0]
    assert "the file stays" in first.cross.toolTip()
    QTest.mouseClick(first.cross, Qt.MouseButton.LeftButton)
    assert [card.card.name for card in window.start.sessions] == ["b", "c"]
    assert window.presenter.feed is None, "the card below was not pressed"
    window.start.sessions[1].setFocus()
    QTest.keyClick(window.start.sessions[1], Qt.Key.Key_Delete)
    assert [card.card.name for card in window.start.sessions] == ["b"]
    wait_for(window.start.sessions[0].hasFocus)
    QTest.keyClick(window.start.sessions[0], Qt.Key.Key_Delete)
    assert QApplication.focusWidget() is window.start.jobs[0]
    assert "appears here" in window.start._sessions_note.text()
    assert all(path.exists() for path in paths)
    assert recents(tmp_path / "none") == []
    assert window.start._back.text() == "Put “b” back"
    QTest.keyClick(window.start.jobs[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [card.card.name for card in window.start.sessions] == ["b"]
    wait_for(window.start.sessions[0].hasFocus)
    window.start._back.click()
    QTest.keyClick(window.start.sessions[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [card.card.name for card in window.start.sessions] == ["a", "b", "c"], "as they were"
    assert [(one.path, one.used_s) for one in recents(tmp_path / "none")] == [
        (path, 100.0 - second) for second, path in enumerate(paths)
    ]
    wait_for(lambda: not window.start._back.isVisible())
    QTest.keyClick(window.start.sessions[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(window.start.sessions) == 3


def test_a_list_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    recents_path().parent.mkdir(parents=True)
    recents_path().mkdir()
    presenter = StartPresenter(lambda: tmp_path, CameraWatch)
    presenter.forget("/v/a.mcap")
    assert presenter.look().sessions_note.startswith("It is back on this list at the next start: cannot write ")


def test_a_button_leads_back_from_every_other_page(window: MainWindow, plugged: Plugged) -> None:
    window.presenter = Presenter(lambda _: fake.FakeFeed())
    window.run()
    assert not window.home_button.isVisible()
    for enter in (lambda: window.open("camera:0"), window.calibrate):
        enter()
        wait_for(window.home_button.isVisible)
        assert "Alt+Home" in window.home_button.toolTip()
        QTest.mouseClick(window.home_button, Qt.MouseButton.LeftButton)
        assert window.pages.currentWidget() is window.start
        assert not window.home_button.isVisible()


@pytest.mark.parametrize(("key", "spec"), [(Qt.Key.Key_D, str(DEMO_SESSION)), (Qt.Key.Key_S, "synthetic")])
def test_letters_try_it(window: MainWindow, plugged: Plugged, key: Qt.Key, spec: str) -> None:
    specs: list[str] = []
    window.presenter = Presenter(lambda spec: specs.append(spec) or fake.FakeFeed())  # type: ignore[func-returns-value]
    window.run()
    QTest.keyClick(window.start.jobs[0], key)
    wait_for(lambda: specs == [spec])


def test_escape_does_not_end_a_recording_but_home_does(window: MainWindow, plugged: Plugged) -> None:
    window.presenter = Presenter(lambda _: fake.FakeFeed())
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    assert window.recording.bar.isVisible()
    window.recording.toggle()
    assert window.recording.recording.active
    window.escape()
    assert window.recording.recording.active
    assert window.pages.currentWidget() is window.view
    window.actions_.home.trigger()
    assert not window.recording.recording.active
    assert window.pages.currentWidget() is window.start
    assert not window.recording.bar.isVisible()
    assert not window.actions_.home.isEnabled()


def test_home_out_of_the_calibration_and_back_from_it(window: MainWindow, plugged: Plugged) -> None:
    window.run()
    window.start.jobs[2].click()
    assert window.calibration is not None
    window.escape()
    assert window.pages.currentWidget() is window.start, "nothing was open before"
    window.calibrate()
    window.home()
    assert window.calibration is None
    assert window.pages.currentWidget() is window.start


def test_what_cannot_be_opened_is_told_on_the_start_page(window: MainWindow, plugged: Plugged) -> None:
    notice = Notice("camera 0 is busy; close the other program", "error", retry=True)
    window.draw(Screen(Phase.EMPTY, notice=notice))
    assert window.pages.currentWidget() is window.start
    assert window.banner.isVisible()


def test_the_next_source_opens_only_after_the_one_before_is_let_go() -> None:
    first = fake.FakeFeed()
    order: list[bool] = []

    def opener(spec: str) -> fake.FakeFeed:
        order.append(first.stopped.is_set())
        return first if spec == "one" else fake.FakeFeed()

    presenter = Presenter(opener)
    presenter.open("one")
    wait_for(lambda: presenter.look().phase is Phase.PICTURE)
    presenter.leave()
    assert presenter.look().phase is Phase.EMPTY
    presenter.open("two")
    wait_for(lambda: presenter.look().phase is Phase.PICTURE)
    presenter.close()
    assert order == [False, True]


@pytest.mark.parametrize("words", [[], ["--theme", "light"], ["start"]])
def test_without_a_command_the_start_page_opens(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr("app.run.check_display", lambda: None)
    monkeypatch.setattr("app.run.run_window", lambda _opener, spec, **_: opened.append(spec) or 0)
    assert cli.main(words) == 0
    assert opened == [None]
