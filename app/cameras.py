"""`egopose cameras`: what is connected, what it can give, and which calibration belongs to it. No Qt."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.cameras import camera_file
from engine.capture.devices import Camera, Format, formats_of, list_cameras

NO_CAMERA = (
    "No camera is connected: plug one in. A network camera is opened by its address, "
    "for instance egopose live http://192.168.1.20:8080/video"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A connected camera and what is known of it."""

    camera: Camera
    formats: tuple[Format, ...]
    calibration: str
    """The file that belongs to it, "device" where the camera has its own, "" where there is none."""
    readable: bool


def known_cameras() -> list[Known]:
    """Every connected camera. Raises EgoposeError for a damaged list of calibrations."""
    return [known_camera(camera) for camera in list_cameras()]


def known_camera(camera: Camera) -> Known:
    """What is known of one. Raises EgoposeError for a damaged list of calibrations."""
    return replace(briefly_known(camera), formats=formats_of(camera))


def briefly_known(camera: Camera) -> Known:
    """The same without its formats: to ask a camera for them wakes it up."""
    file = camera_file(camera.id)
    own = "device" if camera.id.startswith("realsense:") else ""
    node = Path(camera.where)
    readable = not camera.where.startswith("/dev/") or os.access(node, os.R_OK | os.W_OK)
    return Known(camera, (), str(file) if file else own, readable)


def add_cameras(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--json", action="store_true", help="for programs: a list of objects")
    command.set_defaults(command=run_cameras)


def run_cameras(arguments: argparse.Namespace) -> int:
    """`egopose cameras`."""
    cameras = known_cameras()
    if arguments.json:
        print(json.dumps([record(known) for known in cameras], indent=2))
    else:
        print("\n\n".join(lines(known) for known in cameras) or NO_CAMERA)
    return 0


def record(known: Known) -> dict[str, object]:
    """One camera as JSON has it."""
    formats = [{"codec": f.codec, "size": list(f.size), "fps": list(f.fps)} for f in known.formats]
    return asdict(known.camera) | {
        "formats": formats,
        "calibration": known.calibration or None,
        "readable": known.readable,
    }


def lines(known: Known) -> str:
    """One camera for people."""
    camera = known.camera
    rows = [("open it with", f"egopose live {camera.spec}"), ("connected as", camera.where or "USB")]
    if not known.readable:
        rows.append(("but", "this user may not read it: add the user to the group that owns it, often `video`"))
    for codec in dict.fromkeys(f.codec for f in known.formats):
        rows.append((codec, ", ".join(format_text(f) for f in known.formats if f.codec == codec)))
    rows.append(("calibration", calibration_text(known)))
    return "\n".join([camera.name, *(f"  {name:<13} {text}" for name, text in rows)])


def format_text(given: Format) -> str:
    """A size and its highest rate."""
    size = f"{given.size[0]}x{given.size[1]}"
    return f"{size} at {given.fps[0]:g} fps" if given.fps else size


def calibration_text(known: Known) -> str:
    """Where its calibration is."""
    if known.calibration == "device":
        return "its own"
    return known.calibration or "none yet: egopose calibrate"
