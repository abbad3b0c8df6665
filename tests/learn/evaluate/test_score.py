"""Figures of predictions whose errors are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.learn.data.sequence import Sequence
from engine.learn.evaluate.predict import Predictions
from engine.learn.evaluate.score import against, gather, score
from engine.learn.evaluate.worst import middling, picked
from engine.learn.wearer.motion import ACTIONS
from tests.learn.data import making


@pytest.fixture
def sequence(tmp_path: Path) -> Sequence:
    """Twelve frames in three clips; all is visible but joint 2, which is hidden, and joint 5, out of the picture."""
    made = making.shard(tmp_path / "a.npz")
    visible = np.ones((12, 15), bool)
    visible[:, 2] = False
    uv = made.uv.copy()
    uv[:, 5] = (0.5, 1.2)
    return replace(made, visible=visible, uv=uv, action=np.repeat([0, 1, 1], 4).astype(np.int16))


def predictions(sequence: Sequence, **changed: np.ndarray) -> Predictions:
    """The truth itself, but for what is changed."""
    count = len(sequence)
    perfect = {
        "joints_m": sequence.joints_m.copy(),
        "uv": sequence.uv.copy(),
        "confidence": np.ones((count, 15), np.float32),
        "action_scores": np.eye(len(ACTIONS), dtype=np.float32)[sequence.action],
        "stage_ms": np.tile(np.array([1, 20, 3], np.float32), (count, 1)),
    }
    return Predictions(**(perfect | changed))


def test_the_truth_has_no_error(sequence: Sequence) -> None:
    scores, _ = score([sequence], [predictions(sequence)], ACTIONS)
    assert scores.mpjpe.mean == scores.mpjpe.high == 0
    assert scores.pa.mean == pytest.approx(0, abs=1e-3)
    assert set(scores.pck.values()) == {1.0}
    assert scores.uv_median == 0
    assert scores.jitter.predicted == pytest.approx(scores.jitter.truth)
    assert scores.action is not None
    assert (scores.action.top1, scores.action.chance, scores.action.commonest) == (
        1.0,
        pytest.approx(2 / 3),
        ACTIONS[1],
    )
    assert scores.latency_ms["all"]["p50"] == pytest.approx(24)
    assert (scores.frames, scores.scored, scores.clips) == (12, 12, 3)


def test_errors_are_told_by_joint_action_and_visibility(sequence: Sequence) -> None:
    joints = sequence.joints_m.copy()
    joints[:, 3, 0] += 0.15  # A wrist by 15 cm, everywhere.
    joints[:4, 2, 2] += 0.30  # The hidden joint by 30 cm, in the first clip, which alone has action 0.
    joints[:, 5, 1] += 0.045  # The one out of the picture.
    scores, result = score([sequence], [predictions(sequence, joints_m=joints)], ())
    assert scores.joints["right_wrist"].mpjpe == pytest.approx(150, rel=1e-4)
    assert scores.joints["right_elbow"].mpjpe == pytest.approx(100, rel=1e-4)
    assert scores.joints["left_wrist"].mpjpe == pytest.approx(0, abs=1e-3)
    assert scores.actions[ACTIONS[0]].mpjpe == pytest.approx((150 + 300 + 45) / 15, rel=1e-4)
    assert scores.actions[ACTIONS[1]].mpjpe == pytest.approx((150 + 45) / 15, rel=1e-4)
    assert scores.actions[ACTIONS[1]].frames == 8
    assert scores.mpjpe.mean == pytest.approx((150 + 45 + 100) / 15, rel=1e-4)
    assert scores.mpjpe.low >= 13 - 1e-3
    assert scores.mpjpe.high <= 33 + 1e-3
    assert scores.visibility["hidden"].joints == 12
    assert scores.visibility["hidden"].mpjpe == pytest.approx(100, rel=1e-4)
    assert scores.visibility["visible"].mpjpe == pytest.approx(150 / 13, rel=1e-4)
    assert scores.visibility["out of the picture"].mpjpe == pytest.approx(45, rel=1e-4)
    assert np.isnan(scores.visibility["out of the picture"].uv_median)
    assert scores.parts["lower body"].mpjpe == pytest.approx(0, abs=1e-3)
    assert scores.action is None
    assert set(result.block[picked(result, 5)]) == {0, 1, 2}
    assert picked(result, 1)[0] < 4
    assert len(middling(result, 4)) == 4


def test_networks_are_compared_frame_by_frame(sequence: Sequence) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, (12, 1, 3)).astype(np.float32)
    first = gather([sequence], [predictions(sequence, joints_m=sequence.joints_m + noise)])
    joints = sequence.joints_m + noise * (1 + 0.01 / np.linalg.norm(noise, axis=-1, keepdims=True))
    apart = against(first, gather([sequence], [predictions(sequence, joints_m=joints.astype(np.float32))]))
    # The frames' own errors spread over 30 cm; in pairs the centimetre is certain.
    assert first.frame_errors.std() > 50
    assert (apart.mean, apart.low, apart.high) == (pytest.approx(10, abs=1e-2),) * 3


def test_the_worst_frames_of_one_clip_are_seconds_apart(sequence: Sequence) -> None:
    long = replace(sequence, clip=np.zeros(12, np.int32), time_s=np.arange(12) * 0.5)
    joints = long.joints_m + np.linspace(0.01, 0.12, 12, dtype=np.float32)[:, None, None]
    result = gather([long], [predictions(long, joints_m=joints)])
    assert picked(result, 9) == [11, 7, 3]
    assert picked(result, 2) == [11, 7]


def test_pck_counts_a_peak_out_of_the_picture_as_a_miss(sequence: Sequence) -> None:
    uv = sequence.uv.copy()
    uv[:, 0, 0] += 0.03
    uv[:6, 1] = np.nan
    scores, _ = score([sequence], [predictions(sequence, uv=uv)], ())
    # Of 13 visible joints in 12 frames, one is 3 % off and another lost in half of the frames.
    assert scores.pck["0.02"] == pytest.approx((13 * 12 - 12 - 6) / (13 * 12))
    assert scores.pck["0.05"] == pytest.approx((13 * 12 - 6) / (13 * 12))
    assert scores.visibility["visible"].uv_median == pytest.approx(0, abs=1e-6)


def test_unknown_frames_are_not_scored(sequence: Sequence) -> None:
    joints = sequence.joints_m.copy()
    joints[1] = np.nan
    joints[2, 4] = np.nan
    holed = replace(sequence, joints_m=joints, action=np.full(12, -1, np.int16))
    off = sequence.joints_m + np.float32(0.1)
    scores, _ = score([holed], [predictions(sequence, joints_m=off)], ACTIONS)
    assert (scores.frames, scores.scored) == (12, 11)
    assert scores.mpjpe.mean == pytest.approx(np.sqrt(3) * 100, rel=1e-4)
    assert scores.joints["left_shoulder"].frames == 10
    assert scores.joints["neck"].frames == 11
    assert scores.actions == {}
    assert scores.action is None
    nothing = replace(holed, joints_m=np.full_like(joints, np.nan))
    empty, _ = score([nothing], [predictions(sequence)], ())
    assert np.isnan(empty.mpjpe.mean)
    assert empty.scored == 0


def test_jitter_of_a_motion_worked_out_by_hand(sequence: Sequence) -> None:
    # Still, but for a predicted joint that jumps by 1 mm every other frame: 4 mm per frame squared at 30 Hz.
    still = replace(sequence, joints_m=np.repeat(sequence.joints_m[:1], 12, 0))
    joints = still.joints_m.copy()
    joints[::2, 7, 0] += 0.001
    scores, _ = score([still], [predictions(still, joints_m=joints)], ())
    assert scores.jitter.truth == 0
    assert scores.jitter.predicted == pytest.approx(2 * 900 / 15, rel=1e-3)
    assert scores.jitter.error == scores.jitter.predicted


def test_windows_are_compared_where_their_past_is_the_same(sequence: Sequence) -> None:
    found = predictions(sequence)
    over = sequence.joints_m.copy()
    over[2] += 1.0  # In a clip of 4 with windows of 3, frames 0 to 2 and the last one hold the stream's past.
    scores, _ = score([sequence], [found], (), (3, [over]))
    assert scores.windowed is not None
    assert scores.windowed.compared == 12
    assert scores.windowed.difference_mm == pytest.approx(np.sqrt(3) * 1000, rel=1e-5)
    assert scores.windowed.mpjpe == pytest.approx(np.sqrt(3) * 1000 / 12, rel=1e-4)


def test_long_stretches_are_cut_into_blocks_for_the_bootstrap(sequence: Sequence) -> None:
    slow = replace(sequence, clip=np.zeros(12, np.int32), time_s=np.arange(12) * 2.5)
    result = gather([slow, sequence], [predictions(slow), predictions(sequence)])
    assert result.clip.tolist() == [0] * 12 + [1] * 4 + [2] * 4 + [3] * 4
    assert result.block.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4
    assert result.place[12] == (1, 0)
