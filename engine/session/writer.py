"""Writing a session so that a power cut costs a second at most, and the end of the program next to nothing."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from google.protobuf.message import Message
from mcap.well_known import MessageEncoding, SchemaEncoding

from calib.calibration import Calibration
from engine.capture.picture import PictureError, encode_jpeg
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.session import layout
from engine.session.container import Container
from engine.session.h264 import Encoder
from engine.types import Event, Frame, Pose, Truth

CHUNK_BYTES = 64 * 1024
CUT_NS = 200_000_000
"""A chunk is written after this long, however little is in it."""
SYNC_NS = 1_000_000_000
DEFAULT_QUALITY = 95
_MAX_LOG_TIME = 2**64


class FrameError(EgoposeError):
    """One frame or event cannot be recorded; the session goes on without it."""


class Pictures(StrEnum):
    """How the pictures of a session are kept."""

    JPEG = "jpeg"
    """Each for itself; the camera's own bytes where it gives them."""
    H264 = "h264"
    """As a video: half the space or less, encoded anew, for some processor time."""


class Disk:
    """What a session is written to. Faults are tested by putting another in its place."""

    def open(self, path: Path, overwrite: bool) -> BinaryIO:
        """The file, new and empty. Raises OSError."""
        return path.open("wb" if overwrite else "xb")

    def sync(self, file: BinaryIO) -> None:
        """Bring what was written to the disk itself. Raises OSError."""
        os.fsync(file.fileno())

    def free_bytes(self, folder: Path) -> int:
        """Room left for this user. Raises OSError."""
        return shutil.disk_usage(folder).free


class SessionWriter:
    """Writes one session, from one thread. All reaches the operating system in `CUT_NS`, the disk once a second.

    `info` tells of the source, `metadata` is kept as it is given. Raises EgoposeError where
    the file is there already (unless `overwrite`), or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        calibration: Calibration | None = None,
        *,
        info: SourceInfo | None = None,
        metadata: Mapping[str, str] | None = None,
        pictures: Pictures = Pictures.JPEG,
        quality: int = DEFAULT_QUALITY,
        overwrite: bool = False,
        disk: Disk | None = None,
    ) -> None:
        if not 1 <= quality <= 100:
            raise EgoposeError(f"{quality} is no JPEG quality: give 1 to 100.")
        self.path = path
        self.frames = 0
        """Frames written so far."""
        self._quality = quality
        self._disk = disk or Disk()
        self._encoder = Encoder(info.fps if info else None) if pictures is Pictures.H264 else None
        self._events = 0
        self._notes, self._diagnostics = 0, -1
        self._synced_ns = self._cut_ns = time.monotonic_ns()
        self._closed = False
        self._calibration = calibration
        with self._telling():
            self._file = self._disk.open(path, overwrite)
            try:
                self._begin(_description(info) | dict(metadata or {}), calibration)
            except BaseException:
                self._file.close()
                raise

    def _begin(self, description: dict[str, str], calibration: Calibration | None) -> None:
        self._container = Container(self._file, self.path.parent)
        self._container.metadata(layout.SESSION_RECORD, description)
        if calibration is not None:
            record = {"json": layout.calibration_text(calibration)}
            self._container.metadata(layout.CALIBRATION_RECORD, record)
        if self._encoder is None:
            self._image = self._protobuf_channel(layout.IMAGE_TOPIC, CompressedImage)
        else:
            self._image = self._protobuf_channel(layout.VIDEO_TOPIC, CompressedVideo)
        self._truth = self._json_channel(layout.TRUTH_TOPIC, "egopose.Truth", layout.TRUTH_SCHEMA)
        self._pose = self._json_channel(layout.POSE_TOPIC, "egopose.Pose", layout.POSE_SCHEMA)
        self._event = self._json_channel(layout.EVENT_TOPIC, layout.EVENT_SCHEMA_NAME, layout.EVENT_SCHEMA)
        self._sync()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._container.size + self._container.pending

    @property
    def file(self) -> BinaryIO:
        """The open file, to hold a lock on."""
        return self._file

    def add(self, frame: Frame) -> None:
        """Write a frame with its truth where it has one: as the camera encoded it, else encoded here.

        Raises FrameError where its picture cannot be encoded.
        """
        try:
            if self._encoder is not None:
                data = self._encoder.encode(frame.image)
            elif frame.encoded is not None:
                data = frame.encoded
            else:
                data = encode_jpeg(frame.image, self._quality)
        except PictureError as error:
            raise FrameError(f"The picture of frame {frame.seq} {error}.") from error
        self._add_picture(
            data, seq=frame.seq, capture_ns=frame.capture_ns, device_ns=frame.device_ns, truth=frame.truth
        )

    def add_jpeg(
        self, jpeg: bytes, *, seq: int, capture_ns: int, device_ns: int | None = None, truth: Truth | None = None
    ) -> None:
        """Write a frame that the camera has encoded already, byte for byte."""
        if self._encoder is not None:
            raise EgoposeError("A session of H.264 video takes no JPEG pictures: give the frames.")
        self._add_picture(jpeg, seq=seq, capture_ns=capture_ns, device_ns=device_ns, truth=truth)

    def add_pose(self, pose: Pose) -> None:
        """Write what was made of a frame, without the heatmaps."""
        self._add(self._pose, pose.seq, pose.capture_ns, layout.pose_text(pose))

    def add_event(self, event: Event) -> None:
        """Write something that happened besides frames."""
        self._add(self._event, self._events, event.capture_ns, layout.event_text(event))
        self._events += 1

    def add_diagnostics(self, values: Mapping[str, object], time_ns: int) -> None:
        """Write what the program measured of itself up to this moment."""
        if self._diagnostics < 0:
            self._diagnostics = self._json_channel(
                layout.DIAGNOSTICS_TOPIC, layout.DIAGNOSTICS_SCHEMA_NAME, layout.DIAGNOSTICS_SCHEMA
            )
        self._add(self._diagnostics, self._notes, time_ns, layout.diagnostics_text(values))
        self._notes += 1

    def tick(self) -> None:
        """Write what has waited long enough; called with every frame, and in between where frames are rare."""
        now = time.monotonic_ns()
        with self._telling():
            if self._container.pending > CHUNK_BYTES or now - self._cut_ns >= CUT_NS:
                self._container.cut()
                self._file.flush()
                self._cut_ns = now
            if now - self._synced_ns >= SYNC_NS:
                self._sync()

    def close(self) -> None:
        """Write the index, sync and close. Idempotent. Raises EgoposeError where the index cannot be written."""
        if self._closed:
            return
        self._closed = True
        try:
            with self._telling():
                self._container.finish()
                self._sync()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file as it is, without its index: what it holds can still be read. Idempotent."""
        self._closed = True
        self._container.close()
        with self._telling():
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add_picture(
        self, data: bytes, *, seq: int, capture_ns: int, device_ns: int | None, truth: Truth | None
    ) -> None:
        made = CompressedImage if self._encoder is None else CompressedVideo
        message = made(frame_id=layout.CAMERA_FRAME, data=data, format="jpeg" if self._encoder is None else "h264")
        if device_ns is not None:
            message.timestamp.CopyFrom(layout.timestamp(device_ns))
        if self._calibration is not None:
            calibration, self._calibration = layout.camera_message(self._calibration), None
            channel = self._protobuf_channel(layout.CALIBRATION_TOPIC, CameraCalibration)
            self._add(channel, seq, capture_ns, calibration.SerializeToString())
        if truth is not None:
            self._add(self._truth, seq, capture_ns, layout.truth_text(seq, truth))
        self._add(self._image, seq, capture_ns, message.SerializeToString())
        self.frames += 1
        self.tick()

    def _add(self, channel: int, seq: int, log_time: int, data: bytes) -> None:
        if not (0 <= log_time < _MAX_LOG_TIME and 0 <= seq < 2**32):
            raise FrameError(f"Frame {seq} at {log_time} ns cannot be recorded: a session counts both from 0 up.")
        self._container.message(channel, seq, log_time, data)

    def _protobuf_channel(self, topic: str, message: type[Message]) -> int:
        name = message.DESCRIPTOR.full_name
        schema = self._container.schema(name, SchemaEncoding.Protobuf, layout.protobuf_schema(message))
        return self._container.channel(topic, MessageEncoding.Protobuf, schema)

    def _json_channel(self, topic: str, name: str, schema: Mapping[str, object]) -> int:
        number = self._container.schema(name, SchemaEncoding.JSONSchema, json.dumps(schema).encode())
        return self._container.channel(topic, MessageEncoding.JSON, number)

    def _sync(self) -> None:
        self._file.flush()
        self._disk.sync(self._file)
        self._synced_ns = time.monotonic_ns()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise EgoposeError(f"{self.path} is there already: choose another name.") from error
        except OSError as error:
            raise EgoposeError(
                f"{self.path} cannot be written ({error.strerror}): free some space or choose another folder."
            ) from error


def _description(info: SourceInfo | None) -> dict[str, str]:
    """The session's own record; the offset turns log times into ns since 1970."""
    record = {
        "format": layout.FORMAT_VERSION,
        "recorded": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "wall_minus_monotonic_ns": str(time.time_ns() - time.monotonic_ns()),
    }
    if info is not None:
        record |= {"source_name": info.name, "source_id": info.source_id, "clock": info.clock}
        if info.fps is not None:
            record["fps"] = repr(info.fps)
    return record
