from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL, canonical_bearings, canonical_uv
from calib.cv import cv2
from calib.formats import load_camera
from calib.models.base import Array
from calib.models.kannala_brandt import KannalaBrandt
from calib.remap import CanonicalView, fit_camera

SCENE_EGO = load_camera("sceneego")
WIDE = Calibration("wide", KannalaBrandt([300, 310, 640, 512, 0.1, -0.05, 0.01, -0.002]), (1280, 1024), 1.7)
NARROW = Calibration("narrow", KannalaBrandt([600, 600, 330, 235, 0.0, 0.0, 0.0, 0.0]), (640, 480), 0.6)
SIZES = [(1280, 1024), (640, 480), (481, 640), (960, 540)]


def shade(bearings: Array) -> Array:
    """Three smooth functions of the bearing, in grey levels."""
    return 128.0 + 60.0 * bearings + 30.0 * np.sin(3.0 * bearings[..., [1, 2, 0]])


def analytic_picture(camera: Calibration, size: tuple[int, int]) -> NDArray[np.uint8]:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    bearings, _ = fit_camera(camera, size).model.unproject(np.stack([x, y], -1).astype(float))
    return np.nan_to_num(np.round(shade(bearings))).astype(np.uint8)


def view_uv(side: int) -> Array:
    axis = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(axis, axis), -1)


@pytest.mark.parametrize("camera", [SCENE_EGO, WIDE, NARROW], ids=lambda camera: camera.name)
@pytest.mark.parametrize("side", [192, 256])
def test_a_few_points_are_placed_as_to_picture_places_them(camera: Calibration, side: int) -> None:
    view = CanonicalView(camera, camera.size, side)
    uv = np.random.default_rng(0).random((20_000, 2), np.float32) * 1.1 - 0.05
    exact, quick = view.to_picture(uv), view.place(uv)
    known = np.isfinite(exact[:, 0])
    assert known.mean() > 0.05
    # But for what is at the very rim, to rounding.
    assert (np.isfinite(quick[:, 0]) == known).mean() > 0.9995
    assert np.nanmax(np.abs(quick - exact)) < 0.03


@given(st.integers(8, 4000), st.integers(8, 4000), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_fitting_scales_and_centres_without_squashing(width: int, height: int, x: float, y: float) -> None:
    fitted = fit_camera(SCENE_EGO, (width, height))
    # The calibrated picture's pixel is found by fitting the new picture into it by hand.
    grow = min(1280 / width, 1024 / height)
    ray = np.array([x, y, 1.0])
    inside = (fitted.model.project(ray)[0] + 0.5 - [width / 2, height / 2]) * grow + [640.0, 512.0] - 0.5
    np.testing.assert_allclose(inside, SCENE_EGO.model.project(ray)[0], atol=1e-8)
    assert fitted.size == (width, height)


def test_fitting_the_same_size_is_the_camera_itself_and_others_say_what_was_assumed() -> None:
    assert fit_camera(SCENE_EGO, (1280, 1024)) is SCENE_EGO
    assert "letter-boxed" not in fit_camera(SCENE_EGO, (640, 512)).provenance
    assert "1280x1024 to 640x480, letter-boxed" in fit_camera(SCENE_EGO, (640, 480)).provenance
    assert fit_camera(SCENE_EGO, (640, 480)).valid_angle == SCENE_EGO.valid_angle


@pytest.mark.parametrize(
    ("camera", "size"),
    [
        (SCENE_EGO, (1280, 1024)),
        (SCENE_EGO, (960, 540)),
        (WIDE, (640, 480)),
        (WIDE, (481, 640)),
        (NARROW, (640, 480)),
        (NARROW, (200, 300)),
    ],
)
def test_the_view_shows_each_bearing_where_the_canonical_lens_has_it(
    camera: Calibration, size: tuple[int, int]
) -> None:
    view = CanonicalView(camera, size)
    seen = view.image(analytic_picture(camera, size)).astype(float)
    uv = view_uv(256)
    expected = shade(canonical_bearings(uv))
    # Well inside or outside: the neighbours two pixels away are so too.
    steps = np.array([(-2, 0), (2, 0), (0, -2), (0, 2), (-2, -2), (2, -2), (-2, 2), (2, 2)]) / 256.0
    around = np.isfinite([view.to_picture(uv + step) for step in steps]).all(-1)
    inside, outside = around.all(0), ~around.any(0)
    assert inside.mean() > 0.02
    assert np.abs(seen - expected)[inside].max() < 2.0
    assert not seen[outside].any()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("camera", "side"), [(SCENE_EGO, 192), (WIDE, 256), (NARROW, 72)], ids=lambda value: str(value)[:8]
)
def test_the_view_made_in_bands_is_the_one_made_at_once(camera: Calibration, side: int, size: tuple[int, int]) -> None:
    """Whole map, whole picture, one remap and one shrink: bit for bit the same."""
    picture = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    view = CanonicalView(camera, size, side)
    step = np.hypot(*np.moveaxis(np.diff(view.to_picture(view_uv(2 * side)), axis=1), -1, 0))
    factor = max(1, round(float(np.nanmedian(step)) / 2.0))
    shrunk = tuple(-(-length // factor) for length in size)
    source = cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA) if factor > 1 else picture
    places = (view.to_picture(view_uv(2 * side)) + 0.5) * np.array(shrunk) / size - 0.5
    x, y = np.moveaxis(np.where(np.isfinite(places), places, -9.0).astype(np.float32), -1, 0)
    fixed = cv2.convertMaps(x, y, cv2.CV_16SC2)
    double = cv2.remap(source, *fixed, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    whole = cv2.resize(double, (side, side), interpolation=cv2.INTER_AREA)
    assert whole.any()
    assert np.array_equal(view.image(picture), whole)


def test_pictures_of_the_canonical_camera_pass_unchanged_but_for_the_rim() -> None:
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 256, (32, 32, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
    seen = CanonicalView(CANONICAL, (512, 512), 512).image(picture)
    radius = np.hypot(*np.moveaxis(2.0 * view_uv(512) - 1.0, -1, 0))
    # One map step is half a pixel: the two samples of a pixel straddle its centre.
    flat = np.abs(np.diff(np.pad(picture.astype(int), ((1, 1), (1, 1), (0, 0)), "edge"), axis=0)).sum(-1) == 0
    calm = flat[1:, 1:-1] & flat[:-1, 1:-1]
    sideways = np.abs(np.diff(np.pad(picture.astype(int), ((0, 0), (1, 1), (0, 0)), "edge"), axis=1)).sum(-1) == 0
    calm &= sideways[:, 1:] & sideways[:, :-1]
    calm &= radius < 0.99
    assert calm.mean() > 0.4
    assert (seen[calm] == picture[calm]).all()
    assert not seen[radius > 1.01].any()


def test_fine_stripes_become_grey_and_do_not_alias() -> None:
    camera = fit_camera(SCENE_EGO, (2560, 2048))
    stripes = np.zeros((2048, 2560, 3), np.uint8)
    stripes[:, ::2] = 255
    seen = CanonicalView(camera, (2560, 2048), 128).image(stripes).astype(float)
    core = np.hypot(*np.moveaxis(2.0 * view_uv(128) - 1.0, -1, 0)) < 0.7
    assert np.abs(seen[core] - 127.5).max() < 12.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("camera", [SCENE_EGO, WIDE, NARROW], ids=lambda camera: camera.name)
def test_uv_and_pixels_are_inverse(camera: Calibration, size: tuple[int, int]) -> None:
    view = CanonicalView(camera, size, 16)
    uv = np.random.default_rng(2).random((500, 2))
    pixels = view.to_picture(uv)
    shown = np.isfinite(pixels).all(-1)
    assert 10 < shown.sum() < 500
    assert (np.isfinite(pixels).any(-1) == shown).all()
    np.testing.assert_allclose(view.from_picture(pixels[shown]), uv[shown], atol=1e-9)
    random = np.random.default_rng(3).random((500, 2)) * size - 0.5
    back = view.from_picture(random)
    seen = np.isfinite(back).all(-1)
    assert seen.sum() > 150
    np.testing.assert_allclose(view.to_picture(back[seen]), random[seen], atol=1e-7)


def test_points_outside_are_nan() -> None:
    view = CanonicalView(SCENE_EGO, (1280, 1024), 16)
    pixels = np.array([[-1.0, 500.0], [1280.0, 500.0], [600.0, 1024.0], [0.0, 0.0], [np.nan, 1.0]])
    assert np.isnan(view.from_picture(pixels)).all()
    # Straight down the image circle leaves the picture, the corner of the square leaves the circle.
    assert np.isnan(view.to_picture(np.array([[0.5, 1.0], [0.02, 0.02], [np.nan, 0.5]]))).all()
    assert np.isfinite(view.to_picture(np.array([1.0, 0.5]))).all()


@pytest.mark.parametrize("shape", [(1024, 1280), (1024, 1280, 4), (1280, 1024, 3), (512, 640, 3)])
def test_a_picture_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    view = CanonicalView(SCENE_EGO, (1280, 1024), 16)
    with pytest.raises(ValueError, match="the view is for"):
        view.image(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="the view is for"):
        view.image(np.zeros((1024, 1280, 3), np.float32))  # type: ignore[arg-type]


def test_a_camera_that_sees_nothing_of_the_view_gives_black() -> None:
    away = replace(NARROW, model=KannalaBrandt([600, 600, -9000, 235, 0, 0, 0, 0]))
    assert not CanonicalView(away, (640, 480), 32).image(np.full((480, 640, 3), 255, np.uint8)).any()


@pytest.mark.parametrize("shown", [(1280, 1024), (641, 513), (300, 400)])
def test_a_spread_heatmap_lies_where_the_picture_has_each_uv(shown: tuple[int, int]) -> None:
    view = CanonicalView(WIDE, (1280, 1024), 16)
    side = 64
    grid = view_uv(side)
    ramp = (grid[..., 0] + 2.0 * grid[..., 1]).astype(np.float32)
    spread = view.spread(ramp, shown)
    assert spread.shape == shown[::-1]
    assert spread.dtype == np.float32
    x, y = np.meshgrid(np.arange(0, shown[0], 5), np.arange(0, shown[1], 5))
    spread = spread[::5, ::5]
    pixels = (np.stack([x, y], -1) + 0.5) * np.array([1280, 1024]) / shown - 0.5
    uv, _ = canonical_uv(WIDE.model.unproject(pixels)[0])
    radius = np.hypot(2 * uv[..., 0] - 1, 2 * uv[..., 1] - 1)
    inside = radius < 0.98
    np.testing.assert_allclose(spread[inside], (uv[..., 0] + 2.0 * uv[..., 1])[inside], atol=3.0 * 0.05 / side)
    assert not spread[radius > 1.02].any()
    assert (radius > 1.02).any()


def test_spread_maps_are_kept_per_size_and_shape() -> None:
    view = CanonicalView(SCENE_EGO, (1280, 1024), 16)
    heatmap = np.ones((64, 64), np.float32)
    for shown in [(100, 80), (200, 160), (100, 80), (50, 40), (60, 48), (70, 56)]:
        first = view.spread(heatmap, shown)
        assert (view.spread(heatmap, shown) == first).all()
        assert first[shown[1] // 2, shown[0] // 2] == 1.0
    assert view.spread(np.ones((32, 48), np.float32), (100, 80)).shape == (80, 100)
    assert len(view._spread_maps) <= 4


@pytest.mark.parametrize(("size", "side"), [(192, 192), (192, 128), (128, 192), (1024, 256)])
def test_a_picture_that_is_the_canonical_view_already_only_changes_its_size(size: int, side: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8)
    seen = CanonicalView(CANONICAL, (size, size), side).image(picture)
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    centres = (np.arange(side) + 0.5) / side * 2 - 1
    disc = np.hypot(*np.meshgrid(centres, centres)) <= 1
    assert np.array_equal(seen[disc], resized[disc])
    assert not seen[~disc].any()


def test_another_lens_of_the_same_size_is_resampled() -> None:
    camera = load_camera("sceneego")
    shifted = replace(CANONICAL, model=CANONICAL.model.rescaled(1.0, (3.0, 0.0)))
    picture = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8)
    plain = CanonicalView(CANONICAL, (1024, 1024)).image(picture)
    for other in (camera, shifted):
        assert not np.array_equal(CanonicalView(other, (1024, 1024)).image(picture), plain)
