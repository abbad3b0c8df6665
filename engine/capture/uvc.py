"""A connected camera through OpenCV: UVC on every system, V4L2 by path or stable id on Linux."""

from __future__ import annotations

import math
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from calib.cv import cv2
from engine.capture.devices import BY_ID, Camera, system_cameras
from engine.capture.picture import PictureError, decode_picture, quiet_opencv, whole_jpeg
from engine.capture.source import LiveSource, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame, ImageArray

CONTROLS = {
    "exposure": (cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE),
    "gain": (cv2.CAP_PROP_GAIN, None),
    "focus": (cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS),
}
"""What can be set: its property, and the one that has the camera set it by itself."""
_MANUAL_EXPOSURE = 1.0 if sys.platform == "linux" else 0.25
"""V4L2_EXPOSURE_MANUAL; DirectShow counts otherwise."""
_FIRST_TRIES = 3
"""A camera may need a second or two before its first picture."""


@dataclass(frozen=True, slots=True)
class UvcConfig:
    """What is asked of a camera. Raises EgoposeError where that cannot be."""

    size: tuple[int, int] = (1280, 720)
    """(width, height) in pixels."""
    fps: float = 30.0
    codec: str = "MJPG"
    """Most cameras reach their full size and rate only with Motion JPEG."""
    controls: Mapping[str, float] = field(default_factory=dict)
    """Of `CONTROLS`, in the camera's own units; set anew whenever the camera is opened."""

    def __post_init__(self) -> None:
        if len(self.codec) != 4 or not self.codec.isascii():
            raise EgoposeError(f"{self.codec!r} is not a pixel format: give its four letters, for instance MJPG.")
        if not all(1 <= side <= 16384 for side in self.size):
            raise EgoposeError(f"{self.size[0]}x{self.size[1]} is no size of a picture: give for instance 1280x720.")
        if not 0 < self.fps <= 1000:
            raise EgoposeError(f"{self.fps:g} frames a second cannot be asked for: give 1 to 1000.")
        for name, value in self.controls.items():
            if name not in CONTROLS:
                raise EgoposeError(f"a camera has no control {name!r} here: there are {', '.join(CONTROLS)}.")
            if not math.isfinite(value):
                raise EgoposeError(f"{name}={value:g} cannot be set: give a number.")


class UvcCamera(LiveSource):
    """A camera by OpenCV index, or on Linux by `/dev/videoN`, a path in `/dev/v4l/by-id` or a name in it.

    `info` and `delivered` tell what the camera really gives. Its Motion JPEG is taken as it comes
    where the system allows that: `Frame.encoded` then has it, decoded on the thread that reads.
    `capture_ns` is read between grab and retrieve; `device_ns` is the driver's time stamp where V4L2 has one.
    """

    def __init__(self, device: int | str = 0, config: UvcConfig | None = None) -> None:
        self._device = device
        self._config = config or UvcConfig()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._capture: cv2.VideoCapture | None = None
        self._number = device if isinstance(device, int) else 0
        self._camera: Camera | None = None
        self._seq = 0
        self._size: tuple[int, int] | None = None
        self._fps: float | None = None
        self._clock = ""
        self._raw = False
        """Whether the camera's own JPEG bytes are handed through."""
        self._undecoded = 0
        self._undecoded_last = ""
        self._delivered = ""

    @property
    def info(self) -> SourceInfo:
        camera = self._camera
        return SourceInfo(
            name=camera.name if camera else f"camera {self._device}",
            source_id=self._source_id(),
            size=self._size,
            fps=self._fps,
            clock=self._clock,
            live=True,
            seekable=False,
        )

    @property
    def delivered(self) -> str:
        return self._delivered

    @property
    def skipped(self) -> tuple[str, ...]:
        if not self._undecoded:
            return ()
        return (f"{self._undecoded} pictures could not be decoded; the last {self._undecoded_last}",)

    def again(self) -> UvcCamera:
        """By its stable id, so that it is found under whatever number it comes back."""
        made = UvcCamera(self._device, self._config)
        made._camera, made._size, made._fps = self._camera, self._size, self._fps
        return made

    def open(self) -> None:
        """Open the camera and see one picture of it. Raises EgoposeError where that fails."""
        with self._lock:
            self._release()
            self._stop.clear()
            self._number = self._device_number()
            self._camera = _listed(self._number) or self._camera
            with quiet_opencv():
                self._capture = cv2.VideoCapture(self._number, _backend())
                if not self._capture.isOpened():
                    self._release()
                    raise EgoposeError(f"{self._tried()} cannot be opened: {self._advice()}")
                try:
                    image = self._negotiate(self._capture)
                except EgoposeError:
                    self._release()
                    raise
            if image is None:
                self._release()
                raise EgoposeError(
                    f"{self._tried()} gives no picture: close other programs that use it, or plug it in again."
                )
            self._seq = 0
            self._size = (image.shape[1], image.shape[0])

    def read(self) -> Frame | None:
        """The next frame; None once closed. Raises EgoposeError where the camera is lost."""
        with self._lock:
            try:
                while True:
                    capture = self._capture
                    if capture is None or self._stop.is_set():
                        return None
                    grabbed = capture.grab()
                    capture_ns = time.monotonic_ns()
                    image, encoded = self._retrieved(capture) if grabbed else (None, None)
                    if self._stop.is_set():
                        return None
                    if not grabbed or (image is None and not self._raw):
                        raise EgoposeError(f"{self._tried()} gives no more pictures: plug it in again.")
                    self._seq += 1
                    if image is not None:
                        break
                return Frame(
                    image=image,
                    seq=self._seq - 1,
                    capture_ns=capture_ns,
                    source_id=self._source_id(),
                    device_ns=_driver_ns(capture) if self._clock else None,
                    device_clock=self._clock or None,
                    encoded=encoded,
                )
            finally:
                if self._stop.is_set():
                    self._release()

    def close(self) -> None:
        """Release the camera; a `read` that is blocked in the driver releases it on its way out."""
        self._stop.set()
        # To release under a running grab would crash the driver's client library.
        if self._lock.acquire(timeout=0.2):
            try:
                self._release()
            finally:
                self._lock.release()

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _retrieved(self, capture: cv2.VideoCapture) -> tuple[ImageArray | None, bytes | None]:
        """The picture that was grabbed, decoded, and its JPEG bytes where they are handed through."""
        data = cast(ImageArray | None, capture.retrieve()[1])
        if not self._raw or data is None:
            return data, None
        try:
            encoded = whole_jpeg(data.tobytes())
            return decode_picture(encoded), encoded
        except PictureError as error:
            self._undecoded += 1
            self._undecoded_last = str(error)
            return None, None

    def _negotiate(self, capture: cv2.VideoCapture) -> ImageArray | None:
        """Ask for what is wanted, take a first picture and keep what was really given."""
        (width, height), fps, codec = self._config.size, self._config.fps, self._config.codec
        # The order matters: the format decides which sizes there are, the size which rates.
        capture.set(cv2.CAP_PROP_FOURCC, int.from_bytes(codec.encode("ascii"), "little"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, fps)
        said = self._set_controls(capture)
        given = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        letters = given.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ") or "unknown format"
        self._raw = letters in ("MJPG", "JPEG") and bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))
        image = self._first(capture)
        if image is None and self._raw:
            # Raw pictures are not given after all, or not ones that we can decode: OpenCV may.
            self._raw = False
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
            image = self._first(capture)
        if image is None:
            return None
        self._undecoded = 0
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self._fps = rate if 0 < rate < 1000 else None
        on_linux = _backend() == cv2.CAP_V4L2
        self._clock = "v4l2" if on_linux and _driver_ns(capture) is not None else ""
        at = f" at {self._fps:g} fps" if self._fps else ""
        self._delivered = ", ".join([f"{letters} {image.shape[1]} x {image.shape[0]}{at}", *said])
        return image

    def _first(self, capture: cv2.VideoCapture) -> ImageArray | None:
        for _ in range(_FIRST_TRIES):
            if self._stop.is_set():
                return None
            if capture.grab() and (image := self._retrieved(capture)[0]) is not None:
                return image
        return None

    def _set_controls(self, capture: cv2.VideoCapture) -> list[str]:
        """Set what was asked for; what the camera then says. Raises EgoposeError where it has no such control."""
        said = []
        for name, value in self._config.controls.items():
            prop, auto = CONTROLS[name]
            if auto is not None:
                capture.set(auto, _MANUAL_EXPOSURE if name == "exposure" else 0.0)
            if not capture.set(prop, value):
                raise EgoposeError(f"{self._tried()} does not take {name}={value:g}: leave it out, or give another.")
            said.append(f"{name} {capture.get(prop):g}")
        return said

    def _device_number(self) -> int:
        if self._camera is not None:
            return self._number_of(self._camera.id)
        if isinstance(self._device, int):
            return self._device
        if "/" not in self._device:
            return self._number_of(f"camera:{self._device}")
        path = Path(self._device)
        if not path.exists():
            raise EgoposeError(f"There is no camera at {path}: {self._advice()}")
        found = re.fullmatch(r"video(\d+)", path.resolve().name)
        if not found:
            raise EgoposeError(f"{path} is not a camera: give /dev/videoN or a path in {BY_ID}.")
        return int(found[1])

    def _number_of(self, camera_id: str) -> int:
        """The number that the camera with this stable id has now."""
        camera = next((camera for camera in system_cameras() if camera.id == camera_id), None)
        if camera is None:
            name = self._camera.name if self._camera else camera_id.removeprefix("camera:")
            raise EgoposeError(f"The camera {name} is not connected: {self._advice()}")
        return _number(camera)

    def _source_id(self) -> str:
        return self._camera.id if self._camera else f"camera:{self._device}"

    def _tried(self) -> str:
        if sys.platform == "linux":
            return f"Camera {self._device} (/dev/video{self._number} with V4L2)"
        return f"Camera {self._device}"

    def _advice(self) -> str:
        node = Path(f"/dev/video{self._number}")
        if node.exists() and not os.access(node, os.R_OK | os.W_OK):
            return f"{node} may not be read by this user; add the user to the group that owns it, often `video`."
        if sys.platform != "linux":
            return "plug a camera in, or close other programs that use it, and try again."
        cameras = system_cameras()
        if not cameras:
            return "no camera is connected; plug one in and try again."
        there = ", ".join(f"{camera.where} ({camera.name})" for camera in cameras)
        return f"there are {there}; choose one, or close other programs that use it."


def _backend() -> int:
    return int(cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)


def _driver_ns(capture: cv2.VideoCapture) -> int | None:
    """The driver's time stamp of the last grab, None where it gives none."""
    milliseconds = float(capture.get(cv2.CAP_PROP_POS_MSEC))
    return round(milliseconds * 1e6) if milliseconds > 0 else None


def _listed(number: int) -> Camera | None:
    """The camera with OpenCV's number."""
    return next((camera for camera in system_cameras() if _number(camera) == number), None)


def _number(camera: Camera) -> int:
    return int(re.sub(r"\D", "", camera.where))
