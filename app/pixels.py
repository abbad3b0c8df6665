"""Between numpy arrays and QImages, without copies."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QImage

from engine.types import ImageArray


def borrowed_image(pixels: NDArray[Any], size: tuple[int, int], layout: QImage.Format) -> QImage:
    """A QImage of (width, height) over 4-byte pixels; they must live as long as it does."""
    # Any buffer will do; only the stubs ask for bytes.
    return QImage(cast(bytes, pixels.data), size[0], size[1], pixels.strides[0], layout)


def bgr_of(image: QImage) -> ImageArray:
    """(H, W, 3) BGR copy of an image with 4-byte pixels."""
    bits = image.constBits()
    assert bits is not None  # only an image without a size has none
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(cast(bytes, bits), np.uint8).reshape(image.height(), image.bytesPerLine())
    return np.ascontiguousarray(rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., :3])
