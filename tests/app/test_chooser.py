"""The camera chooser, with cameras that are plugged in and out, and its watch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app import camera_watch
from app.camera_watch import CameraWatch, Seen, look_through, small
from app.cameras import Known
from app.chooser import NO_CAMERA, Chooser, described
from app.chooser_rows import PICTURE
from engine.capture.devices import Camera, Format
from engine.errors import EgoposeError
from tests.app.qt import pixels, wait_for


def known(name: str, calibration: str = "") -> Known:
    camera = Camera(f"camera:{name}", name, f"/dev/{name}", f"camera:{name}")
    return Known(
        camera, (Format("MJPG", (640, 512), (120.0,)), Format("MJPG", (1280, 1024), (60.0,))), calibration, True
    )


RED = np.full((480, 640, 3), (0, 0, 255), np.uint8)


class Bench:
    """Cameras plugged in and out by the test."""

    def __init__(self) -> None:
        self.cameras: list[Known] | EgoposeError = []
        self.looked: list[str] = []
        self.asked: list[str] = []
        self.may_look = threading.Event()
        self.may_look.set()

    def listed(self) -> list[Camera]:
        if isinstance(self.cameras, EgoposeError):
            raise self.cameras
        return [one.camera for one in self.cameras]

    def describe(self, camera: Camera) -> Known:
        self.asked.append(camera.name)
        assert isinstance(self.cameras, list)
        return next(one for one in self.cameras if one.camera == camera)

    def look(self, spec: str) -> np.ndarray:
        self.looked.append(spec)
        self.may_look.wait(10)
        if spec == "camera:busy":
            raise EgoposeError("it is busy")
        return RED

    def watch(self, in_use: str = "") -> CameraWatch:
        return CameraWatch(in_use, self.listed, self.describe, self.look)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(camera_watch, "EVERY_S", 0.01)
    return Bench()


@pytest.fixture
def chooser(app: QApplication, bench: Bench) -> Iterator[Chooser]:
    made = Chooser(watch=bench.watch)
    made.open()
    yield made
    made.reject()
    made._watch.join(5)
    made.deleteLater()


def names(chooser: Chooser) -> list[str]:
    return [chooser.list.item(i).text().splitlines()[0] for i in range(chooser.list.count())]  # type: ignore[union-attr]


def test_it_follows_plugging_and_unplugging_and_keeps_the_choice(bench: Bench, chooser: Chooser) -> None:
    wait_for(lambda: chooser.note.text() == NO_CAMERA)
    assert not chooser.open_button.isEnabled()
    bench.cameras = [known("front"), known("fish")]
    wait_for(lambda: names(chooser) == ["front", "fish"])
    assert not chooser.note.isVisible()
    chooser.list.setCurrentRow(1)
    bench.cameras = [known("third"), known("fish")]
    wait_for(lambda: names(chooser) == ["third", "fish"])
    assert chooser.list.currentRow() == 1
    assert bench.asked == ["front", "fish", "third"], "each once: to ask a camera wakes it up"
    bench.cameras = []
    wait_for(lambda: chooser.list.count() == 0)
    assert chooser.note.text() == NO_CAMERA
    bench.cameras = EgoposeError("cameras.json is damaged; remove it")
    wait_for(lambda: chooser.note.text() == "cameras.json is damaged; remove it")


def test_each_camera_has_its_picture_once(bench: Bench, chooser: Chooser) -> None:
    bench.cameras = [known("fish"), known("busy")]
    wait_for(lambda: chooser.list.count() == 2 and "in use" in chooser.list.item(1).text())  # type: ignore[union-attr]
    picture = pixels(chooser.list)
    red = (picture == (0, 0, 255)).all(-1).sum()
    assert red >= 0.9 * PICTURE.width() * PICTURE.height()
    assert bench.looked == ["camera:fish", "camera:busy"]


def test_the_camera_that_is_shown_is_left_alone(app: QApplication, bench: Bench) -> None:
    bench.cameras = [known("fish")]
    watch = bench.watch("camera:fish")
    wait_for(lambda: bool(watch.seen) and watch.seen[0].why_not == "shown now")  # type: ignore[index]
    watch.stop()
    assert watch.join(5)
    assert bench.looked == []


def test_a_choice_waits_until_the_camera_is_let_go(bench: Bench, chooser: Chooser) -> None:
    chosen: list[str] = []
    chooser.chosen.connect(chosen.append)
    bench.may_look.clear()
    bench.cameras = [known("fish")]
    wait_for(lambda: bench.looked == ["camera:fish"])
    wait_for(lambda: chooser.list.count() == 1)
    QTest.mouseClick(chooser.open_button, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert chosen == []
    bench.may_look.set()
    wait_for(lambda: chosen == ["camera:fish"])
    assert not chooser._watch.running
    assert not chooser.isVisible()


def test_an_address_is_taken_in_place_of_a_camera(bench: Bench, chooser: Chooser) -> None:
    chosen: list[str] = []
    chooser.chosen.connect(chosen.append)
    bench.cameras = [known("fish")]
    wait_for(lambda: chooser.list.count() == 1)
    QTest.keyClicks(chooser.address, "ftp://10.0.0.5")
    assert not chooser.open_button.isEnabled()
    chooser.address.clear()
    assert chooser.open_button.isEnabled()
    QTest.keyClicks(chooser.address, "rtsp://10.0.0.5/live")
    QTest.mouseClick(chooser.open_button, Qt.MouseButton.LeftButton)
    wait_for(lambda: chosen == ["rtsp://10.0.0.5/live"])


def test_a_camera_in_words() -> None:
    said = described(Seen(known("fish", "/home/me/fish.json")))
    assert said == "fish\n/dev/fish · up to 1280x1024 at 60 fps\nCalibrated: fish.json"
    assert described(Seen(known("fish"), why_not="shown now")).endswith("Not calibrated yet\nshown now")
    assert "Calibrated: its own" in described(Seen(known("fish", "device")))


def test_thumbnails_keep_their_shape() -> None:
    assert small(np.zeros((1024, 1280, 3), np.uint8)).shape == (120, 150, 3)
    assert small(np.zeros((400, 1600, 3), np.uint8)).shape == (40, 160, 3)


def test_a_thumbnail_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(EgoposeError):
        look_through("camera:no-such-camera")
