"""Left, right and torso stay apart for eyes that lack a cone: simulated, and measured in CIELAB."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen

from app.marks import draw_mark
from app.pixels import bgr_of
from app.shown import Side
from app.theme import DARK, LIGHT, Colours

MACHADO = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
    "no colour": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
"""Linear RGB as seen: Machado, Oliveira and Fernandes 2009, severity 1; and by luminance alone."""
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(colour: str, eye: str) -> np.ndarray:
    """(3,) CIELAB of #rrggbb as this eye sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    t = XYZ @ np.clip(MACHADO[eye] @ linear, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_lab_of_known_colours() -> None:
    assert lab("#ffffff", "full") == pytest.approx([100, 0, 0], abs=0.05)
    assert lab("#ff0000", "full") == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    assert lab("#ff0000", "no colour")[1:] == pytest.approx([0, 0], abs=0.05)


@pytest.mark.parametrize("eye", [eye for eye in MACHADO if eye != "no colour"])
@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_sides_differ_by_far_more_than_can_just_be_seen(colours: Colours, eye: str) -> None:
    """A difference of 2.3 can just be seen; 20 is told apart at a glance."""
    for one, other in combinations(Side, 2):
        apart = float(np.linalg.norm(lab(colours.side(one), eye) - lab(colours.side(other), eye)))
        assert apart >= 20, (one, other, apart)


def test_shapes_differ_where_no_colour_is_seen() -> None:
    masks = []
    for side in Side:
        image = QImage(41, 41, QImage.Format.Format_RGB32)
        image.fill(QColor("black"))
        painter = QPainter(image)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(QColor("white"))
        draw_mark(painter, side, QPointF(20.5, 20.5), 14)
        painter.end()
        masks.append(bgr_of(image)[..., 0] > 127)
    for one, other in combinations(masks, 2):
        assert (one & other).sum() / (one | other).sum() < 0.9
