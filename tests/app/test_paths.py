"""What a person does from the start page on, by mouse and keys: the demo to a BVH file; set up, record, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog, QPushButton, QWidget

from app.live_feed import LiveFeed
from app.main_window import MainWindow
from app.opener import FeedOpener
from app.presenter import Presenter
from app.replay.feed import ReplayFeed
from app.settings import Settings
from app.sidebar import Section
from app.wearer.section import WearerSection
from engine.motion.clip import make_clip
from engine.motion.kinematics import BONE_OF_JOINT, BONE_PARENTS
from engine.motion.profile import measured
from engine.session.reader import Session
from engine.types import StreamState
from tests.app.qt import wait_for
from tests.engine.motion.test_files import bvh_positions

PATIENCE_S = 100.0
"""On a machine that does much else; each wait ends with what it waits for."""
STILL = "synthetic:seed=4,motion=still,size=240x192,fps=10"
TENTH_MM = 1e-4


def wait(condition: Callable[[], bool]) -> None:
    wait_for(condition, PATIENCE_S)


def click(widget: QWidget, at: QPoint | None = None) -> None:
    assert widget.isVisible()
    assert widget.isEnabled()
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())


def show(window: MainWindow, section: Section) -> None:
    """By its tab."""
    sidebar = window.view.sidebar
    click(sidebar.tabs[sidebar.sections.index(section)])
    assert sidebar.current is section


def answer(window: MainWindow, path: Path) -> None:
    """Give the file dialog that is open a file."""
    dialog = next(one for one in window.findChildren(QFileDialog) if one.isVisible())
    dialog.selectFile(str(path))
    dialog.accept()


def replayed(window: MainWindow) -> ReplayFeed:
    wait(lambda: window.replay.replay is not None)
    assert window.replay.replay is not None
    return window.replay.replay.feed


def scrub(window: MainWindow, feed: ReplayFeed, index: int) -> None:
    """Drag the timeline to a frame, and wait for its pose."""
    timeline = window.replay.bar.timeline

    def at(frame: int) -> QPoint:
        return QPoint(round(timeline.x_of(frame)), timeline.height() // 2)

    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at(feed.position))
    QTest.mouseMove(timeline, at((feed.position + index) // 2))
    QTest.mouseMove(timeline, at(index))
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at(index))
    step = Qt.Key.Key_Period if feed.position < index else Qt.Key.Key_Comma
    while feed.position != index:  # a pixel is some frames wide
        QTest.keyClick(window, step)
        wait(lambda: feed.posed == feed.position)
    wait(lambda: feed.posed == index)


@pytest.mark.timeout(300)
def test_the_demo_is_scrubbed_and_exported(window: MainWindow, tmp_path: Path) -> None:
    window.presenter = Presenter(FeedOpener(Settings()))
    window.run()
    click(window.start.tries[0])
    feed = replayed(window)
    QTest.keyClick(window, Qt.Key.Key_Space)
    wait(lambda: feed.snapshot().figures.state is StreamState.PAUSED)
    scrub(window, feed, 230)
    QTest.keyClick(window, Qt.Key.Key_I)
    scrub(window, feed, 250)
    QTest.keyClick(window, Qt.Key.Key_O)
    section = window.replaying
    show(window, section)
    section.kind.setCurrentIndex(section.kind.findText("Motion, BVH"))
    click(section.export)
    answer(window, tmp_path / "walk.bvh")
    wait(lambda: section.told.text().startswith("walk.bvh: 21 poses"))
    found = bvh_positions(tmp_path / "walk.bvh", 21)
    poses = [pose for index in range(230, 251) if (pose := feed.track.pose(index)) is not None]
    fitted = make_clip(poses, feed.motion).joints_m()
    assert np.linalg.norm(found[:, list(BONE_OF_JOINT)] - fitted, axis=-1).max() < TENTH_MM
    lengths = np.linalg.norm(found[:, 1:] - found[:, list(BONE_PARENTS[1:])], axis=-1)
    assert np.ptp(lengths, axis=0).max() < TENTH_MM
    click(window.home_button)
    assert window.pages.currentWidget() is window.start


def set_up(window: MainWindow, section: WearerSection) -> None:
    """Stand still until the bones are kept."""
    show(window, section)
    wait(section.measure.isEnabled)
    click(section.measure)
    wait(lambda: section.profiles.currentText() == "Wearer")
    assert section.hint.text().startswith("Measured")


def recorded(window: MainWindow, feed: LiveFeed) -> Path:
    """Some frames with their poses."""
    poses: list[object] = []
    QTest.keyClick(window, Qt.Key.Key_R)

    def grown() -> bool:
        shown = feed.snapshot().pose
        if shown is not None and all(shown is not one for one in poses):
            poses.append(shown)
        return len(poses) > 8

    wait(grown)
    QTest.keyClick(window, Qt.Key.Key_R)
    wait(lambda: any(button.text() == "Replay" for button in window.banner.choices))
    (path,) = window.recording.preferences.folder.glob("*.mcap")
    return path


@pytest.mark.timeout(300)
def test_a_wearer_is_set_up_recorded_replayed_and_compared(window: MainWindow, tiny_weights: Path) -> None:
    opener = FeedOpener(Settings())
    window.presenter = Presenter(lambda spec: opener(STILL if spec == "synthetic" else spec))
    window.run()
    click(window.start.tries[1])
    wait(lambda: window.presenter.feed is not None and window.presenter.feed.snapshot().pose is not None)
    live = window.presenter.feed
    assert isinstance(live, LiveFeed)
    set_up(window, window.wearing)
    profile = live.motion.profile
    assert profile is not None
    path = recorded(window, live)
    with Session(path) as session:
        found = [pose.joints_m for index in range(len(session)) if (pose := session.pose(index)) is not None]
    for joints in found:
        lengths = measured(np.repeat(joints[None], 15, 0)).lengths
        np.testing.assert_allclose(astuple(lengths), astuple(profile.lengths), atol=TENTH_MM)

    click(next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Replay"))
    feed = replayed(window)
    assert feed.spec == str(path)
    show(window, window.replaying)
    combo = window.replaying.second
    combo.setCurrentIndex(combo.findText("A weights file…"))
    combo.activated.emit(combo.currentIndex())
    answer(window, tiny_weights)
    QTest.keyClick(window, Qt.Key.Key_Home)
    wait(lambda: feed.second_track is not None and bool(feed.second_track.known[0]) and bool(feed.track.known[0]))
    wait(window.replay.second.isVisible)
    wait(lambda: "tiny: " in window.replaying.mean.text())
    one, other = feed.track.pose(0), feed.second_track.pose(0) if feed.second_track is not None else None
    assert one is not None
    assert other is not None
    assert not np.array_equal(one.joints_m, other.joints_m)
    assert feed.motion.profile == profile, "the wearer is still the one that was set up"
