"""The measures of jitter and lag, and what the default filter keeps to on the demo session's own motion."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine.assets import DEMO_SESSION
from engine.motion.benchmark import jitter, lag_by_correlation, lag_by_error, rows
from engine.motion.settings import DEFAULT_SMOOTHING
from engine.session.reader import Session
from tests.engine.motion.bodies import reach

STEP_NS = 40_000_000


@cache
def demo() -> tuple[np.ndarray, np.ndarray]:
    """(T, 15, 3) truth of the bundled session and (T,) its times."""
    with Session(DEMO_SESSION) as session:
        truth = [session.truth(index) for index in range(400)]
        joints = np.array([known.joints_m for known in truth if known is not None], np.float64)
        return joints, session.times_ns[:400].astype(np.int64)


@pytest.mark.parametrize("late", [-1.0, 0.0, 0.4, 1.75, 3.0])
def test_a_lag_that_is_known_is_found(late: float) -> None:
    times = np.arange(150) * 0.04
    truth = np.array([reach(t) for t in times])
    shown = np.array([reach(t - 0.04 * late) for t in times]) + np.random.default_rng(0).normal(0, 0.002, (150, 15, 3))
    assert lag_by_error(shown, truth) == pytest.approx(late, abs=0.11)
    assert lag_by_correlation(shown, truth) == pytest.approx(late, abs=0.11)


def test_jitter_is_the_mean_acceleration() -> None:
    times = np.sort(np.random.default_rng(0).uniform(0, 2, 50))
    falling = np.zeros((50, 15, 3))
    falling[..., 1] = -4.905 * times[:, None] ** 2
    assert jitter(falling, times) == pytest.approx(9.81)


def test_the_default_filter_halves_jitter_for_less_than_a_frame() -> None:
    """The demo's true motion, with noise as a network has it that filters nothing itself: steps of about 4 mm, and slow
    errors."""
    truth, times = demo()
    rng = np.random.default_rng(1)
    slow = np.cumsum(rng.normal(0, 0.001, truth.shape), axis=0)
    noisy = truth + slow + rng.normal(0, 0.004, truth.shape)
    raw, _, plain, fitted = rows(noisy, truth, times, (0.0, DEFAULT_SMOOTHING))
    assert plain.jitter < 0.5 * raw.jitter
    assert fitted.jitter < 0.5 * raw.jitter
    for row in (plain, fitted):
        assert row.lag_by_error - raw.lag_by_error <= 1.0
        assert row.lag_by_correlation - raw.lag_by_correlation <= 1.0
    assert 0.2 * 40 < plain.told_ms < 1.5 * 40
