"""Small pictures of a recording, decoded on a thread of their own and kept while it is open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from app.fisheye_view import shrunk
from engine.capture.seekable import SeekableSource
from engine.errors import EgoposeError
from engine.types import ImageArray

log = logging.getLogger(__name__)

WIDTH = 192
"""Pixels of a thumbnail, enough for the large one under the pointer."""
MOST = 24


class Thumbnails:
    """Pictures of `count` moments spread evenly; a moment whose picture cannot be read stays without one."""

    def __init__(self, recording: Callable[[], SeekableSource], frames: int) -> None:
        """`recording` opens it; called on the thread."""
        count = min(frames, MOST)
        self.indices = tuple(round((slot + 0.5) * frames / count - 0.5) for slot in range(count))
        self._recording = recording
        self._pictures: dict[int, ImageArray] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="egopose thumbnails", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """How many pictures are there already."""
        return len(self._pictures)

    def nearest(self, index: int) -> tuple[int, ImageArray] | None:
        """The picture nearest to a frame, and its own frame; None while there is none."""
        there = list(self._pictures)
        if not there:
            return None
        best = min(there, key=lambda at: abs(at - index))
        return best, self._pictures[best]

    def close(self) -> None:
        """Decode no more, and wait for the picture in hand."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._recording() as source:
                # Coarse to fine, so that the row fills evenly.
                for index in sorted(self.indices, key=lambda at: (self.indices.index(at) % 4, at)):
                    if self._stop.is_set():
                        return
                    source.seek_frame(index)
                    frame = source.read()
                    if frame is not None:
                        height, width = frame.image.shape[:2]
                        small = min(WIDTH, width)
                        self._pictures[index] = shrunk(frame.image, (small, max(1, round(small * height / width))))
        except EgoposeError as error:
            log.warning("no more thumbnails: %s", error)
