"""The 3D camera against a look-at written down independently."""

from __future__ import annotations

from math import cos, radians, sin, tan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orbit import Orbit, preset

SIZE = 800.0, 600.0
orbits = st.builds(
    Orbit,
    azimuth=st.floats(-3, 3),
    elevation=st.floats(-1.5, 1.5),
    distance=st.floats(0.6, 10),
    target=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-2, 0)),
)


def look_at(orbit: Orbit, point: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The textbook's: eye on a sphere, forward to the target, right = forward x up."""
    target = np.array(orbit.target)
    out = np.array([sin(orbit.azimuth) * cos(orbit.elevation), cos(orbit.azimuth) * cos(orbit.elevation),
                    sin(orbit.elevation)])  # fmt: skip
    eye = target + orbit.distance * out
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    x, y, z = np.stack([right, -np.cross(right, forward), forward]) @ (point - eye)
    focal = 0.5 * size[1] / tan(orbit.field / 2)
    return np.array([size[0] / 2 + focal * x / z, size[1] / 2 + focal * y / z, z])


@given(orbits, st.tuples(*[st.floats(-0.3, 0.3)] * 3))
def test_projection_is_that_of_a_look_at(orbit: Orbit, offset: tuple[float, float, float]) -> None:
    point = np.array(orbit.target) + offset
    expected = look_at(orbit, point, SIZE)
    if expected[2] > 0.06:
        assert orbit.project(point, SIZE) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(orbits)
def test_axes_are_a_right_handed_basis(orbit: Orbit) -> None:
    right, up, forward = orbit.axes()
    basis = np.stack([right, up, -forward])
    assert basis @ basis.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(basis) == pytest.approx(1.0)


@given(orbits, st.floats(-80, 80), st.floats(-80, 80))
def test_panning_moves_the_target_with_the_pointer(orbit: Orbit, dx: float, dy: float) -> None:
    moved = orbit.panned(dx, dy, SIZE).project(np.array(orbit.target), SIZE)
    assert moved == pytest.approx([SIZE[0] / 2 + dx, SIZE[1] / 2 + dy, orbit.distance], abs=1e-6)


def test_front_view_puts_the_right_hand_on_the_left() -> None:
    orbit = Orbit(azimuth=0.0, elevation=0.0, distance=2.0, target=(0.0, 0.0, 0.0))
    focal = 300 / tan(radians(20))
    right_hand, head = orbit.project(np.array([[0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]), SIZE)
    assert right_hand == pytest.approx([400 - focal * 0.25, 300, 2.0])
    assert head == pytest.approx([400, 300 - focal * 0.25, 2.0])
    nearer = orbit.project(np.array([0.0, 1.0, 0.0]), SIZE)
    assert nearer[2] == pytest.approx(1.0)


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    orbit = Orbit(azimuth=0.0, elevation=0.0, distance=1.0, target=(0.0, 0.0, 0.0))
    assert np.isnan(orbit.project(np.array([0.0, 2.0, 0.0]), SIZE)[:2]).all()


def test_elevation_stops_at_the_poles_and_zoom_at_its_limits() -> None:
    assert Orbit().orbited(0, 10).elevation == pytest.approx(radians(89))
    assert Orbit().orbited(0, -10).elevation == pytest.approx(radians(-89))
    assert Orbit().zoomed(1000).distance == 0.5
    assert Orbit().zoomed(0.001).distance == 12.0
    assert Orbit(distance=3.0).zoomed(1.5).distance == pytest.approx(2.0)


@pytest.mark.parametrize(("name", "forward"), [("front", [0, -1, 0]), ("side", [-1, 0, 0]), ("behind", [0, 1, 0])])
def test_presets_look_the_way_they_say(name: str, forward: list[float]) -> None:
    flat = preset(name).axes()[2] * [1, 1, 0]
    assert flat / np.linalg.norm(flat) == pytest.approx(forward, abs=1e-9)
