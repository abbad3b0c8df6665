"""Reading a session at any point, also one that was cut off."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from google.protobuf.message import DecodeError
from mcap.records import Channel

from calib.calibration import Calibration
from engine.capture.picture import MAX_BYTES, PictureError, decode_picture
from engine.errors import EgoposeError
from engine.session import layout
from engine.session.scan import Chunk, Contents, DamageError, Entry, check_chunk, read_message, scan, unpack_chunk
from engine.types import Frame, Pose, Truth


class FrameStamp(NamedTuple):
    """When a frame was, without its picture."""

    capture_ns: int
    seq: int


class Session:
    """A session file, opened on construction, used from one thread.

    Frames are in the order of time and counted from 0 to `len(session) - 1`; `stamps` has
    the time and the number in its source of each. Any MCAP file with a channel of
    foxglove.CompressedImage can be read. Raises EgoposeError where no frame is to be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise EgoposeError(f"The session {path} cannot be opened ({error.strerror}): check the name.") from error
        try:
            found = self._scanned()
            self._lost = dict.fromkeys(f"{path.name}: {line}" for line in found.lost)
            self.metadata = dict(found.metadata.get(layout.SESSION_RECORD, {}))
            self._frames, self.stamps = self._frame_index(found)
            if not found.whole:
                seconds = (self.stamps[-1].capture_ns - self.stamps[0].capture_ns) / 1e9
                self._lose(f"{len(self.stamps)} frames over {seconds:.1f} s can be read")
            self._truths = _by_frame(found, layout.TRUTH_TOPIC)
            self._poses = _by_frame(found, layout.POSE_TOPIC)
            self.calibration = self._calibration(found)
        except EgoposeError:
            self.close()
            raise
        self._checked: dict[Chunk, str] = {}
        """Checked chunks and what is wrong with each, "" where it is good."""
        self._unpacked: tuple[Chunk, bytes] | None = None

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def skipped(self) -> tuple[str, ...]:
        """One line for each part of the file that could not be read."""
        return tuple(self._lost)

    @property
    def source_id(self) -> str:
        """Of the source that was recorded."""
        return self.metadata.get("source_id") or f"file:{self.path.resolve()}"

    def frame(self, index: int) -> Frame:
        """The frame with its truth. Raises EgoposeError where its picture is damaged."""
        stamp = self.stamps[index]
        message, jpeg = self._image(index)
        try:
            image = decode_picture(jpeg)
        except PictureError as error:
            raise EgoposeError(f"The picture of frame {stamp.seq} of {self.path.name} {error}.") from error
        device_ns = message.timestamp.ToNanoseconds() if message.HasField("timestamp") else None
        return Frame(
            image=image,
            seq=stamp.seq,
            capture_ns=stamp.capture_ns,
            source_id=self.source_id,
            device_ns=device_ns,
            device_clock=None if device_ns is None else self.metadata.get("clock") or "recorded",
            truth=self.truth(index),
        )

    def jpeg(self, index: int) -> bytes:
        """The frame's picture as it was recorded, not decoded."""
        return self._image(index)[1]

    def truth(self, index: int) -> Truth | None:
        """What is known of the wearer in the frame; None where nothing is, or where it is damaged (see `skipped`)."""
        entry = self._truths.get(_key(self._frames[index]))
        try:
            return None if entry is None else layout.truth_from_text(self._data(entry))
        except (DamageError, ValueError) as error:
            self._lose(f"the truth of frame {self.stamps[index].seq} cannot be read ({error})")
            return None

    def pose(self, index: int) -> Pose | None:
        """The recorded pose of the frame, without heatmaps; None as for `truth`."""
        capture_ns, seq = self.stamps[index]
        entry = self._poses.get(_key(self._frames[index]))
        try:
            return None if entry is None else layout.pose_from_text(self._data(entry), seq, capture_ns)
        except (DamageError, ValueError) as error:
            self._lose(f"the pose of frame {seq} cannot be read ({error})")
            return None

    def close(self) -> None:
        """Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _scanned(self) -> Contents:
        try:
            return scan(self._file, self.path.stat().st_size)
        except DamageError as damage:
            raise EgoposeError(f"{self.path} is not a session: it {damage}. Choose an .mcap file.") from damage
        except OSError as error:
            raise EgoposeError(f"The session {self.path} cannot be read ({error.strerror}).") from error

    def _frame_index(self, found: Contents) -> tuple[list[Entry], list[FrameStamp]]:
        channel = _image_channel(found)
        entries = found.messages.get(channel.id, []) if channel else []
        if not entries:
            raise EgoposeError(self._nothing(found, channel))
        entries = sorted(entries, key=lambda entry: (entry.log_time, entry.sequence))
        numbers = [entry.sequence for entry in entries]
        if any(after <= before for before, after in pairwise(numbers)):
            numbers = list(range(len(entries)))  # Other programs often leave the sequence at 0.
        stamps = [FrameStamp(entry.log_time, seq) for entry, seq in zip(entries, numbers, strict=True)]
        return entries, stamps

    def _nothing(self, found: Contents, channel: Channel | None) -> str:
        """Why there is no frame."""
        if not found.whole:
            return f"No frame of {self.path} can be read: {found.lost[-1]}."
        if channel is not None or layout.SESSION_RECORD in found.metadata:
            return f"{self.path} holds no frames: nothing was recorded."
        topics = ", ".join(sorted(_described(found, other) for other in found.channels.values())) or "no topics at all"
        return f"{self.path} holds no {layout.IMAGE_SCHEMA} in protobuf: it has {topics}."

    def _calibration(self, found: Contents) -> Calibration | None:
        text = found.metadata.get(layout.CALIBRATION_RECORD, {}).get("json")
        if text is None:
            return None
        try:
            return layout.calibration_from_text(text, f"{self.path.name}: camera")
        except EgoposeError as error:
            self._lost[str(error)] = None
            return None

    def _image(self, index: int) -> tuple[CompressedImage, bytes]:
        what = f"Frame {self.stamps[index].seq} of {self.path.name}"
        try:
            message = CompressedImage.FromString(self._data(self._frames[index]))
            return message, message.data
        except DamageError as damage:
            raise EgoposeError(f"{what} cannot be read: {damage}.") from damage
        except DecodeError as error:
            raise EgoposeError(f"{what} cannot be read: its message is damaged.") from error

    def _data(self, entry: Entry) -> bytes:
        try:
            return self._read(entry)
        except OSError as error:
            raise DamageError(f"the file cannot be read ({error.strerror})") from error

    def _read(self, entry: Entry) -> bytes:
        if self._file.closed:
            raise DamageError("the session is closed")
        if entry.size > MAX_BYTES:
            raise DamageError(f"its message declares {entry.size} bytes, more than {MAX_BYTES >> 20} MiB")
        chunk = entry.chunk
        if chunk is None:
            return read_message(self._file, entry, None)
        if chunk.compression:
            if self._unpacked is None or self._unpacked[0] != chunk:
                self._unpacked = chunk, unpack_chunk(self._file, chunk)
            return read_message(self._file, entry, self._unpacked[1])
        if chunk not in self._checked:
            try:
                check_chunk(self._file, chunk)
                self._checked[chunk] = ""
            except DamageError as damage:
                self._checked[chunk] = str(damage)
        if self._checked[chunk]:
            raise DamageError(self._checked[chunk])
        return read_message(self._file, entry, None)

    def _lose(self, line: str) -> None:
        self._lost[f"{self.path.name}: {line}"] = None


def _image_channel(found: Contents) -> Channel | None:
    """Our own topic, else the first whose messages are pictures and that has any."""
    fitting = [channel for channel in found.channels.values() if _is_image(found, channel)]
    fitting.sort(key=lambda channel: (channel.topic != layout.IMAGE_TOPIC, not found.messages.get(channel.id)))
    return fitting[0] if fitting else None


def _is_image(found: Contents, channel: Channel) -> bool:
    schema = found.schemas.get(channel.schema_id)
    return channel.message_encoding == "protobuf" and schema is not None and schema.name == layout.IMAGE_SCHEMA


def _described(found: Contents, channel: Channel) -> str:
    schema = found.schemas.get(channel.schema_id)
    return f"{channel.topic} ({schema.name if schema else 'no schema'}, {channel.message_encoding})"


def _key(entry: Entry) -> tuple[int, int]:
    return entry.sequence, entry.log_time


def _by_frame(found: Contents, topic: str) -> dict[tuple[int, int], Entry]:
    """Messages that belong to frames, by their sequence number and time."""
    return {
        _key(entry): entry
        for channel in found.channels.values()
        if channel.topic == topic
        for entry in found.messages.get(channel.id, [])
    }
