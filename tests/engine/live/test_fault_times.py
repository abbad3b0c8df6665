"""How soon each fault is noticed, and how soon pictures come again, by the limits the program has. With `-m soak`."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.capture.mjpeg import MjpegStream
from engine.capture.network import RtspStream
from engine.capture.source import LiveSource
from engine.live.pipeline import Pipeline
from engine.live.supervisor import Supervised
from engine.types import EventKind
from tests.engine.capture.mjpeg_server import MjpegServer
from tests.engine.capture.rtsp_server import RtspServer
from tests.engine.live.fakes import FakeEstimator
from tests.engine.live.faulty import Device, FaultyCamera, Heard

NOTICED_S, BACK_S, NETWORK_BACK_S = 1.0, 2.0, 3.0
HOLD_S = (0.0, 4.0)
"""How long the camera stays away after it was noticed: back at once, and after the longest waits."""


def check(source: LiveSource, name: str, break_it: Callable[[], None], mend: Callable[[], None], back_s: float) -> None:
    """Break and mend a camera, and see that its gaps are marked."""
    pipeline = Pipeline(Supervised(source), lambda source: FakeEstimator())
    heard = Heard()
    pipeline.taps.add(heard)
    pipeline.start()
    for hold_s in HOLD_S:
        heard.wait_frames(40)
        heard.events.clear()
        break_it()
        broken = time.monotonic()
        with heard.changed:
            assert heard.changed.wait_for(lambda: bool(heard.of(EventKind.STATE)), 10)
        noticed_s = time.monotonic() - broken
        with heard.changed:
            heard.changed.wait_for(lambda: False, hold_s)
        mend()
        mended = time.monotonic()
        heard.wait_event(EventKind.GAP)
        heard.wait_frames(1)
        streaming_s = time.monotonic() - mended
        print(f"{name}, back after {hold_s:g} s: noticed in {noticed_s:.2f} s, streaming again in {streaming_s:.2f} s")
        assert noticed_s <= NOTICED_S
        assert streaming_s <= back_s
    pipeline.stop()


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["unplugged", "hangs", "repeats", "garbage"])
def test_a_camera(fault: str) -> None:
    device = Device()
    name = "plugged" if fault == "unplugged" else fault
    normal = getattr(device, name)
    check(
        FaultyCamera(device),
        fault,
        lambda: setattr(device, name, not normal),
        lambda: setattr(device, name, normal),
        BACK_S,
    )


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["dies", "hangs"])
def test_a_motion_jpeg_camera(fault: str) -> None:
    with MjpegServer(fps=30) as server:
        if fault == "dies":
            check(MjpegStream(server.address), "MJPEG dies", server.stop, server.start, NETWORK_BACK_S)
        else:
            break_it, mend = (lambda: setattr(server, "hangs", True)), (lambda: setattr(server, "hangs", False))
            check(MjpegStream(server.address), "MJPEG hangs", break_it, mend, NETWORK_BACK_S)


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["dies", "hangs"])
def test_an_rtsp_camera(fault: str) -> None:
    with RtspServer() as server:
        if fault == "dies":
            check(RtspStream(server.address), "RTSP dies", server.stop, server.start, NETWORK_BACK_S)
        else:
            break_it, mend = (lambda: setattr(server, "hangs", True)), (lambda: setattr(server, "hangs", False))
            check(RtspStream(server.address), "RTSP hangs", break_it, mend, NETWORK_BACK_S)
