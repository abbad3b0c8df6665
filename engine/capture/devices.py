"""The cameras that are connected: their stable ids, their names, and what they can give."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BY_ID = Path("/dev/v4l/by-id")
VIDEO4LINUX = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that the system lists."""

    id: str
    """Stable, as in `SourceInfo.source_id`: the same in any socket, where the camera has a serial number."""
    name: str
    where: str
    """For people: the path of its device, or how it is connected."""
    spec: str
    """What `open_source` takes."""


@dataclass(frozen=True, slots=True)
class Format:
    """One of the things a camera can give."""

    codec: str
    """The four letters of the pixel format, "MJPG" for Motion JPEG."""
    size: tuple[int, int]
    """(width, height) in pixels."""
    fps: tuple[float, ...]
    """Frames a second it can give in this size, the most first; empty where it does not say."""


def list_cameras() -> tuple[Camera, ...]:
    """Every connected camera: those of the system first, then RealSense where its library is installed."""
    from engine.capture.realsense import list_realsense  # noqa: PLC0415

    return (*system_cameras(), *list_realsense())


def system_cameras(by_id: Path = BY_ID, video4linux: Path = VIDEO4LINUX) -> tuple[Camera, ...]:
    """Cameras that the operating system lists, in the order of their device numbers."""
    if sys.platform != "linux":
        return tuple(_enumerated())
    stable: dict[str, str] = {}
    if by_id.is_dir():
        for link in sorted(by_id.iterdir()):
            stable.setdefault(link.resolve().name, link.name)
    cameras: list[tuple[int, Camera]] = []
    for node in video4linux.glob("video*") if video4linux.is_dir() else ():
        number = node.name.removeprefix("video")
        # A camera has further nodes, for metadata, with a higher index.
        if number.isdecimal() and _line(node / "index") in ("", "0"):
            path = f"/dev/{node.name}"
            spec = f"camera:{stable.get(node.name, path)}"
            cameras.append((int(number), Camera(spec, _line(node / "name") or node.name, path, spec)))
    return tuple(camera for _, camera in sorted(cameras, key=lambda item: item[0]))


def _enumerated() -> Iterator[Camera]:
    """As Windows and macOS list them, in the order of OpenCV's numbers."""
    from cv2_enumerate_cameras import enumerate_cameras  # noqa: PLC0415

    for found in enumerate_cameras():
        product = f"{found.vid:04x}:{found.pid:04x}" if found.vid is not None and found.pid is not None else found.name
        yield Camera(f"camera:{found.path or product}", found.name, f"camera {found.index}", f"camera:{found.index}")


def formats_of(camera: Camera) -> tuple[Format, ...]:
    """What the camera can give, as V4L2 lists it; also of one that another program uses.

    Empty on other systems, for other cameras than the system's, and where the device cannot be opened.
    """
    if sys.platform != "linux" or not camera.where.startswith("/dev/"):
        return ()
    try:
        file = os.open(camera.where, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return ()
    try:
        return tuple(_listed_formats(file))
    except OSError:
        return ()
    finally:
        os.close(file)


def _listed_formats(file: int) -> Iterator[Format]:
    from linuxpy.video import device as v4l2  # noqa: PLC0415

    for described in v4l2.iter_read_formats(file, v4l2.BufferType.VIDEO_CAPTURE):
        pixel_format = described.pixel_format
        codec = v4l2.human_pixel_format(int(pixel_format))
        sizes: dict[tuple[int, int], list[float]] = {}
        for found in v4l2.iter_read_pixel_formats_frame_intervals(file, [pixel_format]):
            rates = sizes.setdefault((found.width, found.height), [])
            if found.max_fps:
                rates.append(round(float(found.max_fps), 3))
        for size, rates in sizes.items():
            yield Format(codec, size, tuple(sorted(set(rates), reverse=True)))


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
