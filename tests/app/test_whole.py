"""The whole program in its window: the bundled session, the real pipeline, and its end at any moment."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PyQt6.QtTest import QTest

from app.cli import main
from app.live_feed import LiveFeed
from app.main_window import MainWindow
from app.presenter import Presenter
from app.settings import Settings
from app.theme import DARK
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.session.record import record
from engine.types import Snapshot
from tests.app.qt import count, pixels, wait_for
from tests.engine.capture.mjpeg_server import MjpegServer


def opens(window: MainWindow, weights: Path, session: str = str(DEMO_SESSION), *, loop: bool = True) -> list[LiveFeed]:
    """Open a session in the window; the feeds that came to be."""
    feeds: list[LiveFeed] = []

    def opener(spec: str) -> LiveFeed:
        feeds.append(LiveFeed(spec, Settings(str(weights)), loop=loop))
        return feeds[-1]

    window.presenter = Presenter(opener)
    window.run()
    window.open(session)
    return feeds


def pipeline_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("egopose", "motion stream"))]


def test_the_demo_plays_with_skeleton_and_figures(window: MainWindow, tiny_weights: Path) -> None:
    feeds = opens(window, tiny_weights)
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    wait_for(lambda: window.view.strip.text.state == "Streaming")
    shot: Snapshot = feeds[0].snapshot()
    assert shot.frame is not None
    assert shot.pose is not None
    assert shot.frame.seq == shot.pose.seq
    assert shot.frame.truth is not None
    assert "demo" in window.windowTitle()
    wait_for(lambda: window.view.strip.camera.value.text() == "Calibrated")
    assert "tiny" in window.view.strip.runtime.value.text()
    assert count(pixels(window.view.skeleton), DARK.left, 60) > 50
    first = shot.frame.seq
    wait_for(lambda: feeds[0].snapshot().frame is not None and feeds[0].snapshot().frame.seq > first)


@pytest.mark.parametrize("wait_ms", [0, 30, 150, 600])
def test_closing_at_any_moment_leaves_no_thread(window: MainWindow, tiny_weights: Path, wait_ms: int) -> None:
    opens(window, tiny_weights)
    QTest.qWait(wait_ms)
    window.close()
    wait_for(lambda: not pipeline_threads())


def test_at_the_end_the_last_picture_stays_and_the_state_says_so(
    window: MainWindow, tiny_weights: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.mcap"
    record(open_source(str(DEMO_SESSION)), short, 10)
    feeds = opens(window, tiny_weights, str(short), loop=False)
    wait_for(lambda: window.view.strip.text.state == "Ended")
    assert window.view.left.currentWidget() is window.view.picture
    shot = feeds[0].snapshot()
    assert shot.frame is not None
    assert shot.frame.seq == 9


def test_a_network_camera_that_dies_is_dimmed_and_comes_back_by_itself(window: MainWindow, tiny_weights: Path) -> None:
    with MjpegServer(fps=30) as server:
        feeds = opens(window, tiny_weights, server.address)
        wait_for(lambda: window.view.strip.text.state == "Streaming")
        assert "(Motion JPEG 320 x 240)" in window.windowTitle()
        server.stop()
        wait_for(lambda: count(pixels(window.view.picture), DARK.warning) > 50)
        assert window.banner.notice is not None
        assert "check that it is switched on" in window.banner.notice.text
        assert "It is opened again as soon as it is back" in window.banner.notice.text
        server.start()
        wait_for(lambda: window.view.strip.text.state == "Streaming")
        wait_for(lambda: count(pixels(window.view.picture), DARK.warning) == 0)
        wait_for(lambda: window.banner.notice is None)
        assert feeds[0].snapshot().figures.gaps == 1
        server.hangs = True
        wait_for(lambda: count(pixels(window.view.picture), DARK.warning) > 50)
        window.close()
        wait_for(lambda: not pipeline_threads())


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("http://127.0.0.1:1/video", "cannot be opened (connection refused): check that it is switched on"),
        ("rtsp://127.0.0.1:1/live", "cannot be opened (connection refused): check that the camera is switched on"),
        ("camera:97", "cannot be opened: "),
        ("camera:usb-Nobody-0", "is not connected: "),
        ("camera:0,zoom=3", "has no option 'zoom': it has size, fps, codec, exposure, gain, focus."),
        ("realsense:0", "RealSense"),
    ],
)
def test_what_cannot_be_opened_ends_the_command_with_one_line(
    spec: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", spec, "--seconds", "1"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
