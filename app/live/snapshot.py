"""A snapshot: what is seen as a PNG, and the pose beside it as JSON. No Qt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.background import Background
from engine.cameras import write_atomically
from engine.errors import EgoposeError
from engine.skeleton import JOINTS
from engine.types import Snapshot


@dataclass(frozen=True, slots=True)
class Written:
    """Where a snapshot lies, or why it could not be written."""

    path: Path
    error: EgoposeError | None = None


class Writing(Background):
    """Writes one snapshot on a thread: to compress a picture takes longer than a look may."""

    def __init__(self, png: Callable[[], bytes], record: Mapping[str, object], folder: Path) -> None:
        """`png` is called on the thread."""
        self._png, self._record, self._folder = png, record, folder
        self._outcome: Written | None = None
        super().__init__("snapshot")

    def poll(self) -> Written | None:
        """None while it is being written."""
        return self._outcome

    def _run(self) -> None:
        path = self._folder / "snapshot.png"
        try:
            path = free_path(self._folder)
            write_atomically(path, self._png())
            write_atomically(path.with_suffix(".json"), (json.dumps(self._record, indent=2) + "\n").encode())
            self._outcome = Written(path)
        except EgoposeError as error:
            self._outcome = Written(path, error)


def free_path(folder: Path, now: datetime | None = None) -> Path:
    """A name of the moment that nothing has yet. Raises EgoposeError where the folder cannot be made or read."""
    stem = (now or datetime.now()).strftime("egopose-%Y-%m-%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = {path.stem for path in folder.glob(f"{stem}*")}
    except OSError as error:
        raise EgoposeError(
            f"cannot write into {folder} ({error.strerror}); choose another recordings folder"
        ) from error
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return folder / f"{name}.png"


def record_of(snapshot: Snapshot, source: str, *, calibrated: bool, mirrored: bool) -> dict[str, Any]:
    """What is kept of frame and pose: metres in the camera's frame, pixels of the source picture, null where unknown.

    `joints_m` are (15, 3), `uv_px` (15, 2), in the order of `joints`; `mirrored` says how the PNG shows them, the
    figures never are.
    """
    frame, pose, figures = snapshot.frame, snapshot.pose, snapshot.figures
    record: dict[str, Any] = {
        "version": 1,
        "source": source,
        "calibrated": calibrated,
        "mirrored": mirrored,
        "network": figures.network,
        "runtime": figures.runtime,
    }
    if frame is not None:
        height, width = frame.image.shape[:2]
        record |= {"seq": frame.seq, "capture_ns": frame.capture_ns, "size_px": [width, height]}
    if pose is not None:
        record["pose"] = {
            "joints": list(JOINTS),
            "joints_m": _plain(pose.joints_m),
            "raw_joints_m": None if pose.raw_joints_m is None else _plain(pose.raw_joints_m),
            "confidence": _plain(pose.confidence),
            "uv_px": _plain(pose.uv_px),
            "filter_lag_ms": pose.lag_ns / 1e6,
        }
    return record


def _plain(values: np.ndarray) -> Any:
    """Lists; JSON has no NaN."""
    rounded = np.round(np.asarray(values, float), 6).astype(object)
    rounded[~np.isfinite(np.asarray(values, float))] = None
    return rounded.tolist()
