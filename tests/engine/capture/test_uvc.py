"""A camera through OpenCV, with a camera of our own in place of a device."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from calib.cv import cv2
from engine.capture import uvc
from engine.capture.uvc import UvcCamera, list_cameras
from engine.errors import EgoposeError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="V4L2 is what is tested")


class FakeCapture:
    """Stands in for cv2.VideoCapture: gives 640 x 480 at 25 fps whatever is asked."""

    made: list[FakeCapture]
    opens = True
    pictures = 5

    def __init__(self, device: int, backend: int) -> None:
        self.device, self.backend = device, backend
        self.calls: list[str] = []
        self.released = False
        self.grabbed = 0
        FakeCapture.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def set(self, prop: int, value: float) -> bool:
        self.calls.append(f"set {prop}")
        return True

    def get(self, prop: int) -> float:
        return {
            cv2.CAP_PROP_FPS: 25.0,
            cv2.CAP_PROP_FOURCC: float(int.from_bytes(b"YUYV", "little")),
            cv2.CAP_PROP_POS_MSEC: 1000.0 * self.grabbed,
        }.get(prop, 0.0)

    def grab(self) -> bool:
        self.calls.append("grab")
        self.grabbed += 1
        return self.grabbed <= self.pictures

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        self.calls.append("retrieve")
        return True, np.full((480, 640, 3), self.grabbed, np.uint8)

    def read(self) -> tuple[bool, np.ndarray | None]:
        return self.retrieve() if self.grab() else (False, None)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    FakeCapture.made = []
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(FakeCapture, "opens", True)
    monkeypatch.setattr(FakeCapture, "pictures", 5)
    return FakeCapture


def test_what_is_really_delivered_is_reported(fake: type[FakeCapture]) -> None:
    with UvcCamera(3, size=(1920, 1080), fps=60) as camera:
        info = camera.info
        assert (info.size, info.fps, info.live, info.seekable, info.clock) == ((640, 480), 25.0, True, False, "v4l2")
        assert camera.delivered == "YUYV 640 x 480 at 25 fps"
        order = [call for call in fake.made[0].calls if call.startswith("set")]
        wanted = (cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        assert order == [f"set {prop}" for prop in wanted]
        assert (fake.made[0].device, fake.made[0].backend) == (3, cv2.CAP_V4L2)
    assert fake.made[0].released


def test_frames_are_stamped_between_grab_and_retrieve(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    with UvcCamera(0) as camera:
        calls = fake.made[0].calls
        calls.clear()

        def clock() -> int:
            calls.append("clock")
            return 42

        monkeypatch.setattr("engine.capture.uvc.time.monotonic_ns", clock)
        frame = camera.read()
        assert calls == ["grab", "clock", "retrieve"]
        assert frame is not None
        assert (frame.seq, frame.capture_ns, frame.device_ns, frame.device_clock) == (0, 42, 2_000_000_000, "v4l2")


def test_a_camera_that_is_lost_is_an_error(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "pictures", 2)
    with UvcCamera(0) as camera:
        assert camera.read() is not None
        with pytest.raises(EgoposeError, match="gives no more pictures: plug it in again"):
            camera.read()


def test_a_camera_that_opens_but_gives_nothing(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "pictures", 0)
    with pytest.raises(EgoposeError, match="gives no picture: close other programs"):
        UvcCamera(0).open()
    assert fake.made[0].released


def test_closing_under_a_blocked_grab_leaves_the_release_to_the_reader(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = UvcCamera(0)
    camera.open()
    entered, leave = threading.Event(), threading.Event()
    results: list[object] = []

    def grab(self: FakeCapture) -> bool:
        entered.set()
        return leave.wait(10)

    monkeypatch.setattr(fake, "grab", grab)
    reader = threading.Thread(target=lambda: results.append(camera.read()))
    reader.start()
    assert entered.wait(10)
    camera.close()
    assert not fake.made[0].released
    leave.set()
    reader.join(10)
    assert results == [None]
    assert fake.made[0].released
    assert camera.read() is None


def test_no_camera_names_what_was_tried_and_what_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EgoposeError, match=r"Camera 97 \(/dev/video97 with V4L2\) cannot be opened: ") as told:
        UvcCamera(97).open()
    assert "\n" not in str(told.value)
    assert capfd.readouterr().err == "", "OpenCV keeps quiet"


def test_a_path_that_is_no_camera(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="There is no camera at /dev/video98"):
        UvcCamera("/dev/video98").open()
    (tmp_path / "file").touch()
    with pytest.raises(EgoposeError, match="is not a camera: give /dev/videoN"):
        UvcCamera(str(tmp_path / "file")).open()


def test_a_format_has_four_letters() -> None:
    with pytest.raises(EgoposeError, match="not a pixel format"):
        UvcCamera(0, codec="JPEG2000")


@pytest.fixture
def system(tmp_path: Path) -> tuple[Path, Path]:
    """Two cameras as Linux lists them, one with a metadata node and a stable name."""
    by_id, nodes = tmp_path / "by-id", tmp_path / "video4linux"
    by_id.mkdir()
    for number, index, name in ((10, 0, "Back"), (2, 0, "Fisheye"), (3, 1, "Fisheye")):
        node = nodes / f"video{number}"
        node.mkdir(parents=True)
        (node / "index").write_text(f"{index}\n")
        (node / "name").write_text(f"{name}\n")
        (tmp_path / f"video{number}").touch()
    (by_id / "usb-Maker_Fisheye_123-video-index0").symlink_to(tmp_path / "video2")
    return by_id, nodes


def test_cameras_are_listed_by_their_stable_ids(system: tuple[Path, Path]) -> None:
    cameras = list_cameras(*system)
    assert [(camera.id, camera.name, str(camera.path)) for camera in cameras] == [
        ("usb-Maker_Fisheye_123-video-index0", "Fisheye", "/dev/video2"),
        ("/dev/video10", "Back", "/dev/video10"),
    ]
    assert list_cameras(Path("/none"), Path("/none")) == ()


def test_a_listed_camera_has_its_stable_id_and_name(
    fake: type[FakeCapture], system: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = list_cameras(*system)
    monkeypatch.setattr(uvc, "list_cameras", lambda: cameras)
    link = system[0] / "usb-Maker_Fisheye_123-video-index0"
    with UvcCamera(str(link)) as camera:
        assert fake.made[0].device == 2
        assert camera.info.name == "Fisheye"
        assert camera.info.source_id == "camera:usb-Maker_Fisheye_123-video-index0"


def test_a_camera_that_cannot_be_opened_tells_which_there_are(
    fake: type[FakeCapture], system: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = list_cameras(*system)
    monkeypatch.setattr(uvc, "list_cameras", lambda: cameras)
    monkeypatch.setattr(fake, "opens", False)
    with pytest.raises(EgoposeError, match=r"/dev/video2 \(Fisheye\), /dev/video10 \(Back\); choose one"):
        UvcCamera(5).open()
