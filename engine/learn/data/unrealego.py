"""UnrealEgo, as prepared by its authors: one `.npy` a frame that holds a dict; the left camera is used.

    input_rgb_left    (3, 256, 256) RGB, normalised with the ImageNet statistics
    gt_heatmap_left   (15 or 16, h, h), the head first where there are 16
    gt_local_pose     (16, 3) centimetres about the pelvis, along the camera's axes, the head first

The pose lacks the camera's place. It is found again: the peaks tell the directions to the joints, and one shift of the
pose, three numbers, puts all joints onto them (linear least squares). Heatmaps of 64 cells are good for a few
millimetres. Frames where that does not come out are unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import canonical_bearings
from engine.capture.images import natural_key
from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.folders import camera_for, canonical_points, fitted, number_of, sequence_of
from engine.learn.data.pickles import PickleError, load_npy_object
from engine.learn.data.sequence import Pictures, Sequence, projected
from engine.types import FloatArray, ImageArray

DATA_SET = "UnrealEgo"
FOLDER = "all_data_with_img-256_hm-64_pose-16_npy"
_ORDER = (1, 3, 5, 7, 2, 4, 6, 9, 11, 13, 15, 8, 10, 12, 14)
"""Ours in theirs: head, neck, then left and right by turns: upper arm, lower arm, hand, thigh, calf, foot, ball."""
_MEAN, _STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_PEAK = 0.2
"""A lower peak is no joint in the picture."""
_FEWEST = 6
"""Joints in the picture, for the shift to be sure."""
_OFF = 0.02
"""Of the side: a frame whose joints lie further from their peaks in the median is unknown."""


@dataclass
class NpyPictures(Pictures):
    """The left picture of each file."""

    files: tuple[Path, ...]
    camera: Calibration

    def raw(self, index: int) -> ImageArray:
        try:
            return _picture(load_npy_object(self.files[index]))
        except (PickleError, KeyError, TypeError) as error:
            raise EgoposeError(f"{self.files[index]} {error}; check the data with `egopose datasets`") from error

    def name(self, index: int) -> str:
        return str(Path(*self.files[index].parts[-3:]))


def recognise(folder: Path) -> bool:
    return folder.is_dir() and bool(_files(folder))


def in_split(folder: Path, split: str) -> bool:
    """Told by the data set's own train.txt, validation.txt and test.txt; without them, everything is in."""
    for root in folder.resolve().parents:
        lists = root / f"{split}.txt"
        if lists.is_file() and lists.stat().st_size < 1 << 24:
            lines = lists.read_text(encoding="utf-8", errors="replace").replace("\\", "/").splitlines()
            inside = folder.resolve().relative_to(root).as_posix()
            return any(line.strip().strip("/").endswith(inside) for line in lines if line.strip())
    return True


def read(folder: Path, findings: Findings) -> Sequence | None:
    """One motion; None where it cannot be used. Every file is read, since each has its pose."""
    camera = camera_for(folder, None, findings)
    if camera is None:
        return None
    files: list[Path] = []
    numbers: list[int] = []
    joints, peaks = [], []
    for file in _files(folder):
        try:
            uv, pose = _truth(load_npy_object(file), camera)
        except (PickleError, KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            findings.error(file, what)
            continue
        number = number_of(file.name)
        files.append(file)
        numbers.append(len(numbers) if number is None else number)
        joints.append(pose)
        peaks.append(uv)
    if not files:
        return None
    lost = sum(not np.isfinite(pose).all() for pose in joints)
    if lost:
        findings.note(folder, f"{lost} of {len(files)} poses do not fit their heatmaps and count as unknown")
    name = folder.parent.name if folder.name == FOLDER else folder.name
    pictures = NpyPictures(tuple(files), fitted(camera, (256, 256)))
    uv = np.stack(peaks)
    return sequence_of(name, DATA_SET, pictures, np.stack(joints), number=np.array(numbers), subject="", uv=uv)


def _files(folder: Path) -> list[Path]:
    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    return sorted(place.glob("*.npy"), key=lambda file: (natural_key(file.name), file.name))


def _array(values: Any, name: str, *shapes: tuple[int, ...]) -> NDArray[np.float32]:
    if not isinstance(values, dict):
        raise PickleError("holds no dict")
    array = np.asarray(values[name], np.float32)
    if array.shape not in shapes:
        raise PickleError(f"has {name} of the shape {array.shape}, not {' or '.join(map(str, shapes))}")
    if not np.isfinite(array).all():
        raise PickleError(f"has numbers in {name} that are not finite")
    return array


def _picture(values: Any) -> ImageArray:
    """(256, 256, 3) BGR."""
    rgb = _array(values, "input_rgb_left", (3, 256, 256)).transpose(1, 2, 0) * _STD + _MEAN
    return np.ascontiguousarray(np.clip(np.round(rgb * 255), 0, 255).astype(np.uint8)[..., ::-1])


def _truth(values: Any, camera: Calibration) -> tuple[FloatArray, FloatArray]:
    """(15, 2) canonical uv, NaN where no peak is, and (15, 3) metres."""
    _array(values, "input_rgb_left", (3, 256, 256))
    maps = _array(values, "gt_heatmap_left", (15, 64, 64), (16, 64, 64))[-15:]
    pose = _array(values, "gt_local_pose", (16, 3))[list(_ORDER)] / np.float32(100)
    cells, seen = _peaks(maps[[i - 1 for i in _ORDER]])
    pixels = cells / maps.shape[-1] * 256 - 0.5
    uv = canonical_points(np.where(seen[:, None], pixels, np.nan).astype(np.float32), camera, (256, 256))
    return uv, _placed(pose.astype(np.float32), uv)


def _peaks(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(15, 2) where the heatmaps peak, in cells from the left upper edge, to a part of a cell; and whether they do."""
    side = maps.shape[-1]
    at = maps.reshape(len(maps), -1).argmax(1)
    grid = np.arange(side) + 0.5
    cells = np.zeros((len(maps), 2))
    for i, (row, column) in enumerate(zip(at // side, at % side, strict=True)):
        near = (np.abs(np.arange(side) - row) <= 2)[:, None] & (np.abs(np.arange(side) - column) <= 2)
        weight = np.where(near, np.maximum(maps[i], 0), 0).astype(float)
        total = max(weight.sum(), 1e-12)
        cells[i] = (weight.sum(0) @ grid) / total, (weight.sum(1) @ grid) / total
    return cells, maps.reshape(len(maps), -1).max(1) > _PEAK


def _placed(pose: FloatArray, uv: FloatArray) -> FloatArray:
    """The pose shifted so that its joints lie in the directions of `uv`; NaN where that is not to be had."""
    seen = np.isfinite(uv).all(-1)
    unknown = np.full((15, 3), np.nan, np.float32)
    if seen.sum() < _FEWEST:
        return unknown
    bearing = canonical_bearings(uv[seen].astype(np.float64))
    # (I - b b^T) (p + t) = 0 for every joint in the picture.
    across = np.eye(3) - bearing[:, :, None] * bearing[:, None, :]
    shift = np.linalg.lstsq(across.reshape(-1, 3), -(across @ pose[seen][..., None]).reshape(-1), rcond=None)[0]
    placed = (pose + shift).astype(np.float32)
    off = np.linalg.norm(projected(placed[seen]) - uv[seen], axis=-1)
    return placed if np.nanmedian(off) < _OFF else unknown
