"""Two networks on one session, recorded poses, and what is written from the range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.main_window import MainWindow
from app.replay.export import Export
from app.replay.voices import RECORDED
from calib.canonical import canonical_angle_table
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.learn.wearer.bvh import load_bvh
from engine.network.network import PoseNetwork
from engine.network.weights import load_network, save_weights
from engine.session.reader import Session
from engine.session.writer import SessionWriter
from tests.app import fake
from tests.app.qt import wait_for
from tests.app.replay.test_window import FRAMES, held, opens, posed, replay_threads, session

__all__ = ["session"]


@pytest.fixture(scope="module")
def other_weights(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    config = load_network(tiny_weights).config
    save_weights(PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))), path)
    return path


@pytest.fixture(scope="module")
def posed_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With recorded poses, but for one frame."""
    path = tmp_path_factory.mktemp("posed") / "posed.mcap"
    with open_source(str(DEMO_SESSION)) as source, SessionWriter(path, source.info.calibration) as writer:
        for index in range(20):
            frame = source.read()
            assert frame is not None
            writer.add(frame)
            if index != 7:
                pose = fake.pose_at(index / 25, frame.seq)
                writer.add_pose(type(pose)(frame.seq, frame.capture_ns, *_rest(pose)))
    return path


def _rest(pose):  # type: ignore[no-untyped-def]
    return pose.joints_m, pose.confidence, pose.uv_px, pose.heatmaps, pose.action_scores


def test_two_networks_run_on_the_very_same_frames(
    window: MainWindow, tiny_weights: Path, other_weights: Path, session: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 4)
    window.replaying.set_voice(str(other_weights), second=True)
    feed = replay.feed
    wait_for(lambda: feed.second_track is not None and bool(feed.second_track.known[4]))
    wait_for(window.replay.second.isVisible)
    second = feed.second_track
    assert second is not None
    assert not np.array_equal(feed.track.errors_mm[4], second.errors_mm[4])
    window.replaying.beside.setChecked(False)
    wait_for(lambda: not window.replay.second.isVisible())
    QTest.keyClick(window, Qt.Key.Key_Space)
    wait_for(lambda: feed.play.ended and posed(feed) == FRAMES - 1)
    assert second.known[4:].all(), "none is left out"
    window.replaying.look(None)
    assert "other: " in window.replaying.mean.text()
    window.replaying.set_voice(None, second=True)
    assert feed.second_track is None


def test_a_second_network_that_cannot_be_used_does_not_end_the_play(
    window: MainWindow, tiny_weights: Path, session: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    replay = opens(window, tiny_weights, session)
    held(window, replay, 2)
    window.replaying.set_voice(str(broken), second=True)
    wait_for(lambda: replay.feed.trouble is not None)
    window.replaying.look(None)
    assert "is not a weights file" in window.replaying.trouble.text()
    held(window, replay, 6)


def test_recorded_poses_and_the_network_by_a_switch(
    window: MainWindow, tiny_weights: Path, posed_session: Path
) -> None:
    replay = opens(window, tiny_weights, posed_session)
    held(window, replay, 3)
    found = replay.feed.track.pose(3)
    window.replaying.set_voice(RECORDED, second=False)
    wait_for(lambda: bool(replay.feed.track.known[3]))
    recorded = replay.feed.track.pose(3)
    assert found is not None
    assert recorded is not None
    np.testing.assert_allclose(recorded.joints_m, fake.pose_at(3 / 25).joints_m, atol=1e-5)
    assert not np.allclose(recorded.joints_m, found.joints_m)
    held(window, replay, 7)
    assert np.isnan(replay.feed.track.confidence[7])


def test_a_person_scrubs_and_exports_the_motion(
    window: MainWindow, tiny_weights: Path, session: Path, tmp_path: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 5)
    QTest.keyClick(window, Qt.Key.Key_I)
    held(window, replay, 16)
    QTest.keyClick(window, Qt.Key.Key_O)
    section = window.replaying
    window.view.sidebar.show_section(section)
    section.begin("bvh", tmp_path / "walk.bvh")
    wait_for(lambda: section.told.text().startswith("walk.bvh: 12 poses"))
    assert len(load_bvh(tmp_path / "walk.bvh", 1 / 25).values) == 12
    section.begin("mcap", tmp_path / "cut.mcap")
    wait_for(lambda: section.told.text() == "cut.mcap: 12 frames")
    with Session(session) as whole, Session(tmp_path / "cut.mcap") as cut:
        assert cut.whole
        assert [stamp.capture_ns for stamp in cut.stamps] == [stamp.capture_ns for stamp in whole.stamps[5:17]]
        truth, cut_truth = whole.truth(5), cut.truth(0)
        assert truth is not None
        assert cut_truth is not None
        np.testing.assert_array_equal(truth.joints_m, cut_truth.joints_m)
        assert cut.calibration is not None
    section.begin("mp4", tmp_path / "cut.mp4")
    wait_for(lambda: section.told.text() == "cut.mp4: 12 frames")


def test_a_disk_that_fails_is_told_in_place(
    window: MainWindow, tiny_weights: Path, session: Path, tmp_path: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 1)
    section = window.replaying
    window.view.sidebar.show_section(section)
    for kind in ("mcap", "bvh", "mp4"):
        section.begin(kind, tmp_path / "nowhere" / f"x.{kind}")
        wait_for(lambda: section.task is None)
        assert section.told.property("alarming")
        assert section.told.text()
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_export_leaves_nothing(
    window: MainWindow, tiny_weights: Path, session: Path, tmp_path: Path
) -> None:
    replay = opens(window, tiny_weights, session)
    held(window, replay, 1)
    for kind in ("mcap", "bvh", "mp4"):
        task = Export(replay.feed, kind, tmp_path / f"x.{kind}", range(FRAMES))
        task.cancel()
        task.join()
        assert (task.said, task.failed) == ("Nothing was written.", False)
    assert list(tmp_path.iterdir()) == []
    window.replaying.begin("bvh", tmp_path / "x.bvh")
    window.close()
    wait_for(lambda: not replay_threads())
