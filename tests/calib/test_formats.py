from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calib.calibration import Calibration
from calib.canonical import CANONICAL, CANONICAL_MAX_ANGLE, SCENE_EGO_W2C
from calib.errors import CalibrationError
from calib.formats import CAMERAS, camera_names, load_camera, save_camera
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.polynomial import Scaramuzza

KB = Calibration(
    "wide",
    KannalaBrandt([300.0, 310.0, 640.5, 512.25, 0.1, -0.05, 0.01, -0.002, 1e-4]),
    (1280, 1024),
    1.5,
    provenance="made up",
)


def one_line(error: pytest.ExceptionInfo[CalibrationError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert ": " in message
    return message


def same(a: Calibration, b: Calibration) -> bool:
    return (
        (a.name, a.size, a.valid_angle, a.assumed) == (b.name, b.size, b.valid_angle, b.assumed)
        and type(a.model) is type(b.model)
        and a.model.params.tolist() == b.model.params.tolist()
    )


@pytest.mark.parametrize(
    ("name", "centre"),
    [("sceneego", (614.93216999, 527.53465649)), ("egopw", (659.7087109684564, 530.0556618148025))],
)
def test_bundled_cameras_are_the_published_ones(name: str, centre: tuple[float, float]) -> None:
    camera = load_camera(name)
    model = camera.model
    assert isinstance(model, Scaramuzza)
    assert (camera.name, camera.size, camera.assumed) == (name, (1280, 1024), False)
    assert model.centre == centre
    assert model.w2c == SCENE_EGO_W2C
    assert model.c2w is not None
    assert len(model.c2w) == 7
    assert camera.valid_angle == pytest.approx(CANONICAL_MAX_ANGLE, abs=1e-12)


def test_names_and_paths() -> None:
    assert {"sceneego", "egopw"} <= set(camera_names())
    assert same(load_camera("egopw"), load_camera(CAMERAS / "egopw.json"))
    with pytest.raises(CalibrationError) as caught:
        load_camera("nobody")
    assert "nobody" in one_line(caught)
    assert "sceneego" in str(caught.value)


@pytest.mark.parametrize(
    "camera",
    [
        KB,
        replace(KB, assumed=True, provenance=""),
        CANONICAL,
        Calibration("c2w", Scaramuzza((5.0, 6.0), None, (-300.0, 0.0, 1e-3), (1.01, 0.1, -0.1)), (640, 480), 1.0),
    ],
)
def test_own_format_keeps_everything(camera: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    save_camera(camera, path, residuals={"rms": 0.2})
    back = load_camera(path)
    assert same(back, camera)
    assert back.provenance == camera.provenance
    assert json.loads(path.read_text())["residuals"] == {"rms": 0.2}
    assert os.listdir(tmp_path) == ["camera.json"]


def test_own_format_keeps_both_polynomials(tmp_path: Path) -> None:
    camera = load_camera("sceneego")
    save_camera(camera, tmp_path / "own.json")
    back = load_camera(tmp_path / "own.json").model
    assert isinstance(back, Scaramuzza)
    assert isinstance(camera.model, Scaramuzza)
    assert back.c2w == camera.model.c2w


def test_egocentric_format_round_trip(tmp_path: Path) -> None:
    camera = load_camera("sceneego")
    save_camera(camera, tmp_path / "copy.json", "egocentric")
    back = load_camera(tmp_path / "copy.json")
    assert back.valid_angle == pytest.approx(camera.valid_angle, abs=1e-12)
    assert same(replace(back, valid_angle=camera.valid_angle), camera)
    written, bundled = (json.loads(path.read_text()) for path in (tmp_path / "copy.json", CAMERAS / "sceneego.json"))
    assert written | {"imageCircleRadius": 512.0} == bundled
    assert written["imageCircleRadius"] == pytest.approx(512.0, abs=1e-9)


SHEARED = Scaramuzza((0, 0), SCENE_EGO_W2C, (-292.0,), (1, 0, 0.1))


@pytest.mark.parametrize("camera", [KB, CANONICAL, replace(KB, model=SHEARED)])
def test_egocentric_format_refuses_what_it_cannot_hold(camera: Calibration, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError) as caught:
        save_camera(camera, tmp_path / "no.json", "egocentric")
    assert "save as egopose" in one_line(caught)
    assert not list(tmp_path.iterdir())


def test_egocentric_format_with_the_centre_on_its_own(tmp_path: Path) -> None:
    record = json.loads((CAMERAS / "sceneego.json").read_text())
    rows = record.pop("intrinsic")
    record["image_center"] = [rows[0][2], rows[1][2]]
    (tmp_path / "a.json").write_text(json.dumps(record))
    assert same(load_camera(tmp_path / "a.json"), load_camera("sceneego"))
    (tmp_path / "a.json").write_text(json.dumps(record | {"image_center": [1.0]}))
    with pytest.raises(CalibrationError, match="image_center"):
        load_camera(tmp_path / "a.json")


def test_writing_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError) as caught:
        save_camera(KB, tmp_path / "missing" / "camera.json")
    assert "cannot be written" in one_line(caught)


def test_a_failed_replace_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "camera.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CalibrationError, match="No space left"):
        save_camera(KB, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def own_record(tmp_path: Path) -> dict[str, Any]:
    save_camera(KB, tmp_path / "good.json", residuals={"rms": 0.2})
    record: dict[str, Any] = json.loads((tmp_path / "good.json").read_text())
    return record


def egocentric_record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((CAMERAS / "sceneego.json").read_text())
    return record


def refuse(path: Path, record: Any, word: str) -> None:
    path.write_text(record if isinstance(record, str) else json.dumps(record))
    with pytest.raises(CalibrationError) as caught:
        load_camera(path)
    message = one_line(caught)
    assert str(path) in message
    assert word in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 2),
        ("version", "1"),
        ("name", 3),
        ("name", "x" * 5000),
        ("size", [1280]),
        ("size", [1280, 0]),
        ("size", [1280.5, 1024]),
        ("size", [10**9, 1024]),
        ("size", "1280x1024"),
        ("valid_angle", 0.0),
        ("valid_angle", 3.0),
        ("valid_angle", True),
        ("valid_angle", 10**400),
        ("assumed", 1),
        ("date", "yesterday"),
        ("provenance", None),
        ("units", []),
        ("units", {"length": "m", "angle": "rad"}),
        ("residuals", {"rms": "small"}),
        ("model", None),
        ("model", {"kind": "pinhole of my own", "params": [1, 2, 3, 4]}),
        ("model", {"kind": "kannala_brandt"}),
        ("model", {"kind": "kannala_brandt", "params": [1.0] * 3}),
        ("model", {"kind": "kannala_brandt", "params": [1.0] * 100000}),
        ("model", {"kind": "kannala_brandt", "params": [-1.0] * 8}),
        ("model", {"kind": "scaramuzza", "centre": [1, 2], "affine": [1, 0, 0]}),
        ("model", {"kind": "scaramuzza", "centre": [1, 2], "affine": [1, 0], "w2c": [1, 1]}),
    ],
)
def test_own_format_names_the_bad_key(key: str, value: object, tmp_path: Path) -> None:
    refuse(tmp_path / "bad.json", own_record(tmp_path) | {key: value}, f'"{key}')


@pytest.mark.parametrize("key", ["version", "name", "size", "valid_angle", "date", "units", "model"])
def test_own_format_names_the_missing_key(key: str, tmp_path: Path) -> None:
    record = own_record(tmp_path)
    del record[key]
    refuse(tmp_path / "bad.json", record, f'"{key}')


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", [1280, 1024, 3]),
        ("intrinsic", [[1, 0, 600]]),
        ("intrinsic", [[1, 0], [0, 1, 500]]),
        ("intrinsic", [7, 8]),
        ("intrinsic", "identity"),
        ("imageCircleRadius", -5),
        ("imageCircleRadius", None),
        ("polynomialW2C", [1.0]),
        ("polynomialW2C", list(SCENE_EGO_W2C[::-1])),
        ("polynomialC2W", {}),
        ("polynomialC2W", [0.0] * 65),
        ("name", None),
    ],
)
def test_egocentric_format_names_the_bad_key(key: str, value: object, tmp_path: Path) -> None:
    refuse(tmp_path / "bad.json", egocentric_record() | {key: value}, f'"{key}')


@pytest.mark.parametrize("key", ["size", "intrinsic", "imageCircleRadius", "polynomialC2W", "name"])
def test_egocentric_format_names_the_missing_key(key: str, tmp_path: Path) -> None:
    record = egocentric_record()
    del record[key]
    refuse(tmp_path / "bad.json", record, f'"{key}')


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no settings"),
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        ("{}", "not a camera file"),
        ('{"format": "egopose-camera", "version": NaN}', "NaN"),
        ('{"format": "egopose-camera", "version": Infinity}', "Infinity"),
        ('{"format": "egopose-camera", "version": 1e999}', "finite"),
        ('{"version": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a": "' + "x" * (1 << 20) + '"}', "larger than 1 MiB"),
    ],
)
def test_text_that_is_no_camera(text: str, word: str, tmp_path: Path) -> None:
    refuse(tmp_path / "bad.json", text, word)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "picture.json"
    binary.write_bytes(b"\xff\xd8\xff\xe0")
    fifo = tmp_path / "pipe.json"
    os.mkfifo(fifo)
    absent = tmp_path / "x.json"
    for path, word in ((binary, "not text"), *((path, "no such file") for path in (tmp_path, fifo, absent))):
        with pytest.raises(CalibrationError, match=word) as caught:
            load_camera(path)
        assert str(path) in one_line(caught)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.sampled_from([own_record, lambda _: egocentric_record()]))
def test_damaged_files_are_read_or_refused_but_never_crash(
    tmp_path: Path, random: Any, make: Callable[[Path], dict[str, Any]]
) -> None:
    text = bytearray(json.dumps(make(tmp_path)).encode())
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text))
        choice = random.randrange(3)
        if choice == 0:
            text[at] = random.randrange(256)
        elif choice == 1:
            del text[at : at + random.randint(1, 30)]
        else:
            text[at:at] = random.choice([b"[", b"{", b"-", b"1e300", b"null", b'"'])
    path = tmp_path / "damaged.json"
    path.write_bytes(bytes(text))
    try:
        camera = load_camera(path)
    except CalibrationError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)  # noqa: PT018, PT017
    else:
        assert np.isfinite(camera.model.params).all()
        assert 0.0 < camera.valid_angle <= camera.model.max_angle
