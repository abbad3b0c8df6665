"""A change that is being tried tells how far it is and can be called off; what is shown goes on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.live.change import Change
from app.main_window import MainWindow
from app.opener import FeedOpener
from app.preferences import load_preferences
from app.settings import Settings
from engine.runtime.artefacts import Cancelled, default_root
from engine.runtime.backend import Tell
from engine.runtime.building import Built
from tests.app.live.test_window import choose
from tests.app.qt import wait_for


class Slow:
    """A build that is two fifths done and goes no further."""

    made: list[Slow]

    def __init__(self, *_what: object) -> None:
        self.cancelled = threading.Event()
        self.made.append(self)

    def make(self, tell: Tell) -> None:
        tell("quantising", 0.4)
        assert self.cancelled.wait(30)
        raise Cancelled("openvino")

    def cancel(self) -> None:
        self.cancelled.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> type[Slow]:
    Slow.made = []
    monkeypatch.setattr("app.live.change.Built", Slow)
    return Slow


def test_its_bar_is_seen_and_a_button_or_escape_calls_it_off(
    live: MainWindow, opener: FeedOpener, slow: type[Slow]
) -> None:
    section, feed, before = live.living, live.presenter.feed, opener.settings
    assert not section.cancel.isVisible()
    for leave_off in (section.cancel.click, lambda: QTest.keyClick(live, Qt.Key.Key_Escape)):
        choose(section.runtime, "openvino")
        wait_for(lambda: section.done.value() == 400)
        assert section.changing.text() == "Making OpenVINO ready …"
        assert section.done.isVisible()
        leave_off()
        wait_for(lambda: not section.done.isVisible())
        assert slow.made[-1].cancelled.is_set()
        assert live.presenter.feed is feed, "what is shown goes on"
        assert opener.settings is before
        assert section.runtime.box.currentData() == "eager"
    assert len(slow.made) == 2, "after one that was called off another may be tried"
    assert not live.banner.isVisible(), "who calls it off knows"
    assert load_preferences().runtime == ""


def test_closing_calls_it_off(live: MainWindow, slow: type[Slow]) -> None:
    choose(live.living.runtime, "openvino")
    wait_for(lambda: bool(slow.made))
    live.close()
    assert slow.made[0].cancelled.is_set()


def test_the_process_that_builds_is_ended_and_leaves_nothing(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Built] = []
    start = Built._start
    monkeypatch.setattr(Built, "_start", lambda self, said: begun.append(self) or start(self, said))  # type: ignore[func-returns-value]
    change = Change(Settings(network=str(tiny_weights), runtime="eager"), with_openvino)
    wait_for(lambda: bool(begun) and begun[0]._process is not None)
    change.stop()
    assert change.join(20)
    assert isinstance(change.poll(), Cancelled)
    process = begun[0]._process
    assert process is not None
    assert process.poll() is not None
    assert list(default_root().glob("openvino-*/manifest.json")) == []


def with_openvino(settings: Settings) -> Settings:
    return Settings(network=settings.network, runtime="openvino")
