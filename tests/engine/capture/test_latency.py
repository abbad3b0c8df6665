"""How old a network camera's picture is when it is looked at, and whether 60 a second come through. With `-m soak`."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from engine.capture.mjpeg import MjpegStream
from engine.capture.picture import decode_picture
from engine.live.pipeline import Pipeline
from engine.live.supervisor import Supervised
from tests.engine.capture.mjpeg_server import MjpegServer, jpeg
from tests.engine.live.fakes import FakeEstimator
from tests.engine.live.faulty import Heard

SIZE, VARIETY, SECONDS = (1280, 1024), 24, 10


def busyness() -> float:
    """Wall time over CPU time of work that waits for nothing: 1 on a machine that has a core to spare."""
    wall, own = time.perf_counter(), time.thread_time()
    for _ in range(20):
        decode_picture(jpeg(0, SIZE))
    return (time.perf_counter() - wall) / (time.thread_time() - own)


@pytest.mark.soak
@pytest.mark.parametrize("fps", [30, 60])
def test_motion_jpeg_is_fresh_and_whole(fps: int) -> None:
    """From the moment the camera sends a picture to the moment somebody who looks ten times a second has it."""
    for number in range(VARIETY):
        jpeg(number, SIZE)
    busy = busyness()
    with MjpegServer(fps=fps, size=SIZE, variety=VARIETY) as server:
        pipeline = Pipeline(Supervised(MjpegStream(server.address)), lambda source: FakeEstimator())
        heard = Heard()
        pipeline.taps.add(heard)
        pipeline.start()
        heard.wait_frames(fps)
        ages, tick = [], threading.Event()
        cpu = time.process_time()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            tick.wait(0.1)
            frame = pipeline.snapshot().frame
            assert frame is not None
            ages.append((time.monotonic_ns() - server.sent[frame.seq]) / 1e6)
            del heard.frames[: len(heard.frames) - 2 * fps]
        cpu = time.process_time() - cpu
        last = heard.frames[-1]
        pipeline.stop()
    assert last.encoded == jpeg(last.seq % VARIETY, SIZE)
    p50, p95 = np.percentile(ages, (50, 95))
    figures = pipeline.snapshot().figures
    lost = last.seq + 1 - figures.produced
    print(
        f"{fps} fps {SIZE[0]}x{SIZE[1]}: age {p50:.1f} ms median, {p95:.1f} ms p95; {lost} of {last.seq + 1} lost; "
        f"{100 * cpu / SECONDS:.0f} % of a core, camera and decoding included"
    )
    if busy > 2:
        pytest.skip(f"other programs leave a thread one part in {busy:.1f} of a core: nothing can be said")
    assert p50 < 40
    assert lost <= 0.01 * last.seq
