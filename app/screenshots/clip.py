"""The clip of the README: the window over twenty seconds of the bundled session, small enough for a page."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from app.headless import boxed
from app.offscreen import OffscreenWindow
from app.screenshots.moments import FPS, moments
from engine.errors import EgoposeError
from engine.types import ImageArray

SECONDS = 20.0
RATE = 10
"""Pictures a second: enough to see how somebody moves, and a third of the bytes."""
WINDOW, SIZE = (1280, 800), (800, 500)
"""What is painted, and what is kept of it."""
FORMATS: dict[str, tuple[str, str, dict[str, str]]] = {
    ".webp": ("libwebp_anim", "yuv420p", {"quality": "50", "compression_level": "4", "loop": "0"}),
    ".mp4": ("libx264", "yuv420p", {"preset": "slow", "crf": "28", "movflags": "+faststart"}),
    ".gif": ("gif", "rgb8", {}),
}
"""By the file's ending: encoder, pixels, options."""


def make_clip(path: Path, theme: str = "dark", seconds: float = SECONDS) -> str:
    """Write it; what to tell the user. Raises EgoposeError where it cannot be written."""
    if path.suffix.lower() not in FORMATS:
        raise EgoposeError(f"{path.name} is no clip: end it in {', '.join(FORMATS)}")
    every, count = round(FPS / RATE), round(seconds * FPS)
    written = 0
    with closing(OffscreenWindow(WINDOW, theme)) as window, closing(_Clip(path)) as clip:
        window.fold_sidebar()
        for number, moment in enumerate(moments(0, count)):
            picture = window.paint(moment.snapshot, moment.view, title="egopose")
            if number % every == 0:
                clip.add(picture)
                written += 1
    if not written:
        raise EgoposeError("the bundled session has no frame that could be read; get the program's files again")
    return f"written: {path}, {written / RATE:.0f} s, {path.stat().st_size / 1e6:.1f} MB"


class _Clip:
    """One encoded file."""

    def __init__(self, path: Path) -> None:
        codec, pixels, options = FORMATS[path.suffix.lower()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            muxing = {"loop": "0"} if path.suffix.lower() != ".mp4" else {}
            self._container = av.open(str(path), "w", options=muxing)
        except OSError as error:
            raise EgoposeError(f"cannot write {path} ({error.strerror}); choose another --clip") from error
        stream: Any = self._container.add_stream(codec, rate=Fraction(RATE), options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixels
        self._stream = stream

    def add(self, picture: ImageArray) -> None:
        frame = av.VideoFrame.from_ndarray(boxed(picture, SIZE), format="bgr24")
        self._container.mux(self._stream.encode(frame.reformat(format=self._stream.pix_fmt)))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
