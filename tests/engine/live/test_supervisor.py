"""A camera that fails in every way we know: noticed, told, marked, and streaming again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from engine.errors import EgoposeError
from engine.live.pipeline import Pipeline
from engine.live.supervisor import MOST_LEFT, Limits, Supervised
from engine.types import EventKind, StreamState
from tests.engine.live.fakes import FakeEstimator
from tests.engine.live.faulty import Device, FaultyCamera, Heard

QUICK = Limits(stall_s=0.25, give_up_s=0.5, open_s=0.5, first_wait_s=0.02, longest_wait_s=0.1)
NEVER_S = 60.0


class Live:
    """A pipeline on a faulty camera, with a tap that listens."""

    def __init__(self, limits: Limits = QUICK, clock: str = "faulty", device: Device | None = None) -> None:
        self.device = device or Device(fps=100, nominal=100)
        self.source = Supervised(FaultyCamera(self.device, clock), limits)
        self.pipeline = Pipeline(self.source, lambda source: FakeEstimator())
        self.heard = Heard()
        self.pipeline.taps.add(self.heard)
        self.pipeline.start()
        self.heard.wait_frames()

    @property
    def state(self) -> StreamState:
        return self.pipeline.snapshot().figures.state


@pytest.fixture
def live() -> Iterator[Live]:
    made = Live()
    yield made
    made.device.hangs = False
    made.pipeline.stop()
    assert made.device.open_now == 0


def states(heard: Heard) -> list[str]:
    return [event.text.split(":")[0] for event in heard.of(EventKind.STATE)]


def check_order(heard: Heard) -> None:
    """Numbers and times only grow, whatever happened."""
    assert all(b.seq > a.seq and b.capture_ns > a.capture_ns for a, b in pairwise(heard.frames))


def test_a_camera_that_is_unplugged_comes_back_with_the_gap_marked(live: Live) -> None:
    before = live.heard.frames[-1]
    live.device.plugged = False
    live.heard.wait_event(EventKind.STATE, "waiting to retry: the camera is gone")
    figures = live.pipeline.snapshot().figures
    assert "the camera is gone: plug it in again. It is opened again" in figures.message
    assert figures.silent_s > 0
    live.device.plugged = True
    gap = live.heard.wait_event(EventKind.GAP)
    live.heard.wait_frames()
    assert states(live.heard)[:4] == ["opening", "streaming", "waiting to retry", "opening"]
    assert states(live.heard)[-1] == "streaming"
    after = next(frame for frame in live.heard.frames if frame.capture_ns == gap.capture_ns)
    last = max((f for f in live.heard.frames if f.seq < after.seq), key=lambda frame: frame.seq)
    assert last.seq >= before.seq
    assert gap.duration_ns == after.capture_ns - last.capture_ns
    assert (live.pipeline.snapshot().figures.message, live.state) == ("", StreamState.STREAMING)
    assert live.pipeline.snapshot().figures.gaps == 1
    check_order(live.heard)


def test_a_camera_that_hangs_is_left_and_opened_anew(live: Live) -> None:
    live.device.hangs = True
    live.heard.wait_event(EventKind.STATE, "stalled: the camera sends no new picture; check its cable")
    live.heard.wait_event(EventKind.STATE, "waiting to retry")
    live.device.hangs = False
    live.heard.wait_event(EventKind.GAP)
    live.heard.wait_frames()
    assert live.state is StreamState.STREAMING
    check_order(live.heard)


def test_a_hanging_read_does_not_hold_up_stopping(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    live.device.hangs = True
    live.heard.wait_event(EventKind.STATE, "stalled")
    began = time.monotonic()
    with caplog.at_level(logging.ERROR):
        live.pipeline.stop()
    assert time.monotonic() - began < 2.0
    assert "the camera does not let go; its thread is left behind" in caplog.text
    assert live.state is StreamState.CLOSED


def test_a_hanging_open_does_not_hold_up_stopping() -> None:
    pipeline = Pipeline(Supervised(FaultyCamera(device := Device(hangs=True))), lambda source: FakeEstimator())
    pipeline.start()
    began = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - began < 2.0
    device.hangs = False


def test_a_frozen_picture_is_not_live(live: Live) -> None:
    live.device.repeats = True
    live.heard.wait_event(EventKind.STATE, "stalled: the camera repeats one picture")
    assert live.state is StreamState.STALLED
    opened = live.device.opened
    frozen = len(live.heard.frames)
    live.heard.wait_event(EventKind.STATE, "waiting to retry: the camera repeats one picture")
    live.device.repeats = False
    live.heard.wait_event(EventKind.GAP)
    live.heard.wait_frames()
    assert live.device.opened == opened + 1
    assert not np.array_equal(live.heard.frames[frozen].image, live.heard.frames[frozen - 1].image)
    check_order(live.heard)


def test_a_picture_still_frozen_after_opening_anew_is_waited_for() -> None:
    """A test pattern, say: opening it again and again would help nobody."""

    live = Live(device=Device(fps=100, nominal=100, repeats=True))
    live.heard.wait_event(EventKind.STATE, "waiting to retry: the camera repeats one picture")
    live.heard.wait_event(EventKind.STATE, "stalled", after="opening: ")
    looked = threading.Event()
    looked.wait(2 * QUICK.give_up_s)
    assert live.device.opened == 2
    assert live.state is StreamState.STALLED
    live.device.repeats = False
    live.heard.wait_frames()
    assert live.state is StreamState.STREAMING
    live.pipeline.stop()


def test_a_covered_lens_is_not_taken_for_a_frozen_camera(live: Live) -> None:
    live.device.covered = True
    until = time.monotonic() + 2 * QUICK.give_up_s
    while time.monotonic() < until:
        live.heard.wait_frames()
    assert not live.heard.frames[-1].image.any()
    assert live.state is StreamState.STREAMING


def test_garbage_is_noticed_as_silence(live: Live) -> None:
    live.device.garbage = True
    live.heard.wait_event(EventKind.STATE, "stalled")
    live.device.garbage = False
    live.heard.wait_event(EventKind.GAP)
    live.heard.wait_frames()
    assert live.state is StreamState.STREAMING


def test_a_picture_of_another_size_is_marked(live: Live) -> None:
    live.device.size = (32, 24)
    event = live.heard.wait_event(EventKind.STATE, "pictures are 32 x 24 from here on, 64 x 48 before")
    live.heard.wait_frames(1)
    first = next(frame for frame in live.heard.frames if frame.image.shape == (24, 32, 3))
    assert first.capture_ns == event.capture_ns


@pytest.mark.parametrize("leap_ns", [-1_000_000_000, 3_000_000_000])
def test_a_clock_that_leaps_is_counted_logged_and_marked(leap_ns: int, caplog: pytest.LogCaptureFixture) -> None:
    live = Live()
    live.heard.wait_frames(120)
    live.device.clock_offset_ns -= leap_ns
    event = live.heard.wait_event(EventKind.CLOCK)
    live.heard.wait_frames(20)
    live.pipeline.stop()
    assert ("went back by" if leap_ns < 0 else "leapt forward by") in event.text
    assert event.text in caplog.text
    assert live.pipeline.snapshot().figures.clock_faults == 1
    check_order(live.heard)


def test_a_camera_that_slows_down_says_so() -> None:
    live = Live()
    live.heard.wait_frames(110)
    live.device.fps = 20
    event = live.heard.wait_event(EventKind.STATE, "slow: ")
    deadline, tick = time.monotonic() + 10, threading.Event()
    while "less than half of its 100 pictures a second" not in live.pipeline.snapshot().figures.message:
        assert time.monotonic() < deadline
        tick.wait(0.01)
    live.device.fps = 100
    live.heard.wait_event(EventKind.STATE, "as fast as it should be again")
    live.pipeline.stop()
    assert "pictures a second instead of 100" in event.text
    assert live.heard.of(EventKind.GAP) == []


def test_what_cannot_be_opened_at_first_is_an_error() -> None:
    source = Supervised(FaultyCamera(Device(plugged=False)), QUICK)
    with pytest.raises(EgoposeError, match="is gone: plug it in again"):
        source.open()
    assert source.condition.state is StreamState.FAILED
    source.close()


def test_what_does_not_answer_at_first_is_an_error() -> None:
    source = Supervised(FaultyCamera(device := Device(hangs=True)), QUICK)
    with pytest.raises(EgoposeError, match="the camera does not answer: plug it in again"):
        source.open()
    device.hangs = False
    source.close()


def test_a_camera_that_never_comes_back_fails_at_last() -> None:
    device = Device(fps=100, nominal=100)
    live = Live(Limits(0.15, 0.3, 0.5, 0.02, 0.1, failed_s=0.5), device=device)
    device.plugged = False
    with pytest.raises(EgoposeError, match="the camera is gone"):
        live.pipeline.wait()
    assert live.state is StreamState.FAILED
    live.pipeline.stop()


def test_of_attempts_that_hang_only_a_few_are_left(live: Live) -> None:
    """Each holds a thread for as long as the driver hangs."""
    live.device.hangs = True
    deadline, tick = time.monotonic() + 30, threading.Event()
    while "the camera does not let go: unplug it" not in live.source.condition.message:
        assert time.monotonic() < deadline
        tick.wait(0.01)
    assert live.state is StreamState.BACKOFF
    left = [thread for thread in threading.enumerate() if thread.name == "egopose camera"]
    assert len(left) == MOST_LEFT
    live.device.hangs = False
    live.heard.wait_frames()
    assert live.state is StreamState.STREAMING


def test_waits_grow_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(Limits(0.15, 0.3, 0.5, first_wait_s=0.01, longest_wait_s=0.05))
    waits: list[float] = []
    note = live.source._enter

    def enter(state: StreamState, message: str = "") -> None:
        if state is StreamState.BACKOFF:
            waits.append(live.source._retry_s - time.monotonic())
        note(state, message)

    monkeypatch.setattr(live.source, "_enter", enter)
    live.device.plugged = False
    with live.heard.changed:
        assert live.heard.changed.wait_for(lambda: len(waits) >= 5, 10)
    live.pipeline.stop()
    for wait, expected in zip(waits, [0.01, 0.02, 0.04, 0.05, 0.05], strict=False):
        assert expected - 0.01 < wait <= expected


def test_without_a_device_clock_times_are_those_of_the_grab() -> None:
    live = Live(clock="")
    live.pipeline.stop()
    frame = live.heard.frames[-1]
    assert (frame.device_ns, live.source.clock_skew_ppm) == (None, None)
    check_order(live.heard)


def test_opened_twice_it_begins_anew() -> None:
    device = Device()
    source = Supervised(FaultyCamera(device), QUICK)
    for _ in range(2):
        with source:
            first = source.read()
            assert first is not None
            assert first.seq == 0
        assert source.read() is None
        assert device.open_now == 0
