"""Camera files: reading and writing calibrations."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import calib
from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.files import replace_file
from calib.formats import adapter, basalt, egocentric, kalibr, mrcal, ocamcalib, opencv, own, realsense
from calib.formats.fields import parse_json, read_text
from calib.formats.yaml import parse_yaml

__all__ = ["CAMERAS", "FORMATS", "Format", "camera_names", "camera_text", "load_camera", "save_camera"]

Format = Literal["egopose", "egocentric", "opencv", "ros", "kalibr", "basalt", "ocamcalib", "mrcal", "realsense"]
"""What `save_camera` writes: the project's own, and those of others."""

FORMATS: tuple[Format, ...] = get_args(Format)

CAMERAS = Path(calib.__file__).resolve().parent.parent / "assets" / "cameras"
"""Where the cameras that come with the program lie."""


def camera_names() -> tuple[str, ...]:
    """Names that `load_camera` knows without a path."""
    return tuple(sorted(path.stem for path in CAMERAS.glob("*.json")))


def load_camera(path_or_name: str | Path) -> Calibration:
    """The camera in a file, or the bundled camera of a name (a text without folder or suffix).

    The format is told by the content: the project's own, the egocentric data sets', OpenCV and ROS YAML,
    Kalibr, Basalt, OCamCalib, mrcal, RealSense and fisheye-calib-adapter. Raises CalibrationError, one line naming
    the file, the key and what to do.
    """
    path = Path(path_or_name)
    if isinstance(path_or_name, str) and path.name == path_or_name and not path.suffix:
        if path_or_name not in camera_names():
            known = ", ".join(camera_names())
            raise CalibrationError(f"no camera is named {path_or_name}: use one of {known}, or give a file")
        path = CAMERAS / f"{path_or_name}.json"
    return _read(read_text(path), str(path))


def _read(text: str, where: str) -> Calibration:
    if text.lstrip().startswith(ocamcalib.MARK):
        return ocamcalib.read(text, where)
    if mrcal.MARK in text:
        return mrcal.read(text, where)
    if text.lstrip()[:1] in ("{", "["):
        fields = parse_json(text, where)
        if fields.values.get("format") == own.FORMAT:
            return own.read(fields)
        readers = {egocentric.MARK: egocentric.read, basalt.MARK: basalt.read, realsense.MARK: realsense.read}
    else:
        fields = parse_yaml(text, where)
        readers = {opencv.MARK: opencv.read, kalibr.MARK: kalibr.read, adapter.MARK: adapter.read}
    for mark, read in readers.items():
        if mark in fields.values:
            return read(fields)
    raise CalibrationError(f"{where}: not a camera file this program knows: choose another or calibrate the camera")


def save_camera(
    calibration: Calibration,
    path: str | Path,
    format: Format = "egopose",
    residuals: Mapping[str, float] | None = None,
) -> None:
    """Write a camera, whole or not at all. `residuals` (pixels) are kept by the egopose format alone.

    Raises CalibrationError where the format cannot hold the camera or the file cannot be written.
    """
    _replace(Path(path), camera_text(calibration, format, residuals))


def camera_text(calibration: Calibration, format: Format, residuals: Mapping[str, float] | None = None) -> str:
    """What `save_camera` writes. Raises CalibrationError where the format cannot hold the camera."""
    today = datetime.datetime.now(datetime.UTC).date()
    texts: dict[Format, Callable[[], str]] = {
        "egopose": lambda: _json(own.document(calibration, today, residuals)),
        "egocentric": lambda: _json(egocentric.document(calibration)),
        "basalt": lambda: _json(basalt.document(calibration)),
        "realsense": lambda: _json(realsense.document(calibration)),
        "opencv": lambda: opencv.text(calibration),
        "ros": lambda: opencv.ros_text(calibration),
        "kalibr": lambda: kalibr.text(calibration),
        "ocamcalib": lambda: ocamcalib.text(calibration),
        "mrcal": lambda: mrcal.text(calibration),
    }
    return texts[format]()


def _json(record: Mapping[str, Any]) -> str:
    lines = (f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _replace(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written ({error.strerror}): choose another folder") from error
