"""Recorded poses in place of the network's: each frame gets its own, read as it is or played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.capture.paced import Paced
from engine.errors import EgoposeError
from engine.live.mailbox import Mailbox
from engine.live.pipeline import Estimate, Pipeline
from engine.session.recorded import RecordedPoses
from engine.session.source import SessionSource
from engine.session.writer import SessionWriter
from engine.types import Frame, Pose
from tests.engine.session.test_session import CAMERA, INFO, image

START = 5_000_000_000


def joints(seq: int) -> np.ndarray:
    return np.full((15, 3), seq + 0.5, np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Eight frames; every second one has a pose."""
    path = tmp_path / "s.mcap"
    with SessionWriter(path, CAMERA, info=INFO, metadata={"network": "small"}) as writer:
        for seq in range(8):
            ns = START + seq * 1_000_000
            writer.add(Frame(image(seq), seq, ns, "x", ns + 7, "v4l2"))
            if seq % 2 == 0:
                ones, none = np.ones(15, np.float32), np.zeros(0, np.float32)
                heat = np.zeros((15, 0, 0), np.float32)
                writer.add_pose(Pose(seq, ns, joints(seq), ones, np.zeros((15, 2), np.float32), heat, none))
    return path


@pytest.mark.parametrize("paced", [False, True])
def test_every_frame_gets_its_own_pose(path: Path, paced: bool) -> None:
    source = Paced(SessionSource(path), speed=100) if paced else SessionSource(path)
    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    pipeline = Pipeline(source, lambda source: RecordedPoses(path, CAMERA), lossless=True, outbox=outbox)
    pipeline.start()
    estimates = list(iter(outbox.take, None))
    pipeline.wait()
    assert len(estimates) == 8
    for seq, estimate in enumerate(estimates):
        assert estimate.frame.seq == estimate.pose.seq == seq
        assert estimate.pose.capture_ns == estimate.frame.capture_ns
        if seq % 2 == 0:
            np.testing.assert_array_equal(estimate.pose.joints_m, joints(seq))
        else:
            assert np.isnan(estimate.pose.joints_m).all()
            assert not estimate.pose.confidence.any()
        assert estimate.view is not None
        assert estimate.view.size == (80, 60)
    figures = pipeline.snapshot().figures
    assert (figures.network, figures.runtime) == ("small", "as recorded")


def test_a_session_without_poses_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path) as writer:
        writer.add(Frame(image(0), 0, 0, "x"))
    with pytest.raises(EgoposeError, match=r"holds no poses: leave --recorded away"):
        RecordedPoses(path, CAMERA)
