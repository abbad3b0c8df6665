"""A device's clock on the host's, against simulated clocks whose offset, skew and delays are known."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from engine.capture.clock import AHEAD_NS, BEHIND_NS, SKEW_AFTER_NS, DeviceClock, fitted_line, lower_hull

PERIOD_NS = 16_666_667
OFFSET_NS = 123_456_789_012


def arrival(device_ns: int, skew_ppm: int, delay_ns: int = 0) -> int:
    """Host time of a frame by a clock that is exact in whole numbers."""
    return device_ns + OFFSET_NS + round(Fraction(device_ns * skew_ppm, 1_000_000)) + delay_ns


def delays(count: int, seed: int = 0) -> np.ndarray:
    """As of USB under load: mostly a fraction of a millisecond, at times many; every tenth frame without delay."""
    rng = np.random.default_rng(seed)
    late = (rng.exponential(0.8e6, count) + (rng.random(count) < 0.02) * rng.uniform(5e6, 80e6, count)).astype(int)
    late[::10] = 0
    return late


@pytest.mark.parametrize("skew_ppm", [-180, 0, 75])
def test_skew_and_offset_are_found_exactly_under_jitter(skew_ppm: int) -> None:
    clock = DeviceClock()
    errors = []
    for i, late in enumerate(delays(60 * 40)):
        device = i * PERIOD_NS
        reading = clock.read(device, arrival(device, skew_ppm, int(late)))
        assert not reading.violation
        assert reading.host_ns <= arrival(device, skew_ppm, int(late))
        if device > SKEW_AFTER_NS + 1e9:
            errors.append(reading.host_ns - arrival(device, skew_ppm))
    assert clock.skew_ppm == pytest.approx(skew_ppm, abs=0.1)
    # 1 ppm over the half minute looked back on is 30 us; frames came up to 80 ms late.
    assert np.abs(errors).max() < 40_000
    last = (60 * 40 - 1) * PERIOD_NS
    assert clock.offset_ns == pytest.approx(arrival(last, skew_ppm) - last, abs=5_000)


def test_until_the_skew_is_known_the_quickest_frame_tells_the_offset() -> None:
    clock = DeviceClock()
    first = clock.read(0, arrival(0, 0, 30_000_000))
    assert first.host_ns == arrival(0, 0, 30_000_000)
    quick = clock.read(PERIOD_NS, arrival(PERIOD_NS, 0))
    assert (quick.host_ns, quick.violation) == (arrival(PERIOD_NS, 0), "")
    late = clock.read(2 * PERIOD_NS, arrival(2 * PERIOD_NS, 0, 9_000_000))
    assert late.host_ns == arrival(2 * PERIOD_NS, 0)
    assert clock.skew_ppm is None


@pytest.mark.parametrize(
    ("leap_ns", "told"),
    [(-500_000_000, "went back by 483.3 ms"), (-PERIOD_NS, "stood still"), (700_000_000, "leapt forward by 700 ms")],
)
def test_a_leap_is_told_once_and_the_map_begins_anew(leap_ns: int, told: str) -> None:
    clock, violations = DeviceClock(), []
    for i in range(240):
        leapt = leap_ns if i >= 120 else 0
        host = arrival(i * PERIOD_NS, 0)
        reading = clock.read(i * PERIOD_NS + leapt, host)
        assert reading.host_ns == host
        if reading.violation:
            violations.append((i, reading.violation))
    assert violations == [(120, f"the device's clock {told}")]


def test_a_clock_set_back_during_a_stall_is_found_by_the_frames_that_come_too_late() -> None:
    clock = DeviceClock()
    for i in range(120):
        clock.read(i * PERIOD_NS, arrival(i * PERIOD_NS, 0))
    stall, back = 1_500_000_000, BEHIND_NS + 100_000_000
    violations = []
    for i in range(120, 240):
        device = i * PERIOD_NS + stall - back
        reading = clock.read(device, arrival(i * PERIOD_NS + stall, 0))
        if reading.violation:
            violations.append(reading.violation)
    assert violations == ["the device's clock fell back by 350 ms, or its frames take longer"]
    assert clock.offset_ns == OFFSET_NS + back


def test_a_silence_is_no_violation() -> None:
    clock = DeviceClock()
    for i in range(120):
        clock.read(i * PERIOD_NS, arrival(i * PERIOD_NS, 0))
    device = 120 * PERIOD_NS + 5_000_000_000
    assert clock.read(device, arrival(device, 0) - 2 * AHEAD_NS).violation == ""


POINTS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 10**6)), min_size=3, max_size=40)


@settings(max_examples=60, deadline=None)
@given(POINTS)
def test_the_line_is_the_one_linear_programming_finds(steps: list[tuple[int, int]]) -> None:
    """Least sum of distances, no point under the line: Moon et al.'s linear program."""
    x = np.cumsum([step for step, _ in steps]) * SKEW_AFTER_NS // 100
    y = x + np.array([late for _, late in steps])
    points = [(int(a), int(b)) for a, b in zip(x, y, strict=True)]
    at, host, slope = fitted_line(points)
    line = np.array([host - b + (a - at) * (1 + slope) for a, b in points])
    assert line.max() <= 1e-3 * 1
    if x[-1] - x[0] < SKEW_AFTER_NS:
        assert slope == 0
        return
    scale = float(SKEW_AFTER_NS)
    u = (x - x[0]) / scale
    best = linprog([-u.sum(), -len(u)], A_ub=np.c_[u, np.ones_like(u)], b_ub=y - x, bounds=(None, None))
    assert -line.sum() == pytest.approx((y - x).sum() + best.fun, rel=1e-6, abs=1.0)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(-(10**12), 10**12)), min_size=1, max_size=30))
def test_the_hull_lies_under_every_point_and_bends_upwards(points: list[tuple[int, int]]) -> None:
    points = sorted({x: (x, y) for x, y in points}.values())
    hull = lower_hull(points)
    assert hull[0] == points[0]
    assert hull[-1] == points[-1]
    slopes = [Fraction(d - b, c - a) for (a, b), (c, d) in pairwise(hull)]
    assert all(one < two for one, two in pairwise(slopes))
    for x, y in points:
        for (x0, y0), (x1, y1) in pairwise(hull):
            if x0 <= x <= x1:
                assert (y - y0) * (x1 - x0) >= (y1 - y0) * (x - x0)
