"""RTSP and UDP streams, against cameras on loopback that can fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import av
import numpy as np
import pytest

from engine.capture.mjpeg import NetworkConfig
from engine.capture.network import RtspStream, UdpStream
from engine.errors import EgoposeError
from engine.live.pipeline import Pipeline
from engine.live.supervisor import Supervised
from engine.types import EventKind, Frame, StreamState
from tests.engine.capture.rtsp_server import RtspServer
from tests.engine.live.fakes import FakeEstimator
from tests.engine.live.faulty import Heard

QUICK = NetworkConfig(open_s=0.4, silent_s=0.4)


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with RtspServer() as made:
        yield made


def brightness(frame: Frame) -> float:
    return float(frame.image.mean())


def test_an_rtsp_film_is_read_frame_by_frame(server: RtspServer) -> None:
    with RtspStream(server.address) as stream:
        frames = [frame for _ in range(8) if (frame := stream.read()) is not None]
        assert stream.info.size == (320, 240)
        assert stream.delivered == "h264 320 x 240"
    # Each frame is two greys brighter than the one before, and 1/30 s later by the camera's clock.
    steps = np.diff([brightness(frame) for frame in frames])
    assert np.abs(steps - 2).max() < 0.7
    times = [frame.device_ns for frame in frames if frame.device_ns is not None]
    assert np.abs(np.diff(times) - 1e9 / 30).max() < 1e6
    assert {frame.device_clock for frame in frames} == {"rtp"}
    assert [frame.seq for frame in frames] == list(range(8))
    assert all(frame.capture_ns >= server.sent[0] for frame in frames)


@pytest.mark.parametrize(
    ("status", "told"),
    [("401 Unauthorized", "write name and password into the address"), ("404 Not Found", "check the path")],
)
def test_answers_that_are_no_film(server: RtspServer, status: str, told: str) -> None:
    server.status = status
    with pytest.raises(EgoposeError, match=f"cannot be opened .*{told}") as error:
        RtspStream(server.address.replace("127", "me:secret@127")).open()
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_nobody_there_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EgoposeError, match=r"\(connection refused\): check that the camera is switched on"):
        RtspStream(f"rtsp://127.0.0.1:{port}/live").open()


def test_a_camera_that_hangs_is_lost_after_its_time(server: RtspServer) -> None:
    with RtspStream(server.address, QUICK) as stream:
        assert stream.read() is not None
        server.hangs = True
        with pytest.raises(EgoposeError, match="is lost"):
            list(iter(stream.read, None))
    with pytest.raises(EgoposeError, match="cannot be opened"):
        RtspStream(server.address, QUICK).open()


def test_an_rtsp_camera_comes_back_and_its_hanging_does_not_hold_up_stopping(server: RtspServer) -> None:
    pipeline = Pipeline(Supervised(RtspStream(server.address)), lambda source: FakeEstimator())
    heard = Heard()
    pipeline.taps.add(heard)
    pipeline.start()
    heard.wait_frames()
    server.stop()
    heard.wait_event(EventKind.STATE, "waiting to retry")
    back = time.monotonic()
    server.start()
    heard.wait_frames()
    print(f"streaming {time.monotonic() - back:.2f} s after the camera was back")
    assert len(heard.of(EventKind.GAP)) == 1
    assert pipeline.snapshot().figures.state is StreamState.STREAMING
    server.hangs = True
    heard.wait_event(EventKind.STATE, "stalled", after="streaming")
    began = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - began < 2


class Sender:
    """A camera that sends an MPEG transport stream to a UDP port."""

    def __init__(self, port: int, codec: str = "libx264") -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, codec))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, port: int, codec: str) -> None:
        with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as out:
            stream = out.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
            stream.options = {"tune": "zerolatency", "preset": "ultrafast", "g": "5"}
            rng = np.random.default_rng(0)
            while not self._stop.wait(1 / 30):
                image = rng.integers(0, 255, (128, 160, 3), np.uint8)
                for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                    out.mux(packet)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_udp_stream_is_lost_and_found() -> None:
    port = free_port()
    sender = Sender(port)
    source = Supervised(UdpStream(f"udp://:{port}"))
    source.listener = (heard := Heard()).event
    source.open()
    reader = threading.Thread(target=lambda: [heard.frame(frame) for frame in iter(source.read, None)])
    reader.start()
    heard.wait_frames()
    assert source.info.size == (160, 128)
    assert heard.frames[-1].device_clock == "stream"
    sender.stop()
    heard.wait_event(EventKind.STATE, "waiting to retry")
    sender = Sender(port)
    heard.wait_event(EventKind.GAP)
    heard.wait_frames()
    sender.stop()
    source.close()
    reader.join()


def test_a_silent_port_says_what_to_have_sent() -> None:
    port = free_port()
    with pytest.raises(
        EgoposeError, match=rf"\(nothing arrives\): have the camera send MPEG-TS to port {port}"
    ) as told:
        UdpStream(f"udp://:{port}", QUICK).open()
    assert "127.0.0.1 hears this machine alone" in str(told.value)
    with pytest.raises(EgoposeError, match="nothing arrives") as told:
        UdpStream(f"udp://0.0.0.0:{port}", QUICK).open()
    assert "alone" not in str(told.value)


def test_a_port_that_is_taken_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(EgoposeError, match=rf"address already in use\): close the program that uses port {port}"):
            UdpStream(f"udp://127.0.0.1:{port}").open()


def test_closing_ends_a_read_that_waits_for_datagrams() -> None:
    port = free_port()
    sender = Sender(port)
    stream = UdpStream(f"udp://:{port}", NetworkConfig(silent_s=60))
    stream.open()
    sender.stop()
    ended: list[Frame | None] = []
    reader = threading.Thread(target=lambda: ended.extend(iter(stream.read, None)))
    reader.start()
    began = time.monotonic()
    stream.close()
    reader.join(10)
    assert time.monotonic() - began < 2
    assert not reader.is_alive()


def test_datagrams_that_are_no_film() -> None:
    port = free_port()
    stop = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not stop.wait(0.005):
                out.sendto(b"hello" * 200, ("127.0.0.1", port))

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(EgoposeError, match=r"MPEG transport stream|no video that can be decoded"):
        UdpStream(f"udp://:{port}", QUICK).open()
    stop.set()
    sender.join()
