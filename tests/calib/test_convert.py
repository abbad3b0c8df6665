from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.calibration import Calibration
from calib.convert import convert, convert_for
from calib.errors import CalibrationError
from calib.formats import FORMATS, Format, load_camera, save_camera
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import Scaramuzza
from calib.models.sphere import DoubleSphere, UnifiedCamera
from calib.models.tangential import Mei

NARROW = Calibration("narrow", KannalaBrandt([390, 392, 631, 484, -0.03, 0.004, -0.006, 0.001]), (1280, 960), 1.2)


def distances(one: Calibration, other: Calibration, count: int = 4000) -> tuple[float, float]:
    """Worst and RMS pixels between two cameras at random pixels within the valid angle."""
    pixels = np.random.default_rng(0).random((count, 2)) * (np.array(one.size) - 1)
    rays, _ = one.model.unproject(pixels)
    inside = rays[:, 2] >= np.cos(one.valid_angle)
    apart = np.linalg.norm(other.model.project(rays[inside])[0] - pixels[inside], axis=1)
    return float(apart.max()), float(np.sqrt((apart**2).mean()))


@pytest.mark.parametrize("kind", ["ucm", "eucm", "double_sphere", "mei", "scaramuzza6", "radial_tangential"])
def test_the_bound_holds_at_other_pixels(kind: str) -> None:
    camera = replace(NARROW, valid_angle=0.8) if kind == "radial_tangential" else NARROW
    converted = convert(camera, kind)
    worst, rms = distances(camera, converted.calibration)
    assert worst <= converted.worst * 1.02 + 1e-9
    assert rms == pytest.approx(converted.rms, rel=0.1, abs=1e-9)
    assert f"{converted.worst:.3g} px" in converted.calibration.provenance
    assert converted.calibration.size == NARROW.size


def test_the_published_lens_becomes_a_fisheye_of_opencvs() -> None:
    converted = convert(load_camera("sceneego"), "kannala_brandt")
    assert converted.worst <= 0.016
    assert converted.warning == ""
    far = convert(load_camera("sceneego"), "ucm")
    assert far.worst > 1.0
    assert "px off" in far.warning
    assert isinstance(converted.calibration.model, KannalaBrandt)
    assert converted.calibration.valid_angle == pytest.approx(np.radians(95.3426), abs=1e-5)


def test_a_lens_that_another_kind_holds_exactly_is_held_exactly() -> None:
    lens = Calibration("ucm", UnifiedCamera([390, 392, 631, 484, 0.6]), (1280, 960), 1.4)
    for kind in ("eucm", "double_sphere"):
        assert convert(lens, kind).worst < 1e-3
    assert convert(lens, "ucm").worst == 0.0


def test_a_lens_too_wide_for_a_kind_is_refused() -> None:
    with pytest.raises(CalibrationError, match="wider"):
        convert(load_camera("sceneego"), "radial_tangential")
    with pytest.raises(CalibrationError, match="no lens model is named"):
        convert(NARROW, "magic")


def test_a_converted_camera_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    save_camera(convert(NARROW, "eucm").calibration, path, "kalibr")
    assert load_camera(path).model.kind == "eucm"


SPHERES = Calibration("spheres", DoubleSphere([310.0, 312.0, 631.0, 484.0, -0.2, 0.6]), (1280, 960), 1.0)
TILTED = Calibration("tilted", Mei([800.0, 802.0, 631.0, 484.0, 1.05, -0.05, 0.01, 5e-4, -3e-4]), (1280, 960), 1.2)
LONG = Calibration(
    "long", KannalaBrandt([390, 392, 631, 484, -0.03, 0.004, -0.006, 0.001, 2e-4, -1e-5]), (1280, 960), 1.2
)


@pytest.mark.parametrize(
    ("form", "camera"),
    [
        *((form, SPHERES) for form in FORMATS),
        *((form, TILTED) for form in ("egocentric", "ocamcalib", "kalibr", "realsense")),
        *((form, LONG) for form in ("egocentric", "opencv", "basalt")),
    ],
    ids=str,
)
def test_every_format_holds_every_lens_as_well_as_is_told(form: Format, camera: Calibration, tmp_path: Path) -> None:
    if form == "mrcal":
        camera = replace(camera, valid_angle=0.7)
    found = convert_for(camera, form)
    save_camera(found.calibration, tmp_path / "camera", form)
    back = load_camera(tmp_path / "camera")
    worst, rms = distances(camera, back)
    assert worst <= 1.02 * found.worst + 1e-9
    assert rms <= 1.2 * found.rms + 1e-9
    assert bool(found.warning) == (found.worst > 0.1)
    assert back.size == camera.size
    if form in ("ocamcalib", "egocentric"):
        assert isinstance(back.model, Scaramuzza)
        other = Scaramuzza(back.model.centre, None, back.model.c2w, back.model.affine)
        assert distances(camera, replace(back, model=other))[0] <= 1.02 * found.worst + 1e-9
    # What a format's readers ignore is told: an aspect that is not one, a centre that is not the axis.
    if form == "egocentric":
        assert found.warning
    elif camera is not TILTED and form != "mrcal":
        assert found.worst < 0.1


def test_a_model_that_is_asked_for_is_taken() -> None:
    assert convert_for(SPHERES, "kalibr").worst == 0.0
    assert convert_for(SPHERES, "kalibr", "kannala_brandt").calibration.model.kind == "kannala_brandt"
    longer = convert_for(SPHERES, "egopose", "kannala_brandt6")
    assert len(longer.calibration.model.params) == 10
    assert longer.worst <= convert_for(SPHERES, "egopose", "kannala_brandt").worst
    with pytest.raises(CalibrationError, match="a mrcal file cannot hold this camera"):
        convert_for(load_camera("sceneego"), "mrcal")
    with pytest.raises(CalibrationError, match="cannot hold"):
        convert_for(SPHERES, "opencv", "ucm")
