"""Closing: all at once, and no longer than it may take."""

from __future__ import annotations

import threading

import pytest

from app.closing import close_together
from app.main_window import MainWindow
from app.presenter import Presenter
from tests.app import fake
from tests.app.qt import wait_for


def test_all_are_closed_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)
    left: list[int] = []

    def close() -> None:
        left.append(together.wait())  # none goes on before all are here

    close_together(dict.fromkeys("abc", close), 20)
    assert sorted(left) == [0, 1, 2]


def test_what_hangs_is_named_and_left(caplog: pytest.LogCaptureFixture) -> None:
    go_on, done = threading.Event(), threading.Event()
    close_together({"disk": lambda: bool(go_on.wait(20)), "quick": done.set}, 0.05)
    assert done.is_set()
    assert "'close disk' has not ended in time" in caplog.text
    assert "quick" not in caplog.text
    go_on.set()


def test_the_window_ends_recording_outputs_and_source_together(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3, timeout=20)
    feed = fake.FakeFeed()
    window.presenter = Presenter(lambda _: feed)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    window.recording.toggle()
    assert window.recording.recording.active
    ended = []
    for part in (window.recording, window.outputs, window.presenter):

        def close(then=part.close) -> None:  # type: ignore[no-untyped-def]
            together.wait()
            then()
            ended.append(then)

        monkeypatch.setattr(part, "close", close)
    window.close()
    assert len(ended) == 3
    assert feed.stopped.is_set()
    assert len(list(window.recording.preferences.folder.glob("*.mcap"))) == 0  # nothing passed, so nothing is kept
