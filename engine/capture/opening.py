"""From what a user types to a source."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from engine.capture.images import DEFAULT_FPS, ImageFolder, is_picture
from engine.capture.source import Source
from engine.errors import EgoposeError


def open_source(spec: str, *, fps: float | None = None) -> Source:
    """The source that `spec` names, not opened yet.

    "camera:0", "camera:/dev/video2", "synthetic", "synthetic:seed=3,size=640x512,bvh=walk.bvh",
    a folder of pictures, a picture, an .mcap session; any other file is taken as a video.
    `fps` is the rate of pictures, of the synthetic wearer, and the one asked of a camera;
    videos and sessions have their own. Raises EgoposeError where there is no such thing.
    """
    kind, _, rest = spec.partition(":")
    if kind == "camera":
        return _camera(rest, fps)
    if kind == "synthetic":
        return _synthetic(rest, fps)
    if "://" in spec:
        raise EgoposeError(f"{spec} is an address: give a file, a folder, camera:0 or synthetic.")
    path = Path(spec).expanduser()
    _must_exist(path)
    if path.is_dir() or is_picture(path):
        return ImageFolder(path, DEFAULT_FPS if fps is None else fps)
    if fps is not None:
        raise EgoposeError(f"{path} has times of its own: leave out the frame rate, which is for pictures.")
    if path.suffix.lower() == ".mcap":
        from engine.session.source import SessionSource  # noqa: PLC0415

        return SessionSource(path)
    from engine.capture.video import VideoFile  # noqa: PLC0415

    return VideoFile(path)


def _camera(device: str, fps: float | None) -> Source:
    from engine.capture.uvc import UvcCamera  # noqa: PLC0415

    if not device:
        raise EgoposeError("camera: needs a number or a path: give for instance camera:0 or camera:/dev/video0.")
    which: int | str = int(device) if device.isascii() and device.isdecimal() else device
    return UvcCamera(which) if fps is None else UvcCamera(which, fps=fps)


def _synthetic(options: str, fps: float | None) -> Source:
    from engine.capture.synthetic import SyntheticWearer  # noqa: PLC0415

    seed, bvh, size = 0, None, None
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        try:
            if key == "seed":
                seed = int(value)
            elif key == "fps":
                fps = float(value)
            elif key == "size":
                width, height = value.split("x")
                size = int(width), int(height)
            elif key == "bvh":
                bvh = Path(value).expanduser()
                _must_exist(bvh)
            else:
                raise EgoposeError(f"The synthetic wearer has no option {key!r}: it has seed, fps, size and bvh.")
        except ValueError as error:
            raise EgoposeError(f"{option!r} is no setting: write for instance seed=3 or size=640x512.") from error
    settings: dict[str, Any] = {"seed": seed, "bvh": bvh, "size": size, "fps": fps}
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
