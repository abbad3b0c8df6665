"""Motion JPEG over HTTP, against a camera on loopback that can fail."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.capture.mjpeg import MjpegStream, NetworkConfig
from engine.capture.multipart import MAX_HEAD, MAX_PART, Splitter, StreamError, boundary_of
from engine.capture.picture import decode_picture
from engine.errors import EgoposeError
from engine.live.pipeline import Pipeline
from engine.live.supervisor import Limits, Supervised
from engine.types import EventKind, StreamState
from tests.engine.capture.mjpeg_server import MjpegServer, jpeg
from tests.engine.live.fakes import FakeEstimator
from tests.engine.live.faulty import Heard

QUICK = NetworkConfig(open_s=0.3, silent_s=0.3)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer() as made:
        yield made


@given(
    bodies=st.lists(st.binary(max_size=60).filter(lambda body: b"--b" not in body), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    length=st.booleans(),
    newline=st.sampled_from([b"\r\n", b"\n"]),
)
def test_parts_are_the_same_however_the_bytes_arrive(
    bodies: list[bytes], cuts: list[int], length: bool, newline: bytes
) -> None:
    # Without a length a body that ends in a line end cannot be told from one that does not.
    bodies = bodies if length else [body.rstrip(b"\r\n-") for body in bodies]
    stream = b"preamble" + newline
    for body in bodies:
        stream += b"--b" + newline + b"Content-Type: image/jpeg" + newline
        stream += b"content-LENGTH: %d%b" % (len(body), newline) if length else b""
        stream += newline + body + newline
    stream += b"--b--" + newline
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    splitter, parts = Splitter(b"--b"), []
    for start, end in pairwise(edges):
        parts += splitter.feed(stream[start:end])
    assert [part.body for part in parts] == bodies
    assert all(part.headers["content-type"] == "image/jpeg" for part in parts)


def test_what_is_no_stream_of_parts_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(StreamError, match="its own delimiter"):
        list(Splitter(b"--b").feed(b"x" * (MAX_HEAD + 1)))
    with pytest.raises(StreamError, match="announces a picture of"):
        list(Splitter(b"--b").feed(b"--b\r\nContent-Length: %d\r\n\r\n" % (10 * MAX_PART)))
    splitter = Splitter(b"--b")
    list(splitter.feed(b"--b\r\nA: b\r\n\r\n"))
    with pytest.raises(StreamError, match="more than 32 MiB"):
        list(chain.from_iterable(splitter.feed(bytes(1 << 22)) for _ in range(9)))


@pytest.mark.parametrize(
    ("said", "delimiter"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"--frame"),
        ('multipart/x-mixed-replace;boundary="--my frame"', b"--my frame"),
        ("Multipart/Mixed; boundary=--x", b"--x"),
        ("image/jpeg", None),
        ("", None),
    ],
)
def test_delimiters_as_cameras_write_them(said: str, delimiter: bytes | None) -> None:
    assert boundary_of(said) == delimiter


@pytest.mark.parametrize("length", [True, False])
def test_pictures_are_handed_through_as_they_came(server: MjpegServer, length: bool) -> None:
    server.length, server.stamps = length, True
    with MjpegStream(server.address) as stream:
        frames = [frame for _ in range(5) if (frame := stream.read()) is not None]
        assert stream.info.size == (320, 240)
        assert stream.info.source_id == server.address
        assert stream.delivered == "Motion JPEG 320 x 240"
    first = frames[0].seq
    for frame in frames:
        assert frame.encoded == jpeg(frame.seq)
        assert np.array_equal(frame.image, decode_picture(jpeg(frame.seq)))
        assert frame.capture_ns >= server.sent[frame.seq]
        assert frame.device_clock == "http"
        assert frame.device_ns is not None
        assert 0 <= server.sent[frame.seq] + 1000 * 10**9 - frame.device_ns < 10**9
    assert [frame.seq for frame in frames] == list(range(first, first + 5))


def test_the_login_in_the_address_is_sent_and_kept_out_of_messages(server: MjpegServer) -> None:
    address = server.address.replace("127.0.0.1", "me:se%40cret@127.0.0.1")
    with MjpegStream(address) as stream:
        assert "cret" not in stream.info.source_id + stream.info.name
    assert "Authorization: Basic bWU6c2VAY3JldA==" in server.asked[0]
    server.status = "401 Unauthorized"
    with pytest.raises(EgoposeError, match="401 Unauthorized: write name and password into the address") as told:
        MjpegStream(address).open()
    assert "cret" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "content_type", "told"),
    [
        ("404 Not Found", "text/html", "answers 404 Not Found: check the path"),
        ("503 Busy", "text/html", "answers 503 Busy: switch the camera off and on"),
        ("200 OK", "text/html", "sends text/html, not Motion JPEG: give the address of its video stream"),
    ],
)
def test_answers_that_are_no_stream(server: MjpegServer, status: str, content_type: str, told: str) -> None:
    server.status, server.content_type = status, content_type
    with pytest.raises(EgoposeError, match=told):
        MjpegStream(server.address).open()


def test_redirections_are_followed_and_end(server: MjpegServer) -> None:
    with MjpegServer(status="302 Found", extra_head=f"Location: {server.address}\r\n") as other:
        with MjpegStream(other.address) as stream:
            assert stream.read() is not None
        other.extra_head = f"Location: {other.address}\r\n"
        with pytest.raises(EgoposeError, match="redirects for ever"):
            MjpegStream(other.address).open()


def test_nobody_there_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EgoposeError, match=r"cannot be opened \(connection refused\): check that it is switched on"):
        MjpegStream(f"http://127.0.0.1:{port}/video").open()


@pytest.mark.parametrize("address", ["http://", "http:///video", "http://host:99999/", "ftp://host/"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(EgoposeError, match="is no address"):
        MjpegStream(address)


def test_limits_are_checked() -> None:
    with pytest.raises(EgoposeError, match="0 to 60 seconds"):
        NetworkConfig(open_s=0)


def test_garbage_is_skipped_and_counted(server: MjpegServer) -> None:
    server.garbage_every = 2
    with MjpegStream(server.address) as stream:
        frames = [stream.read() for _ in range(3)]
        assert all(frame is not None and frame.seq % 2 for frame in frames)
        assert "3 pictures could not be decoded; the last is" in stream.skipped[0]


def test_a_silent_camera_is_lost_after_its_time_and_closing_does_not_wait_for_it(server: MjpegServer) -> None:
    with MjpegStream(server.address, QUICK) as stream:
        assert stream.read() is not None
        server.hangs = True
        with pytest.raises(EgoposeError, match="is lost"):
            list(iter(stream.read, None))
    with pytest.raises(EgoposeError, match="sends nothing"):
        MjpegStream(server.address, QUICK).open()
    server.hangs = False
    stream = MjpegStream(server.address, NetworkConfig(silent_s=60))
    stream.open()
    server.hangs = True
    ended: list[object] = []
    reader = threading.Thread(target=lambda: ended.extend(iter(stream.read, None)))
    reader.start()
    threading.Event().wait(0.05)  # until it is blocked, as a rule; the test holds either way
    began = time.monotonic()
    stream.close()
    reader.join(10)
    assert time.monotonic() - began < 2
    assert not reader.is_alive()


def test_of_many_pictures_that_wait_the_newest_is_taken() -> None:
    with MjpegServer(fps=1000, size=(32, 24)) as server, MjpegStream(server.address) as stream:
        assert stream.read() is not None
        deadline = time.monotonic() + 10
        while len(server.sent) < 250 and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        frame = stream.read()
        assert frame is not None
        assert frame.seq >= 200
        assert frame.encoded == jpeg(frame.seq % 200, (32, 24))


def test_a_camera_that_dies_and_hangs_comes_back_under_supervision(server: MjpegServer) -> None:
    pipeline = Pipeline(Supervised(MjpegStream(server.address)), lambda source: FakeEstimator())
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
    server.hangs = True
    heard.wait_event(EventKind.STATE, "stalled")
    heard.wait_event(EventKind.STATE, "waiting to retry", after="stalled")
    back = time.monotonic()
    server.hangs = False
    heard.wait_frames()
    print(f"streaming {time.monotonic() - back:.2f} s after it went on")
    assert len(heard.of(EventKind.GAP)) == 2
    assert pipeline.snapshot().figures.state is StreamState.STREAMING
    server.hangs = True
    heard.wait_event(EventKind.STATE, "stalled", after="streaming")
    began = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - began < 2


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted as Linux lists them")
def test_a_camera_that_comes_and_goes_leaves_no_file_and_no_thread_open(server: MjpegServer) -> None:
    source = Supervised(MjpegStream(server.address), Limits(first_wait_s=0.01, longest_wait_s=0.02))
    source.listener = (heard := Heard()).event
    source.open()
    reader = threading.Thread(target=lambda: [heard.frame(frame) for frame in iter(source.read, None)])
    reader.start()
    counts = []
    for _ in range(6):
        heard.wait_frames()
        # Those of the camera before may take a moment to end.
        deadline, tick = time.monotonic() + 10, threading.Event()
        while threading.active_count() > min(counts, default=(999, 0))[0] and time.monotonic() < deadline:
            tick.wait(0.005)
        counts.append((threading.active_count(), len(os.listdir("/proc/self/fd"))))
        heard.events.clear()
        server.stop()
        heard.wait_event(EventKind.STATE, "waiting to retry")
        server.start()
    source.close()
    reader.join()
    assert counts == counts[:1] * 6
