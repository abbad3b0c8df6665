"""The window as a whole: toggles, opening, errors, closing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QThread, QThreadPool, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QPushButton

from app import menus
from app.about import show_about
from app.errors import ErrorHook
from app.feed import Feed, Opener
from app.main_window import MainWindow
from app.presenter import Phase, Presenter, Screen
from app.theme import DARK
from engine.errors import EgoposeError
from engine.types import Snapshot, StreamState
from tests.app import fake
from tests.app.qt import count, pixels, wait_for

COPY, LEFT, NO = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def streaming(window: MainWindow, feed: Feed) -> None:
    """Open a feed and wait for its picture."""
    opens(window, lambda _: feed)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)


def opens(window: MainWindow, opener: Opener) -> None:
    window.presenter = Presenter(opener)


def threads_left() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(("open ", "fake feed"))]


def test_window_shows_the_feed_and_its_figures(window: MainWindow) -> None:
    streaming(window, fake.FakeFeed("My camera", assumed=True, picture=fake.flat_snapshot(fake.pose_at(0.4))))
    assert window.windowTitle().startswith("My camera")
    wait_for(lambda: window.view.strip.text.state == "Streaming")
    assert window.view.strip.camera.value.text() == "⚠ Uncalibrated"
    assert window.view.strip.action.value.text() == "Walk 70%"
    assert count(pixels(window.view.picture), DARK.left) > 50
    assert count(pixels(window.view.skeleton), DARK.left, 60) > 200


def test_boxes_keys_and_menu_are_one_switch(window: MainWindow) -> None:
    streaming(window, fake.FakeFeed())
    QTest.keyClick(window, Qt.Key.Key_S)
    assert not window.view.panel.skeleton.isChecked()
    assert count(pixels(window.view.picture), DARK.left) == 0
    window.view.panel.skeleton.click()
    assert window.actions_.skeleton.isChecked()
    assert count(pixels(window.view.picture), DARK.left) > 50
    before = pixels(window.view.picture)
    window.actions_.heatmaps.trigger()
    assert not window.view.panel.heatmaps.isChecked()
    assert not np.array_equal(pixels(window.view.picture), before)


def test_joint_boxes_hide_joints_singly_and_by_side(window: MainWindow) -> None:
    streaming(window, fake.FakeFeed())
    window.actions_.heatmaps.trigger()
    before = count(pixels(window.view.picture), DARK.right)
    window.view.panel.joints[3].click()
    assert 0 < count(pixels(window.view.picture), DARK.right) < before
    button = next(b for b in window.view.panel.findChildren(QPushButton) if "right" in b.accessibleName())
    button.click()  # all again
    assert count(pixels(window.view.picture), DARK.right) == before
    button.click()
    assert count(pixels(window.view.picture), DARK.right) == 0
    assert not any(window.view.panel.joints[joint].isChecked() for joint in (1, 2, 3, 7, 8, 9, 10))


def test_no_two_commands_share_a_key(window: MainWindow) -> None:
    keys = [key.toString() for action in window.actions() for key in action.shortcuts()]
    assert [key for key in set(keys) if keys.count(key) > 1] == ["Space"]
    # A camera is frozen, a recording paused, by the same key, and never both: with nothing open, neither.
    shared = [action for action in window.actions() if "Space" in [key.toString() for key in action.shortcuts()]]
    assert [action.isEnabled() for action in shared] == [False, False]
    assert {"Ctrl+O", "Ctrl+Q", "F11", "H", "S", "R"} <= set(keys)
    assert QKeySequence("F5").toString() in keys


def test_unchanged_snapshot_is_not_painted_again(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = fake.FakeFeed()
    streaming(window, feed)
    shown: list[object] = []
    monkeypatch.setattr(window.view.picture, "show_picture", lambda *new: shown.append(new))
    looks = feed.looks
    wait_for(lambda: feed.looks > looks + 3)
    # The pipeline makes a new snapshot each time; what counts is what is in it.
    feed.current = Snapshot(fake.figures(), feed.current.frame, feed.current.pose)
    looks = feed.looks
    wait_for(lambda: feed.looks > looks + 3)
    assert shown == []
    feed.current = fake.flat_snapshot(fake.pose_at(0.5))
    wait_for(lambda: len(shown) == 1)


def drop(window: MainWindow, *urls: str) -> bool:
    """Drag these over the window and let go; whether the window took them."""
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    enter = QDragEnterEvent(QPoint(50, 50), COPY, data, LEFT, NO)
    QApplication.sendEvent(window, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), COPY, data, LEFT, NO))
    return True


def test_dropped_file_and_folder_are_opened(window: MainWindow, tmp_path: Path) -> None:
    specs: list[str] = []
    opens(window, lambda spec: specs.append(spec) or fake.FakeFeed())  # type: ignore[func-returns-value]
    window.run()
    for path in (tmp_path / "walk ü.mp4", tmp_path):
        assert drop(window, QUrl.fromLocalFile(str(path)).toString())
        wait_for(lambda path=path: specs[-1:] == [str(path)])  # type: ignore[misc]
    assert not drop(window, "https://example.org/walk.mp4")
    assert not drop(window, "file:///a.mp4", "file:///b.mp4")
    assert len(specs) == 2


def test_error_is_shown_in_place_and_can_be_dismissed_or_tried_again(window: MainWindow) -> None:
    tries: list[str] = []

    def opener(spec: str) -> Feed:
        tries.append(spec)
        if len(tries) < 3:
            raise EgoposeError("camera 0 is busy; close the other program")
        return fake.FakeFeed()

    opens(window, opener)
    window.run()
    window.open("camera:0")
    wait_for(window.banner.isVisible)
    assert window.banner.notice is not None
    assert window.banner.notice.text == "camera 0 is busy; close the other program"
    assert QApplication.activeModalWidget() is None
    assert window.pages.currentWidget() is window.start
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.banner.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F5)
    wait_for(window.banner.isVisible)
    window.banner.retry.emit()
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    assert not window.banner.isVisible()


def test_slot_that_raises_is_told_and_logged_once(window: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    hook = ErrorHook(interrupted=window.leave)
    hook.caught.connect(window.report)
    hook.install()
    try:
        feed = fake.FakeFeed()
        streaming(window, feed)
        feed.failure = RuntimeError("lost its mind")
        wait_for(lambda: hook.count > 3)
        assert window.banner.notice is not None
        assert "RuntimeError: lost its mind" in window.banner.notice.text
        assert caplog.text.count("Traceback") == 1
        feed.failure = None
        looks = feed.looks
        wait_for(lambda: feed.looks > looks + 2)  # the window goes on
    finally:
        hook.remove()


def test_error_of_a_thread_reaches_the_window(window: MainWindow) -> None:
    hook = ErrorHook(interrupted=window.leave)
    hook.caught.connect(window.report)
    hook.install()
    try:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        wait_for(lambda: window.banner.notice is not None)
        assert "ZeroDivisionError" in str(window.banner.notice)
    finally:
        hook.remove()


def test_closing_while_streaming_leaves_no_thread(window: MainWindow) -> None:
    feed = fake.FakeFeed()
    streaming(window, feed)
    pool = QThreadPool.globalInstance()
    window.close()
    assert feed.stopped.is_set()
    assert threads_left() == []
    assert pool is not None
    assert pool.activeThreadCount() == 0
    assert window.findChildren(QThread) == []
    looks = feed.looks
    QTest.qWait(60)
    assert feed.looks == looks  # the timer has ended too


def test_closing_while_opening_leaves_no_thread(window: MainWindow) -> None:
    opener = fake.SlowOpener()
    opens(window, opener)
    window.run()
    window.open("camera:0")
    opener.entered.wait(10)
    wait_for(lambda: window.windowTitle().startswith("camera 0"))
    assert window.view.strip.text.state == "Opening" or window.pages.currentWidget() is window.start
    threading.Timer(0.05, opener.go_on.set).start()
    window.close()
    assert threads_left() == []
    assert opener.made[0].stopped.is_set()


def test_slow_feed_leaves_the_window_half_of_its_time(window: MainWindow) -> None:
    feed = fake.FakeFeed()
    streaming(window, feed)
    feed.delay_s = 0.08
    for _ in range(3):
        looks = feed.looks
        wait_for(lambda looks=looks: feed.looks > looks)  # type: ignore[misc]
        assert window._timer.remainingTime() >= 70 or window._timer.remainingTime() == -1
    window.view.panel.skeleton.click()
    assert not window.actions_.skeleton.isChecked()
    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < 2.0


def test_failed_source_shows_what_to_do(window: MainWindow) -> None:
    failed = Snapshot(fake.figures(StreamState.FAILED, "no pictures in /tmp/x; choose another folder"))
    opens(window, lambda _: fake.FakeFeed(picture=failed))
    window.run()
    window.open("/tmp/x")
    wait_for(window.banner.isVisible)
    assert window.pages.currentWidget() is window.start
    wait_for(lambda: window.view.strip.text.state == "Failed")


def test_welcome_buttons_open(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[str] = []
    monkeypatch.setattr(window.presenter, "open", specs.append)
    monkeypatch.setattr(menus, "list_cameras", tuple)
    window.start.tries[1].click()
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert specs == ["synthetic", "camera:0"]


def test_the_welcome_button_and_the_menu_let_choose_a_camera(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.capture.devices.system_cameras", tuple)
    specs: list[str] = []
    monkeypatch.setattr(window.presenter, "open", specs.append)
    window.start.camera.emit()
    first = window.chooser
    assert first is not None
    window.choose_camera()
    assert window.chooser is first, "one is enough"
    first.choose("camera:/dev/video2")
    wait_for(lambda: specs == ["camera:/dev/video2"])
    assert window.chooser is None
    window.choose_camera()
    assert window.chooser is not None
    window.close()
    assert window.chooser is None


def test_dialogs_do_not_block(window: MainWindow) -> None:
    for open_dialog in (window.files.choose_file, window.files.choose_folder, lambda: show_about(window)):
        open_dialog()
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        dialog.close()


def test_drawing_nothing_clears_everything(window: MainWindow) -> None:
    window.draw(Screen(Phase.PICTURE, "x", fake.flat_snapshot(fake.pose_at(0.4)), fake.canonical_view()), at_once=True)
    window.draw(Screen(Phase.EMPTY), at_once=True)
    assert window.view.strip.text.state == "Nothing open"
    assert window.windowTitle() == "egopose"
    assert count(pixels(window.view.skeleton)[100:400], DARK.left, 40) == 0
