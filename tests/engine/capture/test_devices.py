"""What cameras can give, as a V4L2 driver of our own lists it, and cameras of other systems."""

from __future__ import annotations

import errno
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from engine.capture import devices
from engine.capture.devices import Camera, Format, formats_of, system_cameras

linux = pytest.mark.skipif(sys.platform != "linux", reason="V4L2 is what is tested")

# As the kernel's videodev2.h numbers them.
ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 2, 74, 75
TABLE: dict[str, dict[tuple[int, int], list[tuple[int, int]]]] = {
    "MJPG": {(1280, 1024): [(1, 60), (1, 30)], (640, 512): [(2, 15)]},
    "YUYV": {(640, 480): []},
}


def fourcc(letters: str) -> int:
    return int.from_bytes(letters.encode(), "little")


def driver(_file: int, request: int, value: Any) -> None:
    """Answers as a kernel driver does: EINVAL beyond the last entry."""
    number = request & 0xFF
    try:
        if number == ENUM_FMT:
            value.pixelformat = fourcc(list(TABLE)[value.index])
            value.description = b"a format"
        elif number == ENUM_FRAMESIZES:
            sizes = next(sizes for letters, sizes in TABLE.items() if fourcc(letters) == value.pixel_format)
            value.type = 1
            value.discrete.width, value.discrete.height = list(sizes)[value.index]
        elif number == ENUM_FRAMEINTERVALS:
            sizes = next(sizes for letters, sizes in TABLE.items() if fourcc(letters) == value.pixel_format)
            value.type = 1
            value.discrete.numerator, value.discrete.denominator = sizes[value.width, value.height][value.index]
        else:
            raise OSError(errno.ENOTTY, "no such request")
    except IndexError as error:
        raise OSError(errno.EINVAL, "no more") from error


@linux
def test_formats_are_those_the_driver_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linuxpy.ioctl.fcntl.ioctl", driver)
    found = formats_of(Camera("camera:x", "Fisheye", "/dev/null", "camera:x"))
    assert found == (
        Format("MJPG", (1280, 1024), (60.0, 30.0)),
        Format("MJPG", (640, 512), (7.5,)),
        Format("YUYV", (640, 480), ()),
    )


@linux
def test_what_is_no_camera_has_no_formats() -> None:
    assert formats_of(Camera("camera:x", "Fisheye", "/dev/null", "camera:x")) == ()
    assert formats_of(Camera("camera:x", "Fisheye", "/dev/nothing", "camera:x")) == ()
    assert formats_of(Camera("realsense:1", "RealSense", "USB 3.2", "realsense:1")) == ()


def test_cameras_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("cv2_enumerate_cameras")
    listed = [
        types.SimpleNamespace(index=1400, name="Fisheye", path="usb#1", vid=0x32E4, pid=0x0234),
        types.SimpleNamespace(index=1401, name="Built-in", path=None, vid=None, pid=None),
        types.SimpleNamespace(index=1402, name="Other", path=None, vid=0x1, pid=0x2),
    ]
    made.enumerate_cameras = lambda: listed  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", made)
    monkeypatch.setattr(devices.sys, "platform", "win32")
    assert system_cameras(Path("/none"), Path("/none")) == (
        Camera("camera:usb#1", "Fisheye", "camera 1400", "camera:1400"),
        Camera("camera:Built-in", "Built-in", "camera 1401", "camera:1401"),
        Camera("camera:0001:0002", "Other", "camera 1402", "camera:1402"),
    )
