from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import (
    CANONICAL,
    CANONICAL_MAX_ANGLE,
    canonical_angle,
    canonical_angle_table,
    canonical_bearings,
    canonical_radius,
    canonical_uv,
)
from calib.formats import load_camera

unit = st.floats(0.0, 1.0)


def test_edge_middles_lie_at_the_image_circle_of_the_published_lens() -> None:
    lens = load_camera("sceneego")
    centre = lens.model.project(np.array([0.0, 0.0, 1.0]))[0]
    bearings = canonical_bearings(np.array([[1.0, 0.5], [0.5, 0.5]]))
    np.testing.assert_allclose(bearings[0], lens.model.unproject(centre + np.array([512.0, 0.0]))[0], atol=1e-12)
    assert bearings[1].tolist() == [0.0, 0.0, 1.0]
    assert np.degrees(CANONICAL_MAX_ANGLE) == pytest.approx(95.3426, abs=1e-4)
    assert np.arccos(bearings[0, 2]) == pytest.approx(CANONICAL_MAX_ANGLE, abs=1e-12)


@given(unit, unit)
def test_uv_are_pixels_of_the_canonical_camera(u: float, v: float) -> None:
    bearings = canonical_bearings(np.array([u, v]))
    pixels, valid = CANONICAL.model.project(bearings)
    if valid:
        np.testing.assert_allclose((pixels + 0.5) / CANONICAL.size, (u, v), atol=1e-12)
    else:
        assert np.hypot(2 * u - 1, 2 * v - 1) > 1.0


@given(unit, unit)
def test_uv_round_trip_over_the_whole_square(u: float, v: float) -> None:
    bearings = canonical_bearings(np.array([u, v]))
    assert np.linalg.norm(bearings) == pytest.approx(1.0, abs=1e-12)
    uv, valid = canonical_uv(3.0 * bearings)
    np.testing.assert_allclose(uv, (u, v), atol=1e-9)
    radius = np.hypot(2 * u - 1, 2 * v - 1)
    if abs(radius - 1.0) > 1e-9:
        assert valid == (radius < 1.0)


@given(st.floats(0.0, 2.2), st.floats(0.0, 2.2))
def test_the_angle_rises_with_the_radius_past_the_end_of_the_lens(a: float, b: float) -> None:
    low, high = sorted((a, b))
    angles = canonical_angle(np.array([low, high]))
    assert angles[1] - angles[0] >= 0.99 * (high - low) - 2e-8
    # The published polynomial starts 2e-8 from the centre.
    np.testing.assert_allclose(canonical_radius(angles), (low, high), atol=2e-8)


def test_the_angle_has_no_step_or_kink_at_the_end_of_the_lens() -> None:
    end = canonical_radius(np.array(CANONICAL.model.max_angle))
    angles = canonical_angle(end + np.array([-2e-3, -1e-3, 0.0, 1e-3, 2e-3]))
    steps = np.diff(angles)
    np.testing.assert_allclose(steps, steps[0], rtol=5e-3)


def test_directions_that_the_view_does_not_show() -> None:
    points = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [np.nan, 0.0, 1.0], [1.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
    uv, valid = canonical_uv(points)
    assert valid.tolist() == [False, False, False, False, True]
    assert np.isnan(uv[:3]).all()
    assert np.isfinite(uv[3:]).all()
    assert uv[3, 0] > 1.0


def test_angle_table() -> None:
    table = canonical_angle_table(301)
    assert table.dtype == np.float32
    assert table.shape == (301,)
    assert table[0] == 0.0
    assert (np.diff(table) > 0.0).all()
    assert table[200] == pytest.approx(CANONICAL_MAX_ANGLE, abs=1e-6)
    np.testing.assert_allclose(table[137], canonical_angle(np.array(1.5 * 137 / 300)), atol=1e-6)
