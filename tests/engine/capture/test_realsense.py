"""RealSense without hardware: a software device gives, records and plays a fisheye stream."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.models.kannala_brandt import KannalaBrandt
from engine.capture.opening import open_source
from engine.capture.realsense import RealSenseCamera, RealSenseRecording, found_device, list_realsense
from engine.errors import EgoposeError
from engine.live.supervisor import Limits, Supervised
from engine.types import EventKind, Frame, StreamState
from tests.engine.live.faulty import Heard

rs = pytest.importorskip("pyrealsense2", reason="pip install egopose[realsense]", exc_type=ImportError)

WIDTH, HEIGHT, FPS = 848, 800, 30
COEFFS = (-0.007, 0.045, -0.043, 0.008)


class Fisheye:
    """A T265's left lens, as a software device: pushes noisy pictures whose first pixel tells their number."""

    def __init__(self) -> None:
        self.device = rs.software_device()
        for what, said in (("name", "Software fisheye"), ("serial_number", "SIM0001"), ("firmware_version", "1.0")):
            self.device.register_info(getattr(rs.camera_info, what), said)
        self.sensor = self.device.add_sensor("Tracking Module")
        stream = rs.video_stream()
        stream.type, stream.index, stream.uid, stream.fmt = rs.stream.fisheye, 1, 1, rs.format.y8
        stream.width, stream.height, stream.fps, stream.bpp = WIDTH, HEIGHT, FPS, 1
        lens = rs.intrinsics()
        lens.width, lens.height, lens.fx, lens.fy, lens.ppx, lens.ppy = WIDTH, HEIGHT, 286.0, 287.0, 420.5, 399.5
        lens.model, lens.coeffs = rs.distortion.kannala_brandt4, [*COEFFS, 0.0]
        stream.intrinsics = lens
        self.profile = self.sensor.add_video_stream(stream).as_video_stream_profile()
        self.noise = np.random.default_rng(0).integers(60, 200, (HEIGHT, WIDTH), np.uint8)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def push(self, number: int, stamp_ms: float) -> None:
        image = np.roll(self.noise, number, 1)
        image[0, 0] = number % 256
        frame = rs.software_video_frame()
        frame.pixels, frame.bpp, frame.stride = image, 1, WIDTH
        frame.timestamp, frame.domain = stamp_ms, rs.timestamp_domain.hardware_clock
        frame.frame_number, frame.profile = number, self.profile
        self.sensor.on_video_frame(frame)

    def run(self) -> None:
        """Push at a camera's rate until `stop`."""

        def pushing() -> None:
            number = 0
            while not self._stop.wait(1 / FPS):
                self.push(number, 5000 + time.monotonic() * 1e3)
                number += 1

        self._stop.clear()
        self._thread = threading.Thread(target=pushing)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()


@pytest.fixture
def fisheye() -> Iterator[Fisheye]:
    made = Fisheye()
    yield made
    made.stop()


def check_lens(calibration: object) -> None:
    assert calibration is not None
    model = calibration.model  # type: ignore[attr-defined]
    assert isinstance(model, KannalaBrandt)
    # Its own formula (Kannala and Brandt 2006, as librealsense's rsutil.h has it), at 60 degrees to the right.
    theta = np.pi / 3
    radius = theta * (1 + sum(k * theta ** (2 * i + 2) for i, k in enumerate(COEFFS)))
    uv = model.project(np.array([[np.sin(theta), 0.0, np.cos(theta)]]))[0][0]
    assert uv == pytest.approx([286.0 * radius + 420.5, 399.5], abs=1e-3)
    assert calibration.size == (WIDTH, HEIGHT)  # type: ignore[attr-defined]


def test_a_camera_gives_frames_with_its_own_lens_and_clock(fisheye: Fisheye) -> None:
    fisheye.run()
    with RealSenseCamera(find=lambda serial: fisheye.device) as camera:
        info = camera.info
        assert (info.name, info.source_id, info.size, info.fps) == (
            "Software fisheye",
            "realsense:SIM0001",
            (848, 800),
            30,
        )
        assert camera.delivered == "fisheye y8 848 x 800 at 30 fps"
        check_lens(info.calibration)
        frames = [frame for _ in range(5) if (frame := camera.read()) is not None]
    for frame in frames:
        number = int(frame.image[0, 0, 0])
        expected = np.roll(fisheye.noise, number, 1)
        expected[0, 0] = number
        assert np.array_equal(frame.image, np.repeat(expected[..., None], 3, 2))
        assert frame.device_clock == "realsense hardware clock"
        assert frame.device_ns is not None
        late_ns = frame.capture_ns - (frame.device_ns - 5_000_000_000)
        assert -1_000_000 < late_ns < 2_000_000_000
    assert [frame.seq for frame in frames] == list(range(5))


def test_closing_under_a_waiting_read_ends_it(fisheye: Fisheye) -> None:
    camera = RealSenseCamera(find=lambda serial: fisheye.device)
    camera.open()
    read: list[Frame | None] = []
    reader = threading.Thread(target=lambda: read.append(camera.read()))
    reader.start()
    camera.close()
    reader.join(5)
    assert read == [None]


def test_a_silent_camera_is_lost_and_comes_back_under_supervision(fisheye: Fisheye) -> None:
    fisheye.run()
    source = Supervised(RealSenseCamera(find=lambda serial: fisheye.device), Limits(give_up_s=1.0))
    source.listener = (heard := Heard()).event
    source.open()
    reader = threading.Thread(target=lambda: [heard.frame(frame) for frame in iter(source.read, None)])
    reader.start()
    heard.wait_frames()
    fisheye.stop()
    heard.wait_event(EventKind.STATE, "waiting to retry")
    fisheye.run()
    heard.wait_event(EventKind.GAP)
    heard.wait_frames()
    assert source.condition.state is StreamState.STREAMING
    source.close()
    reader.join()


def record(path: Path, fisheye: Fisheye, count: int) -> None:
    """Through the library's own recorder."""
    recorder: Any = rs.recorder(str(path), fisheye.device)
    sensor = recorder.query_sensors()[0]
    queue = rs.frame_queue(count, keep_frames=True)
    sensor.open(sensor.get_stream_profiles()[0])
    sensor.start(queue)
    for number in range(count):
        # A clock that is not the host's, with a frame missing before the sixth.
        fisheye.push(number, 1_000_000 + (number + (number > 4)) * 1000 / FPS)
        queue.wait_for_frame(5000)
    sensor.stop()
    sensor.close()
    del sensor, recorder
    gc.collect()  # the file is whole when the recorder is gone


def test_from_device_to_recorder_to_playback(fisheye: Fisheye, tmp_path: Path) -> None:
    path = tmp_path / "walk.db3"
    record(path, fisheye, 12)
    source = open_source(str(path))
    assert isinstance(source, RealSenseRecording)
    with source:
        info = source.info
        assert (info.name, info.source_id, info.size, info.live) == ("walk.db3", "realsense:SIM0001", (848, 800), False)
        check_lens(info.calibration)
        frames = list(iter(source.read, None))
        assert source.read() is None
    assert [int(frame.image[0, 0, 0]) for frame in frames] == list(range(12))
    steps = np.array([number + (number > 4) for number in range(12)]) * 1e9 / FPS
    assert np.abs([frame.capture_ns - step for frame, step in zip(frames, steps, strict=True)]).max() < 1000
    assert np.abs([frame.device_ns - 1e12 - step for frame, step in zip(frames, steps, strict=True)]).max() < 1000
    with source:
        assert sum(1 for _ in iter(source.read, None)) == 12, "it can be played again"


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "walk.bag"
    path.write_bytes(b"no bag at all" * 100)
    with pytest.raises(EgoposeError, match=r"walk\.bag is not a RealSense recording that can be read") as told:
        RealSenseRecording(path).open()
    assert "\n" not in str(told.value)
    with pytest.raises(EgoposeError, match="There is no file"):
        RealSenseRecording(tmp_path / "none.bag").open()


def test_without_a_camera_it_says_what_to_do() -> None:
    if list_realsense():
        pytest.skip("a RealSense camera is connected")
    with pytest.raises(EgoposeError, match="No RealSense camera is connected: plug it in"):
        found_device(None)
    with pytest.raises(EgoposeError, match="with the serial number 123 is connected"):
        RealSenseCamera("123").open()
