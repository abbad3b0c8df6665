"""The pipeline's hand-offs, ends and faults, with a fake source and a fake estimator."""

from __future__ import annotations

import threading
import time

import pytest

from engine.errors import EgoposeError
from engine.live.estimator import Seen
from engine.live.mailbox import Mailbox
from engine.live.pipeline import STOP_S, Estimate, Pipeline
from engine.live.rate import Limits, TemporalRate
from engine.motion.settings import RAW, MotionSettings
from engine.motion.stage import MotionStage
from engine.types import Event, Frame, Pose, StreamState
from tests.engine.live.fakes import FakeEstimator, FakeSource


def test_lossless_gives_every_frame_with_its_own_pose() -> None:
    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    estimator = FakeEstimator()
    pipeline = Pipeline(FakeSource(frames=200), lambda source: estimator, lossless=True, outbox=outbox)
    pipeline.start()
    estimates = list(iter(outbox.take, None))
    pipeline.wait()
    assert [e.pose.seq for e in estimates] == list(range(200))
    assert all(e.frame.seq == e.pose.seq == e.pose.joints_m[0, 0] for e in estimates)
    figures = pipeline.snapshot().figures
    assert figures.state is StreamState.ENDED
    assert (figures.produced, figures.processed, figures.overwritten) == (200, 200, 0)
    assert estimator.closed


def test_live_the_newest_frame_wins_and_ages_stay_bounded() -> None:
    """A 60 fps source on an inference three times slower: the age is one inference and at most one wait for a frame."""
    enough = threading.Event()
    done = []

    def each(frame: object) -> None:
        done.append(frame)
        if len(done) == 20:
            enough.set()

    pipeline = Pipeline(FakeSource(fps=60), lambda source: FakeEstimator(0.045, each))
    pipeline.start()
    assert enough.wait(30)
    figures = pipeline.snapshot().figures
    pipeline.stop()
    assert figures.overwritten > figures.processed / 2
    # Never a queue: in the median younger than the inference and one more period of it.
    assert figures.age_ms.p50 < 2 * 45
    assert figures.state is StreamState.STREAMING


class Sparing(FakeEstimator):
    """Two streams of which one can be spared: then a frame takes a third of the time."""

    spares_motion = True

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        self.seconds = 0.03 if motion else 0.01
        return super().estimate(frame, seen, motion=motion)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporal rate that does not wait."""
    limits = Limits(slower_after_ns=0, enough=2)
    monkeypatch.setattr("engine.live.pipeline.TemporalRate", lambda: TemporalRate(limits))


@pytest.mark.usefixtures("hasty")
def test_live_a_machine_that_is_too_slow_spares_the_temporal_stream_and_says_so() -> None:
    estimator = Sparing()
    pipeline = Pipeline(FakeSource(fps=60), lambda source: estimator)
    pipeline.start()
    deadline = time.monotonic() + 30
    while (figures := pipeline.snapshot().figures).motion_every < 2 and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    pipeline.stop()
    assert figures.motion_every >= 2
    assert estimator.motions[0]
    assert False in estimator.motions


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("lossless", [True, False])
def test_every_frame_keeps_its_motion_lossless_and_where_nothing_can_be_spared(lossless: bool) -> None:
    estimator = Sparing()
    estimator.spares_motion = lossless
    pipeline = Pipeline(
        FakeSource(frames=25, fps=None if lossless else 60), lambda source: estimator, lossless=lossless
    )
    pipeline.start()
    pipeline.wait()
    assert all(estimator.motions)
    assert pipeline.snapshot().figures.motion_every == 1


def test_a_snapshot_shows_the_frame_its_pose_belongs_to() -> None:
    pipeline = Pipeline(FakeSource(fps=400), lambda source: FakeEstimator(0.001))
    pipeline.start()
    pairs = []
    while len(pairs) < 50:
        shot = pipeline.snapshot()
        if shot.pose is not None and shot.frame is not None:
            pairs.append((shot.frame.seq, shot.pose.seq))
        threading.Event().wait(0.001)
    pipeline.stop()
    assert all(frame == pose for frame, pose in pairs)
    assert pairs == sorted(pairs)


@pytest.mark.parametrize("wait", [0.0, 0.01, 0.1])
def test_stopping_at_any_moment_is_quick_and_leaves_no_thread(wait: float) -> None:
    pipeline = Pipeline(FakeSource(fps=120), lambda source: FakeEstimator(0.02))
    pipeline.start()
    threading.Event().wait(wait)
    began = time.monotonic()
    pipeline.stop()
    assert time.monotonic() - began < STOP_S
    assert not any(thread.name.startswith("egopose") for thread in threading.enumerate())
    assert pipeline.snapshot().figures.state is StreamState.CLOSED


def test_a_tap_is_handed_every_frame_and_pose_until_it_is_taken_off() -> None:
    class Heard:
        def __init__(self) -> None:
            self.frames: list[int] = []
            self.poses: list[int] = []

        def frame(self, frame: Frame) -> None:
            self.frames.append(frame.seq)

        def pose(self, pose: Pose) -> None:
            assert pose.seq in self.frames
            self.poses.append(pose.seq)
            if pose.seq == 5:
                pipeline.taps.remove(self)

        def event(self, event: Event) -> None:
            raise AssertionError(event)

    pipeline = Pipeline(FakeSource(frames=9), lambda source: FakeEstimator(), lossless=True)
    heard = Heard()
    pipeline.taps.add(heard)
    pipeline.start()
    pipeline.wait()
    assert heard.poses == list(range(6))
    assert heard.frames[:6] == heard.poses


def test_stopping_twice_and_before_starting_is_harmless() -> None:
    pipeline = Pipeline(FakeSource(frames=3), lambda source: FakeEstimator())
    pipeline.stop()
    pipeline.stop()


def test_a_source_that_fails_ends_the_pipeline_and_is_told() -> None:
    pipeline = Pipeline(FakeSource(frames=9, fail_at=4), lambda source: FakeEstimator(), lossless=True)
    pipeline.start()
    with pytest.raises(RuntimeError, match="told to fail"):
        pipeline.wait()
    figures = pipeline.snapshot().figures
    assert figures.state is StreamState.FAILED
    assert "told to fail" in figures.message


def test_an_estimator_that_cannot_be_made_ends_the_pipeline() -> None:
    def refuse(source: object) -> FakeEstimator:
        raise EgoposeError("no weights; get some")

    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    pipeline = Pipeline(FakeSource(frames=9), refuse, lossless=True, outbox=outbox)
    pipeline.start()
    assert outbox.take() is None
    with pytest.raises(EgoposeError, match="get some"):
        pipeline.wait()


def test_an_estimator_that_fails_midway_ends_the_pipeline() -> None:
    def each(frame: object) -> None:
        if getattr(frame, "seq", 0) == 5:
            raise ValueError("bad picture")

    pipeline = Pipeline(FakeSource(frames=50), lambda source: FakeEstimator(each=each), lossless=True)
    pipeline.start()
    with pytest.raises(ValueError, match="bad picture"):
        pipeline.wait()
    assert pipeline.snapshot().figures.processed == 5


def test_a_silent_camera_is_told_as_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.live.pipeline.STALL_NS", 10_000_000)
    source = FakeSource(fps=1000)
    seen = threading.Event()
    pipeline = Pipeline(source, lambda s: FakeEstimator(each=lambda frame: seen.set()))
    pipeline.start()
    assert seen.wait(10)
    source.fps = 0.01
    deadline = time.monotonic() + 10
    while pipeline.snapshot().figures.state is not StreamState.STALLED and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    figures = pipeline.snapshot().figures
    pipeline.stop()
    assert figures.state is StreamState.STALLED
    assert "no new picture" in figures.message


def test_filter_strength_can_be_changed_while_it_runs_and_the_raw_joints_are_kept() -> None:
    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    stage = MotionStage(RAW)
    source = FakeSource(frames=60)
    pipeline = Pipeline(source, lambda source: FakeEstimator(), lossless=True, outbox=outbox, motion=stage)
    pipeline.start()
    poses = []
    while (estimate := outbox.take()) is not None:
        poses.append(estimate.pose)
        if len(poses) == 20:
            stage.settings = MotionSettings(smoothing=1.0)
    pipeline.wait()
    assert poses[0].raw_joints_m is None
    late = poses[30:]
    assert all(pose.raw_joints_m is not None and pose.raw_joints_m[0, 0] == pose.seq for pose in late)
    assert all(pose.joints_m[0, 0] < pose.seq and pose.lag_ns > 0 for pose in late)
    assert pipeline.snapshot().figures.filter_lag_ms.p95 > 0
    assert {"network", "filter", "fit"} <= set(pipeline.snapshot().figures.stages_ms)


def test_several_taps_are_handed_everything_and_each_is_taken_off_alone() -> None:
    class Counting:
        def __init__(self) -> None:
            self.poses: list[int] = []

        def frame(self, frame: Frame) -> None:
            pass

        def pose(self, pose: Pose) -> None:
            self.poses.append(pose.seq)
            if pose.seq == 3 and self is first:
                pipeline.taps.remove(first)

        def event(self, event: Event) -> None:
            raise AssertionError(event)

    pipeline = Pipeline(FakeSource(frames=6), lambda source: FakeEstimator(), lossless=True)
    first, second = Counting(), Counting()
    for tap in (first, second, second):
        pipeline.taps.add(tap)
    pipeline.start()
    pipeline.wait()
    assert first.poses == list(range(4))
    assert second.poses == list(range(6))
    assert len(pipeline.taps) == 1
