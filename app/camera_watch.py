"""Follows which cameras are plugged in, with a picture of each, on a thread of its own. No Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.background import Background
from app.cameras import Known, known_camera
from calib.cv import cv2
from engine.capture.devices import Camera, list_cameras
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.types import ImageArray

log = logging.getLogger(__name__)

EVERY_S = 1.0
THUMBNAIL = 160, 120
"""(width, height) that a thumbnail fits into."""
WARM_UP = 5
"""Pictures that a camera gives before its exposure has settled."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A connected camera, and what it sees."""

    known: Known
    thumbnail: ImageArray | None = None
    """(H, W, 3) BGR within THUMBNAIL; None while there is none."""
    why_not: str = ""
    """Why there is none and will be none."""


def look_through(spec: str) -> ImageArray:
    """One picture of a camera, (H, W, 3) BGR. Raises EgoposeError where it gives none, as one that is in use."""
    with open_source(spec) as source:
        for _ in range(WARM_UP):
            source.read()
        frame = source.read()
    if frame is None:
        raise EgoposeError(f"{spec} gives no picture: plug it in again.")
    return frame.image


class CameraWatch(Background):
    """What is connected now; `seen` is replaced whenever that changes. Once it has ended it holds no camera."""

    def __init__(
        self,
        in_use: str = "",
        listed: Callable[[], Sequence[Camera]] = list_cameras,
        describe: Callable[[Camera], Known] = known_camera,
        look: Callable[[str], ImageArray] | None = look_through,
    ) -> None:
        """`in_use` is the id of the camera that is shown already: it is left alone, as all are where `look` is None."""
        self.seen: tuple[Seen, ...] | None = None
        """None until the cameras have been listed once."""
        self.error = ""
        """One line where they cannot be listed."""
        self._in_use, self._listed, self._describe, self._look = in_use, listed, describe, look
        super().__init__("cameras")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow(self._listed())
                self.error = ""
            except EgoposeError as error:
                self.error = str(error)
            self._stop.wait(EVERY_S)

    def _follow(self, cameras: Sequence[Camera]) -> None:
        before = {seen.known.camera: seen for seen in self.seen or ()}
        # Only of a new one, since to ask a camera wakes it up.
        now = [before.get(camera) or Seen(self._describe(camera)) for camera in cameras]
        if self.seen is None or list(cameras) != [seen.known.camera for seen in self.seen]:
            self.seen = tuple(now)
        if self._look is None:
            return
        for i, seen in enumerate(now):
            if self._stop.is_set():
                return
            if seen.thumbnail is None and not seen.why_not:
                now[i] = self._with_thumbnail(seen, self._look)
                self.seen = tuple(now)

    def _with_thumbnail(self, seen: Seen, look: Callable[[str], ImageArray]) -> Seen:
        camera = seen.known.camera
        if camera.id == self._in_use:
            return Seen(seen.known, why_not="shown now")
        try:
            return Seen(seen.known, small(look(camera.spec)))
        except EgoposeError as error:
            log.info("no thumbnail: %s", error)
            return Seen(seen.known, why_not="no picture: in use by another program?")


def small(image: ImageArray) -> ImageArray:
    """The picture within THUMBNAIL."""
    height, width = image.shape[:2]
    scale = min(THUMBNAIL[0] / width, THUMBNAIL[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
