"""One small picture of a session and how long it is, kept in a cache. No Qt."""

from __future__ import annotations

import hashlib
import logging
import struct
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from calib.cv import cv2
from engine.cameras import write_atomically
from engine.capture.opening import open_source
from engine.capture.picture import decode_picture, encode_jpeg, picture_size
from engine.capture.seekable import SeekableSource
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.types import ImageArray

log = logging.getLogger(__name__)

SIZE = 384, 288
"""(width, height) that a thumbnail fits into: enough for its card on a screen at 150 %."""
_LOOKED_AT = 30
"""Frames among which the first good one is looked for."""
_FLAT = 8.0
"""Standard deviation of the grey levels below which a picture shows nothing: a lens cap, a black first frame."""
_KEPT = 200
_MAX_BYTES = 1 << 20
_QUALITY = 88
_HEADER = struct.Struct("<4sd")
_MAGIC = b"egt1"


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """What a session looks like."""

    image: ImageArray
    """(H, W, 3) BGR within SIZE."""
    seconds: float
    """From the first frame to the last; NaN where that is not known."""


def thumbnail(path: Path) -> Thumbnail:
    """From the cache where the file has not changed since, else made. Raises EgoposeError where it has no frame."""
    kept = _cached(path)
    found = _read(kept)
    if found is None:
        found = make_thumbnail(path)
        _keep(kept, found)
    return found


def make_thumbnail(path: Path) -> Thumbnail:
    """Of the first frame that shows something, else of the first. Raises EgoposeError where there is none."""
    with open_source(str(path)) as source:
        image = _first_good(source)
        seconds = source.duration_s if isinstance(source, SeekableSource) else None
    if image is None:
        raise EgoposeError(f"{path} has no picture that can be read")
    return Thumbnail(fitted(image), nan if seconds is None else seconds)


def fitted(image: ImageArray) -> ImageArray:
    """The picture within SIZE, never enlarged."""
    height, width = image.shape[:2]
    scale = min(SIZE[0] / width, SIZE[1] / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _first_good(source: Source) -> ImageArray | None:
    first: ImageArray | None = None
    for _ in range(_LOOKED_AT):
        frame = source.read()
        if frame is None:
            break
        first = frame.image if first is None else first
        if float(frame.image[::8, ::8].mean(axis=2).std()) > _FLAT:
            return frame.image
    return first


def cache_folder() -> Path:
    """Where they are kept."""
    return Path(user_cache_dir("egopose")) / "thumbnails"


def _cached(path: Path) -> Path:
    """Its file in the cache; another one as soon as the session changes. Raises EgoposeError where it is gone."""
    try:
        state = path.stat()
    except OSError as error:
        raise EgoposeError(f"{path} cannot be read ({error.strerror})") from error
    key = f"{path.resolve()}\n{state.st_mtime_ns}\n{state.st_size}"
    return cache_folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.thumb"


def _read(kept: Path) -> Thumbnail | None:
    """None where there is none, or a damaged one."""
    try:
        if kept.stat().st_size > _MAX_BYTES:
            return None
        data = kept.read_bytes()
        magic, seconds = _HEADER.unpack_from(data)
        width, height = picture_size(data[_HEADER.size :])
        if magic != _MAGIC or width > SIZE[0] or height > SIZE[1]:
            return None
        return Thumbnail(decode_picture(data[_HEADER.size :]), seconds if isfinite(seconds) and seconds >= 0 else nan)
    except (OSError, struct.error, ValueError):  # PictureError is one
        return None


def _keep(kept: Path, made: Thumbnail) -> None:
    try:
        write_atomically(kept, _HEADER.pack(_MAGIC, made.seconds) + encode_jpeg(made.image, _QUALITY))
        old = sorted(kept.parent.glob("*.thumb"), key=lambda file: file.stat().st_mtime_ns)[:-_KEPT]
        for file in old:
            file.unlink(missing_ok=True)
    except (EgoposeError, OSError) as error:
        log.info("a thumbnail is not kept: %s", error)
