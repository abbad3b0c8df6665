"""Opening, errors and closing, without Qt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app import presenter as presenter_module
from app.feed import Feed
from app.presenter import Notice, Phase, Presenter, display_name
from engine.errors import EgoposeError
from engine.types import Figures, Snapshot, StreamState
from tests.app import fake


def until(presenter: Presenter, condition: Callable[[Presenter], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition(presenter):
        assert time.monotonic() < deadline
        presenter.look()
        threading.Event().wait(0.002)


def opened(presenter: Presenter) -> None:
    until(presenter, lambda p: p.look().phase is Phase.PICTURE)


def test_nothing_open_at_first() -> None:
    assert Presenter(lambda _: fake.FakeFeed()).look().phase is Phase.EMPTY


def test_opening_then_the_picture_then_closed() -> None:
    feed = fake.FakeFeed("A camera", assumed=True)
    presenter = Presenter(lambda _: feed)
    presenter.open("camera:0")
    opened(presenter)
    screen = presenter.look()
    assert (screen.name, screen.assumed_camera, screen.snapshot) == ("A camera", True, feed.current)
    presenter.close()
    assert feed.stopped.is_set()
    assert presenter.look().phase is Phase.EMPTY


def test_opening_is_shown_and_names_the_source() -> None:
    opener = fake.SlowOpener()
    presenter = Presenter(opener)
    presenter.open("/videos/walk.mp4")
    screen = presenter.look()
    assert (screen.phase, screen.name) == (Phase.OPENING, "walk.mp4")
    opener.go_on.set()
    opened(presenter)
    presenter.close()


@pytest.mark.parametrize(
    ("spec", "name"),
    [("synthetic", "the synthetic wearer"), ("camera:/dev/video2", "camera /dev/video2"), ("/a/b/", "b"),
     ("rtsp://host/live", "rtsp://host/live"), ("/", "/")],
)  # fmt: skip
def test_names_of_specs(spec: str, name: str) -> None:
    assert display_name(spec) == name


def refuse(spec: str) -> Feed:
    raise EgoposeError(f"no such\nfile {spec}; choose another")


def test_refused_source_is_one_line_with_a_retry() -> None:
    presenter = Presenter(refuse)
    presenter.open("x.mp4")
    until(presenter, lambda p: p.error is not None)
    assert presenter.look().notice == Notice("no such file x.mp4; choose another", "error", retry=True)
    assert presenter.look().phase is Phase.EMPTY
    presenter.close()


def test_fault_in_the_opener_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: str) -> Feed:
        raise ZeroDivisionError("by nought")

    presenter = Presenter(broken)
    presenter.open("x.mp4")
    until(presenter, lambda p: p.error is not None)
    assert "ZeroDivisionError: by nought" in str(presenter.error)
    assert caplog.records[-1].exc_info is not None
    presenter.close()


def test_feed_that_cannot_start_is_stopped() -> None:
    feed = fake.FakeFeed()

    def start() -> None:
        raise EgoposeError("camera 0 is busy; close the other program")

    feed.start = start  # type: ignore[method-assign]
    presenter = Presenter(lambda _: feed)
    presenter.open("camera:0")
    until(presenter, lambda p: p.error is not None)
    assert feed.stopped.is_set()
    presenter.close()


def test_next_source_is_opened_after_the_one_before_has_stopped() -> None:
    first = fake.FakeFeed("first")
    order: list[str] = []

    def opener(spec: str) -> Feed:
        order.append(f"{spec} with first stopped: {first.stopped.is_set()}")
        return first if spec == "one" else fake.FakeFeed("second")

    presenter = Presenter(opener)
    presenter.open("one")
    opened(presenter)
    presenter.open("two")
    until(presenter, lambda p: p.look().name == "second")
    assert order == ["one with first stopped: False", "two with first stopped: True"]
    presenter.close()


def test_feed_that_comes_after_it_was_given_up_is_stopped() -> None:
    opener = fake.SlowOpener()
    presenter = Presenter(opener)
    presenter.open("slow")
    opener.entered.wait(10)
    threading.Timer(0.05, opener.go_on.set).start()
    presenter.close()
    assert [feed.stopped.is_set() for feed in opener.made] == [True]


def test_opener_that_hangs_does_not_hold_up_closing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presenter_module, "STOP_S", 0.05)
    opener = fake.SlowOpener()
    presenter = Presenter(opener)
    presenter.open("stuck")
    opener.entered.wait(10)
    with caplog.at_level(logging.ERROR):
        presenter.close()
    assert "open stuck" in caplog.text
    left = [thread for thread in threading.enumerate() if thread.name == "open stuck"]
    assert [thread.daemon for thread in left] == [True]
    opener.go_on.set()
    left[0].join()
    assert opener.made[0].stopped.is_set()


def test_state_messages_come_and_go_and_can_be_dismissed() -> None:
    feed = fake.FakeFeed()
    presenter = Presenter(lambda _: feed)
    presenter.open("camera:0")
    opened(presenter)
    stalled = fake.figures(StreamState.STALLED, "no picture for 2 s; check the cable")
    feed.current = Snapshot(stalled, feed.current.frame, feed.current.pose)
    notice = presenter.look().notice
    assert notice == Notice("no picture for 2 s; check the cable", "warning")
    assert notice is not None
    presenter.dismiss(notice)
    assert presenter.look().notice is None
    feed.current = Snapshot(fake.figures(), feed.current.frame, feed.current.pose)
    assert presenter.look().notice is None
    feed.current = Snapshot(stalled, feed.current.frame, feed.current.pose)
    assert presenter.look().notice == notice  # it happened again
    failed = fake.figures(StreamState.FAILED, "the camera is gone; plug it in")
    feed.current = Snapshot(failed)
    screen = presenter.look()
    assert (screen.phase, screen.notice) == (Phase.EMPTY, Notice(failed.message, "error", retry=True))
    presenter.close()


def test_what_the_runtime_says_is_told_once_and_after_what_is_wrong_with_the_source() -> None:
    feed = fake.FakeFeed()
    presenter = Presenter(lambda _: feed)
    presenter.open("camera:0")
    opened(presenter)
    said = "OpenVINO int8 could not be built (no room); PyTorch eager, CPU goes on"
    going = replace(feed.current.figures, notice=said)
    stalled = replace(fake.figures(StreamState.STALLED, "no picture for 2 s; check the cable"), notice=said)

    def shown(figures: Figures) -> Notice | None:
        feed.current = Snapshot(figures, feed.current.frame, feed.current.pose)
        return presenter.look().notice

    notice = shown(going)
    assert notice == Notice(said, "info")
    warning = shown(stalled)
    assert warning == Notice("no picture for 2 s; check the cable", "warning")
    assert notice is not None
    presenter.dismiss(notice)
    assert shown(going) is None
    assert shown(stalled) == warning
    assert shown(going) is None
    presenter.close()
