from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calib.calibration import Calibration
from calib.canonical import SCENE_EGO_W2C
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.formats import FORMATS, Format, camera_text, load_camera, save_camera
from calib.formats.fields import Fields
from calib.formats.realsense import read as read_realsense
from calib.formats.yaml import parse_yaml
from calib.models.differentiable import DifferentiableModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import Scaramuzza
from calib.models.registry import build_model
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera
from calib.models.tangential import Mei, RadialTangential

DATA = Path(__file__).parent / "data"
HEAD = [461.5, 460.25, 366.125, 249.0]
LENSES: dict[str, DifferentiableModel] = {
    "kb": KannalaBrandt([*HEAD, -0.0125, 0.0578, -0.085, 0.0436]),
    "radtan": RadialTangential([*HEAD, -0.28, 0.07, 1e-3, -2e-4, 0.0]),
    "radtan5": RadialTangential([*HEAD, -0.28, 0.07, 1e-3, -2e-4, 0.003]),
    "mei": Mei([900.0, 901.0, 366.0, 249.0, 0.9, -0.05, 0.01, 1e-3, 2e-3]),
    "ds": DoubleSphere([*HEAD, -0.244, 0.5657]),
    "eucm": EnhancedUnifiedCamera([*HEAD, 0.5864, 1.139]),
    "ucm": UnifiedCamera([*HEAD, 0.61]),
    "scaramuzza": Scaramuzza((366.0, 249.0), SCENE_EGO_W2C, (-292.4, 0.0, 1.07e-3), (0.99887, -0.000169, 0.00011)),
}
HOLDS: list[tuple[Format, str]] = [
    *(("opencv", lens) for lens in ("kb", "radtan", "radtan5")),
    *(("kalibr", lens) for lens in ("kb", "radtan", "mei", "ds", "eucm")),
    *(("basalt", lens) for lens in ("kb", "ds", "eucm", "ucm")),
    *(("realsense", lens) for lens in ("kb", "radtan", "radtan5")),
    *(("mrcal", lens) for lens in ("radtan", "radtan5")),
    ("ocamcalib", "scaramuzza"),
    *(("egopose", lens) for lens in ("kb", "radtan5", "mei", "ds", "eucm", "ucm", "scaramuzza")),
]


def calibration(lens: str) -> Calibration:
    return Calibration("lens", LENSES[lens], (752, 480), LENSES[lens].max_angle)


def same_lens(one: DifferentiableModel, other: DifferentiableModel) -> None:
    theta, phi = np.meshgrid(np.linspace(0.0, 0.99 * min(one.max_angle, 3.0), 30), np.linspace(0.0, 6.0, 9))
    rays = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    np.testing.assert_allclose(one.project(rays)[0], other.project(rays)[0], atol=1e-9)
    assert type(one) is type(other)


@pytest.mark.parametrize(("form", "lens"), HOLDS)
def test_a_lens_survives_each_format_that_holds_it(form: Format, lens: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.txt"
    save_camera(calibration(lens), path, form)
    back = load_camera(path)
    assert back.size == (752, 480)
    assert isinstance(back.model, DifferentiableModel)
    same_lens(back.model, LENSES[lens])
    assert 0.5 < back.valid_angle <= back.model.max_angle
    assert not back.assumed


@pytest.mark.parametrize(
    ("form", "lens"),
    [
        ("opencv", "ds"),
        ("kalibr", "ucm"),
        ("kalibr", "radtan5"),
        ("basalt", "radtan"),
        ("mrcal", "kb"),
        ("realsense", "mei"),
        ("ocamcalib", "kb"),
        ("egocentric", "ds"),
    ],
)
def test_a_format_that_cannot_hold_a_lens_says_so(form: Format, lens: str, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError) as caught:
        save_camera(calibration(lens), tmp_path / "camera.txt", form)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_opencv_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "camera.yml"
    save_camera(calibration("kb"), path, "opencv")
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
    np.testing.assert_allclose(storage.getNode("camera_matrix").mat()[0], [461.5, 0.0, 366.125])
    np.testing.assert_allclose(storage.getNode("distortion_coefficients").mat()[0], LENSES["kb"].params[4:])
    assert storage.getNode("image_width").real() == 752


def test_what_opencv_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "camera.yml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    fx, fy, cx, cy, *terms = LENSES["kb"].params.tolist()
    storage.write("image_width", 752)
    storage.write("image_height", 480)
    storage.write("camera_matrix", np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]))
    storage.write("distortion_coefficients", np.array(terms))
    storage.write("fisheye_model", 1)
    storage.release()
    back = load_camera(path).model
    assert back.params.tolist() == LENSES["kb"].params.tolist()


ROS = """
image_width: 640
image_height: 480
camera_name: head_camera
camera_matrix:
  rows: 3
  cols: 3
  data: [438.78, 0., 305.59,
         0., 437.35, 243.74,  # the second row
         0., 0., 1.]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.361976, 0.110510, 0.001014, 0.000505, 0.000000]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
"""

KALIBR = """
cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.0034, 0.0007, -0.002, 0.0002]
  distortion_model: equidistant
  intrinsics: [190.97, 190.97, 254.93, 256.89]
  resolution: [512, 512]
  rostopic: /cam0/image_raw
cam1:
  T_cn_cnm1:
  - [0.9999, -0.0003, -0.0051, -0.1010]
  - [0.0003, 0.9999, 0.0004, -0.0019]
  camera_model: pinhole
"""

BASALT = """{"value0": {"T_imu_cam": [{"px": 0.0}],
 "intrinsics": [{"camera_type": "ds", "intrinsics": {"fx": 158.2, "fy": 158.3, "cx": 254.9, "cy": 256.8,
 "xi": -0.17, "alpha": 0.59}}], "resolution": [[512, 512]], "cam_time_offset_ns": 0}}"""

MRCAL = """# generated by mrcal
{
    'lensmodel':  'LENSMODEL_OPENCV8',

    # intrinsics are fx,fy,cx,cy,distortion0,distortion1,....
    'intrinsics': [ 1761.1, 1761.2, 1965.7, 1087.5, -0.01, 0.02, 0.0, 0.0, 0.001, 0.0, 0.0, 0.0,],
    'extrinsics': [ 0., 0., 0., 0., 0., 0.,],
    'imagersize': [ 4000, 2200,],
    'icam_intrinsics': 0,
}
"""


@pytest.mark.parametrize(
    ("content", "kind", "size", "some"),
    [
        (ROS, "radial_tangential", (640, 480), 438.78),
        (KALIBR, "kannala_brandt", (512, 512), -0.0034),
        (BASALT, "double_sphere", (512, 512), -0.17),
        (MRCAL, "radial_tangential", (4000, 2200), 1965.7),
    ],
)
def test_files_as_the_tools_write_them(
    content: str, kind: str, size: tuple[int, int], some: float, tmp_path: Path
) -> None:
    path = tmp_path / "camera"
    path.write_text(content)
    camera = load_camera(path)
    assert camera.model.kind == kind
    assert camera.size == size
    assert some in camera.model.params.tolist()


@pytest.mark.parametrize(
    ("name", "kind"), [("DS", "double_sphere"), ("EUCM", "eucm"), ("KB", "kannala_brandt"), ("UCM", "ucm")]
)
def test_adapter_files(name: str, kind: str) -> None:
    camera = load_camera(DATA / f"adapter_{name}.yml")
    assert camera.model.kind == kind
    if name != "UCM":  # which is of another camera
        # One lens in three models, as far as its picture reaches.
        ray = np.array([0.5, -0.3, 1.0])
        np.testing.assert_allclose(camera.model.project(ray)[0], (581.0, 120.0), atol=8.0)


def test_an_ocamcalib_files_two_polynomials_agree() -> None:
    camera = load_camera(DATA / "ocamcalib_results.txt")
    assert camera.size == (1600, 1600)
    assert isinstance(camera.model, Scaramuzza)
    assert camera.model.centre == (798.175741, 794.308657)
    other = Scaramuzza(camera.model.centre, None, camera.model.c2w, camera.model.affine)
    rays = np.array([[0.3, 0.2, 1.0], [-1.0, 0.4, 0.2], [0.1, 0.9, -0.1]])
    np.testing.assert_allclose(camera.model.project(rays)[0], other.project(rays)[0], atol=0.01)


def test_realsense_intrinsics_need_no_file() -> None:
    values = {"width": 848, "height": 800, "fx": 286.1, "fy": 286.2, "ppx": 419.5, "ppy": 403.1}
    fisheye = read_realsense(
        Fields("camera", values | {"model": "distortion.kannala_brandt4", "coeffs": [-0.01, 0.05, -0.05, 0.01, 0.0]})
    )
    assert fisheye.model.kind == "kannala_brandt"
    plain = read_realsense(Fields("camera", values | {"model": "Inverse Brown Conrady", "coeffs": [0.0] * 5}))
    assert plain.model.kind == "radial_tangential"
    with pytest.raises(CalibrationError, match="not a distortion"):
        read_realsense(Fields("camera", values | {"model": "Inverse Brown Conrady", "coeffs": [0.1] * 5}))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (ROS.replace("distortion_model: plumb_bob\n", "").replace(", 0.000000]", "]"), "distortion_model"),
        (ROS.replace("plumb_bob", "magic"), "not a distortion"),
        (ROS.replace("image_width: 640", "image_width: 0"), "image_width"),
        (ROS.replace("image_width: 640\n", ""), "image_width"),
        (ROS.replace("438.78", "many"), "camera_matrix.data[0]"),
        (ROS.replace("438.78", "-438.78"), "fx and fy"),
        (ROS.replace("438.78, 0.,", "438.78, 50.,"), "skew"),
        (ROS.replace("0., 0., 1.]", "0., 0., 1."), "list"),
        (ROS.replace("camera_name: head_camera", "camera_name head_camera"), "not plain YAML"),
        (ROS.replace("camera_name: head_camera", "camera_name: &anchor x"), "more than plain YAML"),
        (ROS.replace("  rows: 3", "\trows: 3", 1), "tabs"),
        (ROS.replace("0.000000]", "0.000000, 0.1, 0.2, 0.3]"), "rational"),
        (KALIBR.replace("pinhole", "sphere", 1), "camera_model"),
        (KALIBR.replace("[512, 512]", "[512]"), "resolution"),
        (KALIBR.replace("190.97, 190.97,", "190.97,"), "intrinsics"),
        (BASALT.replace('"ds"', '"pinhole"'), "camera_type"),
        (BASALT.replace("[[512, 512]]", "[]"), "resolution"),
        (BASALT.replace('"alpha": 0.59', '"beta": 1'), "alpha"),
        (MRCAL.replace("OPENCV8", "SPLINED_STEREOGRAPHIC"), "lensmodel"),
        (MRCAL.replace("0.001, 0.0, 0.0", "0.001, 0.5, 0.0"), "rational"),
        (MRCAL.replace("1761.1", "__import__('os').getpid()"), "not a camera model"),
        (MRCAL.replace("}", ""), "not a camera model"),
        ("#polynomial coefficients\n3 1 2 3\n", "five lines"),
        ("#polynomial coefficients\n" + "3 1 2\n" * 5, "length"),
        ("#polynomial coefficients\n" + "x\n" * 5, "not a line of numbers"),
        ("image:\n  width: 5\nparameter:\n  fx: 3\n", "parameter"),
        ("some: text\n", "not a camera file"),
        ("- 1\n- 2\n", "no settings"),
    ],
)
def test_damaged_files_name_what_is_wrong(content: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "camera"
    path.write_text(content)
    with pytest.raises(CalibrationError) as caught:
        load_camera(path)
    assert word in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.randoms(use_true_random=False), st.sampled_from([ROS, KALIBR, BASALT, MRCAL]))
def test_files_damaged_at_random_are_read_or_refused(tmp_path: Path, random: Any, content: str) -> None:
    text = list(content)
    for _ in range(random.randint(1, 5)):
        at = random.randrange(len(text))
        text[at : at + random.randint(0, 4)] = random.choice(["[", "]", ":", "- ", "\n", " ", "1e999", "'", "#", "é"])
    path = tmp_path / "camera"
    path.write_text("".join(text), encoding="utf-8")
    try:
        camera = load_camera(path)
    except CalibrationError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert np.isfinite(camera.model.params).all()


HOSTILE = {
    "one word": "a" * 1_000_000,
    "deep list": "a: [" + "[" * 500_000,
    "dashes": "- " * 400_000,
    "many items": "- a: 1\n" * 140_000,
    "many keys": "a:\n" * 300_000,
    "long list": "a: [1,\n" + "1,\n" * 300_000,
    "spaces": " " * 900_000 + "x",
    "spaces in a word": "a" + " " * 900_000 + "x",
    "stairs": "".join(" " * i + "a:\n" for i in range(1300)),
    "python brackets": "'LENSMODEL_" + "(" * 900_000,
    "python lists": "LENSMODEL_" + "[" * 900_000,
    "numbers": "#polynomial coefficients" + "\n1 " * 200_000,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_take_no_more_than_linear_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / "camera"
    path.write_text(HOSTILE[name])
    with pytest.raises(CalibrationError):
        load_camera(path)


def test_plain_yaml() -> None:
    fields = parse_yaml(
        """%YAML:1.0
---
a: 1   # one
"b c": 'two # not a comment'
list:
- 1.5
- [2, [3, x]]
- k: v
  m: -1e-3
- - 1
  - 2
tagged: !!opencv-matrix
   rows: 2
empty:
yes_word: true
url: http://x
""",
        "here",
    )
    assert fields.values == {
        "a": 1.0,
        "b c": "two # not a comment",
        "list": [1.5, [2.0, [3.0, "x"]], {"k": "v", "m": -1e-3}, [1.0, 2.0]],
        "tagged": {"rows": 2.0},
        "empty": None,
        "yes_word": True,
        "url": "http://x",
    }


def test_models_by_name_are_all_written() -> None:
    assert {model.kind for model in LENSES.values()} == {
        "kannala_brandt",
        "radial_tangential",
        "mei",
        "double_sphere",
        "eucm",
        "ucm",
        "scaramuzza",
    }
    assert build_model("ucm", [*HEAD, 0.6]).kind == "ucm"


@pytest.mark.parametrize("part", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_is_cut_off_is_refused(form: Format, part: float, tmp_path: Path) -> None:
    lens = calibration("radtan" if form == "mrcal" else "kb")
    text = camera_text(load_camera("sceneego") if form in ("ocamcalib", "egocentric") else lens, form)
    path = tmp_path / "camera.txt"
    path.write_text(text[: round(part * len(text))])
    with pytest.raises(CalibrationError) as caught:
        load_camera(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_ros_file_has_what_its_reader_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    save_camera(calibration("kb"), path, "ros")
    fields = parse_yaml(path.read_text(), "camera")
    assert fields.section("projection_matrix").numbers("data", 12, 12)[:7] == (
        461.5,
        0.0,
        366.125,
        0.0,
        0.0,
        460.25,
        249.0,
    )
    assert fields.section("rectification_matrix").numbers("data", 9, 9) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    assert "!!" not in path.read_text()
    same_lens(load_camera(path).model, LENSES["kb"])  # type: ignore[arg-type]
