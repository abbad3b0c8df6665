"""A connected camera through OpenCV: UVC on every system, V4L2 by path on Linux."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from calib.cv import cv2
from engine.capture.picture import quiet_opencv
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame, ImageArray

BY_ID = Path("/dev/v4l/by-id")
VIDEO4LINUX = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that the system lists."""

    id: str
    """Stable: the same camera in any socket has the same id, where the camera has a serial number."""
    name: str
    path: Path


def list_cameras(by_id: Path = BY_ID, video4linux: Path = VIDEO4LINUX) -> tuple[Camera, ...]:
    """Cameras that Linux lists, in the order of their device numbers; none on other systems."""
    stable: dict[str, str] = {}
    if by_id.is_dir():
        for link in sorted(by_id.iterdir()):
            stable.setdefault(link.resolve().name, link.name)
    cameras: list[tuple[int, Camera]] = []
    for node in video4linux.glob("video*") if video4linux.is_dir() else ():
        number = node.name.removeprefix("video")
        # A camera has further nodes, for metadata, with a higher index.
        if number.isdecimal() and _line(node / "index") in ("", "0"):
            path = Path("/dev") / node.name
            camera = Camera(id=stable.get(node.name, str(path)), name=_line(node / "name") or node.name, path=path)
            cameras.append((int(number), camera))
    return tuple(camera for _, camera in sorted(cameras, key=lambda item: item[0]))


class UvcCamera(Source):
    """A camera by OpenCV index, or on Linux by `/dev/videoN` or a path in `/dev/v4l/by-id`.

    Motion JPEG is asked for first, since most cameras reach their full size and rate only
    with it; `info` and `delivered` tell what the camera then really gives. `capture_ns` is
    read between grab and retrieve; `device_ns` is the driver's time stamp where V4L2 has one.
    """

    def __init__(
        self, device: int | str = 0, *, size: tuple[int, int] = (1280, 720), fps: float = 30.0, codec: str = "MJPG"
    ) -> None:
        if len(codec) != 4:
            raise EgoposeError(f"{codec!r} is not a pixel format: give its four letters, for instance MJPG.")
        self._device = device
        self._wanted = size, fps, codec
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._capture: cv2.VideoCapture | None = None
        self._number = device if isinstance(device, int) else 0
        self._camera: Camera | None = None
        self._seq = 0
        self._size: tuple[int, int] | None = None
        self._fps: float | None = None
        self._clock = ""
        self.delivered = ""
        """For people: what the opened camera really gives, for instance "MJPG 1280 x 720 at 30 fps"."""

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

    def open(self) -> None:
        """Open the camera and see one picture of it. Raises EgoposeError where that fails."""
        with self._lock:
            self._release()
            self._stop.clear()
            self._number = self._device_number()
            self._camera = _listed(self._number)
            with quiet_opencv():
                self._capture = cv2.VideoCapture(self._number, _backend())
                if not self._capture.isOpened():
                    self._release()
                    raise EgoposeError(f"{self._tried()} cannot be opened: {self._advice()}")
                image = self._negotiate(self._capture)
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
                capture = self._capture
                if capture is None or self._stop.is_set():
                    return None
                grabbed = capture.grab()
                capture_ns = time.monotonic_ns()
                image = cast(ImageArray | None, capture.retrieve()[1]) if grabbed else None
                if self._stop.is_set():
                    return None
                if image is None:
                    raise EgoposeError(f"{self._tried()} gives no more pictures: plug it in again.")
                frame = Frame(
                    image=image,
                    seq=self._seq,
                    capture_ns=capture_ns,
                    source_id=self._source_id(),
                    device_ns=_driver_ns(capture) if self._clock else None,
                    device_clock=self._clock or None,
                )
                self._seq += 1
                return frame
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

    def _negotiate(self, capture: cv2.VideoCapture) -> ImageArray | None:
        """Ask for what is wanted, take a first picture and keep what was really given."""
        (width, height), fps, codec = self._wanted
        # The order matters: the format decides which sizes there are, the size which rates.
        capture.set(cv2.CAP_PROP_FOURCC, int.from_bytes(codec.encode("ascii", "replace"), "little"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, fps)
        image = cast(ImageArray | None, capture.read()[1])
        if image is None:
            return None
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self._fps = rate if 0 < rate < 1000 else None
        on_linux = _backend() == cv2.CAP_V4L2
        self._clock = "v4l2" if on_linux and _driver_ns(capture) is not None else ""
        given = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        letters = given.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ") or "unknown format"
        at = f" at {self._fps:g} fps" if self._fps else ""
        self.delivered = f"{letters} {image.shape[1]} x {image.shape[0]}{at}"
        return image

    def _device_number(self) -> int:
        if isinstance(self._device, int):
            return self._device
        path = Path(self._device)
        if not path.exists():
            raise EgoposeError(f"There is no camera at {path}: {self._advice()}")
        found = re.fullmatch(r"video(\d+)", path.resolve().name)
        if not found:
            raise EgoposeError(f"{path} is not a camera: give /dev/videoN or a path in {BY_ID}.")
        return int(found[1])

    def _source_id(self) -> str:
        return f"camera:{self._camera.id if self._camera else self._device}"

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
        cameras = list_cameras()
        if not cameras:
            return "no camera is connected; plug one in and try again."
        there = ", ".join(f"{camera.path} ({camera.name})" for camera in cameras)
        return f"there are {there}; choose one, or close other programs that use it."


def _backend() -> int:
    return int(cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)


def _driver_ns(capture: cv2.VideoCapture) -> int | None:
    """The driver's time stamp of the last grab, None where it gives none."""
    milliseconds = float(capture.get(cv2.CAP_PROP_POS_MSEC))
    return round(milliseconds * 1e6) if milliseconds > 0 else None


def _listed(number: int) -> Camera | None:
    return next((camera for camera in list_cameras() if camera.path.name == f"video{number}"), None)


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
