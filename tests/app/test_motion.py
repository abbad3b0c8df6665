"""What the command line says about filter and fit."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.live_feed import LiveFeed
from app.motion import add_motion, motion_of
from app.settings import Settings
from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.motion import profile as profiles
from engine.motion.profile import Profile, from_height, load_profile, save_profile
from engine.motion.settings import DEFAULT_SMOOTHING, RAW, MotionSettings
from engine.types import Event, Frame, Pose


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "user_config_dir", lambda name: str(tmp_path / name))


def chosen(*words: str) -> tuple[float | None, Profile | None]:
    command = argparse.ArgumentParser()
    add_motion(command)
    return motion_of(command.parse_args(words))


def test_nothing_is_chosen_unless_said() -> None:
    assert chosen() == (None, None)
    assert Settings().shown_motion == MotionSettings(DEFAULT_SMOOTHING)
    assert Settings(recorded=True).shown_motion == RAW
    assert Settings().reported_motion == RAW


def test_what_is_said_holds_everywhere() -> None:
    smoothing, profile = chosen("--smoothing", "0.2", "--height", "1.6")
    settings = Settings(recorded=True, smoothing=smoothing, profile=profile)
    assert settings.shown_motion == settings.reported_motion == MotionSettings(0.2, from_height(1.6))


def test_a_profile_is_made_used_and_scaled_by_name() -> None:
    assert chosen("--profile", "ada", "--height", "1.68") == (None, from_height(1.68, "ada"))
    assert chosen("--profile", "ada") == (None, from_height(1.68, "ada"))
    odd = Profile("bob", 1.8, from_height(1.9).lengths)
    save_profile(odd)
    _, taller = chosen("--profile", "bob", "--height", "2.0")
    assert taller is not None
    assert taller.lengths.foot == pytest.approx(odd.lengths.foot * 2.0 / 1.8)
    assert load_profile("bob") == taller


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--smoothing", "-0.1"), "from 0 to 1"),
        (("--height", "0"), "not a person's"),
        (("--profile", "nobody"), "no profile 'nobody'"),
        (("--profile", "../x", "--height", "1.7"), "no name for a profile"),
        (("--profile", "eve", "--height", "9"), "not a person's"),
    ],
)
def test_what_cannot_be_is_told(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(EgoposeError, match=told):
        chosen(*words)
    assert profiles.profile_names() == []


class Watcher:
    """A tap that waits for a pose of some kind."""

    def __init__(self, wanted: Callable[[Pose], bool]) -> None:
        self.wanted, self.found = wanted, threading.Event()

    def frame(self, frame: Frame) -> None:
        pass

    def pose(self, pose: Pose) -> None:
        if self.wanted(pose):
            self.found.set()

    def event(self, event: Event) -> None:
        pass


def test_the_window_exchanges_filter_and_profile_while_a_feed_runs(tiny_weights: Path) -> None:
    small, feed = from_height(1.5), LiveFeed(str(DEMO_SESSION), Settings(str(tiny_weights)), loop=True)
    assert feed.motion == MotionSettings(DEFAULT_SMOOTHING)
    filtered = Watcher(lambda pose: pose.raw_joints_m is not None and pose.lag_ns > 0)
    fitted = Watcher(lambda pose: pose.body is not None and pose.body.skeleton.lengths == small.lengths)
    raw = Watcher(lambda pose: pose.raw_joints_m is None and pose.body is not None)
    feed.taps.add(filtered)
    feed.start()
    try:
        assert filtered.found.wait(30)
        for settings, watcher in ((MotionSettings(0.5, small), fitted), (RAW, raw)):
            feed.motion = settings
            feed.taps.add(watcher)
            assert watcher.found.wait(30)
    finally:
        feed.stop()
