"""Decoding pictures: orientation, depth, damage, declared sizes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calib.cv import cv2
from engine.capture.picture import PictureError, decode_picture, encode_jpeg, picture_size

RNG = np.random.default_rng(7)
COLOUR = RNG.integers(0, 256, (37, 52, 3)).astype(np.uint8)
SMOOTH = cv2.resize(RNG.integers(0, 256, (3, 4, 3)).astype(np.uint8), (52, 37), interpolation=cv2.INTER_CUBIC)
FORMATS = (".jpg", ".png", ".bmp", ".webp", ".tiff")


def encoded(image: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """An APP1 segment whose only entry is the orientation (EXIF 2.3, tag 0x0112)."""
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("suffix", FORMATS)
def test_size_is_read_from_the_header(suffix: str) -> None:
    assert picture_size(encoded(COLOUR, suffix)) == (52, 37)


def test_size_of_lossless_and_extended_webp() -> None:
    lossless = cv2.imencode(".webp", COLOUR, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert lossless[12:16] == b"VP8L"
    assert picture_size(lossless) == (52, 37)
    canvas = (51).to_bytes(3, "little") + (36).to_bytes(3, "little")
    extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas
    assert picture_size(extended) == (52, 37)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_lossless_formats_come_back_exactly(suffix: str) -> None:
    np.testing.assert_array_equal(decode_picture(encoded(COLOUR, suffix)), COLOUR)


def test_grey_alpha_and_16_bits_become_bgr_of_8() -> None:
    grey = decode_picture(encoded(COLOUR[..., 0], ".png"))
    np.testing.assert_array_equal(grey, np.repeat(COLOUR[..., :1], 3, axis=2))
    alpha = np.dstack([COLOUR, COLOUR[..., 0]])
    np.testing.assert_array_equal(decode_picture(encoded(alpha, ".png")), COLOUR)
    deep = COLOUR.astype(np.uint16) * 256
    np.testing.assert_array_equal(decode_picture(encoded(deep, ".png")), COLOUR)
    tiff = decode_picture(encoded(deep, ".tiff")).astype(int)
    assert tiff.shape == COLOUR.shape
    assert np.abs(tiff - COLOUR).max() <= 1


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: np.rot90(a, 2)),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_applied(orientation, expected) -> None:
    plain = encoded(SMOOTH, ".jpg")
    turned = decode_picture(with_exif(plain, orientation))
    np.testing.assert_array_equal(turned, expected(decode_picture(plain)))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_cut_off_picture_is_refused(suffix: str, kept: float) -> None:
    data = encoded(COLOUR, suffix)
    with pytest.raises(PictureError):
        decode_picture(data[: int(len(data) * kept)])


def test_a_jpeg_that_lacks_only_its_end_is_refused() -> None:
    with pytest.raises(PictureError, match="cut off"):
        decode_picture(encode_jpeg(SMOOTH, 90)[:-30])


def test_bytes_after_the_end_of_a_jpeg_do_no_harm() -> None:
    jpeg = encode_jpeg(SMOOTH, 90)
    np.testing.assert_array_equal(decode_picture(jpeg + bytes(100)), decode_picture(jpeg))


def test_a_huge_declared_size_is_refused_before_decoding() -> None:
    png = bytearray(encoded(COLOUR, ".png"))
    struct.pack_into(">II", png, 16, 60000, 60000)
    with pytest.raises(PictureError, match="60000 x 60000 pixels, more than the limit of 100 MP"):
        decode_picture(bytes(png))


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"RIFF0000WEBP"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_pictures_decode_or_raise(data: st.DataObject) -> None:
    raw = bytearray(encoded(COLOUR, data.draw(st.sampled_from(FORMATS))))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_picture(bytes(raw))
    except PictureError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
