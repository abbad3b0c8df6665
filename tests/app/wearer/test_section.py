"""The section as it is used: measure, height, choose, rename, delete; another source; a disk that refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.main_window import MainWindow
from app.preferences import Preferences, change_preferences, load_preferences
from app.presenter import Presenter
from app.wearer.presenter import Wearer
from app.wearer.section import WearerSection
from engine.motion.profile import (
    from_height,
    likely,
    load_profile,
    measured,
    profile_names,
    profiles_folder,
    save_profile,
)
from engine.motion.settings import RAW, MotionSettings
from engine.motion.stage import MotionStage
from engine.session.reader import Session
from engine.types import Frame, Pose, Snapshot, StreamState
from tests.app import fake
from tests.app.qt import wait_for

FPS = 30


def body_pose(seq: int) -> Pose:
    return replace(fake.pose_at(0.0, seq), capture_ns=round(seq / FPS * 1e9))


def pass_pose(wearer: Wearer, feed: fake.FakeFeed, seq: int) -> None:
    frame = Frame(np.zeros((4, 4, 3), np.uint8), seq, round(seq / FPS * 1e9), "fake")
    feed.current = Snapshot(fake.figures(), frame, body_pose(seq))
    wearer.look(feed, feed.current)


@pytest.fixture
def feed() -> fake.FakeFeed:
    return fake.FakeFeed()


@pytest.fixture
def section(app: object, feed: fake.FakeFeed) -> WearerSection:
    made = WearerSection()
    made.show()
    pass_pose(made.wearer, feed, 0)
    made.look(None)
    return made


def stand_still(section: WearerSection, feed: fake.FakeFeed, poses: int = 4 * FPS) -> None:
    for seq in range(1, poses):
        pass_pose(section.wearer, feed, seq)
    section.look(None)


def test_without_a_source_it_says_what_to_do(app: object) -> None:
    section = WearerSection()
    assert not section.measure.isEnabled()
    assert "open a camera or a recording" in section.hint.text()
    assert section.profiles.currentText() == "None"


def test_standing_still_makes_a_profile_that_is_used_and_kept(section: WearerSection, feed: fake.FakeFeed) -> None:
    section.measure.click()
    assert section.ring.isVisibleTo(section)
    stand_still(section, feed, FPS)
    assert "stay like this" in section.hint.text()
    assert section.ring.accessibleDescription() == "3"
    stand_still(section, feed)
    assert not section.ring.isVisibleTo(section)
    assert section.profiles.currentText() == "Wearer"
    used = feed.motion.profile
    assert used is not None
    truth = measured(np.repeat(fake.joints_at(0.0)[None], 20, 0))
    np.testing.assert_allclose(astuple(used.lengths), astuple(likely(truth).lengths), atol=1e-6)
    assert "to about 8 cm only; better: enter yours" in section.hint.text()
    assert load_profile("Wearer") == used
    assert f"{used.height_m:.2f} m tall" in section.about.text()


def test_measured_proportions_are_scaled_to_the_height(section: WearerSection, feed: fake.FakeFeed) -> None:
    assert not section.scale.isChecked()
    section.height_m.setValue(1.9)
    assert section.scale.isChecked(), "whoever enters a height knows it"
    section.measure.click()
    stand_still(section, feed)
    assert feed.motion.profile is not None
    assert feed.motion.profile.height_m == 1.9


def test_a_height_is_enough(section: WearerSection, feed: fake.FakeFeed) -> None:
    feed.motion = MotionSettings(0.25)
    section.height_m.setValue(1.6)
    section.use_height.click()
    section.use_height.click()
    assert feed.motion == MotionSettings(0.25, from_height(1.6, "Wearer 2"))
    assert profile_names() == ["Wearer", "Wearer 2"]


def test_the_skeleton_keeps_the_lengths(section: WearerSection, feed: fake.FakeFeed) -> None:
    section.use_height.click()
    stage = MotionStage(feed.motion)
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0, "fake")
    for seconds in (0.0, 0.2, 0.4):
        moment = round(seconds * 1e9)
        pose = stage.apply(replace(frame, capture_ns=moment), replace(fake.pose_at(seconds), capture_ns=moment))
        assert feed.motion.profile is not None
        shown = measured(np.repeat(pose.joints_m[None], 15, 0)).lengths
        np.testing.assert_allclose(astuple(shown), astuple(feed.motion.profile.lengths), atol=1e-4)


def test_profiles_are_chosen_renamed_deleted_and_brought_back(section: WearerSection, feed: fake.FakeFeed) -> None:
    for name in ("Ada", "Grace"):
        save_profile(from_height(1.7, name))
    section.wearer.use_height(1.8)
    section.look(None)
    assert [section.profiles.itemText(i) for i in range(4)] == ["None", "Ada", "Grace", "Wearer"]
    section.profiles.setCurrentIndex(1)
    section.profiles.activated.emit(1)
    assert feed.motion.profile == from_height(1.7, "Ada")
    section.name.setText("grace")
    QTest.keyClick(section.name, Qt.Key.Key_Return)
    assert "choose another name" in section.trouble.text()
    section.name.setText("a/b")
    section.rename.click()
    assert "is no name for a profile" in section.trouble.text()
    section.name.setText("Ada L")
    section.rename.click()
    assert section.trouble.text() == ""
    assert profile_names() == ["Ada L", "Grace", "Wearer"]
    section.delete.click()
    assert feed.motion.profile is None
    assert profile_names() == ["Grace", "Wearer"]
    assert section.restore.text() == "Undo deleting Ada L"
    section.restore.click()
    assert feed.motion.profile == load_profile("Ada L")
    section.profiles.activated.emit(section.profiles.currentIndex())  # the same again changes nothing
    section.profiles.setCurrentIndex(0)
    section.profiles.activated.emit(0)
    assert feed.motion.profile is None


def test_the_choice_holds_for_the_next_source_and_the_command_lines_is_taken_over() -> None:
    first, second = fake.FakeFeed(), fake.FakeFeed()
    first.motion = MotionSettings(profile=from_height(1.5, "typed"))
    wearer = Wearer()
    wearer.look(first, None)
    assert (wearer.screen.used, wearer.screen.names) == ("typed", ("typed",))
    wearer.use_height(1.8)
    wearer.look(None, None)
    second.motion = MotionSettings(0.75, from_height(1.5, "typed"))
    wearer.look(second, None)
    assert second.motion == MotionSettings(0.75, from_height(1.8, "Wearer"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda now: replace(now, figures=fake.figures(StreamState.PAUSED)), "paused"),
        (lambda now: replace(now, figures=fake.figures(StreamState.BACKOFF)), "No new pictures"),
        (lambda now: replace(now, pose=None), "Stand upright"),
        (lambda now: replace(now, pose=replace(now.pose, confidence=np.zeros(15, np.float32))), "Not seen: neck"),
    ],
)
def test_what_hinders_is_said(
    section: WearerSection, feed: fake.FakeFeed, spoil: Callable[[Snapshot], Snapshot], says: str
) -> None:
    section.measure.click()
    section.wearer.look(feed, spoil(feed.current))
    section.look(None)
    assert says in section.hint.text()
    section.cancel.click()
    assert section.measure.isVisibleTo(section)
    assert section.hint.text() == ""


def test_the_profile_in_use_is_remembered_until_none_is_chosen(section: WearerSection, feed: fake.FakeFeed) -> None:
    section.use_height.click()
    later = WearerSection()
    assert later.profiles.currentText() == "Wearer"
    assert "1.73 m tall" in later.about.text()
    other = fake.FakeFeed()
    later.wearer.look(other, other.current)
    assert other.motion == MotionSettings(profile=from_height(1.73, "Wearer"))
    later.profiles.setCurrentIndex(0)
    later.profiles.activated.emit(0)
    assert other.motion == MotionSettings()
    assert WearerSection().profiles.currentText() == "None"
    assert profile_names() == ["Wearer"]


def test_what_the_command_line_asks_for_goes_before_what_is_remembered(app: object) -> None:
    save_profile(from_height(1.6, "Ada"))
    change_preferences(profile="Ada", h264=True)
    asked = fake.FakeFeed()
    for motion in (MotionSettings(profile=from_height(1.8)), RAW):
        wearer, asked.motion = Wearer(), motion
        assert wearer.screen.used == "Ada"
        wearer.look(asked, asked.current)
        assert asked.motion == motion
    wearer.choose("Ada")
    assert asked.motion.profile == from_height(1.6, "Ada")
    wearer.choose("")
    assert load_preferences() == Preferences(h264=True)


def test_a_remembered_profile_that_is_gone_is_told(app: object) -> None:
    change_preferences(profile="Ada")
    section = WearerSection()
    assert section.trouble.text().startswith("There is no profile 'Ada'")
    assert section.profiles.currentText() == "None"


def test_a_disk_that_refuses_is_told_and_the_profile_holds(section: WearerSection, feed: fake.FakeFeed) -> None:
    profiles_folder().parent.mkdir(parents=True)
    profiles_folder().touch()
    section.use_height.click()
    assert section.trouble.text().startswith("The profile holds until the program ends: cannot write ")
    assert feed.motion.profile == from_height(1.73, "Wearer")


def test_a_damaged_profile_is_told_and_the_one_in_use_stays(section: WearerSection, feed: fake.FakeFeed) -> None:
    section.use_height.click()
    (profiles_folder() / "Bad.json").write_text("{")
    section.wearer.choose("Bad")
    section.look(None)
    assert "is damaged" in section.trouble.text()
    assert section.profiles.currentText() == "Wearer"
    assert feed.motion.profile is not None


def test_set_up_then_record_then_replay(window: MainWindow, feed: fake.FakeFeed, tmp_path: Path) -> None:
    window.presenter = Presenter(lambda spec: feed)
    window.run()
    window.open("synthetic")
    section = window.wearing
    window.view.sidebar.show_section(section)
    wait_for(section.measure.isEnabled)
    section.measure.click()
    for seq in range(1, 3 * FPS + 2):
        pass_pose(section.wearer, feed, seq)
    wait_for(lambda: section.profiles.currentText() == "Wearer")
    stage = MotionStage(feed.motion)
    window.recording.record_action.trigger()
    for seq in range(5):
        frame = Frame(np.full((48, 64, 3), seq, np.uint8), seq, round((100 + seq / FPS) * 1e9), "fake:0")
        feed.taps.frame(frame)
        feed.taps.pose(stage.apply(frame, replace(body_pose(seq), capture_ns=frame.capture_ns)))
    window.recording.record_action.trigger()
    wait_for(lambda: window.banner.notice is not None)
    (path,) = window.recording.preferences.folder.glob("*.mcap")
    with Session(path) as session:
        recorded = [pose.joints_m for index in range(5) if (pose := session.pose(index)) is not None]
    assert len(recorded) == 5
    assert feed.motion.profile is not None
    lengths = measured(np.repeat(np.array(recorded), 3, 0)).lengths
    np.testing.assert_allclose(astuple(lengths), astuple(feed.motion.profile.lengths), atol=1e-4)
