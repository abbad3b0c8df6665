"""The ring against a list that does the same slowly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.live.ring import Ring


@given(st.integers(1, 9), st.lists(st.floats(-1e3, 1e3, width=32), max_size=40))
def test_the_window_is_the_last_features_in_order(length: int, values: list[float]) -> None:
    ring = Ring(length, 3)
    for value in values:
        ring.push(np.full(3, value, np.float32))
    expected = ([0.0] * length + values)[-length:]
    assert np.array_equal(ring.window(), np.repeat(np.array(expected, np.float32)[:, None], 3, 1))
    assert ring.window().flags.c_contiguous
    assert ring.valid().tolist() == ([False] * length + [True] * len(values))[-length:]
    assert ring.count == min(length, len(values))
    rows = ring.rows()
    ring.fill(rows)
    assert np.array_equal(ring.window(), np.repeat(np.array(expected, np.float32)[:, None], 3, 1))
    assert ring.count == len(rows) == min(length, len(values))
    longer = np.arange(3 * (length + 2), dtype=np.float32).reshape(-1, 3)
    ring.fill(longer)
    assert np.array_equal(ring.rows(), longer[2:])


def test_clearing_forgets_everything() -> None:
    ring = Ring(4, 2)
    for value in range(6):
        ring.push(np.full(2, value, np.float32))
    ring.clear()
    assert not ring.window().any()
    assert not ring.valid().any()
    ring.push(np.ones(2, np.float32))
    assert ring.valid().tolist() == [False, False, False, True]
    assert ring.window()[-1].tolist() == [1.0, 1.0]
