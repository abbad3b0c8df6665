"""Which calibration belongs to which camera, remembered by the camera's stable id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.files import replace_file
from calib.formats import load_camera
from engine.errors import EgoposeError

_MAX_BYTES = 1 << 20
_VERSION = 1


def index_path() -> Path:
    """Where the index lies: {"version": 1, "cameras": {source id: path of a camera file}}."""
    return Path(user_config_dir("egopose")) / "cameras.json"


def remember_camera(source_id: str, file: Path) -> None:
    """From now on `source_id` is calibrated by `file`. Raises EgoposeError where the index cannot be written."""
    cameras = _read()
    cameras[source_id] = str(file.expanduser().resolve())
    text = json.dumps({"version": _VERSION, "cameras": cameras}, indent=2, sort_keys=True) + "\n"
    write_atomically(index_path(), text.encode())


def camera_file(source_id: str) -> Path | None:
    """The remembered camera file, None where there is none. Raises EgoposeError for a damaged index."""
    known = _read().get(source_id)
    return None if known is None else Path(known)


def remembered_camera(source_id: str) -> Calibration | None:
    """The remembered calibration, None where there is none.

    Raises EgoposeError where the index or the camera file it names cannot be used.
    """
    path = camera_file(source_id)
    if path is None:
        return None
    try:
        return load_camera(path)
    except CalibrationError as error:
        raise EgoposeError(
            f"the calibration kept for {source_id} cannot be used ({error}); calibrate again, or give --camera FILE"
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; its folder is made. Raises EgoposeError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise EgoposeError(f"cannot write {path} ({error.strerror}); make room, or choose another folder") from error


def _read() -> dict[str, str]:
    path = index_path()
    try:
        if not path.exists():
            return {}
        if path.stat().st_size > _MAX_BYTES:
            raise EgoposeError(f"{path} is too large to be the list of cameras; remove it and calibrate again")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EgoposeError(f"cannot read {path} ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise EgoposeError(f"{path} is damaged; remove it and calibrate the cameras again") from error
    cameras = record.get("cameras") if isinstance(record, dict) and record.get("version") == _VERSION else None
    if not isinstance(cameras, dict) or not all(isinstance(value, str) for value in cameras.values()):
        raise EgoposeError(f"{path} is no list of cameras of this version; remove it and calibrate the cameras again")
    return cameras
