"""The One-Euro filter against the paper's scalar algorithm, the theory of its low-pass, and its promises."""

from __future__ import annotations

import cmath
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.motion.filter import GAP_NS, SPEED_CUTOFF_HZ, OneEuro, coefficients

STEP_NS = 33_333_333


class Paper:
    """Algorithms 1 and 2 of Casiez et al. 2012, for one number, word by word."""

    def __init__(self, mincutoff: float, beta: float, dcutoff: float) -> None:
        self.mincutoff, self.beta, self.dcutoff = mincutoff, beta, dcutoff
        self.first, self.hatx, self.hatdx = True, 0.0, 0.0

    def filter(self, x: float, rate: float) -> float:
        if self.first:
            self.first, dx, self.hatx = False, 0.0, x
            self.hatdx = dx
            return x
        dx = (x - self.hatx) * rate
        edx = self.low_pass(dx, self.hatdx, self.alpha(rate, self.dcutoff))
        cutoff = self.mincutoff + self.beta * abs(edx)
        self.hatdx, self.hatx = edx, self.low_pass(x, self.hatx, self.alpha(rate, cutoff))
        return self.hatx

    @staticmethod
    def low_pass(x: float, before: float, alpha: float) -> float:
        return alpha * x + (1 - alpha) * before

    @staticmethod
    def alpha(rate: float, cutoff: float) -> float:
        tau, te = 1.0 / (2 * math.pi * cutoff), 1.0 / rate
        return 1.0 / (1.0 + tau / te)


def walk(seed: int, frames: int = 40, joints: int = 15) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (frames, joints, 3)).cumsum(0)


def filtered(points: np.ndarray, smoothing: float, times_ns: np.ndarray | None = None) -> np.ndarray:
    one = OneEuro(smoothing)
    times = np.arange(len(points)) * STEP_NS if times_ns is None else times_ns
    return np.array([one.update(p, int(t)) for p, t in zip(points, times, strict=True)])


@given(st.floats(0.01, 1), st.integers(0, 10_000))
def test_along_one_axis_it_is_the_papers(smoothing: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.zeros((30, 4, 3))
    points[..., 1] = rng.normal(0, 0.1, (30, 4)).cumsum(0)
    times = rng.integers(5_000_000, 120_000_000, 30).cumsum()  # frames come when they come
    result = filtered(points, smoothing, times)
    for joint in range(4):
        paper = Paper(*coefficients(smoothing), SPEED_CUTOFF_HZ)
        rates = [1.0, *(1e9 / np.diff(times))]
        expected = [paper.filter(float(x), float(rate)) for x, rate in zip(points[:, joint, 1], rates, strict=True)]
        assert result[:, joint, 1] == pytest.approx(expected, abs=1e-12)
    assert not result[..., [0, 2]].any()


@pytest.mark.parametrize("hertz", [0.2, 1.0, 3.0, 7.0])
@pytest.mark.parametrize("smoothing", [0.25, 0.5, 1.0])
def test_small_motion_passes_as_the_low_pass_has_it(hertz: float, smoothing: float) -> None:
    """Of a sway so small that its speed counts nothing: gain and delay of y += a (x - y), whose response is
    a / (1 - (1 - a) exp(-i w))."""
    frames, step = 6000, STEP_NS / 1e9
    turn = 2 * math.pi * hertz * step
    sway = 1e-7 * np.exp(1j * turn * np.arange(frames))
    points = np.stack([sway.real, sway.imag, np.zeros(frames)], -1)[:, None]
    result = filtered(points, smoothing)[:, 0]
    gain = (result[-1, 0] + 1j * result[-1, 1]) / sway[-1]
    alpha = 1 / (1 + 1 / (2 * math.pi * coefficients(smoothing)[0] * step))
    expected = alpha / (1 - (1 - alpha) * cmath.exp(-1j * turn))
    assert abs(gain) == pytest.approx(abs(expected), rel=1e-3)
    assert cmath.phase(gain) == pytest.approx(cmath.phase(expected), abs=1e-3)


@pytest.mark.parametrize("speed", [0.01, 0.3, 2.0])
def test_the_lag_is_what_it_says_it_is(speed: float) -> None:
    one = OneEuro(0.5)
    for i in range(400):
        point = speed * i * STEP_NS / 1e9
        result = one.update(np.array([[point, 0, 0], [5.0, 5.0, 5.0]]), i * STEP_NS)
    assert (point - result[0, 0]) / speed == pytest.approx(one.lag_ns / 1e9, rel=1e-4)
    assert result[1] == pytest.approx([5, 5, 5])  # one that is still has no share in it


@pytest.mark.parametrize("smoothing", [0.25, 0.5, 0.75])
def test_the_lag_told_is_the_one_measured_of_a_body_that_moves_and_rests(smoothing: float) -> None:
    """Ramps of several speeds with rests between them, seen with noise: told in the mean as the best shift has it."""
    rng = np.random.default_rng(0)
    speeds = np.repeat(np.where(rng.random(60) < 0.4, 0.0, rng.normal(0, 0.8, 60)), 20)
    along = np.cumsum(np.convolve(speeds, np.ones(9) / 9, "same"))[:, None] * STEP_NS / 1e9  # no body jerks
    truth = np.stack([along * 0.3, along, along * 0], -1)
    one, found, told = OneEuro(smoothing), [], []
    for i, points in enumerate(truth + rng.normal(0, 0.002, truth.shape)):
        found.append(one.update(points, i * STEP_NS)[0, 1])
        told.append(one.lag_ns / STEP_NS)
    frames, shifts = np.arange(len(along)), np.arange(0, 5, 0.02)
    errors = [np.mean((found - np.interp(frames - shift, frames, along[:, 0])) ** 2) for shift in shifts]
    assert np.mean(told) == pytest.approx(shifts[np.argmin(errors)], rel=0.25)


def test_a_step_is_told_as_it_is_followed() -> None:
    """So small that the cutoff stays: the answer comes 1 / (2 pi cutoff) after the step, in the mean."""
    one, step_m = OneEuro(0.5), 1e-6
    one.update(np.zeros((1, 3)), 0)
    answer = [one.update(np.full((1, 3), step_m), i * STEP_NS)[0, 0] / step_m for i in range(1, 200)]
    area_s = float(np.sum(1 - np.array(answer))) * STEP_NS / 1e9  # the mean of a step response's delay
    assert one.lag_ns / 1e9 == pytest.approx(area_s, rel=1e-2)


def test_no_strength_changes_nothing() -> None:
    points = walk(1)
    np.testing.assert_array_equal(filtered(points, 0.0), points)
    one = OneEuro(0.0)
    for i in range(3):
        one.update(points[i], i * STEP_NS)
    assert one.lag_ns == 0


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_turned_axes_turn_the_result(seed: int, smoothing: float) -> None:
    points = walk(seed)
    turn = Rotation.random(random_state=np.random.default_rng(seed)).as_matrix()
    assert filtered(points @ turn.T + 2, smoothing) == pytest.approx(filtered(points, smoothing) @ turn.T + 2)


@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(1, 20), st.integers(1, 10))
def test_what_is_missing_stays_missing_and_harms_nothing_else(seed: int, joint: int, start: int, length: int) -> None:
    points = walk(seed)
    whole = filtered(points, 0.5)
    points[start : start + length, joint] = np.nan
    result = filtered(points, 0.5)
    others = np.arange(15) != joint
    np.testing.assert_array_equal(result[:, others], whole[:, others])
    np.testing.assert_array_equal(np.isnan(result), np.isnan(points))
    end = start + length
    np.testing.assert_array_equal(result[end, joint], points[end, joint])  # back where it is seen
    np.testing.assert_allclose(result[end:, joint], filtered(points[end:], 0.5)[:, joint], atol=1e-12)


@pytest.mark.parametrize("step_ns", [GAP_NS + 1, 0, -STEP_NS])
def test_a_gap_or_a_step_back_begins_anew(step_ns: int) -> None:
    points = walk(3)
    times = np.arange(40) * STEP_NS
    times[20:] += step_ns - STEP_NS
    result = filtered(points, 0.5, times)
    np.testing.assert_array_equal(result[20:], filtered(points[20:], 0.5))


def test_a_stronger_filter_is_steadier() -> None:
    noise = np.random.default_rng(0).normal(0, 0.004, (300, 15, 3))
    steps = [np.linalg.norm(np.diff(filtered(noise, s), 2, axis=0), axis=-1).mean() for s in (0, 0.25, 0.5, 0.75, 1)]
    assert all(after < 0.8 * before for before, after in pairwise(steps))


def test_the_strength_may_change_in_between() -> None:
    points, one = walk(5), OneEuro(1.0)
    for i in range(20):
        one.update(points[i], i * STEP_NS)
    one.smoothing = 0.0
    np.testing.assert_allclose(one.update(points[20], 20 * STEP_NS), points[20], atol=1e-15)
