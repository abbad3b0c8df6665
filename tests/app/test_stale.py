"""A picture that is not live is dimmed, and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication

from app.fisheye_view import FisheyeView
from app.main_window import MainWindow
from app.presenter import Presenter
from app.stale import age_text, stale_text
from app.theme import DARK, LIGHT, Colours
from app.wording import UNKNOWN, delivery_tip, window_title
from engine.types import Figures, Snapshot, StreamState
from tests.app import fake
from tests.app.qt import count, pixels, wait_for


def figures(state: StreamState, silent_s: float) -> Figures:
    return replace(fake.figures(state), silent_s=silent_s)


@pytest.mark.parametrize(("seconds", "said"), [(0.9, "0 s"), (59.9, "59 s"), (61.0, "1 min 01 s")])
def test_ages(seconds: float, said: str) -> None:
    assert age_text(seconds) == said


def test_only_what_is_not_live_is_stale() -> None:
    for state in (StreamState.STREAMING, StreamState.ENDED, StreamState.CLOSED):
        assert stale_text(figures(state, 3)) is None
    assert stale_text(figures(StreamState.STALLED, 3)) == ("No new picture", "This picture is 3 s old")
    assert stale_text(figures(StreamState.BACKOFF, 75)) == ("Camera lost", "This picture is 1 min 15 s old")
    assert stale_text(figures(StreamState.OPENING, 4)) == ("Opening the camera again", "This picture is 4 s old")
    assert stale_text(figures(StreamState.OPENING, 0)) is None, "nothing was shown before"


def test_the_window_dims_a_lost_cameras_picture_and_comes_back(window: MainWindow) -> None:
    pose = fake.pose_at(0.4)
    live = fake.flat_snapshot(pose, grey=200)
    feed = fake.FakeFeed("My camera", picture=live)
    window.presenter = Presenter(lambda _: feed)
    window.pages.setCurrentWidget(window.view)  # laid out as it will be
    empty = count(pixels(window.view.skeleton), DARK.left, 60)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    bright, skeleton = pixels(window.view.picture), count(pixels(window.view.skeleton), DARK.left, 60)
    warm = count(bright, DARK.warning)  # heat has about that colour too
    assert skeleton > empty + 100
    feed.current = Snapshot(figures(StreamState.BACKOFF, 12), live.frame, live.pose)
    wait_for(lambda: count(pixels(window.view.picture), DARK.warning) > warm + 50)
    dimmed = pixels(window.view.picture)
    assert np.median(dimmed) < 0.5 * np.median(bright)
    assert count(pixels(window.view.skeleton), DARK.left, 60) == empty
    wait_for(lambda: window.view.strip.text.state == "Waiting to retry")
    assert {window.view.strip.text.rates, window.view.strip.text.age, window.view.strip.text.action} == {UNKNOWN}
    feed.current = Snapshot(fake.figures(), live.frame, live.pose)
    wait_for(lambda: np.array_equal(pixels(window.view.picture), bright))
    assert count(pixels(window.view.skeleton), DARK.left, 60) == skeleton


def test_what_is_delivered_is_shown(window: MainWindow) -> None:
    given = replace(
        fake.figures(), delivered="MJPG 1280 x 720 at 30 fps", gaps=2, clock_faults=1, clock_skew_ppm=-12.34
    )
    assert window_title("Fisheye", given).startswith("Fisheye (MJPG 1280 x 720 at 30 fps) ")
    assert delivery_tip(given).splitlines() == [
        "MJPG 1280 x 720 at 30 fps",
        "2 gaps since the start",
        "1 timestamp that did not hold since the start",
        "The computer's clock runs -12.3 ppm faster than the camera's",
    ]
    assert delivery_tip(fake.figures()) == ""
    window.view.strip.set_delivery(delivery_tip(given))
    assert "MJPG 1280 x 720 at 30 fps" in window.view.strip.rates.toolTip()


@pytest.mark.parametrize("grey", [0, 255])
@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_words_stand_on_a_ground_on_which_they_can_be_read(app: QApplication, colours: Colours, grey: int) -> None:
    """Whatever the picture is: their contrast with `surface` is that of the theme, at least 4.5."""
    view = FisheyeView()
    view.resize(640, 512)
    view.set_colours(colours)
    view.show_picture(fake.flat_snapshot(None, grey).frame, None, None)
    view.set_stale(("Camera lost", "This picture is 7 s old"))
    painted = pixels(view)[200:312, 200:440]
    words = count(painted, colours.warning, 40)
    assert words > 100
    assert count(painted, colours.surface, 6) > 4 * words
