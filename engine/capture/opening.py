"""From what a user types to a source."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from engine.capture.images import DEFAULT_FPS, ImageFolder, is_picture
from engine.capture.source import Source
from engine.errors import EgoposeError

SCHEMES = ("http", "https", "rtsp", "rtsps", "udp")
"""Of the addresses of network cameras."""


def open_source(spec: str, *, fps: float | None = None) -> Source:
    """The source that `spec` names, not opened yet.

    A camera: "camera:0", "camera:/dev/video2", "camera:ID" as `egopose cameras` lists it, each with
    options, "camera:0,size=1280x1024,fps=60,exposure=200"; "realsense", "realsense:SERIAL"; the
    address "http://host/stream" (Motion JPEG), "rtsp://host/stream" or "udp://:5000" (MPEG-TS).
    No camera: "synthetic", "synthetic:seed=3,size=640x512,bvh=walk.bvh", "synthetic:motion=still". A file: a folder of
    pictures, a picture, an .mcap session, a RealSense recording (.bag, .db3); any other is taken as a video.
    `fps` is the rate of pictures, of the synthetic wearer, and the one asked of a camera;
    the others have their own. Raises EgoposeError where there is no such thing.
    """
    kind, _, rest = spec.partition(":")
    if kind == "camera":
        return _camera(rest, fps)
    if kind == "synthetic":
        return _synthetic(rest, fps)
    if kind == "realsense":
        from engine.capture.realsense import RealSenseCamera  # noqa: PLC0415

        return RealSenseCamera(rest or None)
    if "://" in spec:
        from engine.capture.network import open_network  # noqa: PLC0415

        return open_network(spec)
    return _file(Path(spec).expanduser(), fps)


def _file(path: Path, fps: float | None) -> Source:
    _must_exist(path)
    if path.is_dir() or is_picture(path):
        return ImageFolder(path, DEFAULT_FPS if fps is None else fps)
    if fps is not None:
        raise EgoposeError(f"{path} has times of its own: leave out the frame rate, which is for pictures.")
    if path.suffix.lower() == ".mcap":
        from engine.session.source import SessionSource  # noqa: PLC0415

        return SessionSource(path)
    if path.suffix.lower() in (".bag", ".db3"):
        from engine.capture.realsense import RealSenseRecording  # noqa: PLC0415

        return RealSenseRecording(path)
    from engine.capture.video import VideoFile  # noqa: PLC0415

    return VideoFile(path)


def _camera(rest: str, fps: float | None) -> Source:
    from engine.capture.uvc import CONTROLS, UvcCamera, UvcConfig  # noqa: PLC0415

    device, *options = rest.split(",")
    if not device:
        raise EgoposeError("camera: needs a number or a path: give for instance camera:0 or camera:/dev/video0.")
    settings: dict[str, Any] = {} if fps is None else {"fps": fps}
    controls: dict[str, float] = {}
    for option in filter(None, options):
        key, _, value = option.partition("=")
        try:
            if key == "size":
                settings[key] = _size(value)
            elif key == "fps":
                settings[key] = float(value)
            elif key == "codec":
                settings[key] = value
            elif key in CONTROLS:
                controls[key] = float(value)
            else:
                raise EgoposeError(f"A camera has no option {key!r}: it has size, fps, codec, {', '.join(CONTROLS)}.")
        except ValueError as error:
            raise EgoposeError(f"{option!r} is no setting: write for instance size=1280x1024 or fps=60.") from error
    which: int | str = int(device) if device.isascii() and device.isdecimal() else device
    return UvcCamera(which, UvcConfig(**settings, controls=controls))


def _size(value: str) -> tuple[int, int]:
    """Raises ValueError."""
    width, height = value.split("x")
    return int(width), int(height)


def _synthetic(options: str, fps: float | None) -> Source:
    from engine.capture.synthetic import SyntheticWearer  # noqa: PLC0415

    seed, bvh, size, motion = 0, None, None, None
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        try:
            if key == "seed":
                seed = int(value)
            elif key == "fps":
                fps = float(value)
            elif key == "size":
                size = _size(value)
            elif key == "motion":
                motion = value
            elif key == "bvh":
                bvh = Path(value).expanduser()
                _must_exist(bvh)
            else:
                raise EgoposeError(
                    f"The synthetic wearer has no option {key!r}: it has seed, fps, size, motion and bvh."
                )
        except ValueError as error:
            raise EgoposeError(f"{option!r} is no setting: write for instance seed=3 or size=640x512.") from error
    settings: dict[str, Any] = {"seed": seed, "bvh": bvh, "motion": motion, "size": size, "fps": fps}
    return SyntheticWearer(**{key: value for key, value in settings.items() if value is not None})


def _must_exist(path: Path) -> None:
    if path.exists():
        return
    folder = path.parent
    if not folder.is_dir():
        raise EgoposeError(f"There is no folder {folder}: check the path.")
    names = [entry.name for entry in folder.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1)
    hint = f"did you mean {folder / near[0]}?" if near else "check the name."
    raise EgoposeError(f"There is no file or folder {path}: {hint}")
