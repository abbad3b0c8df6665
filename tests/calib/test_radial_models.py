from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import SCENE_EGO_W2C
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import MAX_ANGLE, Scaramuzza
from calib.models.radial import RadialModel, first_fall, invert_rising

CENTRE = (614.93216999, 527.53465649)
C2W = (
    -292.4126419694919,
    0.0,
    1.075613595858202e-3,
    2.072664555244253e-7,
    4.493499097653669e-10,
    -1.192028310212584e-15,
    -1.822337421183959e-17,
)
GOLDEN = (
    ((0.1, 0.2, 0.5), (670.049, 637.768)),
    ((-0.3, 0.4, 0.1), (367.689, 857.192)),
    ((0.2, 0.3, -0.1), (936.991, 1010.622)),
)
K4 = (300.0, 310.0, 640.0, 512.0, 0.1, -0.05, 0.01, -0.002)
"""Stops rising near 100 degrees."""

MODELS: dict[str, RadialModel] = {
    "w2c": Scaramuzza(CENTRE, SCENE_EGO_W2C, C2W),
    "c2w": Scaramuzza(CENTRE, None, C2W),
    "affine": Scaramuzza(CENTRE, SCENE_EGO_W2C, affine=(1.002, 3e-3, -2e-3)),
    "kb4": KannalaBrandt(K4),
    "kb5": KannalaBrandt([*K4, 1e-4]),
    "kb6": KannalaBrandt([*K4, 1e-4, -1e-5]),
    "kb equidistant": KannalaBrandt([200.0, 200.0, 320.0, 240.0, 0.0, 0.0, 0.0, 0.0]),
}
any_model = st.sampled_from(sorted(MODELS))


def bearing(theta: float, phi: float) -> Array:
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


@pytest.mark.parametrize(("point", "pixel"), GOLDEN)
def test_published_lens_has_its_golden_values(point: tuple[float, ...], pixel: tuple[float, ...]) -> None:
    pixels, valid = MODELS["w2c"].project(np.array(point))
    assert valid
    np.testing.assert_allclose(pixels, pixel, atol=5.1e-4)


def test_published_pair_of_polynomials_agrees_to_a_hundredth_of_a_degree() -> None:
    theta = np.linspace(0.0, np.radians(95.0), 50)
    radius = MODELS["w2c"].radius(theta)
    np.testing.assert_allclose(MODELS["c2w"].angle(radius), theta, atol=np.radians(0.01))


def test_unprojection_by_c2w_is_its_equation() -> None:
    pixel = np.array([900.0, 300.0])
    offset = pixel - CENTRE
    ray = np.array([*offset, -np.polyval(C2W[::-1], np.hypot(*offset))])
    bearings, valid = MODELS["c2w"].unproject(pixel)
    assert valid
    np.testing.assert_allclose(bearings, ray / np.linalg.norm(ray), atol=1e-15)


@given(any_model, st.floats(0.0, 0.99), st.floats(0.0, 2.0 * np.pi), st.floats(1e-3, 1e3))
def test_a_bearing_survives_the_round_trip(name: str, part: float, phi: float, length: float) -> None:
    model = MODELS[name]
    # On the negative axis itself, where only the equidistant lens reaches, there is no direction.
    ray = bearing(part * model.max_angle, phi)
    pixels, seen = model.project(length * ray)
    back, valid = model.unproject(pixels)
    assert seen
    assert valid
    np.testing.assert_allclose(back, ray, atol=1e-9)


@given(any_model, st.floats(0.001, 0.99), st.floats(0.0, 2.0 * np.pi))
def test_a_pixel_survives_the_round_trip(name: str, part: float, phi: float) -> None:
    model = MODELS[name]
    plane = part * model.max_radius * np.array([np.cos(phi), np.sin(phi)])
    pixel = np.array(model.centre) + model.linear @ plane
    bearings, seen = model.unproject(pixel)
    back, valid = model.project(bearings)
    assert seen
    assert valid
    np.testing.assert_allclose(back, pixel, atol=1e-9)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_most_lenses_go_past_the_horizon_and_the_end_itself_is_seen(name: str) -> None:
    model = MODELS[name]
    assert model.max_angle > np.radians(95.0)
    end = bearing(model.max_angle, 0.3) if model.max_angle < 3.0 else bearing(3.1, 0.3)
    pixels, valid = model.project(np.array([end, bearing(min(model.max_angle + 1e-3, 3.1), 0.3)]))
    assert valid[0]
    assert model.unproject(pixels[0])[1]
    if model.max_angle < 3.0:
        assert not valid[1]
        assert np.isnan(pixels[1]).all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_what_has_no_pixel_is_nan_and_marked(name: str) -> None:
    model = MODELS[name]
    nowhere = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [np.nan, 0.0, 1.0], [np.inf, 0.0, 1.0]])
    pixels, valid = model.project(nowhere)
    assert not valid.any()
    assert np.isnan(pixels).all()
    bearings, seen = model.unproject(np.array([[1e5, 0.0], [np.nan, 1.0]]))
    assert not seen.any()
    assert np.isnan(bearings).all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_axis_is_the_centre_and_shapes_are_kept(name: str) -> None:
    model = MODELS[name]
    pixels, valid = model.project(np.broadcast_to([0.0, 0.0, 2.0], (2, 5, 3)))
    assert pixels.shape == (2, 5, 2)
    assert valid.shape == (2, 5)
    assert (pixels == model.centre).all()
    bearings, _ = model.unproject(np.array(model.centre))
    assert bearings.tolist() == [0.0, 0.0, 1.0]
    assert model.project(np.empty((0, 3)))[0].shape == (0, 2)


@given(any_model, st.floats(0.1, 8.0), st.tuples(st.floats(-50, 50), st.floats(-50, 50)), st.floats(0.0, 6.28))
def test_a_rescaled_lens_moves_pixels_as_it_says(
    name: str, scale: float, offset: tuple[float, float], phi: float
) -> None:
    model = MODELS[name]
    rays = np.stack([bearing(part * model.max_angle, phi) for part in (0.0, 0.3, 0.9)])
    expected = scale * (model.project(rays)[0] + 0.5) - 0.5 + np.array(offset)
    np.testing.assert_allclose(model.rescaled(scale, offset).project(rays)[0], expected, atol=1e-8)


def test_opencv_agrees_within_80_degrees() -> None:
    rng = np.random.default_rng(1)
    theta, phi = rng.uniform(0.0, np.radians(80.0), 200), rng.uniform(0.0, 2.0 * np.pi, 200)
    points = np.stack([bearing(t, p) for t, p in zip(theta, phi, strict=True)]) * rng.uniform(0.2, 4.0, (200, 1))
    matrix = np.array([[K4[0], 0.0, K4[2]], [0.0, K4[1], K4[3]], [0.0, 0.0, 1.0]])
    oracle, _ = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.zeros(3), matrix, np.array(K4[4:]))
    np.testing.assert_allclose(MODELS["kb4"].project(points)[0], oracle[:, 0], atol=1e-9)


def test_kannala_brandt_ends_where_its_slope_is_zero() -> None:
    end = MODELS["kb4"].max_angle
    terms = [9 * K4[7], 0.0, 7 * K4[6], 0.0, 5 * K4[5], 0.0, 3 * K4[4], 0.0, 1.0]
    roots = np.roots(terms)
    assert end == pytest.approx(min(r.real for r in roots if abs(r.imag) < 1e-9 and r.real > 0.0), abs=1e-9)
    assert MODELS["kb equidistant"].max_angle == np.pi


def test_a_polynomial_that_keeps_rising_ends_at_110_degrees() -> None:
    assert MODELS["w2c"].max_angle == MAX_ANGLE
    assert MODELS["c2w"].max_angle == pytest.approx(MAX_ANGLE, abs=1e-12)


def test_a_c2w_profile_that_turns_back_ends_there() -> None:
    # z = 100 + rho^2 / 100: theta = atan2(rho, z) has its largest value at rho = 100.
    model = Scaramuzza((0.0, 0.0), None, (-100.0, 0.0, -0.01))
    assert model.max_angle == pytest.approx(np.arctan2(100.0, 200.0), abs=1e-9)
    assert model.max_radius == pytest.approx(100.0, abs=1e-3)


def test_a_polynomial_without_bend_is_a_pinhole() -> None:
    model = Scaramuzza((320.0, 240.0), None, (-400.0,))
    pixels, valid = model.project(np.array([[0.5, -0.25, 1.0], [1.0, 0.0, -0.1]]))
    assert valid.tolist() == [True, False]
    np.testing.assert_allclose(pixels[0], (520.0, 140.0), atol=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: KannalaBrandt([300.0, 300.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        lambda: KannalaBrandt([*K4, 0.0, 0.0, 0.0]),
        lambda: KannalaBrandt([0.0, *K4[1:]]),
        lambda: KannalaBrandt([*K4[:7], np.nan]),
        lambda: Scaramuzza(CENTRE),
        lambda: Scaramuzza(CENTRE, ()),
        lambda: Scaramuzza((np.inf, 0.0), SCENE_EGO_W2C),
        lambda: Scaramuzza(CENTRE, (480.0, -350.0)),
        lambda: Scaramuzza(CENTRE, (580.0, *SCENE_EGO_W2C[1:])),
        lambda: Scaramuzza(CENTRE, None, (292.0, 0.0)),
        lambda: Scaramuzza(CENTRE, SCENE_EGO_W2C, affine=(-1.0, 0.0, 0.0)),
    ],
)
def test_numbers_that_are_no_lens_are_refused_in_one_line(make: Callable[[], RadialModel]) -> None:
    with pytest.raises(CalibrationError) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_parameters_cannot_be_changed_from_outside() -> None:
    given_params = np.array(K4)
    model = KannalaBrandt(given_params)
    given_params[0] = 1.0
    assert model.params[0] == K4[0]
    with pytest.raises(ValueError, match="read-only"):
        model.params[0] = 1.0


@given(st.floats(0.0, 2.0))
def test_inversion_brackets_a_steep_curve(x: float) -> None:
    def curve(value: Array) -> tuple[Array, Array]:
        return np.expm1(4.0 * value), 4.0 * np.exp(4.0 * value)

    np.testing.assert_allclose(invert_rising(curve, curve(np.array([x]))[0], 2.0), x, atol=1e-13)
    assert invert_rising(curve, np.array([-1.0, 1e9]), 2.0).tolist() == [0.0, 2.0]


def test_first_fall_finds_the_end_or_says_there_is_no_rise() -> None:
    assert first_fall(np.cos, 3.0) == pytest.approx(np.pi / 2, abs=1e-12)
    assert first_fall(np.cos, 1.0) == 1.0
    assert first_fall(np.negative, 1.0) == 0.0
