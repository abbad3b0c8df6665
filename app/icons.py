"""The program's own icons: SVGs drawn in one colour, which is that of the theme."""

from __future__ import annotations

from functools import cache

from PyQt6.QtCore import QByteArray, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from app.theme import ICONS, Colours


@cache
def _drawing(name: str) -> str:
    return (ICONS / f"{name}.svg").read_text(encoding="utf-8")


def icon_pixmap(name: str, colour: str, side: int, scale: float = 1.0) -> QPixmap:
    """`assets/icons/NAME.svg` with `currentColor` as `colour`, a square of `side` device-independent pixels."""
    pixmap = QPixmap(QSize(side, side) * scale)
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    svg = QByteArray(_drawing(name).replace("currentColor", colour).encode())
    QSvgRenderer(svg).render(painter, QRectF(0, 0, side, side))
    painter.end()
    return pixmap


def tinted_icon(name: str, colours: Colours, side: int, scale: float = 1.0) -> QIcon:
    """The icon as buttons need it: muted, in the text's colour under the pointer, in the accent while checked."""
    icon = QIcon()
    for mode, state, colour in (
        (QIcon.Mode.Normal, QIcon.State.Off, colours.muted),
        (QIcon.Mode.Active, QIcon.State.Off, colours.text),
        (QIcon.Mode.Disabled, QIcon.State.Off, colours.border),
        (QIcon.Mode.Normal, QIcon.State.On, colours.accent),
        (QIcon.Mode.Active, QIcon.State.On, colours.accent),
    ):
        icon.addPixmap(icon_pixmap(name, colour, side, scale), mode, state)
    return icon
