"""What a session holds, and how each part is written down.

| topic | message |
|---|---|
| /camera/image | foxglove.CompressedImage, protobuf; `timestamp` is the device's, absent where it has none |
| /camera/video | foxglove.CompressedVideo, protobuf, in place of the images where H.264 was chosen |
| /camera/calibration | foxglove.CameraCalibration, protobuf, for other programs |
| /wearer/truth | JSON: seq, joints_m (15, 3), visible (15), action |
| /wearer/pose | JSON: seq, joints_m (15, 3), uv_px (15, 2), confidence (15), action_scores, raw_joints_m if filtered |
| /session/event | foxglove.Log, JSON: `name` is the kind, `message` the text; duration_ns is ours |
| /session/diagnostics | JSON: what the program measured of itself, every few seconds; the last one is the sum |

Log times are `capture_ns`, sequence numbers `Frame.seq`, of events their count. The metadata record "egopose"
names the source and the network; "egopose.calibration" holds the project's own camera JSON, which is what a
session is read with. In JSON, null stands for NaN. A finished session ends with the attachment
"egopose.index" (see `engine.session.index`) beside the format's own index.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats import own
from calib.formats.fields import parse_json
from engine.errors import EgoposeError
from engine.skeleton import JOINT_COUNT
from engine.types import Event, EventKind, FloatArray, Pose, Truth

IMAGE_TOPIC = "/camera/image"
VIDEO_TOPIC = "/camera/video"
CALIBRATION_TOPIC = "/camera/calibration"
TRUTH_TOPIC = "/wearer/truth"
POSE_TOPIC = "/wearer/pose"
EVENT_TOPIC = "/session/event"
DIAGNOSTICS_TOPIC = "/session/diagnostics"
SESSION_RECORD = "egopose"
NETWORK_KEY, RUNTIME_KEY = "network", "runtime"
SMOOTHING_KEY, PROFILE_KEY = "smoothing", "profile"
"""In the session's record: what made its poses, as it was when the recording began."""
CALIBRATION_RECORD = "egopose.calibration"
IMAGE_SCHEMA = "foxglove.CompressedImage"
VIDEO_SCHEMA = "foxglove.CompressedVideo"
EVENT_SCHEMA_NAME = "foxglove.Log"
DIAGNOSTICS_SCHEMA_NAME = "egopose.Diagnostics"
CAMERA_FRAME = "camera"
FORMAT_VERSION = "1"

MAX_JSON_BYTES = 1 << 20
MAX_EVENT_TEXT = 1000
_INFO, _WARNING = 2, 3
"""Levels of a foxglove.Log."""

_POINT = {"type": "array", "items": {"type": ["number", "null"]}}
_NUMBERS = {"type": "array", "items": {"type": ["number", "null"]}}
TRUTH_SCHEMA: dict[str, Any] = {
    "title": "egopose.Truth",
    "type": "object",
    "properties": {
        "seq": {"type": "integer"},
        "joints_m": {"type": "array", "items": _POINT, "description": "metres, camera frame"},
        "visible": {"type": "array", "items": {"type": "boolean"}},
        "action": {"type": ["string", "null"]},
    },
}
POSE_SCHEMA: dict[str, Any] = {
    "title": "egopose.Pose",
    "type": "object",
    "properties": {
        "seq": {"type": "integer"},
        "joints_m": {"type": "array", "items": _POINT, "description": "metres, camera frame"},
        "uv_px": {"type": "array", "items": _POINT, "description": "pixels of the picture"},
        "confidence": _NUMBERS,
        "action_scores": _NUMBERS,
        "raw_joints_m": {"type": "array", "items": _POINT, "description": "as the network found them, if different"},
    },
}
EVENT_SCHEMA: dict[str, Any] = {
    "title": EVENT_SCHEMA_NAME,
    "type": "object",
    "properties": {
        "timestamp": {
            "type": "object",
            "title": "time",
            "properties": {"sec": {"type": "integer", "minimum": 0}, "nsec": {"type": "integer", "minimum": 0}},
        },
        "level": {"type": "integer"},
        "message": {"type": "string"},
        "name": {"type": "string", "description": "state, gap, clock, mark or drop"},
        "file": {"type": "string"},
        "line": {"type": "integer"},
        "duration_ns": {"type": "integer", "description": "of a gap: from the frame before it to the one after it"},
    },
}


DIAGNOSTICS_SCHEMA: dict[str, Any] = {"title": DIAGNOSTICS_SCHEMA_NAME, "type": "object"}


def protobuf_schema(message: type[Message]) -> bytes:
    """The serialized FileDescriptorSet that MCAP asks for as a protobuf schema."""
    files: dict[str, Any] = {}

    def visit(file: Any) -> None:
        for needed in file.dependencies:
            visit(needed)
        files[file.name] = file  # What a file needs must come before it.

    visit(message.DESCRIPTOR.file)
    result = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(result.file.add())
    return result.SerializeToString()


def timestamp(ns: int) -> Timestamp:
    return Timestamp(seconds=ns // 1_000_000_000, nanos=ns % 1_000_000_000)


def camera_message(calibration: Calibration) -> CameraCalibration:
    """The camera for other programs; "kannala_brandt" with four k's is the one fisheye that Foxglove knows."""
    params = [float(value) for value in calibration.model.params]
    message = CameraCalibration(
        frame_id=CAMERA_FRAME,
        width=calibration.size[0],
        height=calibration.size[1],
        distortion_model=calibration.model.kind,
    )
    if calibration.model.kind == "kannala_brandt":
        fx, fy, cx, cy, *distortion = params
        message.D.extend(distortion)
        message.K.extend([fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0])
        message.P.extend([fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0])
    else:
        message.D.extend(params)
        message.K.extend([0.0] * 9)  # By convention: no pinhole part.
        message.P.extend([0.0] * 12)
    message.R.extend([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    return message


def calibration_text(calibration: Calibration) -> str:
    """The project's own camera JSON."""
    today = datetime.datetime.now(datetime.UTC).date()
    return json.dumps(own.document(calibration, today), allow_nan=False)


def calibration_from_text(text: str, where: str) -> Calibration:
    """Raises EgoposeError, naming `where`."""
    try:
        return own.read(parse_json(text, where))
    except CalibrationError as error:
        raise EgoposeError(str(error)) from error


def truth_text(seq: int, truth: Truth) -> bytes:
    return _dump(
        {
            "seq": seq,
            "joints_m": _numbers(truth.joints_m),
            "visible": [bool(value) for value in truth.visible],
            "action": truth.action,
        }
    )


def pose_text(pose: Pose) -> bytes:
    """A pose without its heatmaps, body and stage times."""
    values = {
        "seq": pose.seq,
        "joints_m": _numbers(pose.joints_m),
        "uv_px": _numbers(pose.uv_px),
        "confidence": _numbers(pose.confidence),
        "action_scores": _numbers(pose.action_scores),
    }
    if pose.raw_joints_m is not None:
        values["raw_joints_m"] = _numbers(pose.raw_joints_m)
    return _dump(values)


def truth_from_text(data: bytes) -> Truth:
    """Raises ValueError where the message is not a truth."""
    values = _load(data)
    visible, action = values["visible"], values.get("action")
    if not isinstance(visible, list) or len(visible) != JOINT_COUNT or not all(isinstance(v, bool) for v in visible):
        raise ValueError("visible is not a list of 15 flags")
    if action is not None and not isinstance(action, str):
        raise ValueError("action is not a text")
    return Truth(_array(values["joints_m"], (JOINT_COUNT, 3)), np.array(visible, np.bool_), action)


def pose_from_text(data: bytes, seq: int, capture_ns: int) -> Pose:
    """A pose with heatmaps of size (15, 0, 0). Raises ValueError where the message is not a pose."""
    values = _load(data)
    scores, raw = values.get("action_scores", []), values.get("raw_joints_m")
    if not isinstance(scores, list):
        raise ValueError("action_scores is not a list")
    return Pose(
        seq=seq,
        capture_ns=capture_ns,
        joints_m=_array(values["joints_m"], (JOINT_COUNT, 3)),
        confidence=_array(values["confidence"], (JOINT_COUNT,)),
        uv_px=_array(values["uv_px"], (JOINT_COUNT, 2)),
        heatmaps=np.zeros((JOINT_COUNT, 0, 0), np.float32),
        action_scores=_array(scores, (len(scores),)),
        raw_joints_m=None if raw is None else _array(raw, (JOINT_COUNT, 3)),
    )


def event_text(event: Event) -> bytes:
    return _dump(
        {
            "timestamp": {"sec": event.capture_ns // 10**9, "nsec": event.capture_ns % 10**9},
            "level": _INFO if event.kind in (EventKind.MARK, EventKind.STATE) else _WARNING,
            "message": event.text[:MAX_EVENT_TEXT],
            "name": event.kind.value,
            "file": "",
            "line": 0,
            "duration_ns": event.duration_ns,
        }
    )


def event_from_text(data: bytes, capture_ns: int) -> Event:
    """Raises ValueError where the message is not an event."""
    values = _load(data)
    text, duration = values["message"], values.get("duration_ns", 0)
    if not isinstance(text, str) or not isinstance(values["name"], str):
        raise ValueError("message and name are not texts")
    if isinstance(duration, bool) or not isinstance(duration, int) or not 0 <= duration < 2**63:
        raise ValueError("duration_ns is no time")
    return Event(EventKind(values["name"]), capture_ns, " ".join(text.split())[:MAX_EVENT_TEXT], duration)


def diagnostics_text(values: Mapping[str, Any]) -> bytes:
    """Numbers that are not known are null."""
    return _dump(_finite(dict(values)))


def diagnostics_from_text(data: bytes) -> dict[str, Any]:
    """Raises ValueError where the message is none."""
    return _load(data)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _dump(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False, separators=(",", ":")).encode()


def _load(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_JSON_BYTES:
        raise ValueError("message is too long")
    try:
        values = json.loads(data)
    except RecursionError as error:
        raise ValueError("message is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("message is no object")
    return _Strict(values)


class _Strict(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        raise ValueError(f"{key} is missing")


def _numbers(array: NDArray[Any]) -> list[Any]:
    def null(value: Any) -> Any:
        if isinstance(value, list):
            return [null(item) for item in value]
        return value if math.isfinite(value) else None

    result: list[Any] = null(array.tolist())
    return result


def _array(value: Any, shape: tuple[int, ...]) -> FloatArray:
    try:
        with np.errstate(over="ignore"):
            array = np.array(value, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("numbers are not numbers") from error
    if array.shape != shape:
        raise ValueError(f"numbers of shape {array.shape} where {shape} is due")
    return array
