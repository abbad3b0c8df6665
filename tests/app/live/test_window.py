"""The live choices on the real feed: each control does what it says, and what goes wrong leaves the feed alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog

from app.live.presenter import KNOWN, NONE, OTHER
from app.live.section import ChooserRow
from app.main_window import MainWindow
from app.opener import FeedOpener
from app.preferences import load_preferences
from calib.formats import load_camera, save_camera
from calib.remap import fit_camera
from engine.cameras import camera_file
from engine.errors import EgoposeError
from engine.skeleton import JOINTS
from tests.app.live.conftest import posed
from tests.app.qt import pixels, wait_for


def choose(row: ChooserRow, key: str) -> None:
    """As a user does, with the list."""
    wait_for(lambda: row.box.findData(key) >= 0)
    row.box.setCurrentIndex(row.box.findData(key))
    row.box.activated.emit(row.box.currentIndex())


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window, key, modifier)


def changed(window: MainWindow, feed: object) -> bool:
    """Whether another feed shows a pose."""
    return window.presenter.feed is not None and window.presenter.feed is not feed and posed(window)


def test_a_calibration_is_chosen_used_and_taken_back(live: MainWindow, opener: FeedOpener, tmp_path: Path) -> None:
    section = live.living
    wait_for(lambda: section.lens.note.text() == "Calibrated at 640 x 512.")
    assert live.live.badges.texts == ()
    feed = live.presenter.feed
    choose(section.lens, NONE)
    wait_for(lambda: changed(live, feed))
    assert live.presenter.feed is not None
    assert live.presenter.feed.assumed_camera
    assert live.presenter.feed.origin()[1] is None, "a recording must not claim it"
    wait_for(lambda: live.live.badges.texts == ("⚠ Uncalibrated",))
    wait_for(lambda: section.lens.note.text().startswith("Uncalibrated: a default lens stands in"))
    assert section.lens.box.currentData() == NONE
    feed = live.presenter.feed
    choose(section.lens, KNOWN)
    wait_for(lambda: changed(live, feed))
    assert not live.presenter.feed.assumed_camera
    assert camera_file(live.presenter.source_id) is None, "none was chosen for good"


def test_a_calibration_of_another_shape_is_fitted_and_says_so(live: MainWindow, tmp_path: Path) -> None:
    square = tmp_path / "square.json"
    save_camera(fit_camera(load_camera("sceneego"), (600, 600)), square)
    feed, section = live.presenter.feed, live.living
    choose(section.lens, OTHER)
    (dialog,) = live.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(square))
    dialog.close()
    wait_for(lambda: changed(live, feed))
    wait_for(lambda: "another shape" in section.lens.note.text())
    assert section.lens.note.property("tone") == "warning"
    assert section.lens.box.currentText() == "square.json"
    assert camera_file(live.presenter.source_id) == square, "it is used from then on"


def test_what_is_no_calibration_is_told_and_the_feed_goes_on(live: MainWindow, tmp_path: Path) -> None:
    feed = live.presenter.feed
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    live.living.live.choose_lens(str(broken))
    wait_for(live.banner.isVisible)
    assert live.banner.notice is not None
    assert live.banner.notice.text.startswith("Nothing was changed: ")
    assert live.presenter.feed is feed
    assert posed(live)
    live.banner.dismiss()
    wait_for(lambda: not live.banner.isVisible())


def test_a_runtime_that_is_missing_is_told_and_the_feed_goes_on(
    live: MainWindow, opener: FeedOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.openvino.OpenVino.missing", lambda self: "OpenVINO is not installed; get it")
    feed, before = live.presenter.feed, opener.settings
    choose(live.living.runtime, "openvino")
    assert live.living.runtime.box.currentData() == "eager", "what holds is shown until the change has been tried"
    wait_for(live.banner.isVisible)
    assert live.banner.notice is not None
    assert live.banner.notice.text.endswith("OpenVINO is not installed; get it")
    assert live.presenter.feed is feed
    assert opener.settings is before


def test_network_and_runtime_are_tried_beside_the_feed_and_then_taken(
    live: MainWindow, opener: FeedOpener, tiny_weights: Path, tmp_path: Path
) -> None:
    feed, section = live.presenter.feed, live.living
    wait_for(lambda: "asked for" in section.runtime.note.text())
    assert section.network.box.currentText() == "tiny.safetensors"
    model = section.network.box.model()
    assert model is not None
    row = section.network.box.findData("base")
    assert not model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsEnabled, "its weights do not come along"
    choose(section.runtime, "auto")
    section.look(None)
    assert section.changing.text() == "Making the fastest runtime ready …"
    assert live.presenter.feed is feed, "the one before goes on meanwhile"
    wait_for(lambda: changed(live, feed), 30)
    assert opener.settings.runtime == "auto"
    assert load_preferences().runtime == "auto", "it is remembered"
    wait_for(lambda: section.runtime.box.currentData() == "auto")
    assert "asked for" not in section.runtime.note.text()
    feed = live.presenter.feed
    gone = tmp_path / "gone.safetensors"
    live.living.live.choose_network(str(gone))
    wait_for(live.banner.isVisible)
    assert live.banner.notice is not None
    assert "no weights at" in live.banner.notice.text
    assert load_preferences().network == "", "what did not work is not"
    assert live.presenter.feed is feed


def test_another_source_is_chosen_in_the_list(live: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(live.presenter, "open", opened.append)
    choose(live.living.camera, "synthetic")
    assert opened == ["synthetic"]
    choose(live.living.camera, OTHER)
    assert live.chooser is not None
    live.chooser.reject()
    assert opened == ["synthetic"]


def test_while_it_records_nothing_is_exchanged(live: MainWindow) -> None:
    live.recording.toggle()
    wait_for(lambda: not live.living.lens.box.isEnabled())
    assert "end it first" in live.living.lens.box.toolTip()
    live.recording.toggle()
    wait_for(live.living.lens.box.isEnabled)


def test_the_filter_is_turned_told_and_remembered(live: MainWindow) -> None:
    feed, section = live.presenter.feed, live.living
    assert feed is not None
    wait_for(lambda: section.lag.text().endswith(" ms late."))
    section.slider.setValue(0)
    assert feed.motion.smoothing == 0
    wait_for(lambda: section.lag.text().startswith("Off"))
    press(live, Qt.Key.Key_BracketRight)
    press(live, Qt.Key.Key_BracketRight)
    assert feed.motion.smoothing == pytest.approx(0.1)
    assert live.live.toast.texts == ("Filter 10 %",)
    wait_for(lambda: load_preferences().smoothing == pytest.approx(0.1))
    wait_for(lambda: section.percent.text() == "10 %")
    live.reopen()
    wait_for(lambda: changed(live, feed))
    assert live.presenter.feed is not None
    assert live.presenter.feed.motion.smoothing == pytest.approx(0.1), "what is opened next has it too"


def test_frozen_the_picture_holds_and_the_pipeline_goes_on(live: MainWindow) -> None:
    feed = live.presenter.feed
    assert feed is not None
    press(live, Qt.Key.Key_Space)
    wait_for(lambda: live.live.badges.texts == ("❚❚ Frozen",))
    live.live.badges.hide()
    held, produced = pixels(live.view.picture), feed.snapshot().figures.processed
    wait_for(lambda: feed.snapshot().figures.processed > produced + 3)
    live.look()
    np.testing.assert_array_equal(pixels(live.view.picture), held)
    wait_for(live.living.freeze.isChecked)
    press(live, Qt.Key.Key_Space)
    wait_for(lambda: not np.array_equal(pixels(live.view.picture), held))
    assert live.live.badges.texts == ()
    wait_for(live.living.freeze.isEnabled)
    live.living.freeze.click()
    assert live.living.live.frozen
    live.reopen()
    wait_for(lambda: changed(live, feed))
    assert not live.living.live.frozen, "another source is not"


def test_a_focused_box_takes_the_space_key(live: MainWindow) -> None:
    live.view.sidebar.show_section(live.view.panel)
    box = live.view.panel.skeleton
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert not box.isChecked()
    assert not live.living.live.frozen


def test_the_mirror_has_one_switch_and_is_remembered(live: MainWindow) -> None:
    press(live, Qt.Key.Key_X)
    assert live.view.panel.mirrored.isChecked()
    assert live.view.skeleton.orbit.mirrored
    wait_for(lambda: live.live.badges.texts == ("Mirrored",))
    assert load_preferences().mirrored
    live.view.panel.mirrored.click()
    assert not live.view.skeleton.orbit.mirrored
    assert not load_preferences().mirrored


def test_a_snapshot_is_what_is_seen_with_its_pose(live: MainWindow) -> None:
    press(live, Qt.Key.Key_Space)
    wait_for(live.live.badges.isVisible)
    shown = live.living.live.shown[0]
    assert shown is not None
    assert shown.pose is not None
    assert shown.frame is not None
    press(live, Qt.Key.Key_F2)
    press(live, Qt.Key.Key_F2)  # while one is written there is no other
    wait_for(lambda: live.live.toast.texts != ())
    folder = live.recording.preferences.folder
    (path,) = folder.glob("*.png")
    assert live.live.toast.texts == (f"Kept: {path}",)
    picture = QImage(str(path))
    splitter = live.view.splitter
    assert (picture.width(), picture.height()) == (splitter.width(), splitter.height())
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["seq"] == shown.frame.seq == shown.pose.seq
    assert record["pose"]["joints"] == list(JOINTS)
    np.testing.assert_allclose(record["pose"]["joints_m"], shown.pose.joints_m, atol=1e-5)
    uv = np.array(record["pose"]["uv_px"], float)
    np.testing.assert_allclose(uv, shown.pose.uv_px, atol=1e-3)
    assert record["calibrated"]
    assert not record["mirrored"]


def test_a_snapshot_that_cannot_be_written_is_told(live: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    live.recording.preferences = replace(live.recording.preferences, recordings=str(tmp_path / "file"))
    wait_for(live.living.snap.isEnabled)
    live.living.snap.click()
    wait_for(live.banner.isVisible)
    assert live.banner.notice is not None
    assert "choose another recordings folder" in live.banner.notice.text
    live.banner.dismiss()
    wait_for(lambda: not live.banner.isVisible())


def test_closing_waits_for_what_is_being_tried(live: MainWindow) -> None:
    live.living.live._try(_fails, "…")
    change = live.living.live._change
    assert change is not None
    live.close()
    assert change.join(0)


def _fails(_settings: object) -> None:  # type: ignore[misc]
    raise EgoposeError("it cannot be")
