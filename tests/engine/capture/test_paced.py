"""A recording played as a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from engine.capture.paced import Paced
from engine.capture.seekable import SeekableSource
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame, Truth

MS = 1_000_000


class Tape(SeekableSource):
    """A recording with frames at given times; it tells when a frame has been taken from it."""

    def __init__(self, times_ms: Sequence[int]) -> None:
        self.times_ms = times_ms
        self.next = 0
        self.taken = threading.Semaphore(0)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("tape", "tape", (2, 2), None, "", live=False, seekable=True, frame_count=len(self.times_ms))

    @property
    def duration_s(self) -> float | None:
        return (self.times_ms[-1] - self.times_ms[0]) / 1e3

    def open(self) -> None:
        self.next = 0

    def read(self) -> Frame | None:
        if self.next >= len(self.times_ms):
            return None
        index, self.next = self.next, self.next + 1
        truth = Truth(np.full((15, 3), index, np.float32), np.ones(15, np.bool_))
        frame = Frame(np.zeros((2, 2, 3), np.uint8), index, self.times_ms[index] * MS, "tape", truth=truth)
        self.taken.release()
        return frame

    def seek(self, seconds: float) -> None:
        self.seek_frame(max(sum(time <= seconds * 1e3 for time in self.times_ms) - 1, 0))

    def seek_frame(self, index: int) -> None:
        self.next = index

    def close(self) -> None:
        pass


class Reader:
    """A `read` on a thread of its own."""

    def __init__(self, source: Source) -> None:
        self._result: list[Frame | None] = []
        self._thread = threading.Thread(target=lambda: self._result.append(source.read()))
        self._thread.start()

    def result(self) -> Frame | None:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self._result[0]


def read(source: Source) -> Frame:
    frame = source.read()
    assert frame is not None
    return frame


def test_no_frame_is_early_and_media_time_is_kept() -> None:
    with Paced(Tape([5, 15, 20, 60]), speed=2.0) as source:
        assert source.info.live
        frames = list(iter(source.read, None))
    assert [frame.seq for frame in frames] == [0, 1, 2, 3]
    assert [frame.device_ns for frame in frames] == [5 * MS, 15 * MS, 20 * MS, 60 * MS]
    assert {frame.device_clock for frame in frames} == {"file"}
    for before, after in pairwise(frames):
        assert after.capture_ns > before.capture_ns
    # Each is due at a fixed time after the first: none may come earlier than half its media time.
    for frame in frames:
        assert frame.capture_ns - frames[0].capture_ns >= (frame.device_ns or 0) // 2 - 5 * MS // 2 - 1
        assert frame.capture_ns <= time.monotonic_ns()


def test_truth_stays_with_its_frame() -> None:
    with Paced(Tape([0, 1, 2]), speed=100) as source:
        for index in range(3):
            truth = read(source).truth
            assert truth is not None
            assert truth.joints_m[0, 0] == index


def test_a_loop_goes_on_counting() -> None:
    with Paced(Tape([0, 1, 2]), speed=100, loop=True) as source:
        frames = [read(source) for _ in range(8)]
    assert [frame.seq for frame in frames] == list(range(8))
    assert [frame.device_ns for frame in frames] == [time * MS for time in (0, 1, 2, 0, 1, 2, 0, 1)]
    assert all(after.capture_ns > before.capture_ns for before, after in pairwise(frames))


def test_gaps_in_the_numbers_are_kept_when_looping() -> None:
    class Gappy(Tape):
        def read(self) -> Frame | None:
            frame = super().read()
            return super().read() if frame is not None and frame.seq == 1 else frame

    with Paced(Gappy([0, 1, 2, 3]), speed=100, loop=True) as source:
        assert [read(source).seq for _ in range(6)] == [0, 2, 3, 4, 6, 7]


def test_an_empty_recording_does_not_loop_for_ever() -> None:
    with Paced(Tape([]), loop=True) as source:
        assert source.read() is None


def test_close_ends_the_wait_at_once() -> None:
    tape = Tape([0, 10_000])
    source = Paced(tape, speed=0.01)
    source.open()
    read(source)
    assert tape.taken.acquire(timeout=20)
    reader = Reader(source)
    assert tape.taken.acquire(timeout=20)
    source.close()
    assert reader.result() is None
    assert source.read() is None


def test_a_long_gap_is_shortened() -> None:
    with Paced(Tape([0, 3_600_000]), speed=100) as source:
        read(source)
        assert read(source).device_ns == 3_600_000 * MS


def test_pausing_holds_frames_and_a_seek_still_shows_one() -> None:
    tape = Tape(range(0, 100, 10))
    with Paced(tape, speed=10) as source:
        assert read(source).device_ns == 0
        source.pause()
        assert source.paused
        reader = Reader(source)
        source.seek(0.05)
        shown = reader.result()
        assert shown is not None
        assert (shown.device_ns, shown.seq) == (50 * MS, 1)
        held = Reader(source)
        source.seek_frame(2)
        again = held.result()
        assert again is not None
        assert (again.device_ns, again.seq) == (20 * MS, 2)
        waiting = Reader(source)
        source.resume()
        following = waiting.result()
        assert following is not None
        assert (following.device_ns, following.seq) == (30 * MS, 3)


def test_closing_while_paused_ends_the_read() -> None:
    source = Paced(Tape([0, 1]))
    source.open()
    source.pause()
    reader = Reader(source)
    source.close()
    assert reader.result() is None


def test_times_that_run_backwards_do_not_stop_the_play() -> None:
    with Paced(Tape([0, 5, 3, 4]), speed=100) as source:
        assert [read(source).seq for _ in range(4)] == [0, 1, 2, 3]


def test_what_cannot_be_positioned_cannot_loop() -> None:
    class Endless(Source):
        info = SourceInfo("wearer", "wearer", None, None, "", live=False, seekable=False)

        def open(self) -> None: ...

        def read(self) -> Frame | None:
            return None

        def close(self) -> None: ...

    with pytest.raises(EgoposeError, match="cannot be played in a loop"):
        Paced(Endless(), loop=True)
    with pytest.raises(EgoposeError, match="cannot be positioned"):
        Paced(Endless()).seek(1.0)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_must_be_above_zero(speed: float) -> None:
    with pytest.raises(EgoposeError, match="does not play anything"):
        Paced(Tape([0]), speed=speed)


def test_the_speed_can_be_changed_while_a_frame_is_awaited() -> None:
    tape = Tape([0, 600_000])
    with Paced(tape, speed=0.001) as source:
        read(source)
        held = Reader(source)
        assert tape.taken.acquire(timeout=20)
        source.set_speed(1000.0)
        shown = held.result()
        assert shown is not None
        assert shown.seq == 1
        assert source.speed == 1000.0
        with pytest.raises(EgoposeError, match="does not play anything"):
            source.set_speed(0)


def test_a_step_gives_one_frame_while_paused() -> None:
    with Paced(Tape([0, 10_000, 20_000])) as source:
        read(source)
        source.pause()
        reader = Reader(source)
        source.step()
        shown = reader.result()
        assert shown is not None
        assert (shown.seq, source.sought) == (1, shown)
        waiting = Reader(source)
        source.close()
        assert waiting.result() is None


def test_a_range_is_looped_and_what_is_sought_outside_it_is_shown() -> None:
    with Paced(Tape(range(0, 50, 5)), speed=100) as source:
        source.set_loop(True, first=2, last_ns=20 * MS)
        assert [(read(source).device_ns or 0) // MS for _ in range(9)] == [0, 5, 10, 15, 20, 10, 15, 20, 10]
        source.seek_frame(7)
        assert [(read(source).device_ns or 0) // MS for _ in range(3)] == [35, 10, 15]
        source.set_loop(False)
        assert len(list(iter(source.read, None))) == 6


def test_a_range_of_one_frame_keeps_its_time() -> None:
    with Paced(Tape([0, 4, 8, 12]), speed=1) as source:
        source.set_loop(True, first=1, last_ns=4 * MS)
        frames = [read(source) for _ in range(5)]
    assert [frame.device_ns for frame in frames] == [0, *[4 * MS] * 4]
    assert frames[-1].capture_ns - frames[1].capture_ns >= 11 * MS


def test_staying_at_the_end_until_it_is_played_again() -> None:
    tape = Tape([0, 1, 2])
    with Paced(tape, speed=100, stay=True) as source:
        for _ in range(3):
            read(source)
        waiting = Reader(source)
        while not source.ended:
            time.sleep(0)
        source.resume()
        begun = waiting.result()
        assert begun is not None
        assert (begun.device_ns, begun.seq) == (0, 3)
        assert not source.ended
        while source.target is not None:
            time.sleep(0)
        read(source)
        read(source)
        closing = Reader(source)
        source.close()
        assert closing.result() is None


def test_in_lockstep_a_frame_waits_for_the_one_before_it() -> None:
    tape = Tape([0, 1, 2, 3])
    with Paced(tape, speed=1000, lockstep=True) as source:
        first = read(source)
        assert tape.taken.acquire(timeout=20)
        held = Reader(source)
        assert tape.taken.acquire(timeout=20)
        assert held._thread.is_alive()
        source.done(first.seq)
        second = held.result()
        assert second is not None
        assert second.seq == 1
        held = Reader(source)
        source.seek_frame(3)  # nobody waits for what was asked for before
        sought = held.result()
        assert sought is not None
        assert sought.device_ns == 3 * MS
        assert source.superseded(second.seq)
        assert not source.superseded(sought.seq)


def test_the_newest_of_many_seeks_wins() -> None:
    with Paced(Tape(range(100))) as source:
        source.pause()
        for index in range(100):
            source.seek_frame(index)
        assert source.target == 99
        assert read(source).device_ns == 99 * MS
        assert source.target is None


def test_the_speed_that_is_reached_is_told() -> None:
    with Paced(Tape(range(0, 4000, 100)), speed=4) as source:
        assert source.reached is None
        for _ in range(30):
            read(source)
        reached = source.reached
        assert reached is not None
        assert reached <= 4.2
