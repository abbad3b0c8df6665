"""The mode in the window: from a folder to a saved file, by its widgets and keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app.calibration.page import CalibrationPage
from app.calibration.unsaved import Unsaved, told
from app.main_window import MainWindow
from app.presenter import Presenter
from app.theme import DARK, ThemeChoice
from calib.formats import load_camera
from engine.cameras import camera_file
from tests.app import fake
from tests.app.calibration.boards import BOARD, SIZE, HeldBoard, folder, pictures
from tests.app.conftest import app, no_lost_exception, window  # noqa: F401
from tests.app.qt import count, pixels, wait_for


@pytest.fixture
def page(window: MainWindow) -> Iterator[CalibrationPage]:  # noqa: F811
    """The calibration, just entered."""
    window.run()
    window.calibrate(BOARD)
    assert window.calibration is not None
    yield window.calibration
    window.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("calibration")]


def test_from_a_folder_to_a_saved_file(page: CalibrationPage, tmp_path: Path) -> None:
    images = folder(tmp_path / "images")
    assert page.setup.board == BOARD
    page.setup.choose_source(str(images))
    page.setup.start.click()
    assert page.stack.currentWidget() is page.bench
    assert not page.bench.save_button.isEnabled()
    wait_for(page.bench.save_button.isEnabled, 30)
    assert page.bench.views.count() == 10
    for tab, chart in enumerate((page.bench.coverage, page.bench.sigma, page.bench.arrows)):
        page.bench.tabs.setCurrentIndex(tab)
        assert not chart.empty
        assert len(set(map(tuple, pixels(chart).reshape(-1, 3).tolist()))) > 20
    page.bench.views.setFocus()
    page.bench.views.setCurrentRow(2)
    QTest.keyClick(page.bench.views, Qt.Key.Key_Space)
    item = page.bench.views.item(2)
    assert item is not None
    wait_for(lambda: "struck out" in item.text())
    wait_for(lambda: page.bench.figures.text().startswith("9 views"), 30)
    before = pixels(page.bench.picture)
    QTest.keyClick(page.bench.picture, Qt.Key.Key_U)
    wait_for(lambda: not np.array_equal(pixels(page.bench.picture), before))
    page.bench.model.setCurrentIndex(page.bench.model.findData("kannala_brandt"))
    page.save(tmp_path / "camera.json")
    wait_for(lambda: page.bench.say.text().startswith("Saved"), 30)
    assert load_camera(tmp_path / "camera.json").size == SIZE
    assert camera_file(f"file:{images}") == tmp_path / "camera.json"


def test_a_camera_with_ghost_and_keys(page: CalibrationPage, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures()
    monkeypatch.setattr("app.calibration.feed.open_source", lambda _: HeldBoard(places=3))
    page.setup.start.click()
    wait_for(lambda: page.bench.views.count() >= 2, 20)
    assert count(pixels(page.bench.picture), DARK.warning) > 50
    assert count(pixels(page.bench.picture), DARK.accent) > 50
    assert "Hold" in page.bench.say.text()
    QTest.keyClick(page.bench.picture, Qt.Key.Key_A)
    assert page.session is not None
    assert not page.session.automatic
    taken = page.bench.views.count()
    QTest.keyClick(page.bench.picture, Qt.Key.Key_T)
    wait_for(lambda: page.bench.views.count() == taken + 1)
    wanted = page.session.look().suggestion
    QTest.keyClick(page.bench.picture, Qt.Key.Key_N)
    other = page.session.look().suggestion
    assert wanted is not None
    assert other is not None
    assert wanted.cell != other.cell
    page.back()
    assert page.stack.currentWidget() is page.setup
    assert page.setup.kept.count() == 1
    page.setup.go_on_button.click()
    wait_for(lambda: page.bench.views.count() >= taken + 1)


def test_home_keeps_a_cameras_views_says_so_and_leads_back_to_them(
    page: CalibrationPage,
    window: MainWindow,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures()
    monkeypatch.setattr("app.calibration.feed.open_source", lambda _: HeldBoard(places=3))
    page.setup.start.click()
    wait_for(lambda: page.bench.views.count() >= 2, 20)
    assert page.session is not None
    page.session.automatic = False
    page.session.set_used(page.session.look().taken[0].name, False)
    views = page.bench.views.count()
    QTest.mouseClick(window.home_button, Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.start
    wait_for(window.banner.isVisible)
    assert window.banner.notice is not None
    assert window.banner.notice.text.startswith(f"{views} views of ")
    assert "are kept, but no camera is saved yet" in window.banner.notice.text
    window.banner.choices[0].click()
    back = window.calibration
    assert back is not None
    wait_for(lambda: back.bench.views.count() == views)
    assert back.session is not None
    assert [one.used for one in back.session.look().taken] == [False] + [True] * (views - 1)
    window.home()
    wait_for(window.banner.isVisible)
    window.banner.dismiss()
    wait_for(lambda: not window.banner.isVisible())


def test_what_was_struck_out_of_files_is_known_after_leaving(
    page: CalibrationPage,
    window: MainWindow,  # noqa: F811
    tmp_path: Path,
) -> None:
    images = folder(tmp_path / "images")
    page.begin(str(images), BOARD)
    wait_for(lambda: page.bench.views.count() == 10, 30)
    window.home()
    window.look()
    assert not window.banner.isVisible(), "files can be read again: nothing is lost"
    window.calibrate(BOARD)
    again = window.calibration
    assert again is not None
    again.begin(str(images), BOARD)
    wait_for(lambda: again.bench.views.count() == 10, 30)
    assert again.session is not None
    struck = again.session.look().taken[3].name
    again.session.set_used(struck, False)
    again.look()
    again.back()
    wait_for(again.banner.isVisible)
    again.banner.choices[0].click()
    wait_for(lambda: again.bench.views.count() == 10, 30)
    assert [one.name for one in again.session.look().taken if not one.used] == [struck]


def test_views_that_could_not_be_kept_are_told_to_be_gone() -> None:
    lost = Unsaved("camera:0", "fish", BOARD, live=True, views=3, struck=frozenset(), folder=None, saving=None)
    assert (told(lost).tone, told(lost).choices) == ("error", ())
    assert told(lost).text.startswith("3 views of fish could not be kept on disk and are gone")
    saving = replace(lost, folder=Path("/x"), saving=Path("/y/fish.json"))
    assert told(saving).text.startswith("Saving fish.json was called off. 3 views of fish are kept")


def test_errors_are_told_in_place(page: CalibrationPage, tmp_path: Path) -> None:
    page.begin(str(tmp_path / "gone"), BOARD)
    wait_for(page.banner.isVisible)
    assert page.stack.currentWidget() is page.setup
    page.escape()
    assert not page.banner.isVisible()
    (tmp_path / "empty").mkdir()
    page.begin(str(tmp_path / "empty"), BOARD)
    wait_for(page.banner.isVisible)
    page.write_board(BOARD, Path("/proc/board.pdf"))
    wait_for(lambda: page.banner.notice is not None and "cannot write" in page.banner.notice.text)
    page.write_board(BOARD, tmp_path / "board.svg")
    assert (tmp_path / "board.svg").is_file()


def test_a_board_that_cannot_be_is_told(page: CalibrationPage) -> None:
    page.setup.rows.setValue(2)
    assert page.setup.board is None
    assert not page.setup.start.isEnabled()
    assert "3 or more" in page.setup.problem.text()
    for index in range(page.setup.kind.count()):
        page.setup.rows.setValue(6)
        page.setup.kind.setCurrentIndex(index)
        assert page.setup.board is not None


def test_the_mode_takes_the_camera_and_gives_it_back(window: MainWindow) -> None:  # noqa: F811
    feed = fake.FakeFeed()
    window.presenter = Presenter(lambda _: feed)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    page = window.calibration
    assert page is not None
    assert not window.actions_.skeleton.isEnabled()
    window.theme.choose(ThemeChoice.LIGHT)
    window.escape()
    assert window.calibration is None
    assert feed.stopped.is_set()
    assert window.actions_.skeleton.isEnabled()
    assert window.pages.count() == 2
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def test_the_welcome_page_leads_there(window: MainWindow) -> None:  # noqa: F811
    window.start.jobs[2].click()
    assert window.calibration is not None
    window.open("gone")
    assert window.calibration is None
