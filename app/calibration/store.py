"""Views on disk as they are taken, so that a crash or an unplugged camera loses none. No Qt.

A folder holds `session.json` and for each view `view-NNN.png` and `view-NNN.json`, the latter
written last: a view without it was cut off and does not count.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_dir

from app.calibration.views import Taken
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.targets.board import Board, parse_board
from calib.targets.detect import Detection
from engine.cameras import write_atomically
from engine.errors import EgoposeError
from engine.types import ImageArray

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 20
_MOST = 500
_KEPT_SESSIONS = 20


def stores_path() -> Path:
    """Where the folders lie."""
    return Path(user_data_dir("egopose")) / "calibration"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the views were taken with."""

    spec: str
    source_id: str
    name: str
    """For people."""
    board: Board
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Views on disk that can be gone on with."""

    folder: Path
    origin: Origin
    taken: tuple[Taken, ...]
    when: datetime


@dataclass(slots=True)
class Store:
    """Writes views from a thread of its own, in the order they were taken."""

    folder: Path
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "keep views"), init=False)
    _writing: list[Future[None]] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def new(cls, origin: Origin) -> Store:
        """A folder for the views of one camera. Raises EgoposeError."""
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        store = cls(stores_path() / f"{stamp}-{secrets.token_hex(2)}")
        record = {
            "version": 1, "spec": origin.spec, "source_id": origin.source_id, "name": origin.name,
            "board": str(origin.board), "size": list(origin.size),
        }  # fmt: skip
        write_atomically(store.folder / "session.json", _json(record))
        return store

    def keep(self, one: Taken, picture: ImageArray | None) -> None:
        """Write a view; with its picture where it is new, without where only its being used has changed."""
        self._writing.append(self._pool.submit(self._write, one, picture))

    def problem(self) -> EgoposeError | None:
        """What went wrong in writing since last asked."""
        done = [future for future in self._writing if future.done()]
        self._writing = [future for future in self._writing if not future.done()]
        errors = [error for future in done if (error := future.exception()) is not None]
        for error in errors:
            if not isinstance(error, EgoposeError):
                log.error("keeping a view failed", exc_info=error)
        return EgoposeError(f"views are not kept on disk: {errors[0]}") if errors else None

    def close(self) -> None:
        """Finish writing."""
        self._pool.shutdown(wait=True)

    def discard(self) -> None:
        """The views are not needed any more: remove the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, one: Taken, picture: ImageArray | None) -> None:
        if picture is not None:
            # Lossless, at the quickest: these are measured again by whoever doubts the corners.
            done, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if not done:
                raise EgoposeError(f"{one.name}: its picture cannot be encoded")
            write_atomically(self.folder / f"{one.name}.png", data.tobytes())
        record = {
            "version": 1, "used": one.used,
            "ids": one.detection.ids.tolist(), "pixels": one.detection.pixels.tolist(),
        }  # fmt: skip
        write_atomically(self.folder / f"{one.name}.json", _json(record))


def unfinished() -> list[Kept]:
    """What can be gone on with, the newest first. Folders that cannot be read are named in the log."""
    try:
        folders = sorted((path for path in stores_path().iterdir() if path.is_dir()), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("cannot read %s (%s)", stores_path(), error.strerror)
        return []
    found = []
    for folder in folders[:_KEPT_SESSIONS]:
        try:
            kept = read_store(folder)
        except EgoposeError as error:
            log.warning("%s", error)
            continue
        if kept.taken:
            found.append(kept)
    return found


def read_store(folder: Path) -> Kept:
    """The views in a folder. Raises EgoposeError where it is not one of ours or damaged."""
    record = _read(folder / "session.json")
    try:
        width, height = (int(value) for value in record["size"])
        board = parse_board(str(record["board"]))
        origin = Origin(str(record["spec"]), str(record["source_id"]), str(record["name"]), board, (width, height))
    except (KeyError, TypeError, ValueError, CalibrationError) as error:
        raise EgoposeError(f"{folder / 'session.json'} is damaged ({error}); remove the folder") from error
    files = sorted(file for file in folder.glob("view-*.json") if re.fullmatch(r"view-\d{3,6}\.json", file.name))
    taken = tuple(_view(file, board) for file in files[:_MOST])
    return Kept(folder, origin, taken, datetime.fromtimestamp((folder / "session.json").stat().st_mtime))


def _view(file: Path, board: Board) -> Taken:
    record = _read(file)
    try:
        ids = np.asarray(record["ids"], np.int64)
        pixels = np.asarray(record["pixels"], float)
        fits = ids.ndim == 1 and pixels.shape == (len(ids), 2) and len(ids) > 0 and np.isfinite(pixels).all()
        if not fits or ids.min() < 0 or ids.max() >= len(board.points) or len(np.unique(ids)) != len(ids):
            raise ValueError("points that are not the board's")
    except (KeyError, TypeError, ValueError) as error:
        raise EgoposeError(f"{file} is damaged ({error}); remove it") from error
    return Taken(file.stem, Detection(ids, pixels), record.get("used") is not False)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise EgoposeError(f"{file} is larger than any view; remove it")
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EgoposeError(f"cannot read {file} ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise EgoposeError(f"{file} is damaged; remove it") from error
    if not isinstance(record, dict):
        raise EgoposeError(f"{file} is damaged; remove it")
    return record


def _json(record: dict[str, Any]) -> bytes:
    return (json.dumps(record) + "\n").encode()


def used_count(taken: Sequence[Taken]) -> int:
    """How many are not struck out."""
    return sum(one.used for one in taken)
