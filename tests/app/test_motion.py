"""What the command line says about filter and fit."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.motion import add_motion, motion_of
from app.settings import Settings
from engine.errors import EgoposeError
from engine.motion import profile as profiles
from engine.motion.profile import Profile, from_height, load_profile, save_profile
from engine.motion.settings import DEFAULT_SMOOTHING, RAW, MotionSettings


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
