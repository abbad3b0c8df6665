"""The temporal stream's rate, on machines and loads that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.live.rate import LIMITS, SECOND, TemporalRate

PERIOD = SECOND // 30


@dataclass(frozen=True)
class Machine:
    """How long the two kinds of frames take, as shares of the source's period."""

    whole: float
    spared: float
    noise: float = 0.0
    """Of the logarithm, and twice that for one frame in fifty."""
    seed: int = 0


def changes(
    machine: Callable[[float], Machine], seconds: float, rate: TemporalRate | None = None
) -> list[tuple[float, int]]:
    """(second, new rate) of each change on a machine that is another one at each second."""
    rate = rate or TemporalRate()
    rng = np.random.default_rng(machine(0).seed)
    now, found = 0.0, []
    while now < seconds * SECOND:
        is_now = machine(now / SECOND)
        before, motion = rate.every, rate.next()
        factor = np.exp(rng.normal(0, is_now.noise)) * (1 + 2 * is_now.noise * (rng.random() < 0.02))
        took = (is_now.whole if motion else is_now.spared) * PERIOD * factor
        # Newest wins: the next one begins with the first frame that comes once this one is done.
        now += max(took, PERIOD)
        rate.took(round(now), round(took), PERIOD, motion=motion)
        if rate.every != before:
            found.append((now / SECOND, rate.every))
    return found


@pytest.mark.parametrize(
    ("whole", "spared", "settles"),
    [(0.5, 0.3, 1), (0.94, 0.6, 1), (1.2, 0.5, 2), (1.6, 0.6, 3), (9.0, 5.0, 3), (1.3, 1.29, 1), (0.9, 0.89, 1)],
)
def test_a_steady_machine_gets_the_fastest_rate_that_it_holds_and_keeps_it(
    whole: float, spared: float, settles: int
) -> None:
    for noise in (0.0, 0.03):
        rate = TemporalRate()
        found = changes(lambda _, noise=noise: Machine(whole, spared, noise), 110, rate)
        assert rate.every == settles
        if spared < LIMITS.worthwhile * whole:
            assert [every for _, every in found] == list(range(2, settles + 1))
            assert not found or found[-1][0] < 10
        else:
            # Tried once, since it might have helped.
            assert [every for _, every in found] == ([2, 1] if whole > LIMITS.crowded else [])


def test_room_that_returns_is_used_and_a_passing_hiccup_changes_nothing() -> None:
    rate = TemporalRate()
    busy = Machine(1.5, 0.6)
    free = Machine(0.5, 0.3)
    found = changes(lambda s: busy if 10 < s < 30 else free, 60, rate)
    assert [every for _, every in found] == [2, 3, 2, 1]
    assert 10 < found[0][0] < 14
    assert 30 + LIMITS.faster_after_ns / SECOND < found[2][0] < 40
    assert changes(lambda s: busy if 10 < s < 10.6 else free, 60) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("whole", [0.75, 0.95, 1.05, 1.5])
def test_a_noisy_machine_never_flaps(whole: float, seed: int) -> None:
    """Five minutes, frames a third longer or shorter as it comes, wherever the load lies between the limits."""
    found = changes(lambda _: Machine(whole, 0.5 * whole, 0.3, seed), 300)
    assert len(found) <= 8
    late = [second for second, _ in found if second > 150]
    assert len(late) <= 2


@pytest.mark.parametrize("period", [3.0, 7.0, 21.0])
def test_a_load_that_comes_and_goes_is_followed_ever_more_slowly(period: float) -> None:
    rate = TemporalRate()
    machine = lambda s: Machine(1.3, 0.5) if s % period < period / 2 else Machine(0.6, 0.3)  # noqa: E731
    found = changes(machine, 400, rate)
    assert len(found) <= 20
    assert all(later - sooner >= LIMITS.slower_after_ns / SECOND for (sooner, _), (later, _) in pairwise(found))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 20), st.floats(0.01, 20), st.integers(1, 400)), min_size=1, max_size=12))
def test_whatever_the_machine_does_the_rules_hold(spells: list[tuple[float, float, int]]) -> None:
    """One step at a time unless sparing is of no use, within the limits, and never sooner than the hold times."""
    rate, now, last_change, gap = TemporalRate(), 0, 0, 0
    for whole, spared, frames in spells:
        for _ in range(frames):
            motion, before = rate.next(), rate.every
            # The longest run without motion is what the rate says.
            gap = 0 if motion else gap + 1
            assert gap < LIMITS.slowest
            now += round(max(1.0, whole if motion else spared) * PERIOD)
            rate.took(now, round((whole if motion else spared) * PERIOD), PERIOD, motion=motion)
            assert 1 <= rate.every <= LIMITS.slowest
            if rate.every != before:
                assert rate.every in (before + 1, before - 1, 1)
                hold = LIMITS.slower_after_ns if rate.every > before else LIMITS.faster_after_ns
                assert now - last_change >= hold
                last_change = now


def test_without_a_known_period_everything_stays() -> None:
    rate = TemporalRate()
    for step in range(500):
        assert rate.next()
        rate.took(step * SECOND, SECOND, 0.0, motion=True)
    assert rate.every == 1
