"""The window as a program: duration, screenshot, signals, and no display."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication

from app import display
from app.display import check_display, has_display
from app.feed import Feed
from app.run import run_window
from engine.errors import EgoposeError
from tests.app import fake

ROOT = Path(__file__).parents[2]


def test_screenshot_after_some_seconds(app: QApplication, tmp_path: Path) -> None:
    feed = fake.FakeFeed()
    path = tmp_path / "window.png"
    assert run_window(lambda _: feed, "camera:0", theme="dark", seconds=0.5, screenshot=path) == 0
    image = QImage(str(path))
    assert (image.width(), image.height()) == (1280, 800)
    assert feed.stopped.is_set()


def test_screenshot_that_cannot_be_written_is_an_error(app: QApplication, tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="cannot write the screenshot"):
        run_window(lambda _: fake.FakeFeed(), None, seconds=0.05, screenshot=tmp_path / "no" / "where.png")


def test_statuses(app: QApplication) -> None:
    def refuse(_: str) -> Feed:
        raise EgoposeError("no such file; choose another")

    broken = fake.FakeFeed()
    broken.failure = RuntimeError("broken")
    hook = sys.excepthook, threading.excepthook
    assert run_window(refuse, "x.mp4", seconds=0.3) == 2
    assert run_window(lambda _: broken, "x.mp4", seconds=0.3) == 1
    assert run_window(refuse, None, seconds=0.05) == 0
    assert hook == (sys.excepthook, threading.excepthook)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_close_the_window_and_the_process_ends(number: signal.Signals) -> None:
    code = (
        "from tests.app import fake; from app.run import run_window\n"
        "class Loud(fake.FakeFeed):\n"
        "    def snapshot(self):\n"
        "        if self.looks == 3: print('streaming', flush=True)\n"
        "        return super().snapshot()\n"
        "raise SystemExit(run_window(lambda _: Loud(), 'camera:0'))"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "streaming\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no display."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(display, "_loads", lambda _: True)
    monkeypatch.setattr(sys, "platform", "linux")
    return monkeypatch


def test_no_display_is_one_line(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(EgoposeError, match=r"no display: neither DISPLAY nor WAYLAND_DISPLAY .* --headless"):
        check_display()
    assert not has_display()


def test_display_that_does_not_answer_is_one_line(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("DISPLAY", ":4711")
    with pytest.raises(EgoposeError, match=r"X server at DISPLAY=:4711 does not answer"):
        check_display()
    bare.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    bare.setenv("WAYLAND_DISPLAY", "wayland-0")
    bare.delenv("DISPLAY")
    with pytest.raises(EgoposeError, match="no display"):
        check_display()
    bare.setenv("QT_QPA_PLATFORM", "wayland")
    with pytest.raises(EgoposeError, match="Wayland compositor does not answer"):
        check_display()


def test_missing_libraries_are_named_with_their_packages(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DISPLAY", ":0")
    bare.setattr(display, "_loads", lambda library: library != "libxcb-cursor.so.0")
    with pytest.raises(EgoposeError, match=r"apt install libxcb-cursor0$"):
        check_display()


def test_offscreen_needs_no_display_but_is_none(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("QT_QPA_PLATFORM", "offscreen")
    check_display()
    assert not has_display()


def test_no_display_ends_the_program_before_qt_does() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    code = (
        "from app.run import run_window; from app.opening import refuse; from engine.errors import EgoposeError\n"
        "try: run_window(refuse, None)\n"
        "except EgoposeError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert "no display" in done.stdout or "apt install" in done.stdout
