"""A layer is painted anew when it looks different, and only then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import QRect, QRectF
from PyQt6.QtGui import QColor, QImage, QPainter
from PyQt6.QtWidgets import QApplication

from app.layer import Layer
from app.orbit import Orbit
from app.pixels import bgr_of
from app.stage import Kept, Stage, paint_stage
from app.theme import LIGHT

PLACE = QRect(10, 20, 30, 12)


def painted(layer: Layer, key: object, draw: Callable[[QPainter], None], ratio: float = 1.0) -> np.ndarray:
    image = QImage(round(60 * ratio), round(40 * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("#204060"))
    painter = QPainter(image)
    layer.paint(painter, PLACE, key, draw)
    painter.end()
    return bgr_of(image)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 1.5])
def test_picture_looks_like_what_was_painted(app: QApplication, opaque: bool, ratio: float) -> None:
    calls: list[str] = []

    def draw(painter: QPainter) -> None:
        calls.append("drawn")
        painter.fillRect(QRectF(PLACE), QColor("#a0b0c0"))
        painter.fillRect(QRectF(12, 22, 6, 4), QColor("#ff0000"))

    layer = Layer(opaque=opaque)
    looks = [painted(layer, "one", draw, ratio) for _ in range(4)]
    assert all(np.array_equal(look, looks[0]) for look in looks)
    assert looks[0][round(23 * ratio), round(14 * ratio)].tolist() == [0, 0, 255]
    assert looks[0][2, 2].tolist() == [0x60, 0x40, 0x20]
    assert len(calls) == (2 if opaque else 1)
    painted(layer, "another", draw, ratio)
    assert len(calls) == (3 if opaque else 2)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_ground_covers_the_last_row_between_whole_pixels(app: QApplication, times: int) -> None:
    """Painted straight away the first time, as a picture that was kept later."""
    image, kept = QImage(150, 152, QImage.Format.Format_RGB32), Kept()
    image.setDevicePixelRatio(1.5)
    for _ in range(times):
        image.fill(QColor("red"))
        painter = QPainter(image)
        paint_stage(painter, (100.0, 101.0), Stage(Orbit(), 0.0), LIGHT, kept)
        painter.end()
    stage = QColor(LIGHT.stage).rgb()
    assert sum(image.pixel(x, 151) == stage for x in range(150)) > 120
