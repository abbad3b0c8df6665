"""The benchmark of a crowd, with few receivers and little of the network: that it measures what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.live.pipeline import Pipeline
from engine.motion.outputs import benchmark
from engine.motion.outputs.benchmark import blocks, report
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.motion.world import to_camera
from engine.types import Frame, Pose
from tests.engine.live.fakes import FakeEstimator, FakeSource
from tests.engine.motion.bodies import standing


class Standing(FakeEstimator):
    """A pose that a body can be fitted to."""

    def estimate(self, frame: Frame, seen: object = None, *, motion: bool = True) -> Pose:
        return replace(super().estimate(frame), joints_m=to_camera(standing()).astype(np.float32))


def test_turns_with_and_without_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "_SETTLE_S", 0.1)
    pipeline = Pipeline(FakeSource(fps=60), lambda source: Standing(), motion=MotionStage(MotionSettings()))
    pipeline.start()
    try:
        found = list(blocks(pipeline, pairs=2, seconds=0.4, receivers=4, stuck=1))
    finally:
        pipeline.stop()
    assert [block.crowded for block in found] == [False, True, True, False]
    assert all(block.ages_ms for block in found)
    assert all((block.received > 0) is block.crowded for block in found)
    lines = list(report(found))
    assert "p95 with / without" in lines[2]
