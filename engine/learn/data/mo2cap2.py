"""Mo2Cap2: for training HDF5 files of single pictures, for testing folders of pictures with a MATLAB file.

Training: `Images` (N, 3, 256, 256) uint8 RGB, `Annot2D` (N, 15, 2) pixels, `Annot3D` (N, 15, 3) millimetres.
Test: `imgs/` and `{sequence}_gt.mat` with `pose_gt`, millimetres, one pose for each picture in the order of names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calib.calibration import Calibration
from engine.capture.images import is_picture, natural_key
from engine.capture.picture import MAX_BYTES
from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.folders import (
    MAX_FRAMES,
    camera_for,
    canonical_points,
    fitted,
    number_of,
    picture_files,
    sequence_of,
    unlike,
)
from engine.learn.data.sequence import Pictures, Sequence
from engine.types import FloatArray, ImageArray

DATA_SET = "Mo2Cap2"
CAMERA = "egopw"
"""The same rig; the pictures of 256 px are its middle square."""
SUFFIXES = (".hdf5", ".h5")
TESTS = ("weipeng_studio", "olek_outdoor")
_SIDE = 256


@dataclass
class Hdf5Pictures(Pictures):
    """The pictures of an HDF5 file, read one by one."""

    path: Path
    camera: Calibration
    _file: Any = field(default=None, repr=False)

    def raw(self, index: int) -> ImageArray:
        try:
            if self._file is None:
                self._file = _h5py().File(self.path, "r")
            picture = self._file["Images"][index]
        except (OSError, KeyError, ValueError) as error:
            raise EgoposeError(f"picture {index} of {self.path} cannot be read ({error}); get it again") from error
        return np.ascontiguousarray(picture[::-1].transpose(1, 2, 0))

    def name(self, index: int) -> str:
        return f"{self.path.name} picture {index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Hdf5Pictures, (self.path, self.camera)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


def recognise(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES if path.is_file() else bool(_truths(path))


def in_split(path: Path, split: str) -> bool:
    """Files are for training, folders for testing."""
    return split == ("train" if path.is_file() else "test")


def read(path: Path, findings: Findings) -> Sequence | None:
    """A training file or a test folder; None where it cannot be used."""
    camera = camera_for(path.parent if path.is_file() else path, CAMERA, findings)
    if camera is None:
        return None
    return _train(path, camera, findings) if path.is_file() else _test(path, camera, findings)


def _h5py() -> Any:
    try:
        import h5py  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise EgoposeError("HDF5 files need h5py; it comes with: pip install -e '.[datasets]'") from error
    return h5py


def _train(path: Path, camera: Calibration, findings: Findings) -> Sequence | None:
    try:
        with _h5py().File(path, "r") as file:
            wrong = _misfits(file)
            arrays = None if wrong else (np.asarray(file["Annot3D"]), np.asarray(file["Annot2D"]))
    except OSError as error:
        findings.error(path, f"is cut off or no HDF5 file ({str(error).splitlines()[0]})")
        return None
    except EgoposeError as error:
        findings.error(path, str(error))
        return None
    if arrays is None:
        findings.error(path, wrong)
        return None
    joints, pixels = (array.astype(np.float32) for array in arrays)
    joints /= 1000
    uv = canonical_points(pixels, camera, (_SIDE, _SIDE))
    off = unlike(uv, joints)
    if off is not None:
        findings.error(path, f"Annot2D lies {off:.0%} of the picture off Annot3D: another camera took the pictures")
    number = np.arange(len(joints))
    pictures = Hdf5Pictures(path, fitted(camera, (_SIDE, _SIDE)))
    return sequence_of(path.stem, DATA_SET, pictures, joints, number=number, subject="", uv=uv, alone=True)


def _misfits(file: Any) -> str:
    """What the shapes and types alone tell, before anything is read."""
    h5py = _h5py()
    rest = {"Images": (3, _SIDE, _SIDE), "Annot2D": (15, 2), "Annot3D": (15, 3)}
    count = None
    for name, shape in rest.items():
        data = file.get(name)
        if not isinstance(data, h5py.Dataset):
            return f"lacks {name}"
        if data.external or data.is_virtual:
            return f"keeps {name} in another file, which is not read"
        if data.shape[1:] != shape or data.dtype.kind not in "uif" or (name == "Images" and data.dtype != np.uint8):
            return f"{name} is {data.shape} {data.dtype}, not (N, {', '.join(map(str, shape))})"
        piece = math.prod(data.chunks or (0,)) * data.dtype.itemsize
        if not 0 < data.shape[0] <= MAX_FRAMES or piece > MAX_BYTES:
            return f"{name} has {data.shape[0]} entries in pieces of {piece} bytes, which is none or too many"
        if count not in (None, data.shape[0]):
            return f"{name} has {data.shape[0]} entries where Images has {count}"
        count = data.shape[0]
    return ""


def _truths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*_gt.mat")) if (folder / "imgs").is_dir() else []


def _test(folder: Path, camera: Calibration, findings: Findings) -> Sequence | None:
    truth, *more = _truths(folder)
    if more:
        findings.error(folder, f"holds {truth.name} and {more[0].name}: leave the one that belongs to the pictures")
        return None
    joints = _poses(truth, findings)
    files = [file for file in (folder / "imgs").iterdir() if is_picture(file)]
    files.sort(key=lambda file: (natural_key(file.name), file.name))
    if joints is None:
        return None
    if len(files) != len(joints):
        findings.error(folder, f"holds {len(files)} pictures and {len(joints)} poses; they do not belong together")
        return None
    numbers = [number_of(file.name) for file in files]
    known = [n for n in numbers if n is not None]
    # Numbers tell the gaps; where they are missing or not in order, the pictures are taken to be without one.
    ordered = len(known) == len(files) and (np.diff(known) > 0).all()
    number = np.array(known if ordered else range(len(files)))
    name = truth.name.removesuffix("_gt.mat")
    pictures = picture_files(files, camera)
    return sequence_of(name, DATA_SET, pictures, joints, number=number, subject=name.split("_")[0])


def _poses(path: Path, findings: Findings) -> FloatArray | None:
    """(N, 15, 3) metres."""
    from scipy.io import loadmat, whosmat  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        shapes = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        shape, kind = shapes.get("pose_gt", ((), ""))
        if kind not in ("double", "single") or len(shape) != 3 or not 0 < max(shape) <= MAX_FRAMES:
            findings.error(path, f"pose_gt is {shape} {kind}".rstrip() if shape else "lacks pose_gt")
            return None
        poses = np.asarray(loadmat(path, variable_names=["pose_gt"])["pose_gt"], np.float32) / 1000
    except Exception as error:  # scipy raises nearly anything for a damaged file
        findings.error(path, f"is cut off or no MATLAB file of version 7 or older ({type(error).__name__})")
        return None
    for order in ((0, 1, 2), (0, 2, 1), (2, 1, 0), (2, 0, 1)):
        if poses.transpose(order).shape[1:] == (15, 3):
            return np.ascontiguousarray(poses.transpose(order))
    findings.error(path, f"pose_gt has the shape {poses.shape}, not (N, 15, 3)")
    return None
