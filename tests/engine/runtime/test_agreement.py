"""The comparison of runtimes: figures by hand, and what is accepted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.runtime import agreement as module
from engine.runtime.agreement import Recorded, Trace, agreement, fault, gather
from tests.engine.runtime.networks import recording


def recorded(truth: np.ndarray) -> Recorded:
    return Recorded((np.zeros((len(truth), 8, 8, 3), np.uint8),), (truth.astype(np.float32),))


def test_the_figures_are_those_by_hand() -> None:
    truth = np.zeros((2, 15, 3))
    truth[1] = np.nan
    network = np.zeros((2, 15, 3), np.float32)
    network[..., 2] = 0.5
    ours = network.copy()
    ours[0, 0, 2] += 0.1
    peaks = np.zeros((2, 15, 2), np.float32)
    jumped = peaks.copy()
    jumped[0, 3] = (4, 0)
    jumped[1, 7] = (4, 4)
    found = agreement(Trace(ours, jumped, 0.0), Trace(network, peaks, 0.0), recorded(truth))
    assert found.frames == 2
    assert found.eager_mpjpe_mm == pytest.approx(500)
    assert found.mpjpe_mm == pytest.approx(500 + 100 / 15, rel=1e-5)
    assert found.mpjpe_change == pytest.approx(100 / 15 / 500, rel=1e-5)
    assert found.moved_mm == pytest.approx(100 / 30, rel=1e-5)
    assert found.moved_share == pytest.approx(0.1 / 30 / 0.5, rel=1e-5)
    assert found.jumped == pytest.approx(1 / 30), "a step of one cell is no jump, one over the corner is"


def test_where_no_truth_is_known_the_joints_must_stay() -> None:
    nobody = recorded(np.full((1, 15, 3), np.nan))
    network = np.full((1, 15, 3), 0.5, np.float32)
    peaks = np.zeros((1, 15, 2), np.float32)
    near = agreement(Trace(network * 1.009, peaks, 0.0), Trace(network, peaks, 0.0), nobody)
    far = agreement(Trace(network * 1.011, peaks, 0.0), Trace(network, peaks, 0.0), nobody)
    assert near.mpjpe_change is None
    assert fault(near) == ""
    assert "moves the joints by 1.1%" in fault(far)
    lost = agreement(Trace(network * np.nan, peaks, 0.0), Trace(network, peaks, 0.0), nobody)
    assert fault(lost)


def test_calibration_and_check_share_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FRAMES", 90)
    monkeypatch.setattr(module, "BLOCK", 20)
    calibration, check = gather([DEMO_SESSION], 64)
    assert (len(calibration), len(check)) == (40, 40)
    assert len(calibration.thinned(4)) == 10
    seen = {picture.tobytes() for block in calibration.pictures for picture in block}
    assert not seen & {picture.tobytes() for block in check.pictures for picture in block}
    assert np.isfinite(np.concatenate(check.truth)).all()


def test_of_many_frames_blocks_are_taken_from_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOCKS", 4)
    monkeypatch.setattr(module, "BLOCK", 8)
    monkeypatch.setattr(module, "MAX_FRAMES", 96)
    whole = gather([DEMO_SESSION], 64)
    assert [len(part) for part in whole] == [16, 16]
    monkeypatch.setattr(module, "MAX_FRAMES", 32)
    begin = gather([DEMO_SESSION], 64)
    assert np.array_equal(begin[0].pictures[0], whole[0].pictures[0])
    assert not np.array_equal(begin[1].pictures[1], whole[1].pictures[1])


def test_too_few_frames_are_told(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="too few frames"):
        gather([recording(tmp_path / "short", 9)], 64)
