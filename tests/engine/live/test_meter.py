"""Percentiles are numpy's, and told anew only when there is something new."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.live.meter import Durations, percentiles_ms


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300))
def test_percentiles_are_numpys(durations_ns: list[int]) -> None:
    found = percentiles_ms(durations_ns)
    expected = np.percentile(durations_ns, (50, 95, 99)) / 1e6
    assert (found.p50, found.p95, found.p99) == pytest.approx(expected.tolist(), rel=1e-12)


def test_of_nothing_nothing_is_known_and_the_oldest_are_let_go() -> None:
    durations = Durations(keep=3)
    assert isnan(durations.percentiles().p50)
    for ms in (100, 1, 2, 3):
        durations.add(ms * 1_000_000)
    told = durations.percentiles()
    assert told.p50 == 2.0
    assert durations.percentiles() is told
    durations.add(9_000_000)
    assert durations.percentiles().p50 == 3.0
