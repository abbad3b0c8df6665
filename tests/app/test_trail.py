"""The trail of a joint: what is joined, what is forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from app.trail import GAP_NS, TRAIL_NS, Trail

STEP = 33_000_000


def places(trail: Trail) -> list[float]:
    return sorted({float(x) for x in trail.lines()[0][..., 0].ravel()})


def test_places_are_joined_in_order_and_fade_with_their_age() -> None:
    trail = Trail()
    for frame in range(4):
        trail.add(frame * STEP, np.array([frame, 0.0, 0.0]))
    lines, fresh = trail.lines()
    assert lines[:, :, 0].tolist() == [[0, 1], [1, 2], [2, 3]]
    assert fresh == pytest.approx([1 - 2 * STEP / TRAIL_NS, 1 - STEP / TRAIL_NS, 1.0])


def test_gap_in_time_and_unknown_place_are_not_joined() -> None:
    trail = Trail()
    for time, x in ((0, 0.0), (STEP, 1.0), (STEP + GAP_NS + 1, 2.0), (2 * STEP + GAP_NS + 1, 3.0)):
        trail.add(time, np.array([x, 0.0, 0.0]))
    assert trail.lines()[0][:, :, 0].tolist() == [[0, 1], [2, 3]]
    trail.add(3 * STEP + GAP_NS, np.full(3, np.nan))
    trail.add(4 * STEP + GAP_NS, np.array([4.0, 0.0, 0.0]))
    assert trail.lines()[0][:, :, 0].tolist() == [[0, 1], [2, 3]]


def test_old_places_are_forgotten_and_a_step_back_begins_anew() -> None:
    trail = Trail()
    for frame in range(200):
        trail.add(frame * STEP, np.array([frame, 0.0, 0.0]))
    lines, fresh = trail.lines()
    assert lines[:, :, 0].min() * STEP >= 199 * STEP - TRAIL_NS
    assert 0 <= fresh.min() < 0.03
    trail.add(0, np.zeros(3))
    assert len(trail.lines()[0]) == 0
    trail.add(STEP, np.ones(3))
    assert places(trail) == [0.0, 1.0]
    trail.clear()
    assert len(trail.lines()[0]) == 0
