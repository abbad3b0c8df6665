"""Encoded pictures to BGR arrays, their size checked before a pixel is allocated."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np

from calib.cv import cv2
from engine.types import ImageArray

MAX_PIXELS = 100_000_000
MAX_BYTES = 512 * 1024 * 1024

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


class PictureError(ValueError):
    """A picture cannot be decoded; the message ends a sentence that begins with its name."""


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing to stderr, for calls whose failure is reported in our own words."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def decode_picture(data: bytes) -> ImageArray:
    """Decode JPEG, PNG, BMP, WebP or TIFF to (H, W, 3) uint8 BGR, the EXIF orientation applied.

    Grey becomes three equal channels, alpha is dropped, 16 bits become 8. Raises
    PictureError where the data are none of these, damaged, or declare over `MAX_PIXELS`.
    """
    width, height = picture_size(data)
    if width < 1 or height < 1:
        raise PictureError(f"declares an empty picture of {width} x {height}")
    if width * height > MAX_PIXELS:
        raise PictureError(f"declares {width} x {height} pixels, more than the limit of {MAX_PIXELS // 10**6} MP")
    try:
        with quiet_opencv():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError("is damaged") from error
    if image is None:
        raise PictureError("is damaged")
    return cast(ImageArray, image)


def encode_jpeg(image: ImageArray, quality: int) -> bytes:
    """Encode (H, W, 3) uint8 BGR as JPEG, quality 1 to 100."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise PictureError(f"of shape {image.shape} cannot be encoded as JPEG")
    return bytes(data)


def through_jpeg(image: ImageArray, quality: int) -> ImageArray:
    """What JPEG of this quality leaves of (H, W, 3) uint8, as if BGR."""
    data = np.frombuffer(encode_jpeg(image, quality), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def picture_size(data: bytes) -> tuple[int, int]:
    """(width, height) that the header declares, before any EXIF rotation. Raises PictureError."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg_extent(data)[0]
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        if data.startswith(b"BM"):
            return _bmp_size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_size(data)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff_size(data)
    except struct.error as error:
        raise PictureError("is cut off in its header") from error
    raise PictureError("is empty" if not data else "is not a JPEG, PNG, BMP, WebP or TIFF picture")


def whole_jpeg(data: bytes) -> bytes:
    """The JPEG that the data begin with, without what a driver's buffer holds behind it. Raises PictureError."""
    if not data.startswith(b"\xff\xd8"):
        raise PictureError("is empty" if not data else "is not a JPEG")
    try:
        end = _jpeg_extent(data)[1]
    except struct.error as error:
        raise PictureError("is cut off in its header") from error
    return data if end == len(data) else data[:end]


def _jpeg_extent(data: bytes) -> tuple[tuple[int, int], int]:
    """Size in pixels and length in bytes; walks the marker segments up to the scan (ITU-T T.81, B.2.2)."""
    at = 2
    size: tuple[int, int] | None = None
    while True:
        fill, marker = struct.unpack_from(">BB", data, at)
        if fill != 0xFF:
            raise PictureError("is damaged in its header")
        if marker == 0xFF:
            at += 1
            continue
        if marker in _JPEG_BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        at += 2 + length
        if marker == 0xDA:
            break
    if size is None:
        raise PictureError("is damaged in its header")
    # Decoders fill the missing part of a cut-off JPEG with grey; the end marker tells. Inside
    # entropy-coded data 0xFF is always stuffed, so the marker cannot occur by chance.
    end = data.find(b"\xff\xd9", at)
    if end < 0:
        raise PictureError("is cut off")
    return size, end + 2


def _bmp_size(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)


def _webp_size(data: bytes) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        raw = struct.unpack_from("<6B", data, 24)
        return 1 + int.from_bytes(bytes(raw[:3]), "little"), 1 + int.from_bytes(bytes(raw[3:]), "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureError("is damaged in its header")


def _tiff_size(data: bytes) -> tuple[int, int]:
    """Tags 256 and 257 of the first directory (TIFF 6.0)."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    found: dict[int, int] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if tag in (256, 257):
            (found[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8)
    if len(found) < 2:
        raise PictureError("is damaged in its header")
    return found[256], found[257]
