"""Columns of the timeline: nothing bad is lost, however long the recording is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.replay.strips import axis_mm, curve, shown_frames, sureness, worst_of
from engine.replay.reel import Reel
from engine.replay.track import Track

MS = 1_000_000


def reel(frames: int) -> Reel:
    return Reel(np.arange(frames, dtype=np.int64) * 33 * MS)


@given(frames=st.integers(1, 400), columns=st.integers(1, 300), seed=st.integers(0, 9))
def test_every_frame_is_in_a_column_and_the_worst_is_seen(frames: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(1, 100, frames).astype(np.float32)
    values[rng.random(frames) < 0.3] = np.nan
    first, counts = shown_frames(reel(frames), columns)
    assert set().union(*(range(a, a + n) for a, n in zip(first.tolist(), counts.tolist(), strict=True))) <= set(
        range(frames)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = worst_of(values, reel(frames), columns)
    assert shown.shape == (columns,)
    if frames >= columns and np.isfinite(values).any():
        assert np.nanmax(shown) == np.nanmax(values)
    for column, (a, n) in enumerate(zip(first.tolist(), counts.tolist(), strict=True)):
        part = values[a : a + n]
        wanted = np.nanmax(part) if np.isfinite(part).any() else np.nan
        np.testing.assert_equal(shown[column], wanted)


def test_short_recording_has_a_point_a_frame_and_a_long_one_a_point_a_column() -> None:
    values = np.arange(90, dtype=np.float32)
    short = curve(values, reel(90), 1000)
    assert (short.values == values).all()
    assert (short.shares[0], short.shares[-1]) == (0, 1)
    long = curve(np.arange(108_000, dtype=np.float32), reel(108_000), 1000)
    assert len(long.values) == 1000
    assert (np.diff(long.values) > 0).all()


def test_line_is_broken_where_nothing_is_known() -> None:
    values = np.array([np.nan, 1, 2, np.nan, 3, np.nan], np.float32)
    pieces = curve(values, reel(6), 100).pieces()
    assert [piece.values.tolist() for piece in pieces] == [[1, 2], [3]]
    assert pieces[1].shares.tolist() == pytest.approx([0.8])


@pytest.mark.parametrize("columns", [3, 24])
def test_sureness_tells_unseen_from_poseless(columns: int) -> None:
    track = Track(12)
    track.known[:8] = True
    track.confidence[:4] = 0.5
    shown = sureness(reel(12), track, columns)
    assert shown[: columns // 3] == pytest.approx(0.5)
    assert (shown[columns // 3 + 1 : 2 * columns // 3] == -1).all()
    assert np.isnan(shown[2 * columns // 3 + 1 :]).all()


def test_axis_leaves_out_the_odd_frame_and_never_shrinks_to_noise() -> None:
    assert axis_mm(np.full(5, np.nan, np.float32)) == 50
    assert axis_mm(np.full(5, 2, np.float32)) == 50
    spike = np.full(1000, 100, np.float32)
    spike[3] = 5000
    assert axis_mm(spike) == pytest.approx(115, rel=0.01)
    assert axis_mm(spike, np.full(1000, 200, np.float32)) == pytest.approx(230, rel=0.01)
