"""Recording in the window: keys, button, banner, faults, and what a crash has left."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.feed import Opener
from app.main_window import MainWindow
from app.preferences import Preferences, load_preferences, preferences_path, save_preferences
from app.presenter import Presenter
from app.recording import controls
from app.recording.leftovers import RECOVER
from app.recording.presenter import REPLAY, SHOW, Recording, RecordingPresenter
from app.theme import DARK
from engine.errors import EgoposeError
from engine.live.recorder import RecorderSettings
from engine.session.reader import Session
from engine.session.unfinished import PART, unfinished
from engine.types import EventKind, Frame, Snapshot, StreamState
from tests.app import fake
from tests.app.qt import count, pixels, wait_for
from tests.engine.session.test_recover import cut_off


def opens(window: MainWindow, opener: Opener) -> None:
    window.presenter = Presenter(opener)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    wait_for(lambda: window.recording.record_action.isEnabled() == window.recording.bar.button.isEnabled())


def streaming(window: MainWindow) -> fake.FakeFeed:
    feed = fake.FakeFeed()
    opens(window, lambda spec: feed)
    return feed


def pass_frames(feed: fake.FakeFeed, count: int = 5, begin: int = 0) -> None:
    """As the pipeline hands them over."""
    assert feed.taps
    for seq in range(begin, begin + count):
        now = time.monotonic_ns()
        feed.taps.frame(Frame(np.full((48, 64, 3), seq % 256, np.uint8), seq, now, "fake:0"))
        feed.taps.pose(fake.pose_at(0.4, seq))


def recordings(window: MainWindow) -> list[Path]:
    return sorted(window.recording.preferences.folder.glob("*.mcap"))


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window, key)


def test_one_key_records_and_stops(window: MainWindow) -> None:
    feed = streaming(window)
    bar = window.recording.bar
    assert (bar.button.text(), bar.button.isEnabled(), bar.mark.isVisible()) == ("Record", True, False)
    press(window, Qt.Key.Key_R)
    wait_for(lambda: bar.button.text() == "Stop")
    pass_frames(feed)
    press(window, Qt.Key.Key_M)
    bar.mark.click()
    wait_for(lambda: bar.size_.text() != "0 B")
    assert bar.time.text() == "0:00"
    assert bar.lost.text() == ""
    assert count(pixels(bar), DARK.error) > 40
    press(window, Qt.Key.Key_R)
    assert not feed.taps
    wait_for(lambda: window.banner.notice is not None)
    assert window.banner.notice is not None
    assert window.banner.notice.text.startswith("Recorded 0:00, 5 frames, ")
    assert [button.text() for button in window.banner.choices] == [REPLAY, SHOW]
    assert bar.button.text() == "Record"
    (path,) = recordings(window)
    with Session(path) as session:
        assert session.whole
        assert len(session) == 5
        assert [event.kind for event in session.events] == [EventKind.MARK, EventKind.MARK]
        assert session.calibration is not None
        assert session.metadata["source_name"] == "Fake wearer"
        assert session.metadata["network"] == "small"
        assert session.metadata["smoothing"] == "0.5"
    press(window, Qt.Key.Key_Escape)
    assert not window.banner.isVisible()


def test_the_banner_replays_and_shows(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    opened: list[str] = []
    monkeypatch.setattr(controls, "show_folder", shown.append)
    feed = streaming(window)
    for answer in (SHOW, REPLAY):
        window.recording.bar.button.click()
        pass_frames(feed)
        window.recording.bar.button.click()
        wait_for(lambda: len(window.banner.choices) == 2 and window.banner.isVisible())
        if answer == REPLAY:
            monkeypatch.setattr(window, "open", opened.append)
        next(button for button in window.banner.choices if button.text() == answer).click()
        wait_for(lambda: not window.banner.isVisible())
        wait_for(window.recording.bar.button.isEnabled)
    assert shown == [window.recording.preferences.folder]
    assert opened == [str(max(recordings(window), key=lambda path: path.stat().st_mtime_ns))]


def test_a_file_is_not_recorded_again(window: MainWindow) -> None:
    feed = fake.FakeFeed()
    feed.recordable = False
    opens(window, lambda spec: feed)
    assert not window.recording.bar.button.isEnabled()
    assert "file already" in window.recording.bar.button.toolTip()
    press(window, Qt.Key.Key_R)
    window.recording.toggle()
    press(window, Qt.Key.Key_M)
    assert not feed.taps


def test_opening_something_else_ends_the_recording(window: MainWindow) -> None:
    feeds: list[fake.FakeFeed] = []

    def opener(spec: str) -> fake.FakeFeed:
        feeds.append(fake.FakeFeed())
        return feeds[-1]

    opens(window, opener)
    press(window, Qt.Key.Key_R)
    pass_frames(feeds[0])
    window.open("camera:1")
    wait_for(lambda: window.recording.recording.file is not None)
    assert not feeds[0].taps
    with Session(recordings(window)[0]) as session:
        assert len(session) == 5
    wait_for(lambda: len(feeds) == 2 and window.presenter.feed is feeds[1])


@pytest.mark.parametrize("state", [StreamState.FAILED, StreamState.ENDED])
def test_a_source_that_ends_ends_the_recording(window: MainWindow, state: StreamState) -> None:
    feed = streaming(window)
    press(window, Qt.Key.Key_R)
    pass_frames(feed)
    feed.current = Snapshot(fake.figures(state), feed.current.frame, feed.current.pose)
    wait_for(lambda: window.recording.recording.file is not None)
    wait_for(lambda: not window.recording.bar.button.isEnabled())


def test_a_camera_that_comes_back_goes_on_in_the_same_file(window: MainWindow) -> None:
    feed = streaming(window)
    press(window, Qt.Key.Key_R)
    pass_frames(feed)
    for state in (StreamState.STALLED, StreamState.BACKOFF, StreamState.STREAMING):
        feed.current = Snapshot(fake.figures(state), feed.current.frame, feed.current.pose)
        looks = feed.looks
        wait_for(lambda looks=looks: feed.looks > looks + 1)  # type: ignore[misc]
        assert window.recording.recording.active
    pass_frames(feed, begin=5)
    window.close()
    with Session(recordings(window)[0]) as session:
        assert len(session) == 10


def test_closing_the_window_finishes_the_file(window: MainWindow) -> None:
    feed = streaming(window)
    press(window, Qt.Key.Key_R)
    pass_frames(feed, 50)
    window.close()
    (path,) = recordings(window)
    assert not path.name.endswith(PART)
    with Session(path) as session:
        assert session.whole
        assert len(session) == 50


def test_calibrating_ends_the_recording(window: MainWindow) -> None:
    feed = streaming(window)
    press(window, Qt.Key.Key_R)
    pass_frames(feed)
    window.calibrate()
    assert not feed.taps
    window.escape()
    wait_for(lambda: bool(recordings(window)) and not unfinished(window.recording.preferences.folder))


def test_a_folder_that_cannot_be_written_is_told(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    streaming(window)
    window.recording.preferences = Preferences(str(tmp_path / "file"))
    press(window, Qt.Key.Key_R)
    wait_for(window.banner.isVisible)
    assert window.banner.notice is not None
    assert "choose another folder" in window.banner.notice.text
    assert window.banner.property("banner") == "error"
    wait_for(window.recording.bar.button.isEnabled)


def test_a_camera_file_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse() -> None:
        raise EgoposeError("the calibration cannot be used; calibrate again")

    feed = fake.FakeFeed()
    monkeypatch.setattr(feed, "origin", refuse)
    presenter = RecordingPresenter(lambda: tmp_path, RecorderSettings)
    presenter.toggle(feed)
    notice = presenter.look(feed).notice
    assert notice is not None
    assert "calibrate again" in notice.text
    presenter.dismiss(notice)
    assert presenter.look(feed).notice is None


def test_losses_are_shown_while_it_records(tmp_path: Path) -> None:
    presenter = RecordingPresenter(lambda: tmp_path, lambda: RecorderSettings(queue_bytes=1))
    feed = fake.FakeFeed()
    presenter.toggle(feed)
    passed = itertools.count(step=200)

    def loses() -> bool:
        """A disk that is as fast as the frames come loses none: they come until it is not."""
        pass_frames(feed, 200, next(passed))
        return bool(presenter.look(feed).lost)

    wait_for(loses)
    screen = presenter.look(feed)
    assert screen.state is Recording.RUNNING
    assert screen.lost.endswith(" lost")
    presenter.toggle(feed)
    wait_for(lambda: presenter.look(feed).state is Recording.IDLE)
    notice = presenter.look(feed).notice
    assert notice is not None
    assert "lost on the way" in notice.text
    assert notice.tone == "warning"


def test_what_a_crash_left_is_offered_and_made_whole(window: MainWindow) -> None:
    folder = window.recording.preferences.folder
    folder.mkdir(parents=True)
    cut_off(folder / f"walk{PART}", 0.8)
    window.run()
    wait_for(window.banner.isVisible)
    assert window.banner.notice is not None
    assert window.banner.notice.text.startswith("A recording was cut off and can be made whole: walk.part.mcap (")
    (button,) = window.banner.choices
    assert button.text() == RECOVER
    button.click()
    wait_for(lambda: len(window.banner.choices) == 2)
    assert window.banner.notice.text.startswith("Recovered walk.mcap: ")
    assert [path.name for path in folder.iterdir()] == ["walk.mcap"]
    window.banner.dismiss()
    wait_for(lambda: not window.banner.isVisible())


def test_what_cannot_be_recovered_is_told_and_can_be_dismissed(window: MainWindow) -> None:
    folder = window.recording.preferences.folder
    folder.mkdir(parents=True)
    cut_off(folder / f"walk{PART}", 0.8)
    window.run()
    wait_for(lambda: bool(window.banner.choices))
    (folder / f"walk{PART}").write_bytes(b"nothing")
    window.banner.choices[0].click()
    wait_for(lambda: window.banner.isVisible() and window.banner.property("banner") == "error")
    press(window, Qt.Key.Key_Escape)
    wait_for(lambda: not window.banner.isVisible())
    assert (folder / f"walk{PART}").exists()


def test_a_recording_without_a_frame_is_not_offered(window: MainWindow) -> None:
    folder = window.recording.preferences.folder
    folder.mkdir(parents=True)
    (folder / f"empty{PART}").write_bytes(b"nothing")
    cut_off(folder / f"walk{PART}", 0.8)
    window.run()
    wait_for(lambda: bool(window.banner.choices))
    assert window.banner.notice is not None
    assert "A recording was cut off and can be made whole: walk" in window.banner.notice.text


def test_preferences_are_kept(window: MainWindow, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load_preferences() == Preferences()
    window.recording.h264_action.trigger()
    assert load_preferences().h264
    save_preferences(Preferences(str(tmp_path), False))
    assert load_preferences().folder == tmp_path
    for text in ("{", "[]", '{"version": 9}'):
        preferences_path().write_text(text)
        assert load_preferences() == Preferences()
    assert caplog.text.count("cannot be read") == 3
    window.recording.choose_folder()
    (dialog,) = window.findChildren(controls.QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "here"))
    dialog.close()
    assert load_preferences().recordings == str(tmp_path / "here")


def test_preferences_that_make_no_sense_are_the_defaults_one_by_one() -> None:
    kept = Preferences("/there", True, "Ada", 0.25, mirrored=True, theme="light")
    save_preferences(kept)
    assert load_preferences() == kept
    preferences_path().write_text(
        '{"version": 1, "recordings": 3, "h264": "yes", "smoothing": 7, "mirrored": 1, "theme": "light", "profile": []}'
    )
    assert load_preferences() == Preferences(theme="light")
