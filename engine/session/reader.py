"""Reading a session at any point, also one that was cut off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, overload

import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from google.protobuf.message import DecodeError
from mcap.records import Channel
from numpy.typing import NDArray

from calib.calibration import Calibration
from engine.capture.picture import MAX_BYTES, PictureError, decode_picture
from engine.errors import EgoposeError
from engine.session import layout
from engine.session.contents import Chunk, Contents, DamageError, Entry, Rows, chunk_of, entry_of
from engine.session.h264 import Decoder
from engine.session.index import read_index
from engine.session.scan import check_chunk, read_message, scan, unpack_chunk
from engine.types import Event, Frame, Pose, Truth

MAX_EVENTS = 100_000
_HELD = 4 << 20
"""Chunks up to this size are read in one piece and held, since their neighbours are asked for next."""
_UNSEEN, _GOOD, _BAD = 0, 1, 2


class FrameStamp(NamedTuple):
    """When a frame was, without its picture."""

    capture_ns: int
    seq: int


class Stamps(Sequence[FrameStamp]):
    """Those of all frames, each made when it is asked for: a list of an hour's takes longer than to open the file."""

    def __init__(self, times: NDArray[np.uint64], numbers: NDArray[np.integer]) -> None:
        self._times, self._numbers = times, numbers

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> FrameStamp: ...
    @overload
    def __getitem__(self, index: slice) -> Stamps: ...
    def __getitem__(self, index: int | slice) -> FrameStamp | Stamps:
        if isinstance(index, slice):
            return Stamps(self._times[index], self._numbers[index])
        return FrameStamp(int(self._times[index]), int(self._numbers[index]))


class Session:
    """A session file, opened on construction, used from one thread.

    Frames are in the order of time and counted from 0 to `len(session) - 1`; `stamps` has
    the time and the number in its source of each. Any MCAP file with a channel of
    foxglove.CompressedImage or CompressedVideo can be read. A finished session of ours tells
    where everything is by its index; any other file is scanned once. Raises EgoposeError where
    no frame is to be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise EgoposeError(f"The session {path} cannot be opened ({error.strerror}): check the name.") from error
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        found = self._found()
        self._lost = dict.fromkeys(f"{self.path.name}: {line}" for line in found.lost)
        self.metadata = dict(found.metadata.get(layout.SESSION_RECORD, {}))
        self.whole = found.whole
        """Whether the file ends as a finished one does; one that was cut off can be recovered."""
        channel = _picture_channel(found)
        self.pictures = "h264" if channel is not None and _schema(found, channel) == layout.VIDEO_SCHEMA else "jpeg"
        """How pictures are kept; of a foreign file "jpeg" stands for whatever its images are."""
        self._frames, self.stamps = self._frame_index(found, channel)
        if not found.whole:
            seconds = (self.stamps[-1].capture_ns - self.stamps[0].capture_ns) / 1e9
            self._lose(f"{len(self.stamps)} frames over {seconds:.1f} s can be read")
        self._truths = _by_time(found.topic(layout.TRUTH_TOPIC))
        self._poses = _by_time(found.topic(layout.POSE_TOPIC))
        self._event_rows = _by_time(found.topic(layout.EVENT_TOPIC))
        self._events: tuple[Event, ...] | None = None
        self._note_rows = _by_time(found.topic(layout.DIAGNOSTICS_TOPIC))
        self._chunks = found.chunks
        self._checked = bytearray(len(self._chunks))
        self._held: tuple[int, bytes] = -1, b""
        self._decoder = Decoder(self.encoded)
        self.calibration = self._calibration(found)

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

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return (self.stamps[-1].capture_ns - self.stamps[0].capture_ns) / 1e9

    @property
    def times_ns(self) -> NDArray[np.uint64]:
        """(N,) when each frame was: `capture_ns` of all stamps at once."""
        return np.asarray(self._frames["log_time"], np.uint64)

    @property
    def pose_count(self) -> int:
        """Poses that were recorded with the frames."""
        return len(self._poses)

    @property
    def truth_count(self) -> int:
        """Frames whose truth was recorded."""
        return len(self._truths)

    @property
    def events(self) -> tuple[Event, ...]:
        """Gaps, marks and the like in the order of time; those that cannot be read are named in `skipped`."""
        if self._events is None:
            self._events = tuple(self._read_events())
        return self._events

    @property
    def diagnostics(self) -> dict[str, Any] | None:
        """What the program measured of itself up to the end of the recording; None where it did not."""
        if not len(self._note_rows):
            return None
        entry = entry_of(self._note_rows[-1])
        try:
            return layout.diagnostics_from_text(self._data(entry))
        except (DamageError, ValueError) as error:
            self._lose(f"the diagnostics cannot be read ({error})")
            return None

    def frame(self, index: int) -> Frame:
        """The frame with its truth. Raises EgoposeError where its picture is damaged."""
        stamp = self.stamps[index]
        message = self._picture(index)
        try:
            image = decode_picture(message.data) if self.pictures == "jpeg" else self._decoder.image(index)
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
            encoded=message.data if self.pictures == "jpeg" and message.data.startswith(b"\xff\xd8") else None,
        )

    def encoded(self, index: int) -> bytes:
        """The frame's picture as it was recorded, not decoded: a JPEG, or its packet of the video."""
        return self._picture(index).data

    def truth(self, index: int) -> Truth | None:
        """What is known of the wearer in the frame; None where nothing is, or where it is damaged (see `skipped`)."""
        entry = self._belonging(self._truths, index)
        try:
            return None if entry is None else layout.truth_from_text(self._data(entry))
        except (DamageError, ValueError) as error:
            self._lose(f"the truth of frame {self.stamps[index].seq} cannot be read ({error})")
            return None

    def pose(self, index: int) -> Pose | None:
        """The pose that was recorded with the frame, without heatmaps; None as for `truth`."""
        capture_ns, seq = self.stamps[index]
        entry = self._belonging(self._poses, index)
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

    def _found(self) -> Contents:
        try:
            size = self.path.stat().st_size
            return read_index(self._file, size) or scan(self._file, size)
        except DamageError as damage:
            raise EgoposeError(f"{self.path} is not a session: it {damage}. Choose an .mcap file.") from damage
        except OSError as error:
            raise EgoposeError(f"The session {self.path} cannot be read ({error.strerror}).") from error

    def _frame_index(self, found: Contents, channel: Channel | None) -> tuple[Rows, Stamps]:
        rows = _by_time(found.of([channel.id] if channel else []))
        if not len(rows):
            raise EgoposeError(self._nothing(found, channel))
        numbers: NDArray[np.integer] = rows["sequence"]
        if (numbers[1:] <= numbers[:-1]).any():
            numbers = np.arange(len(rows))  # Other programs often leave the sequence at 0.
        return rows, Stamps(rows["log_time"], numbers)

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
            return layout.calibration_from_text(text, "camera")
        except EgoposeError as error:
            self._lose(str(error))
            return None

    def _read_events(self) -> list[Event]:
        events = []
        if len(self._event_rows) > MAX_EVENTS:
            self._lose(f"{len(self._event_rows) - MAX_EVENTS} of {len(self._event_rows)} events are not read")
        for row in self._event_rows[:MAX_EVENTS]:
            entry = entry_of(row)
            try:
                events.append(layout.event_from_text(self._data(entry), entry.log_time))
            except (DamageError, ValueError) as error:
                self._lose(f"event {entry.sequence} cannot be read ({error})")
        return events

    def _belonging(self, rows: Rows, index: int) -> Entry | None:
        """The message of a frame: of its time and its number in the file."""
        frame = entry_of(self._frames[index])
        at = int(np.searchsorted(rows["log_time"], np.uint64(frame.log_time)))
        while at < len(rows):
            entry = entry_of(rows[at])
            if entry.log_time != frame.log_time:
                return None
            if entry.sequence == frame.sequence:
                return entry
            at += 1
        return None

    def _picture(self, index: int) -> CompressedImage | CompressedVideo:
        what = f"Frame {self.stamps[index].seq} of {self.path.name}"
        kind = CompressedVideo if self.pictures == "h264" else CompressedImage
        try:
            return kind.FromString(self._data(entry_of(self._frames[index])))
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
        if entry.chunk < 0:
            return read_message(self._file, entry, None)
        chunk = chunk_of(self._chunks[entry.chunk])
        if not chunk.compression and chunk.size > _HELD:
            return self._read_large(entry, chunk)
        if self._held[0] != entry.chunk:
            self._held = entry.chunk, unpack_chunk(self._file, chunk)
        at = entry.at if chunk.compression else entry.at - chunk.data
        return read_message(self._file, entry._replace(at=at), self._held[1])

    def _read_large(self, entry: Entry, chunk: Chunk) -> bytes:
        """From a chunk that is not held: its checksum is tested once."""
        if self._checked[entry.chunk] == _UNSEEN:
            self._checked[entry.chunk] = _BAD
            check_chunk(self._file, chunk)
            self._checked[entry.chunk] = _GOOD
        elif self._checked[entry.chunk] == _BAD:
            raise DamageError(f"the chunk at byte {chunk.at} is damaged: its checksum does not match")
        return read_message(self._file, entry, None)

    def _lose(self, line: str) -> None:
        self._lost[f"{self.path.name}: {line}"] = None


def _picture_channel(found: Contents) -> Channel | None:
    """Our own topics, else the first whose messages are pictures and that has any."""
    fitting = [
        channel
        for channel in found.channels.values()
        if channel.message_encoding == "protobuf"
        and _schema(found, channel) in (layout.IMAGE_SCHEMA, layout.VIDEO_SCHEMA)
    ]
    if len(fitting) > 1:
        ours = (layout.IMAGE_TOPIC, layout.VIDEO_TOPIC)
        fitting.sort(key=lambda channel: (channel.topic not in ours, not len(found.of([channel.id]))))
    return fitting[0] if fitting else None


def _schema(found: Contents, channel: Channel) -> str:
    schema = found.schemas.get(channel.schema_id)
    return schema.name if schema else "no schema"


def _described(found: Contents, channel: Channel) -> str:
    return f"{channel.topic} ({_schema(found, channel)}, {channel.message_encoding})"


def _by_time(rows: Rows) -> Rows:
    """In the order of time, then of number; as they are where they lie so already."""
    times = rows["log_time"]
    if (times[1:] > times[:-1]).all():
        return rows
    return rows[np.lexsort((rows["sequence"], times))]
