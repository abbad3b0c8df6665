"""Writing a session so that a power cut costs a second at most."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from google.protobuf.message import Message
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import CompressionType, Writer

from calib.calibration import Calibration
from engine.capture.picture import encode_jpeg
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.session import layout
from engine.types import Frame, Pose, Truth

CHUNK_BYTES = 64 * 1024
SYNC_NS = 1_000_000_000
DEFAULT_QUALITY = 95
_MAX_LOG_TIME = 2**64


class SessionWriter:
    """Writes one session, from one thread. Every frame reaches the operating system at once, the disk once a second.

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
        quality: int = DEFAULT_QUALITY,
        overwrite: bool = False,
    ) -> None:
        if not 1 <= quality <= 100:
            raise EgoposeError(f"{quality} is no JPEG quality: give 1 to 100.")
        self.path = path
        self.frames = 0
        """Frames written so far."""
        self._quality = quality
        self._synced_ns = time.monotonic_ns()
        self._closed = False
        with self._telling():
            self._file = path.open("wb" if overwrite else "xb")
            self._writer = Writer(self._file, chunk_size=CHUNK_BYTES, compression=CompressionType.NONE)
            self._writer.start(profile="", library="egopose")
            self._writer.add_metadata(layout.SESSION_RECORD, _description(info) | dict(metadata or {}))
            if calibration is not None:
                record = {"json": layout.calibration_text(calibration)}
                self._writer.add_metadata(layout.CALIBRATION_RECORD, record)
            self._image = self._protobuf_channel(layout.IMAGE_TOPIC, CompressedImage)
            self._truth = self._json_channel(layout.TRUTH_TOPIC, "egopose.Truth", layout.TRUTH_SCHEMA)
            self._pose = self._json_channel(layout.POSE_TOPIC, "egopose.Pose", layout.POSE_SCHEMA)
            self._calibration = calibration
            self._sync()

    def add(self, frame: Frame) -> None:
        """Write a frame, encoded as JPEG, with its truth where it has one."""
        self.add_jpeg(
            encode_jpeg(frame.image, self._quality),
            seq=frame.seq,
            capture_ns=frame.capture_ns,
            device_ns=frame.device_ns,
            truth=frame.truth,
        )

    def add_jpeg(
        self, jpeg: bytes, *, seq: int, capture_ns: int, device_ns: int | None = None, truth: Truth | None = None
    ) -> None:
        """Write a frame that the camera has encoded already, byte for byte."""
        message = CompressedImage(frame_id=layout.CAMERA_FRAME, data=jpeg, format="jpeg")
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
        with self._telling():
            self._file.flush()
            if time.monotonic_ns() - self._synced_ns >= SYNC_NS:
                self._sync()

    def add_pose(self, pose: Pose) -> None:
        """Write what was made of a frame, without the heatmaps."""
        self._add(self._pose, pose.seq, pose.capture_ns, layout.pose_text(pose))

    def close(self) -> None:
        """Write the index, sync and close. Idempotent. Raises EgoposeError where the index cannot be written."""
        if self._closed:
            return
        self._closed = True
        try:
            with self._telling():
                self._writer.finish()  # type: ignore[no-untyped-call]
                self._sync()
        finally:
            with self._telling():
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, channel: int, seq: int, log_time: int, data: bytes) -> None:
        if not (0 <= log_time < _MAX_LOG_TIME and 0 <= seq < 2**32):
            raise EgoposeError(f"Frame {seq} at {log_time} ns cannot be recorded: a session counts both from 0 up.")
        with self._telling():
            self._writer.add_message(channel, log_time, data, publish_time=log_time, sequence=seq)

    def _protobuf_channel(self, topic: str, message: type[Message]) -> int:
        name = message.DESCRIPTOR.full_name
        schema = self._writer.register_schema(name, SchemaEncoding.Protobuf, layout.protobuf_schema(message))
        return self._writer.register_channel(topic, MessageEncoding.Protobuf, schema)

    def _json_channel(self, topic: str, name: str, schema: Mapping[str, object]) -> int:
        data = json.dumps(schema).encode()
        number = self._writer.register_schema(name, SchemaEncoding.JSONSchema, data)
        return self._writer.register_channel(topic, MessageEncoding.JSON, number)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
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
