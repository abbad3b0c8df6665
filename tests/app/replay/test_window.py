"""Replaying in the window: keys, buttons, scrubbing, the truth, and the end at any moment."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from app.main_window import MainWindow
from app.presenter import Presenter
from app.replay.feed import ReplayFeed, open_feed
from app.replay.presenter import ReplayPresenter
from app.replay.strips import worst_frames
from app.settings import Settings
from app.theme import DARK
from calib.cv import cv2
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.session.record import record
from engine.session.writer import SessionWriter
from engine.types import Event, EventKind
from tests.app import fake
from tests.app.qt import count, pixels, wait_for

FRAMES = 40


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "short.mcap"
    record(open_source(str(DEMO_SESSION)), path, FRAMES)
    return path


def opens(window: MainWindow, weights: Path, path: Path, *, loop: bool = False) -> ReplayPresenter:
    window.presenter = Presenter(lambda spec: open_feed(spec, Settings(str(weights)), loop=loop))
    window.run()
    window.open(str(path))
    wait_for(lambda: window.replay.replay is not None)
    assert window.replay.replay is not None
    return window.replay.replay


def held(window: MainWindow, replay: ReplayPresenter, index: int) -> None:
    """Pause at a frame and wait for its pose."""
    replay.feed.play.pause()
    replay.go_to(index)
    wait_for(lambda: posed(replay.feed) == index)


def posed(feed: ReplayFeed) -> int | None:
    """The frame whose pose is shown."""
    return feed.posed


def replay_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(("egopose source", "egopose inf", "egopose an",
                                                                        "egopose thumb", "motion stream"))]  # fmt: skip


def test_keys_pause_step_and_jump(window: MainWindow, tiny_weights: Path, session: Path) -> None:
    replay = opens(window, tiny_weights, session)
    assert window.replay.bar.isVisible()
    held(window, replay, 20)
    wait_for(lambda: window.view.strip.text.state == "Paused")
    for key, index in ((Qt.Key.Key_Period, 21), (Qt.Key.Key_Comma, 20), (Qt.Key.Key_Comma, 19)):
        QTest.keyClick(window, key)
        wait_for(lambda index=index: posed(replay.feed) == index)  # type: ignore[misc]
    QTest.keyClick(window, Qt.Key.Key_Home)
    wait_for(lambda: posed(replay.feed) == 0)
    QTest.keyClick(window, Qt.Key.Key_End)
    wait_for(lambda: posed(replay.feed) == FRAMES - 1)
    wait_for(lambda: window.replay.bar.frame.text() == f"{FRAMES} / {FRAMES}")
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    wait_for(lambda: posed(replay.feed) == 0)


def test_at_the_end_the_last_frame_stays_and_play_begins_again(
    window: MainWindow, tiny_weights: Path, session: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    replay.feed.play.set_speed(4.0)
    wait_for(lambda: window.view.strip.text.state == "Ended")
    wait_for(lambda: posed(replay.feed) == FRAMES - 1)
    assert window.view.left.currentWidget() is window.view.picture
    assert replay.feed.track.known.all(), "no frame is left out"
    QTest.keyClick(window, Qt.Key.Key_Space)
    wait_for(lambda: posed(replay.feed) in range(FRAMES - 1))


def test_a_range_is_played_over_and_over(window: MainWindow, tiny_weights: Path, session: Path) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 10)
    QTest.keyClick(window, Qt.Key.Key_I)
    held(window, replay, 14)
    QTest.keyClick(window, Qt.Key.Key_O)
    QTest.keyClick(window, Qt.Key.Key_L)
    assert replay.marked == (10, 14)
    wait_for(window.replay.bar.buttons["loop"].isChecked)
    seen: set[int | None] = set()
    QTest.keyClick(window, Qt.Key.Key_Space)

    def round_trip() -> bool:
        seen.add(posed(replay.feed))
        return {10, 14} <= seen

    wait_for(round_trip)
    assert seen <= {10, 11, 12, 13, 14, None}


def test_dragging_along_the_timeline_shows_the_newest_moment(
    window: MainWindow, tiny_weights: Path, session: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 0)
    timeline = window.replay.bar.timeline
    y = timeline.height() // 2
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(3)), y))
    for index in range(4, 33):
        QTest.mouseMove(timeline, QPoint(round(timeline.x_of(index)), y))
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(32)), y))
    wait_for(lambda: posed(replay.feed) == 32)
    assert not replay.feed.track.known[33:].any()


def test_the_picture_is_there_before_its_pose(
    window: MainWindow, tiny_weights: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 5)
    go_on = threading.Event()
    monkeypatch.setattr(replay.feed.track, "keep", _waiting(replay.feed.track.keep, go_on))
    replay.go_to(30)
    wait_for(lambda: replay.feed.play.target is None and replay.feed.position == 30)
    assert replay.feed.snapshot().pose is None
    go_on.set()
    wait_for(lambda: posed(replay.feed) == 30)


def _waiting(call, go_on: threading.Event):  # type: ignore[no-untyped-def]
    def waited(*values: object) -> None:
        go_on.wait(20)
        call(*values)

    return waited


def test_the_truth_is_drawn_beside_and_its_error_told(window: MainWindow, tiny_weights: Path, session: Path) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 12)
    wait_for(lambda: window.replay.bar.error.text().endswith(" mm"))
    error = float(np.mean(replay.feed.track.errors_mm[12]))
    assert window.replay.bar.error.text() == f"{error:.0f} mm"
    shown = pixels(window.view.picture)
    QTest.keyClick(window, Qt.Key.Key_T)
    wait_for(lambda: not np.array_equal(pixels(window.view.picture), shown))


def test_all_poses_are_found_in_the_background_and_the_worst_is_shown(
    window: MainWindow, tiny_weights: Path, session: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 0)
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    wait_for(lambda: bool(replay.feed.track.known.all()) and replay.feed.analysed is None)
    assert replay.feed.trouble is None
    QTest.keyClick(window, Qt.Key.Key_W)
    worst = int(replay.feed.track.mpjpe_mm.argmax())
    wait_for(lambda: posed(replay.feed) == worst)
    timeline = window.replay.bar.timeline
    wait_for(lambda: count(pixels(timeline), DARK.text) > 300)  # the error's line
    assert count(pixels(timeline), DARK.warning) > 20  # the worst frames
    window.replay.bar.buttons["worst"].click()
    wait_for(lambda: posed(replay.feed) != worst or len(worst_frames(replay.feed.reel, replay.feed.track)) == 1)
    low = timeline.height()
    QTest.keyClick(window, Qt.Key.Key_J)
    wait_for(lambda: timeline.height() > low)


def test_marks_and_gaps_are_drawn_and_jumped_to(window: MainWindow, tiny_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "gappy.mcap"
    with open_source(str(DEMO_SESSION)) as source, SessionWriter(path, source.info.calibration) as writer:
        for index in range(30):
            frame = source.read()
            assert frame is not None
            if not 10 <= index < 25:
                writer.add(frame)
            if index == 5:
                writer.add_event(Event(EventKind.MARK, frame.capture_ns, "look here"))
    replay = opens(window, tiny_weights, path)
    held(window, replay, 0)
    assert len(replay.feed.reel) == 15
    assert len(replay.feed.reel.gaps) == 1
    assert count(pixels(window.replay.bar.timeline), DARK.warning) > 50
    for index in (5, 10, 14):
        QTest.keyClick(
            window, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )
        wait_for(lambda index=index: posed(replay.feed) == index)  # type: ignore[misc]


def test_pictures_without_truth_are_replayed_too(window: MainWindow, tiny_weights: Path, tmp_path: Path) -> None:
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64, 3), 40 * number, np.uint8))
    (tmp_path / "3.png").write_bytes(b"damaged")
    replay = opens(window, tiny_weights, tmp_path)
    wait_for(lambda: replay.feed.play.ended and posed(replay.feed) == 5)
    assert replay.feed.track.known.tolist() == [True, True, True, False, True, True]
    assert not replay.feed.reel.has_truth
    assert not window.replay.truth_action.isEnabled()
    assert window.replay.bar.error.text() == ""


@pytest.mark.parametrize("wait_ms", [0, 60, 400])
def test_closing_leaves_no_thread(window: MainWindow, tiny_weights: Path, session: Path, wait_ms: int) -> None:
    replay = opens(window, tiny_weights, session)
    replay.feed.analyse()
    QTest.qWait(wait_ms)
    window.close()
    wait_for(lambda: not replay_threads())


def test_the_row_is_there_for_what_can_be_positioned_alone(
    window: MainWindow, tiny_weights: Path, session: Path
) -> None:
    opens(window, tiny_weights, session)
    window.presenter.close()
    window.presenter = Presenter(lambda _: fake.FakeFeed())
    window.open("camera:0")
    wait_for(lambda: window.replay.replay is None)
    assert not window.replay.bar.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Space)
