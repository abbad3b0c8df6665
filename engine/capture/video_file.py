"""What FFmpeg leaves to its caller: which stream is the film, which way is up, what is hidden."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.capture.picture import MAX_PIXELS
from engine.errors import EgoposeError
from engine.types import ImageArray

# FFmpeg plays text as a film of a terminal; to us a text file is no video.
_TEXT_CODECS = frozenset({"ansi", "bintext", "xbin", "idf"})


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and choose its film. Raises EgoposeError where it has none that can be decoded."""
    if not path.is_file():
        raise EgoposeError(f"There is no file {path}: check the name.")
    try:
        # A playlist inside a harmless-looking file must not make FFmpeg open addresses.
        options = {"protocol_whitelist": "file"}
        container = av.open(str(path.resolve()), "r", options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = ""
        if path.suffix.lower() in (".mp4", ".mov", ".m4v", ".3gp"):
            hint = " A recording of this kind that was cut off before its end has no index and cannot be played."
        raise EgoposeError(f"{path} is not a video that can be read ({reason}).{hint}") from error
    try:
        return container, _film(path, container)
    except EgoposeError:
        container.close()
        raise


def _film(path: Path, container: InputContainer) -> VideoStream:
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        raise EgoposeError(f"{path} has no video in it, only {container.format.long_name}: give a video file.")
    stream = films[0]
    codec = stream.codec_context
    if codec is None:
        raise EgoposeError(f"{path} is coded in a way that this FFmpeg has no decoder for: convert it to H.264.")
    if codec.name in _TEXT_CODECS:
        raise EgoposeError(f"{path} is not a video but text: give a video file.")
    if codec.width * codec.height > MAX_PIXELS:
        size = f"{codec.width} x {codec.height}"
        raise EgoposeError(f"{path} declares {size} pixels, more than the limit of {MAX_PIXELS // 10**6} MP.")
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def gives_frame(packet: Packet[VideoStream]) -> bool:
    """Whether a whole decoder makes a picture to show of this packet."""
    if packet.pts is None or not packet.size or packet.is_discard:
        return False
    # VP8's reference-only frames travel as packets of their own (RFC 6386, 9.1: show_frame).
    return packet.stream.codec_context.name != "vp8" or bool(memoryview(packet)[0] & 0x10)


def upright(picture: VideoFrame) -> ImageArray:
    """(H, W, 3) uint8 BGR, the display matrix applied by moving pixels, never resampling them.

    The matrix takes (x, y) to (a x + c y, b x + d y) (ISO/IEC 14496-12, 6.2.2); an angle
    between the right ones is taken as the nearest of them.
    """
    image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
    side_data = cast(SideDataContainer, picture.side_data)  # PyAV's stubs know one key alone.
    if SideData.DISPLAYMATRIX not in side_data:
        return image
    matrix = np.frombuffer(bytes(side_data[SideData.DISPLAYMATRIX]), np.int32)
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    else:
        image = image.transpose(1, 0, 2)[:: -1 if b < 0 else 1, :: -1 if c < 0 else 1]
    return np.ascontiguousarray(image)


def declared_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds at which the film ends by the file's own header, None where it does not say."""
    base = stream.time_base
    if stream.duration is not None and base is not None:
        return ((stream.start_time or 0) + stream.duration) * base
    tag = stream.metadata.get("DURATION", "").split(":")
    try:
        if len(tag) == 3:
            return int(tag[0]) * 3600 + int(tag[1]) * 60 + Fraction(tag[2])
    except (ValueError, ZeroDivisionError):
        return None
    # The container's figure is that of its longest stream, which may be the sound.
    if container.duration is not None and len(container.streams) == 1:
        return Fraction(container.duration, av.time_base)
    return None
