"""Where times lie on the timeline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.replay.scale import Scale, clock, slots, tick_step_s

SCALES = st.builds(
    Scale, st.floats(0, 50), st.floats(10, 4000), st.integers(0, 10**15), st.integers(10**6, 3600 * 10**9)
)


@given(SCALES, st.floats(-100, 5000))
def test_a_pixel_is_a_time_and_back(scale: Scale, x: float) -> None:
    time_ns = scale.time_ns(x)
    assert scale.start_ns <= time_ns <= scale.start_ns + scale.duration_ns
    inside = min(max(x, scale.left), scale.left + scale.width)
    assert scale.x(time_ns) == pytest.approx(inside, abs=scale.width / scale.duration_ns + 1e-6)


@given(SCALES, st.integers(-(10**15), 10**16), st.integers(-(10**15), 10**16))
def test_later_is_never_further_left(scale: Scale, one: int, other: int) -> None:
    assert scale.x(min(one, other)) <= scale.x(max(one, other))


@given(st.floats(0.01, 10**5), st.floats(50, 4000), st.floats(20, 200))
def test_ticks_lie_apart(duration: float, width: float, apart: float) -> None:
    step = tick_step_s(duration, width, apart)
    assert step / duration * width >= apart * (1 - 1e-9)


def test_edges() -> None:
    assert Scale(10, 100, 5, 0).x(5) == 10
    assert Scale(10, 0, 5, 7).time_ns(3) == 5
    assert slots(100, 30) == 3
    assert slots(5, 30) == 1
    assert clock(7.324) == "0:07.32"
    assert clock(59.999) == "1:00.00"
    assert clock(3723.4, 1) == "1:02:03.4"
    assert clock(65, 0) == "1:05"
