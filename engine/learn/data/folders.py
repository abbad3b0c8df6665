"""What the data sets that keep pictures in folders have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats import load_camera
from calib.remap import fit_camera
from engine.capture.picture import MAX_BYTES, PictureError, decode_picture, picture_size
from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.sequence import (
    UNKNOWN_ACTION,
    Pictures,
    Sequence,
    clips_of,
    inside,
    projected,
    view_of,
)
from engine.types import FloatArray, ImageArray

FPS = 25.0
"""Pictures a second where a data set does not say: only the scale of the jitter depends on it."""
CAMERA_FILE = "camera.json"
MAX_FRAMES = 2_000_000
_LARGEST = 1e6
"""No pixel, metre or millimetre of a pose is larger."""
_FAR_OFF = 0.05
"""Of the side: 2D truth that lies further from the projected pose in the median belongs to another lens."""


@dataclass
class PictureFiles(Pictures):
    """One file a picture."""

    files: tuple[Path, ...]
    camera: Calibration

    def raw(self, index: int) -> ImageArray:
        path = self.files[index]
        try:
            return decode_picture(read_bytes(path))
        except PictureError as error:
            raise EgoposeError(f"{path} {error}; check the data with `egopose datasets`") from error

    def name(self, index: int) -> str:
        return str(Path(*self.files[index].parts[-3:]))

    def faults(self, findings: Findings) -> None:
        """Look at every file's header and end."""
        for path in self.files:
            try:
                picture_size(read_bytes(path))
            except PictureError as error:
                findings.error(path, str(error))


def picture_files(files: Iterable[Path], camera: Calibration) -> PictureFiles:
    """The files, with the camera fitted to the size of the first of them."""
    files = tuple(files)
    try:
        return PictureFiles(files, fitted(camera, picture_size(read_bytes(files[0]))))
    except PictureError:
        return PictureFiles(files, camera)


@lru_cache(maxsize=64)
def fitted(camera: Calibration, size: tuple[int, int]) -> Calibration:
    """The camera for pictures of (width, height): one object for each, so that its views are made once."""
    return fit_camera(camera, size)


def read_bytes(path: Path) -> bytes:
    """A picture's file. Raises PictureError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureError(f"is larger than {MAX_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})") from error


def number_of(name: str) -> int | None:
    """The frame number in a name like img_000123.jpg: its last digits."""
    found = re.search(r"(\d{1,12})(?=\D*$)", Path(name).stem)
    return int(found[1]) if found else None


def camera_for(folder: Path, default: str | None, findings: Findings) -> Calibration | None:
    """The camera file of a folder or of one above it; else the bundled camera of that name; None with a finding."""
    for place in (folder, *list(folder.resolve().parents)[:3]):
        if (place / CAMERA_FILE).is_file():
            return _loaded(place / CAMERA_FILE, findings)
    if default is None:
        findings.error(folder, f"needs the calibration of its camera; put it there as {CAMERA_FILE}")
        return None
    return _loaded(default, findings)


def _loaded(camera: Path | str, findings: Findings) -> Calibration | None:
    try:
        return _kept(camera)
    except CalibrationError as error:
        findings.error(camera, str(error))
        return None


@lru_cache(maxsize=64)
def _kept(camera: Path | str) -> Calibration:
    """One object for each file, so that its views are made once."""
    return load_camera(camera)


def pose_of(value: Any, shape: tuple[int, ...] = (15, 3)) -> FloatArray | None:
    """A pose out of a data set's file; None where it has another shape, or is no numbers that could be one."""
    try:
        pose = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None
    if pose.shape != shape or (np.abs(pose[np.isfinite(pose)]) > _LARGEST).any():
        return None
    return pose.astype(np.float32)


def canonical_points(pixels: FloatArray, camera: Calibration, size: tuple[int, int]) -> FloatArray:
    """(..., 2) pixels of pictures of (width, height) to canonical uv; NaN where the camera does not see."""
    near = np.where(np.abs(pixels) < _LARGEST, pixels, np.nan)
    return view_of(camera, *size, 64).from_picture(near.astype(np.float64)).astype(np.float32)


def sequence_of(
    name: str,
    data_set: str,
    pictures: Pictures,
    joints_m: FloatArray,
    *,
    number: NDArray[np.int64],
    subject: str,
    uv: FloatArray | None = None,
    fps: float = FPS,
    alone: bool = False,
) -> Sequence:
    """A sequence of pictures that are numbered in the order of time; `alone`: none follows another.

    Where `uv` is not known, the projection of the pose stands in; only where a joint is in the picture is it visible.
    """
    joints = np.where(np.isfinite(joints_m).all(-1, keepdims=True), joints_m, np.float32(np.nan))
    shown = projected(joints)
    if uv is not None:
        shown = np.where(np.isfinite(uv).all(-1, keepdims=True), uv, shown)
    count, time_s = len(joints), number / fps
    return Sequence(
        name=name,
        data_set=data_set,
        pictures=pictures,
        joints_m=joints,
        uv=shown,
        visible=inside(shown, pictures.camera),
        hidden_known=False,
        action=np.full(count, UNKNOWN_ACTION, np.int16),
        time_s=time_s,
        clip=np.arange(count, dtype=np.int32) if alone else clips_of(time_s, number),
        subject=np.full(count, subject),
    )


def unlike(uv: FloatArray, joints_m: FloatArray) -> float | None:
    """How far two-dimensional truth lies from the projected pose in the median, where that is too far."""
    off = np.linalg.norm(uv - projected(joints_m), axis=-1)
    known = off[np.isfinite(off)]
    middle = float(np.median(known)) if len(known) else 0.0
    return middle if middle > _FAR_OFF else None
