from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import SCENE_EGO_W2C
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.models.base import Array
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import Scaramuzza
from calib.models.registry import MODELS, build_model
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera
from calib.models.tangential import Mei, RadialTangential

HEAD = (300.0, 310.0, 640.0, 512.0)
CAMERAS: dict[str, DifferentiableModel] = {
    "kb4": KannalaBrandt([*HEAD, 0.1, -0.05, 0.01, -0.002]),
    "kb6": KannalaBrandt([*HEAD, 0.1, -0.05, 0.01, -0.002, 1e-4, 2e-5]),
    "ucm": UnifiedCamera([*HEAD, 0.65]),
    "ucm low": UnifiedCamera([*HEAD, 0.3]),
    "ucm past one": UnifiedCamera([1313.83, 1313.27, 960.471, 546.981, 1.01674]),
    "pinhole as ucm": UnifiedCamera([*HEAD, 0.0]),
    "eucm": EnhancedUnifiedCamera([*HEAD, 0.62, 1.2]),
    "eucm flat": EnhancedUnifiedCamera([*HEAD, 0.55, 0.7]),
    "ds": DoubleSphere([*HEAD, -0.24, 0.57]),
    "ds positive": DoubleSphere([*HEAD, 0.3, 0.65]),
    "mei": Mei([600.0, 590.0, 640.0, 512.0, 0.9, -0.05, 0.01, 1e-3, -2e-3]),
    "mei past one": Mei([900.0, 900.0, 640.0, 512.0, 1.8, -0.1, 0.02, 1e-3, -5e-4]),
    "pinhole": RadialTangential([500.0, 505.0, 320.0, 240.0, -0.28, 0.08, 1e-3, -5e-4, -0.01]),
    "pinhole four": RadialTangential([500.0, 505.0, 320.0, 240.0, 0.1, 0.01, 1e-3, -5e-4]),
    "w2c": Scaramuzza((615.0, 527.0), SCENE_EGO_W2C, affine=(1.002, 3e-3, -2e-3)),
    "c2w": Scaramuzza((615.0, 527.0), None, (-292.4, 0.01, 1.07e-3, 2e-7, 4.5e-10), (0.998, 1e-3, 2e-3)),
}
names = sorted(CAMERAS)
any_camera = st.sampled_from(names)


def bearings_within(angle: float, count: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    theta, phi = angle * rng.random(count), 2.0 * np.pi * rng.random(count)
    return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)


@given(any_camera, st.integers(0, 10**6), st.floats(1e-2, 1e2))
def test_bearings_survive_the_round_trip(name: str, seed: int, length: float) -> None:
    camera = CAMERAS[name]
    rays = bearings_within(0.97 * camera.max_angle, 20, seed)
    pixels, seen = camera.project(length * rays)
    back, valid = camera.unproject(pixels)
    assert seen.all()
    assert valid.all()
    np.testing.assert_allclose(back, rays, atol=1e-9)


@pytest.mark.parametrize("name", names)
def test_derivatives_are_those_of_the_projection(name: str) -> None:
    camera = CAMERAS[name]
    points = bearings_within(0.9 * camera.max_angle, 40) * np.linspace(0.3, 3.0, 40)[:, None]
    pixels, by_point, by_params, valid = camera.project_with_jacobians(points)
    assert valid.all()
    np.testing.assert_allclose(pixels, camera.project(points)[0], atol=1e-10)
    for axis, step in enumerate(1e-6 * np.eye(3)):
        numeric = (camera.project(points + step)[0] - camera.project(points - step)[0]) / 2e-6
        np.testing.assert_allclose(by_point[:, :, axis], numeric, rtol=1e-5, atol=1e-3)
    for i, value in enumerate(camera.params):
        # A step that moves the farthest pixel by about a hundredth.
        reach = np.abs(by_params[:, :, i]).max()
        step = np.zeros_like(camera.params)
        step[i] = 0.01 / reach
        assert reach > 0.0, (name, value)
        moved = camera.with_params(camera.params + step).project(points)[0]
        numeric = (moved - camera.with_params(camera.params - step).project(points)[0]) / (2.0 * step[i])
        np.testing.assert_allclose(by_params[:, :, i], numeric, atol=2e-5 * reach, err_msg=camera.param_names[i])


@pytest.mark.parametrize("name", names)
def test_derivatives_on_the_axis_and_where_nothing_is_seen(name: str) -> None:
    camera = CAMERAS[name]
    points = np.array([[0.0, 0.0, 2.0], [1e-7, -1e-7, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [np.nan, 0.0, 1.0]])
    pixels, by_point, by_params, valid = camera.project_with_jacobians(points)
    assert valid.tolist() == [True, True, False, False, False]
    for values in (pixels, by_point, by_params):
        assert np.isfinite(values[:2]).all()
        assert np.isnan(values[2:]).all()
    if name != "w2c":  # which starts a hair off its centre
        np.testing.assert_allclose(by_point[0], by_point[1], atol=1e-3)


@pytest.mark.parametrize("name", names)
def test_the_end_of_the_lens(name: str) -> None:
    camera = CAMERAS[name]
    end = camera.max_angle
    if end < np.pi - 1e-6:
        past = np.array([np.sin(end + 1e-6), 0.0, np.cos(end + 1e-6)])
        assert not camera.project(past)[1]
    radii = np.linalg.norm(np.diff(camera.project(bearings_on_a_line(end))[0], axis=0), axis=1)
    assert (radii > 0.0).all()
    assert not camera.unproject(np.array([[np.nan, 0.0], [1e15, 1e15]]))[1].any()


def bearings_on_a_line(end: float) -> Array:
    theta = np.linspace(0.0, 0.999 * end, 200)
    return np.stack([np.sin(theta), 0.0 * theta, np.cos(theta)], -1)


@pytest.mark.parametrize("name", names)
def test_rescaling(name: str) -> None:
    camera = CAMERAS[name]
    rays = bearings_within(0.9 * camera.max_angle, 10)
    expected = 0.37 * (camera.project(rays)[0] + 0.5) - 0.5 + [3.0, -4.0]
    np.testing.assert_allclose(camera.rescaled(0.37, (3.0, -4.0)).project(rays)[0], expected, atol=1e-8)


@pytest.mark.parametrize("name", names)
def test_names_and_rebuilding(name: str) -> None:
    camera = CAMERAS[name]
    assert len(camera.param_names) == len(camera.params) == len(camera.fitted)
    again = camera.with_params(camera.params)
    assert type(again) is type(camera)
    assert again.params.tolist() == camera.params.tolist()
    if camera.kind in MODELS:
        assert type(build_model(camera.kind, camera.params.tolist())) is type(camera)


@pytest.mark.parametrize("name", [name for name in names if CAMERAS[name].kind in MODELS])
def test_bad_parameters_are_refused(name: str) -> None:
    camera = CAMERAS[name]
    for at, value in ((0, -1.0), (1, 0.0), (4, np.nan), (2, np.inf)):
        params = camera.params.copy()
        params[at] = value
        with pytest.raises(CalibrationError):
            camera.with_params(params)
    with pytest.raises(CalibrationError):
        camera.with_params(camera.params[:4])
    with pytest.raises(CalibrationError):
        camera.with_params(np.append(camera.params, [0.0] * 8))


def test_a_negative_beta_is_refused() -> None:
    with pytest.raises(CalibrationError, match="eucm"):
        EnhancedUnifiedCamera([*HEAD, 0.6, -1.0])


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_start_has_the_focal_length_it_is_given(kind: str) -> None:
    camera = MODELS[kind].start(321.0, (50.0, 60.0))
    _, by_point, _, _ = camera.project_with_jacobians(np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(by_point[0, :, :2], 321.0 * np.eye(2), atol=1e-9)


@pytest.mark.parametrize("degree", [4, 6, 7])
def test_the_polynomial_start_is_nearly_equidistant(degree: int) -> None:
    camera = Scaramuzza.start(300.0, (0.0, 0.0), degree)
    theta = np.radians([10.0, 60.0, 100.0])
    np.testing.assert_allclose(camera.radius(theta), 300.0 * theta, rtol=0.04)
    assert len(camera.params) == 6 + degree


def test_opencv_agrees_on_the_pinhole() -> None:
    camera = CAMERAS["pinhole"]
    points = bearings_within(0.6, 100) * 2.0
    fx, fy, cx, cy, *terms = camera.params
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    oracle, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(terms))
    np.testing.assert_allclose(camera.project(points)[0], oracle[:, 0], atol=1e-9)


def test_the_spheres_are_their_published_equations() -> None:
    x, y, z = 0.4, -0.7, 0.2
    n2 = x * x + y * y
    alpha, beta = 0.62, 1.2
    d = np.sqrt(beta * n2 + z * z)
    expected = np.array([x, y]) / (alpha * d + (1 - alpha) * z) * HEAD[:2] + HEAD[2:]
    np.testing.assert_allclose(CAMERAS["eucm"].project(np.array([x, y, z]))[0], expected, atol=1e-10)
    xi, alpha = -0.24, 0.57
    d1 = np.sqrt(n2 + z * z)
    d2 = np.sqrt(n2 + (xi * d1 + z) ** 2)
    expected = np.array([x, y]) / (alpha * d2 + (1 - alpha) * (xi * d1 + z)) * HEAD[:2] + HEAD[2:]
    np.testing.assert_allclose(CAMERAS["ds"].project(np.array([x, y, z]))[0], expected, atol=1e-10)


def test_mei_without_distortion_is_the_unified_camera() -> None:
    xi = 0.8
    alpha = xi / (1.0 + xi)
    mei = Mei([*(np.array(HEAD[:2]) * (1.0 + xi)), *HEAD[2:], xi, 0.0, 0.0, 0.0, 0.0])
    ucm = UnifiedCamera([*HEAD, alpha])
    rays = bearings_within(1.9, 50)
    np.testing.assert_allclose(mei.project(rays)[0], ucm.project(rays)[0], atol=1e-9)


def test_ends_of_the_spheres_are_where_theory_has_them() -> None:
    # Usenko et al.: z > -w d with w = (1 - alpha) / alpha. A pole is cut 100 focal lengths out.
    assert CAMERAS["ucm"].max_angle == pytest.approx(np.arccos(-0.35 / 0.65), abs=1e-9)
    assert CAMERAS["ucm past one"].max_angle == pytest.approx(np.arccos(0.01674 / 1.01674), abs=1e-9)
    assert CAMERAS["pinhole as ucm"].max_angle == pytest.approx(np.arctan(100.0), abs=1e-9)
    # The double sphere folds where xi + cos = -w sqrt(1 + 2 xi cos + xi^2).
    w, xi = 0.43 / 0.57, -0.24
    p, q = xi * (1.0 - w * w), xi * xi - w * w * (1.0 + xi * xi)
    assert CAMERAS["ds"].max_angle == pytest.approx(np.arccos(-p - np.sqrt(p * p - q)), abs=1e-9)
