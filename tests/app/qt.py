"""Looking at widgets: pixels, and waiting for something without sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import QEventLoop
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QApplication, QWidget

from app.pixels import bgr_of


def pixels(widget: QWidget) -> np.ndarray:
    """(H, W, 3) BGR of what the widget paints."""
    return bgr_of(widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32))


def bgr(colour: str) -> np.ndarray:
    """(3,) of #rrggbb."""
    c = QColor(colour)
    return np.array([c.blue(), c.green(), c.red()], int)


def count(picture: np.ndarray, colour: str, within: int = 30) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(picture.astype(int) - bgr(colour)).max(-1) <= within).sum())


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Run Qt's events until the condition holds; fails if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)
