"""Which frames are looked at before their turn, and how often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from calib.formats import load_camera
from engine.live.ahead import Ahead, Incoming
from engine.live.estimator import PoseEstimator, Seen
from engine.types import Frame
from tests.engine.live.test_estimator import Watched

FAR = 10**12


class Looking:
    """Remembers which frames were looked at."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.looked = threading.Event()

    def incoming(self, seq: int) -> Incoming:
        return Incoming(Frame(np.zeros((1, 1, 3), np.uint8), seq, 0, "a"), self.see)

    def see(self, frame: Frame) -> Seen | None:
        self.seqs.append(frame.seq)
        self.looked.set()
        return None


@pytest.fixture
def ahead(request: pytest.FixtureRequest) -> Iterator[Ahead]:
    made = Ahead(getattr(request, "param", False))
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_frame_is_looked_at_once_however_many_want_it() -> None:
    looking = Looking()
    incoming = looking.incoming(3)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: incoming.seen(), range(64)))
    assert looking.seqs == [3]


def test_while_the_network_is_busy_only_the_newest_frame_is_looked_at(ahead: Ahead) -> None:
    looking = Looking()
    ahead.begun(looking.incoming(0), time.monotonic_ns() + FAR)
    for seq in range(1, 6):
        ahead.offer(looking.incoming(seq))
    assert looking.seqs == []  # that is not due for a quarter of an hour
    ahead.begun(looking.incoming(0), time.monotonic_ns())
    assert looking.looked.wait(10)
    assert looking.seqs == [5]


def test_a_frame_is_looked_at_by_the_time_that_the_network_should_be_free(ahead: Ahead) -> None:
    looking = Looking()
    free_ns = time.monotonic_ns() + 30_000_000
    ahead.begun(looking.incoming(0), free_ns)
    ahead.offer(looking.incoming(1))
    assert looking.looked.wait(10)
    assert time.monotonic_ns() >= free_ns - 2 * ahead.lead_ns - 1_000_000


def test_a_network_that_waits_looks_for_itself(ahead: Ahead) -> None:
    looking = Looking()
    for seq in range(3):
        incoming = looking.incoming(seq)
        ahead.offer(incoming)
        incoming.seen()
        ahead.begun(incoming, time.monotonic_ns())
        ahead.ended()
    assert looking.seqs == [0, 1, 2]


@pytest.mark.parametrize("ahead", [True], indirect=True)
def test_lossless_the_next_frame_is_looked_at_at_once(ahead: Ahead) -> None:
    looking = Looking()
    ahead.begun(looking.incoming(0), time.monotonic_ns() + FAR)
    ahead.offer(looking.incoming(1))
    assert looking.looked.wait(10)


def test_what_was_seen_ahead_gives_the_same_pose_and_its_own_view() -> None:
    runtime = Watched()
    estimator = PoseEstimator(runtime, load_camera("sceneego"))
    rng = np.random.default_rng(0)
    frames = [
        Frame(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), seq, seq * 10**7, "a")
        for seq, (width, height) in enumerate([(160, 128), (160, 128), (128, 160)])
    ]
    alone = [estimator.estimate(frame) for frame in frames]
    seen = [estimator.see(frame) for frame in frames]
    for frame, known, first in zip(frames, seen, alone, strict=True):
        again = estimator.estimate(frame, known)
        assert estimator.view is known.view
        assert known.view.size == frame.image.shape[1::-1]
        assert np.array_equal(again.uv_px, first.uv_px, equal_nan=True)
    assert all(np.array_equal(a, b) for a, b in zip(runtime.pictures[:3], runtime.pictures[3:], strict=True))
