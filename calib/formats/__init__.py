"""Camera files: reading and writing calibrations."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import calib
from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats import egocentric, own
from calib.formats.fields import parse_json, read_text

__all__ = ["CAMERAS", "camera_names", "load_camera", "save_camera"]

CAMERAS = Path(calib.__file__).resolve().parent.parent / "assets" / "cameras"
"""Where the cameras that come with the program lie."""


def camera_names() -> tuple[str, ...]:
    """Names that `load_camera` knows without a path."""
    return tuple(sorted(path.stem for path in CAMERAS.glob("*.json")))


def load_camera(path_or_name: str | Path) -> Calibration:
    """The camera in a file, or the bundled camera of a name (a text without folder or suffix).

    Raises CalibrationError, one line naming the file, the key and what to do.
    """
    path = Path(path_or_name)
    if isinstance(path_or_name, str) and path.name == path_or_name and not path.suffix:
        if path_or_name not in camera_names():
            known = ", ".join(camera_names())
            raise CalibrationError(f"no camera is named {path_or_name}: use one of {known}, or give a file")
        path = CAMERAS / f"{path_or_name}.json"
    fields = parse_json(read_text(path), str(path))
    if fields.values.get("format") == own.FORMAT:
        return own.read(fields)
    if egocentric.MARK in fields.values:
        return egocentric.read(fields)
    raise CalibrationError(f"{path}: not a camera file this program knows: choose another or calibrate the camera")


def save_camera(
    calibration: Calibration,
    path: str | Path,
    format: Literal["egopose", "egocentric"] = "egopose",
    residuals: Mapping[str, float] | None = None,
) -> None:
    """Write a camera, whole or not at all. `residuals` (pixels) are kept by the egopose format alone.

    Raises CalibrationError where the format cannot hold the camera or the file cannot be written.
    """
    record: dict[str, Any]
    if format == "egocentric":
        record = egocentric.document(calibration)
    else:
        record = own.document(calibration, datetime.datetime.now(datetime.UTC).date(), residuals)
    lines = (f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items())
    _replace(Path(path), "{\n" + ",\n".join(lines) + "\n}\n")


def _replace(path: Path, text: str) -> None:
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise CalibrationError(f"{path}: cannot be written ({error.strerror}): choose another folder") from error
