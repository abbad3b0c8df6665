"""H.264: one packet a picture, decoded from any of them, also through a session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.cv import cv2
from engine.capture.picture import PictureError
from engine.errors import EgoposeError
from engine.session.h264 import Decoder, Encoder, is_key
from engine.session.reader import Session
from engine.session.writer import Pictures, SessionWriter
from engine.types import Frame, ImageArray


def picture(seq: int, size: tuple[int, int] = (96, 64)) -> ImageArray:
    """A bright bar whose place tells the number."""
    image = np.full((size[1], size[0], 3), 40, np.uint8)
    cv2.rectangle(image, (2 * seq, 0), (2 * seq + 7, size[1]), (200, 180, 220), -1)
    return image


def close(one: ImageArray, other: ImageArray) -> bool:
    return one.shape == other.shape and float(np.abs(one.astype(int) - other).mean()) < 4


def test_every_packet_is_one_picture_and_decodes_from_anywhere() -> None:
    encoder = Encoder(20.0)
    packets = [encoder.encode(picture(seq)) for seq in range(35)]
    assert [seq for seq, packet in enumerate(packets) if is_key(packet)] == [0, 10, 20, 30]
    asked: list[int] = []
    decoder = Decoder(lambda index: asked.append(index) or packets[index])  # type: ignore[func-returns-value]
    for seq in (17, 18, 3, 34, 30, 30, 0):
        assert close(decoder.image(seq), picture(seq)), seq
    asked.clear()
    decoder.image(1)
    decoder.image(2)
    assert asked == [1, 2]  # what follows is not begun anew


def test_a_stream_that_changes_its_size() -> None:
    encoder = Encoder(30.0)
    packets = [encoder.encode(picture(seq, (96, 64) if seq < 3 else (127, 81))) for seq in range(6)]
    decoder = Decoder(packets.__getitem__)
    assert decoder.image(5).shape == (80, 126, 3)
    assert decoder.image(1).shape == (64, 96, 3)


def test_what_cannot_be_encoded_or_decoded_is_said() -> None:
    with pytest.raises(PictureError, match="too small"):
        Encoder().encode(np.zeros((8, 8, 3), np.uint8))
    packets = [Encoder(30.0).encode(picture(0)), b"nothing"]
    decoder = Decoder(packets.__getitem__)
    with pytest.raises(PictureError, match="damaged"):
        decoder.image(1)
    assert close(decoder.image(0), picture(0))
    with pytest.raises(PictureError, match="no key picture"):
        Decoder([b"x", b"y"].__getitem__).image(1)


def test_a_session_of_video(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path, pictures=Pictures.H264) as writer:
        for seq in range(40):
            writer.add(Frame(picture(seq), seq, seq * 1000, "x", seq * 7, "clock"))
        with pytest.raises(EgoposeError, match="takes no JPEG"):
            writer.add_jpeg(b"", seq=40, capture_ns=9)
    with Session(path) as session:
        assert session.pictures == "h264"
        assert len(session) == 40
        for index in (39, 5, 6, 22):
            found = session.frame(index)
            assert close(found.image, picture(index))
            assert (found.seq, found.device_ns, found.encoded) == (index, index * 7, None)
        assert is_key(session.encoded(0))
        assert not is_key(session.encoded(1))
