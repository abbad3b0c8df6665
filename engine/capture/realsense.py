"""RealSense cameras and their recordings (.bag, .db3), through Intel's library: `pip install egopose[realsense]`.

Intrinsics are the device's own, Kannala-Brandt for a fisheye; times are those of its clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from calib.calibration import Calibration
from calib.cv import cv2
from calib.errors import CalibrationError
from calib.formats import realsense
from calib.formats.fields import Fields
from engine.capture.devices import Camera
from engine.capture.source import LiveSource, Source, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame, ImageArray

log = logging.getLogger(__name__)

STREAMS = ("fisheye", "color", "infrared")
"""Which is taken, the first that there is."""
FORMATS = {"y8": cv2.COLOR_GRAY2BGR, "rgb8": cv2.COLOR_RGB2BGR, "bgr8": None, "yuyv": cv2.COLOR_YUV2BGR_YUY2}
"""Pixel formats that can be read, and how they become BGR."""
SUFFIXES = (".bag", ".db3")
_SILENT_S = 1.0
"""After so long without a picture a camera is lost: the library does not say when it is unplugged."""
_POLL_MS = 100
_QUEUE = 4


def library() -> Any:
    """The module pyrealsense2. Raises EgoposeError where it is not installed or does not load."""
    try:
        import pyrealsense2  # noqa: PLC0415
    except ImportError as error:
        hint = "install the Debian package libusb-1.0-0" if "libusb" in str(error) else "pip install egopose[realsense]"
        raise EgoposeError(f"RealSense cameras need pyrealsense2, which does not load ({error}): {hint}.") from error
    return pyrealsense2


def list_realsense() -> tuple[Camera, ...]:
    """The connected RealSense cameras; none where the library is not installed."""
    try:
        rs = library()
        return tuple(_described(rs, device) for device in rs.context().query_devices())
    except EgoposeError:
        return ()
    except RuntimeError as error:
        log.warning("the RealSense cameras cannot be listed (%s)", error)
        return ()


def _described(rs: Any, device: Any) -> Camera:
    serial = _told(rs, device, "serial_number")
    usb = _told(rs, device, "usb_type_descriptor")
    return Camera(f"realsense:{serial}", _told(rs, device, "name"), f"USB {usb}" if usb else "", f"realsense:{serial}")


def _told(rs: Any, device: Any, what: str) -> str:
    info = getattr(rs.camera_info, what)
    return str(device.get_info(info)) if device.supports(info) else ""


def found_device(serial: str | None) -> Any:
    """The connected device with this serial number, or the first. Raises EgoposeError where there is none."""
    rs = library()
    devices = list(rs.context().query_devices())
    if serial is None and devices:
        return devices[0]
    for device in devices:
        if _told(rs, device, "serial_number") == serial:
            return device
    there = ", ".join(f"realsense:{_told(rs, device, 'serial_number')}" for device in devices)
    which = f"with the serial number {serial} " if serial else ""
    advice = f"there is {there}; choose one" if there else "plug it in, at best into a USB 3 port, and try again"
    raise EgoposeError(f"No RealSense camera {which}is connected: {advice}.")


class RealSenseCamera(LiveSource):
    """A connected camera's fisheye, else its colour, else its infrared stream."""

    def __init__(self, serial: str | None = None, find: Callable[[str | None], Any] = found_device) -> None:
        """`find` gives the `rs.device` of a serial number, or of the first camera for None."""
        self._serial, self._find = serial, find
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._sensor: Any = None
        self._queue: Any = None
        self._seq = 0
        self._info = SourceInfo("RealSense", f"realsense:{serial or ''}", None, None, "realsense", True, False)
        self._delivered = ""

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def delivered(self) -> str:
        return self._delivered

    def again(self) -> RealSenseCamera:
        made = RealSenseCamera(self._serial, self._find)
        made._info = self._info
        return made

    def open(self) -> None:
        """Start the camera. Raises EgoposeError where there is none or it cannot be started."""
        rs = library()
        with self._lock:
            self._release()
            self._stop.clear()
            device = self._find(self._serial)
            self._serial = _told(rs, device, "serial_number")
            name = _told(rs, device, "name") or "RealSense"
            try:
                sensor, profile = _chosen(device, name)
                self._queue = rs.frame_queue(_QUEUE)
                sensor.open(profile)
                self._sensor = sensor
                sensor.start(self._queue)
            except RuntimeError as error:
                self._release()
                reason = _one_line(error)
                raise EgoposeError(f"{name} cannot be started ({reason}): close other programs that use it.") from error
            self._seq = 0
            self._info = _info(profile, name, f"realsense:{self._serial}", live=True)
            size = self._info.size or (0, 0)
            stream = profile.stream_type().name
            self._delivered = f"{stream} {profile.format().name} {size[0]} x {size[1]} at {self._info.fps:g} fps"

    def read(self) -> Frame | None:
        """The next frame; None once closed. Raises EgoposeError where the camera is lost."""
        with self._lock:
            try:
                until_s = time.monotonic() + _SILENT_S
                while not self._stop.is_set() and self._queue is not None:
                    ok, data = self._queue.try_wait_for_frame(_POLL_MS)
                    capture_ns = time.monotonic_ns()
                    if ok:
                        self._seq += 1
                        return _frame(data, self._seq - 1, capture_ns, self._info.source_id)
                    if time.monotonic() > until_s:
                        raise EgoposeError(f"{self._info.name} gives no more pictures: plug it in again.")
                return None
            except RuntimeError as error:
                raise EgoposeError(f"{self._info.name} is lost ({_one_line(error)}): plug it in again.") from error
            finally:
                if self._stop.is_set():
                    self._release()

    def close(self) -> None:
        self._stop.set()
        if self._lock.acquire(timeout=3 * _POLL_MS / 1000):
            try:
                self._release()
            finally:
                self._lock.release()

    def _release(self) -> None:
        sensor, self._sensor, self._queue = self._sensor, None, None
        if sensor is not None:
            try:
                sensor.stop()
                sensor.close()
            except RuntimeError as error:
                log.info("%s: %s", self._info.name, _one_line(error))  # it is gone already


class RealSenseRecording(Source):
    """A .bag or .db3 file of the library, every frame of it; `capture_ns` is the device's time from 0 on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pipeline: Any = None
        self._playback: Any = None
        self._stream: Any = None
        self._seq = 0
        self._start_ns: int | None = None
        self._info = SourceInfo(path.name, f"file:{path.resolve()}", None, None, "realsense", False, False)

    @property
    def info(self) -> SourceInfo:
        return self._info

    def open(self) -> None:
        """Raises EgoposeError where the file is no recording, or has no stream that can be shown."""
        rs = library()
        if not self._path.is_file():
            raise EgoposeError(f"There is no file {self._path}: check the name.")
        with self._lock:
            self._release()
            pipeline, config = rs.pipeline(), rs.config()
            try:
                config.enable_device_from_file(str(self._path), repeat_playback=False)
                playback = config.resolve(rs.pipeline_wrapper(pipeline)).get_device().as_playback()
                playback.set_real_time(False)
                device = playback
                _, profile = _chosen(device, str(self._path))
                started = pipeline.start(config)
            except RuntimeError as error:
                raise EgoposeError(
                    f"{self._path} is not a RealSense recording that can be read ({_one_line(error)}): record it anew."
                ) from error
            self._pipeline, self._playback = pipeline, started.get_device().as_playback()
            self._stream = profile.stream_type()
            self._seq, self._start_ns = 0, None
            info = _info(profile, self._path.name, f"realsense:{_told(rs, device, 'serial_number')}", live=False)
            self._info = info

    def read(self) -> Frame | None:
        rs = library()
        with self._lock:
            while self._pipeline is not None:
                ok, frames = self._pipeline.try_wait_for_frames(_POLL_MS)
                if not ok:
                    if self._playback.current_status() == rs.playback_status.stopped:
                        return None
                    continue
                data = frames.first_or_default(self._stream)
                if not data:
                    continue
                device_ns = _device_ns(data)
                if self._start_ns is None:
                    self._start_ns = device_ns
                self._seq += 1
                return _frame(data, self._seq - 1, device_ns - self._start_ns, self._info.source_id)
            return None

    def close(self) -> None:
        with self._lock:
            self._release()

    def _release(self) -> None:
        pipeline, self._pipeline, self._playback = self._pipeline, None, None
        if pipeline is not None:
            pipeline.stop()


def _chosen(device: Any, name: str) -> tuple[Any, Any]:
    """(sensor, profile) of the stream to show. Raises EgoposeError where the device has none that can be read."""
    best: tuple[tuple[int, bool], Any, Any] | None = None
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            stream = profile.stream_type().name
            if stream in STREAMS and profile.format().name in FORMATS and profile.is_video_stream_profile():
                rank = STREAMS.index(stream), not profile.is_default()
                if best is None or rank < best[0]:
                    best = rank, sensor, profile.as_video_stream_profile()
    if best is None:
        raise EgoposeError(f"{name} has no {', '.join(STREAMS)} stream that can be read: choose another camera.")
    return best[1:]


def _info(profile: Any, name: str, source_id: str, *, live: bool) -> SourceInfo:
    return SourceInfo(
        name=name,
        source_id=source_id,
        size=(profile.width(), profile.height()),
        fps=float(profile.fps()),
        clock="realsense",
        live=live,
        seekable=False,
        calibration=_calibration(profile.get_intrinsics(), name),
    )


def _calibration(intrinsics: Any, name: str) -> Calibration | None:
    """The device's own; None where it is a lens model that we do not have."""
    fields = {key: getattr(intrinsics, key) for key in ("width", "height", "fx", "fy", "ppx", "ppy")}
    fields |= {"name": name, "model": intrinsics.model.name, "coeffs": list(intrinsics.coeffs)}
    try:
        return realsense.read(Fields(name, fields))
    except CalibrationError as error:
        log.warning("the intrinsics of the device cannot be used (%s); run egopose calibrate", error)
        return None


def _frame(data: Any, seq: int, capture_ns: int, source_id: str) -> Frame:
    clock = data.get_frame_timestamp_domain().name
    return Frame(_bgr(data), seq, capture_ns, source_id, _device_ns(data), f"realsense {clock.replace('_', ' ')}")


def _device_ns(data: Any) -> int:
    return round(float(data.get_timestamp()) * 1e6)


def _bgr(data: Any) -> ImageArray:
    """A copy: the library takes its buffer back."""
    pixels = np.asanyarray(data.get_data())
    kind = data.get_profile().format().name
    code = FORMATS[kind]
    if kind == "yuyv":
        pixels = pixels.view(np.uint8).reshape(pixels.shape[0], -1, 2)
    return np.array(pixels) if code is None else np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
