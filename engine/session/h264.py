"""Pictures as H.264: an encoder whose every packet is one picture, and a decoder that begins at any of them.

Annex B with the parameter sets before every key picture and no B pictures, as foxglove.CompressedVideo asks.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from engine.capture.picture import MAX_PIXELS, PictureError
from engine.types import ImageArray

KEY_S = 0.5
"""Time between key pictures: how much has to be decoded to show one in between."""
_CRF = "20"
_FALLBACK_FPS = 30.0
_LONGEST = 2000
"""Pictures that are looked back on to find a key picture."""
_START = b"\x00\x00\x01"
_KEY, _PARAMETERS = 5, 7
"""NAL unit types: a slice of a key picture, a sequence parameter set (ITU-T H.264, table 7-1)."""


class Encoder:
    """Turns pictures into packets one by one; a picture of another size begins a new stream."""

    def __init__(self, fps: float | None = None) -> None:
        self._fps = min(max(fps or _FALLBACK_FPS, 1.0), 240.0)
        self._size = (0, 0)
        self._context: VideoCodecContext | None = None
        self._count = 0

    def encode(self, image: ImageArray) -> bytes:
        """The packet of one picture, (H, W, 3) BGR; odd sides lose their last row or column.

        Raises PictureError where the picture cannot be encoded.
        """
        height, width = (side - side % 2 for side in image.shape[:2])
        if min(width, height) < 16:
            raise PictureError(f"of {image.shape[1]} x {image.shape[0]} is too small for H.264")
        if self._context is None or self._size != (width, height):
            self._context, self._size = self._new(width, height), (width, height)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        picture.pts = self._count
        self._count += 1
        try:
            packets = self._context.encode(picture)
        except av.FFmpegError as error:
            raise PictureError(f"cannot be encoded as H.264 ({error})") from error
        if len(packets) != 1:
            raise PictureError("cannot be encoded as H.264: the encoder holds it back")
        return bytes(packets[0])

    def _new(self, width: int, height: int) -> VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)  # libx264 encodes nothing else
        rate = Fraction(self._fps).limit_denominator(1001)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = rate, 1 / rate
        context.gop_size = max(1, round(self._fps * KEY_S))
        context.max_b_frames = 0
        context.thread_count = 1
        parameters = "repeat-headers=1:annexb=1:scenecut=0"
        context.options = {
            "preset": "veryfast", "tune": "zerolatency", "crf": _CRF, "x264-params": parameters
        }  # fmt: skip
        return context


class Decoder:
    """Decodes any picture of a stream whose packets `packet` gives by number. Used from one thread."""

    def __init__(self, packet: Callable[[int], bytes]) -> None:
        self._packet = packet
        self._context: VideoCodecContext | None = None
        self._next = -1
        """The packet that the decoder waits for; -1 where it has to begin at a key picture."""

    def image(self, index: int) -> ImageArray:
        """(H, W, 3) BGR. Raises PictureError where it cannot be decoded, and what `packet` raises."""
        if index != self._next:
            begin = self._key(index)
            if not 0 <= begin <= self._next <= index:
                self._context, self._next = _new_decoder(), begin
        assert self._context is not None  # made where _next is not -1
        picture = None
        at, self._next = self._next, -1
        for number in range(at, index + 1):
            picture = _decoded(self._context, self._packet(number))
        self._next = index + 1
        if picture is None:
            raise PictureError("is damaged")
        if picture.width * picture.height > MAX_PIXELS:
            raise PictureError(f"declares {picture.width} x {picture.height} pixels")
        return np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)

    def _key(self, index: int) -> int:
        """The last key picture up to this one."""
        for number in range(index, max(index - _LONGEST, -1), -1):
            if is_key(self._packet(number)):
                return number
        raise PictureError("has no key picture before it")


def is_key(packet: bytes) -> bool:
    """Whether decoding can begin here: a key picture with its parameters."""
    kinds = set()
    at = packet.find(_START)
    while 0 <= at < len(packet) - 3:
        kinds.add(packet[at + 3] & 31)
        if packet[at + 3] & 31 in (1, _KEY):
            break  # Slices come last.
        at = packet.find(_START, at + 3)
    return {_KEY, _PARAMETERS} <= kinds


def _new_decoder() -> VideoCodecContext:
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)  # h264 decodes nothing else
    context.thread_count = 1  # more of them give each picture late
    context.flags |= Flags.low_delay
    context.options = {"max_pixels": str(MAX_PIXELS)}
    return context


def _decoded(context: VideoCodecContext, data: bytes) -> av.VideoFrame | None:
    try:
        pictures = context.decode(av.Packet(data))
    except av.FFmpegError:
        return None
    return pictures[-1] if pictures else None
