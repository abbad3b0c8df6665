"""A folder of pictures, or a single picture, as a source."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from engine.capture.picture import MAX_BYTES, PictureError, decode_picture
from engine.capture.seekable import SeekableSource
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
DEFAULT_FPS = 30.0


class ImageFolder(SeekableSource):
    """Pictures in the natural order of their names, `fps` of them a second.

    `path` is a folder of pictures, a data-set sequence that keeps them in `imgs/`, or a
    single picture. A picture that cannot be decoded is skipped and named, and its number
    stays unused so that the gap remains a gap. Each frame keeps the size of its picture.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS) -> None:
        if not fps > 0:
            raise EgoposeError(f"{fps:g} pictures a second is not a rate: give one above 0.")
        self._path = path
        self._fps = fps
        self._files: list[Path] = []
        self._size: tuple[int, int] | None = None
        self._next = 0
        self._open = False
        self._skipped: dict[int, str] = {}
        self._lock = threading.Lock()

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(
            name=self._path.name,
            source_id=f"file:{self._path.resolve()}",
            size=self._size,
            fps=self._fps,
            clock="file",
            live=False,
            seekable=True,
            frame_count=len(self._files) if self._open else None,
        )

    @property
    def duration_s(self) -> float | None:
        return (len(self._files) - 1) / self._fps if self._open else None

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(self._skipped.values())

    def open(self) -> None:
        """List the pictures and decode up to the first good one. Raises EgoposeError where there is none."""
        self._files = _pictures(self._path)
        self._next = 0
        self._skipped = {}
        self._open = True
        first = self.read()
        if first is None:
            self._open = False
            reason = next(iter(self._skipped.values()))
            raise EgoposeError(f"No picture in {self._path} can be decoded; the first: {reason}.")
        self._size = (first.image.shape[1], first.image.shape[0])
        self._next = 0

    def read(self) -> Frame | None:
        with self._lock:
            while self._open and self._next < len(self._files):
                seq = self._next
                self._next += 1
                try:
                    return self._frame(seq)
                except PictureError as error:
                    # A dict, so that a picture met again after a seek is counted once.
                    self._skipped[seq] = f"{self._files[seq].name} {error}"
            return None

    def seek(self, seconds: float) -> None:
        # The small share of a frame keeps index / fps, rounded, on its own index.
        self.seek_frame(int(max(seconds, 0.0) * self._fps + 1e-6))

    def seek_frame(self, index: int) -> None:
        with self._lock:
            self._next = min(max(index, 0), max(len(self._files) - 1, 0))

    def close(self) -> None:
        with self._lock:
            self._open = False

    def _frame(self, seq: int) -> Frame:
        path = self._files[seq]
        try:
            if path.stat().st_size > MAX_BYTES:
                raise PictureError(f"is larger than {MAX_BYTES >> 20} MiB")
            data = path.read_bytes()
        except OSError as error:
            raise PictureError(f"cannot be read ({error.strerror})") from error
        time_ns = round(seq * 1e9 / self._fps)
        return Frame(
            image=decode_picture(data),
            seq=seq,
            capture_ns=time_ns,
            source_id=f"file:{self._path.resolve()}",
            device_ns=time_ns,
            device_clock="file",
        )


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture this module reads."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which "img2" comes before "img10"."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


def _pictures(path: Path) -> list[Path]:
    try:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise EgoposeError(f"There is no folder or picture {path}: check the name.")
        for folder in (path, path / "imgs"):
            files = [file for file in folder.iterdir() if is_picture(file)] if folder.is_dir() else []
            if files:
                return sorted(files, key=lambda file: (natural_key(file.name), file.name))
    except OSError as error:
        raise EgoposeError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
    raise EgoposeError(f"{path} holds no pictures: give a folder with .jpg, .png, .bmp, .webp or .tiff files.")
