"""The newest picture made small and round, for the camera in the 3D view."""

from __future__ import annotations

import time

import numpy as np
from PyQt6.QtGui import QImage

from app.pixels import borrowed_image
from calib.cv import cv2
from engine.types import Frame, ImageArray

SIDE = 128
"""Pixels across."""
EVERY_S = 0.2
"""Seconds from one picture to the next: it is small, and turning it costs the processor."""


def _disc() -> ImageArray:
    """(SIDE, SIDE) opacity of a disc with a soft edge."""
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2))
    return np.asarray(np.clip((SIDE / 2 - away) * 255, 0, 255), np.uint8)


_DISC = _disc()


def round_picture(image: ImageArray) -> ImageArray:
    """(H, W, 3) BGR to (SIDE, SIDE, 4) premultiplied BGRA: the square in the middle, cut to a disc."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    skip = max(1, side // (2 * SIDE))  # most pixels need not even be read
    square = np.ascontiguousarray(image[top : top + side : skip, left : left + side : skip])
    small = np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    shaded = (small.astype(np.uint16) * _DISC[..., None] // 255).astype(np.uint8)
    return np.dstack([shaded, _DISC])


class LensPicture:
    """Keeps the small picture, and makes a new one a few times a second."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._made_s = -EVERY_S
        # The QImage borrows the array, so the two are kept together.
        self._kept: tuple[QImage, ImageArray] | None = None

    def of(self, frame: Frame | None) -> QImage | None:
        """For this frame or one of shortly before it; None for None."""
        if frame is None:
            self._frame = self._kept = None
            return None
        now = time.monotonic()
        if self._kept is None or (frame is not self._frame and now - self._made_s >= EVERY_S):
            pixels = round_picture(frame.image)
            image = borrowed_image(pixels, (SIDE, SIDE), QImage.Format.Format_ARGB32_Premultiplied)
            self._kept, self._frame, self._made_s = (image, pixels), frame, now
        return self._kept[0]
