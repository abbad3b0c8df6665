"""A calibrated fisheye's picture as a perspective camera would have taken it. No Qt."""

from __future__ import annotations

import numpy as np

from calib.calibration import Calibration
from calib.cv import cv2
from engine.types import ImageArray

_WIDEST = float(np.radians(62.0))
"""Half the horizontal field of the preview at most: a perspective picture of more is all stretched rim."""


class Undistorter:
    """The look-up table from one camera's pictures to a perspective view along its axis."""

    def __init__(self, camera: Calibration, size: tuple[int, int]) -> None:
        """`size` is the (width, height) of the pictures that are made."""
        self.camera, self.size = camera, size
        half = min(_WIDEST, 0.95 * camera.valid_angle)
        focal = 0.5 * size[0] / np.tan(half)
        x, y = (np.arange(length) + 0.5 - 0.5 * length for length in size)
        rays = np.stack([*np.meshgrid(x, y), np.full((size[1], size[0]), focal)], -1)
        pixels, valid = camera.model.project(rays)
        entries = np.where(valid[..., None], pixels, -16.0).astype(np.float32)
        self._map = cv2.convertMaps(entries[..., 0], entries[..., 1], cv2.CV_16SC2)

    def image(self, picture: ImageArray) -> ImageArray:
        """The (h, w, 3) view of a (H, W, 3) picture of the camera's size; black where the camera sees nothing."""
        return np.asarray(cv2.remap(picture, *self._map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)
