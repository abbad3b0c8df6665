"""A camera through OpenCV, with a camera of our own in place of a device."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.cv import cv2
from engine.capture import uvc
from engine.capture.devices import Camera, system_cameras
from engine.capture.picture import decode_picture, encode_jpeg
from engine.capture.uvc import UvcCamera, UvcConfig
from engine.errors import EgoposeError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="V4L2 is what is tested")


class FakeCapture:
    """Stands in for cv2.VideoCapture: gives 640 x 480 at 25 fps whatever is asked."""

    made: list[FakeCapture]
    opens = True
    pictures = 5
    fourcc = b"YUYV"
    jpegs: tuple[bytes, ...] = ()
    """What comes where the conversion is switched off."""
    has_exposure = True

    def __init__(self, device: int, backend: int) -> None:
        self.device, self.backend = device, backend
        self.calls: list[str] = []
        self.released = False
        self.grabbed = 0
        self.values: dict[int, float] = {cv2.CAP_PROP_CONVERT_RGB: 1}
        FakeCapture.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def set(self, prop: int, value: float) -> bool:
        self.calls.append(f"set {prop}")
        if prop == cv2.CAP_PROP_EXPOSURE and not self.has_exposure:
            return False
        self.values[prop] = value
        return True

    def get(self, prop: int) -> float:
        return {
            cv2.CAP_PROP_FPS: 25.0,
            cv2.CAP_PROP_FOURCC: float(int.from_bytes(self.fourcc, "little")),
            cv2.CAP_PROP_POS_MSEC: 1000.0 * self.grabbed,
        }.get(prop, self.values.get(prop, 0.0))

    def grab(self) -> bool:
        self.calls.append("grab")
        self.grabbed += 1
        return self.grabbed <= self.pictures

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        self.calls.append("retrieve")
        if not self.values[cv2.CAP_PROP_CONVERT_RGB]:
            return True, np.frombuffer(self.jpegs[(self.grabbed - 1) % len(self.jpegs)], np.uint8)[None]
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
    monkeypatch.setattr(FakeCapture, "fourcc", b"YUYV")
    monkeypatch.setattr(FakeCapture, "has_exposure", True)
    monkeypatch.setattr(FakeCapture, "jpegs", ())
    return FakeCapture


def test_what_is_really_delivered_is_reported(fake: type[FakeCapture]) -> None:
    with UvcCamera(3, UvcConfig(size=(1920, 1080), fps=60)) as camera:
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


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"codec": "JPEG2000"}, "not a pixel format"),
        ({"size": (0, 480)}, "0x480 is no size"),
        ({"fps": float("nan")}, "nan frames a second"),
        ({"controls": {"zoom": 1.0}}, "no control 'zoom' here: there are exposure, gain, focus"),
        ({"controls": {"gain": float("inf")}}, "gain=inf cannot be set"),
    ],
)
def test_a_config_is_checked(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(EgoposeError, match=told):
        UvcConfig(**settings)


def noise(seed: int) -> bytes:
    return encode_jpeg(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8), 80)


def test_motion_jpeg_is_handed_through(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the driver's buffer holds behind it: an older, longer picture's end."""
    jpegs = [noise(seed) for seed in range(3)]
    monkeypatch.setattr(fake, "fourcc", b"MJPG")
    monkeypatch.setattr(fake, "jpegs", tuple(data + b"\0\0 old end \xff\xd9\0" for data in jpegs))
    with UvcCamera(0) as camera:
        frames = [camera.read(), camera.read()]
        assert camera.delivered == "MJPG 64 x 48 at 25 fps"
    for frame, data in zip(frames, jpegs[1:], strict=True):
        assert frame is not None
        assert frame.encoded == data
        assert np.array_equal(frame.image, decode_picture(data))


def test_motion_jpeg_that_is_damaged_is_skipped_and_counted(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "fourcc", b"MJPG")
    monkeypatch.setattr(fake, "jpegs", (noise(0), noise(1)[:-9], b"", noise(2)))
    with UvcCamera(0) as camera:
        frame = camera.read()
        assert frame is not None
        assert (frame.seq, frame.encoded) == (2, noise(2))
        assert camera.skipped == ("2 pictures could not be decoded; the last is empty",)


def test_without_usable_bytes_opencv_decodes(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "fourcc", b"MJPG")
    monkeypatch.setattr(fake, "jpegs", (noise(0)[:-9],))
    with UvcCamera(0) as camera:
        frame = camera.read()
        assert frame is not None
        assert (frame.encoded, frame.image.shape) == (None, (480, 640, 3))


def test_a_picture_without_huffman_tables_is_one() -> None:
    """As many cameras send it (the AVI1 variety): the tables are the standard's."""
    data = noise(0)
    whole, at = bytearray(data[:2]), 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        whole += b"" if data[at + 1] == 0xC4 else data[at:end]
        at = end
    bare = bytes(whole + data[at:])
    assert len(bare) < len(data)
    assert np.array_equal(decode_picture(bare), decode_picture(data))


def test_controls_are_set_shown_and_set_again(fake: type[FakeCapture]) -> None:
    camera = UvcCamera(0, UvcConfig(controls={"exposure": 200, "gain": 3, "focus": 10}))
    for opened in (camera, camera.again()):
        with opened:
            values = fake.made[-1].values
            assert values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
            assert values[cv2.CAP_PROP_AUTOFOCUS] == 0
            told = values[cv2.CAP_PROP_EXPOSURE], values[cv2.CAP_PROP_GAIN], values[cv2.CAP_PROP_FOCUS]
            assert told == (200, 3, 10)
            assert opened.delivered == "YUYV 640 x 480 at 25 fps, exposure 200, gain 3, focus 10"
    assert len(fake.made) == 2


def test_a_control_that_the_camera_lacks(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "has_exposure", False)
    with pytest.raises(EgoposeError, match="does not take exposure=200: leave it out"):
        UvcCamera(0, UvcConfig(controls={"exposure": 200})).open()
    assert fake.made[0].released


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
    fisheye = "camera:usb-Maker_Fisheye_123-video-index0"
    assert system_cameras(*system) == (
        Camera(fisheye, "Fisheye", "/dev/video2", fisheye),
        Camera("camera:/dev/video10", "Back", "/dev/video10", "camera:/dev/video10"),
    )
    assert system_cameras(Path("/none"), Path("/none")) == ()


@pytest.mark.parametrize("by_path", [True, False])
def test_a_listed_camera_has_its_stable_id_and_name_and_is_found_again(
    fake: type[FakeCapture], system: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, by_path: bool
) -> None:
    monkeypatch.setattr(uvc, "system_cameras", lambda: system_cameras(*system))
    by_id, nodes = system
    name = "usb-Maker_Fisheye_123-video-index0"
    with UvcCamera(str(by_id / name) if by_path else name) as camera:
        assert fake.made[0].device == 2
        assert camera.info.name == "Fisheye"
        assert camera.info.source_id == f"camera:{name}"
    (by_id / name).unlink()
    (nodes / "video2" / "index").write_text("1")
    again = camera.again()
    with pytest.raises(EgoposeError, match=r"The camera Fisheye is not connected: there are /dev/video10 \(Back\)"):
        again.open()
    (nodes / "video7").mkdir()
    (by_id / name).symlink_to(by_id.parent / "video7")
    (by_id.parent / "video7").touch()
    with again:
        assert fake.made[-1].device == 7
        assert again.info.source_id == f"camera:{name}"


def test_a_camera_that_cannot_be_opened_tells_which_there_are(
    fake: type[FakeCapture], system: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvc, "system_cameras", lambda: system_cameras(*system))
    monkeypatch.setattr(fake, "opens", False)
    with pytest.raises(EgoposeError, match=r"/dev/video2 \(Fisheye\), /dev/video10 \(Back\); choose one"):
        UvcCamera(5).open()
