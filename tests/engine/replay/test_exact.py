"""Poses are those of an unbroken run, wherever the play is entered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.live.estimator import Estimator, SupersededError
from engine.replay.exact import ExactEstimator, analyse
from engine.replay.memory import memory_of
from engine.replay.reel import Reel, read_reel
from engine.replay.track import Track
from engine.session.record import record
from engine.session.source import SessionSource
from engine.types import Event, EventKind

FRAMES = 30


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "short.mcap"
    record(open_source(str(DEMO_SESSION)), path, FRAMES)
    return path


def opened(path: Path) -> SessionSource:
    source = SessionSource(path)
    source.open()
    return source


def exact(path: Path, weights: Path, source: Source, track: Track, **how: object) -> ExactEstimator:
    inner: Estimator = Settings(str(weights)).estimator_maker(str(path))(source)
    with SessionSource(path) as again:
        reel = read_reel(path, again)
    return ExactEstimator(inner, reel, track, opened(path), memory_of(weights), **how)  # type: ignore[arg-type]


def test_a_seek_finds_the_pose_of_an_unbroken_run(session: Path, tiny_weights: Path) -> None:
    memory = memory_of(tiny_weights)
    assert memory == 8
    with SessionSource(session) as source:
        plain = Settings(str(tiny_weights)).estimator_maker(str(session))(source)
        unbroken = [plain.estimate(frame) for frame in iter(source.read, None)]
        plain.close()
        assert len(unbroken) == FRAMES
        moved = np.abs(unbroken[20].joints_m - unbroken[21].joints_m).max()
        assert moved > 0
        track = Track(FRAMES)
        estimator = exact(session, tiny_weights, source, track)
        for index in (20, 5, 21, 0, 29, 12, 13, 14, 20):
            source.seek_frame(index)
            frame = source.read()
            assert frame is not None
            pose = estimator.estimate(frame)
            np.testing.assert_array_equal(pose.joints_m, unbroken[index].joints_m)
            np.testing.assert_allclose(pose.heatmaps, unbroken[index].heatmaps, atol=1 / 254)
        assert track.count == 8
        estimator.close()


def test_what_nobody_waits_for_is_given_up_and_what_follows_is_exact(session: Path, tiny_weights: Path) -> None:
    with SessionSource(session) as source:
        asked: list[int] = []
        done: list[int] = []

        def superseded(seq: int) -> bool:
            asked.append(seq)
            return seq == 25 and len(asked) > 4

        track = Track(FRAMES)
        estimator = exact(session, tiny_weights, source, track, superseded=superseded, done=done.append)
        source.seek_frame(25)
        frame = source.read()
        assert frame is not None
        with pytest.raises(SupersededError):
            estimator.estimate(frame)
        assert done == [25]
        assert track.count == 0
        frame = source.read()
        assert frame is not None
        found = estimator.estimate(frame)
        estimator.close()
        fresh = exact(session, tiny_weights, source, Track(FRAMES))
        np.testing.assert_array_equal(found.joints_m, fresh.estimate(frame).joints_m)
        fresh.close()


def test_all_frames_are_looked_at_and_cancelling_keeps_what_was_found(session: Path, tiny_weights: Path) -> None:
    track, shares = Track(FRAMES), list[float]()

    def progress(share: float) -> bool:
        shares.append(share)
        return len(shares) <= 10

    with SessionSource(session) as source:
        estimator = exact(session, tiny_weights, source, track)
        assert not analyse(source, [estimator], track, progress)
        assert track.count == 10
        source.seek_frame(0)
        assert analyse(source, [estimator], track, lambda share: True)
        estimator.close()
    assert track.known.all()
    mpjpe = track.mpjpe_mm
    assert np.isfinite(mpjpe).all()
    np.testing.assert_allclose(mpjpe, track.errors_mm.mean(1), rtol=1e-5)
    worst = track.worst(3, 5)
    assert worst[0] == int(mpjpe.argmax())
    assert all(abs(a - b) > 5 for i, a in enumerate(worst) for b in worst[:i])


def test_gaps_and_stops_of_a_reel() -> None:
    ms = 1_000_000
    times = np.array([0, 40, 80, 2000, 2040, 2300], np.int64) * ms
    events = (Event(EventKind.MARK, 45 * ms, "here"), Event(EventKind.GAP, 2300 * ms, "gone", 260 * ms))
    reel = Reel(times, events)
    assert reel.gaps == ((80 * ms, 2000 * ms), (2040 * ms, 2300 * ms))
    assert reel.stops() == (1, 3, 5)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.integers(-(10**12), 2 * 10**12))
def test_the_frame_at_a_time_is_the_last_before_it(times: list[int], at: int) -> None:
    reel = Reel(np.array(sorted(times), np.int64))
    index = reel.index_at(at)
    assert reel.times_ns[index] <= max(at, reel.start_ns)
    assert index == len(reel) - 1 or reel.times_ns[index + 1] > at


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(EgoposeError, match="is not a weights file"):
        memory_of(tmp_path / "x.safetensors")


def test_a_source_tells_its_times_without_decoding(session: Path) -> None:
    with SessionSource(session) as source:
        times = source.times_ns()
        assert [frame.capture_ns for frame in iter(source.read, None)] == times.tolist()
