"""The pictures of a calibration's report, painted without a screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QBuffer, QRectF
from PyQt6.QtGui import QColor, QGuiApplication, QImage, QPainter

from app.calibration import paint
from app.calibration.coverage import border_line, cover
from app.calibration.report import Report
from app.calibration.undistort import Undistorter
from app.theme import GAP, LIGHT, Colours, font
from calib.cv import cv2
from engine.cameras import write_atomically
from engine.types import ImageArray

_SHARP = 1.5
"""Device pixels for one of the layout's."""
_MARGIN = 3.0 * GAP
_HEAD = 8.0 * GAP


def write_figures(report: Report, picture: ImageArray | None, folder: Path) -> tuple[str, ...]:
    """Paint coverage, residuals, uncertainty and, from a picture, an undistorted view; the files' names.

    Raises EgoposeError where the folder cannot be written.
    """
    if QGuiApplication.instance() is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        # The window's own, which fonts need: a process can only ever have one.
        from app.run import application  # noqa: PLC0415

        global _app  # noqa: PLW0603
        _app = application()
    result, camera = report.result, report.result.calibration
    coverage = cover(camera.model, camera.size, result.pixels, result.sigma_map)
    errors = np.hypot(result.residuals[:, 0], result.residuals[:, 1])
    used = result.used_views

    def residuals(painter: QPainter, rect: QRectF) -> None:
        right = QRectF(rect.x() + 0.62 * rect.width(), rect.y(), 0.38 * rect.width(), rect.height())
        left = QRectF(rect.x(), rect.y(), 0.6 * rect.width(), rect.height())
        paint.paint_arrows(painter, left, result.pixels, result.residuals, camera.size, LIGHT)
        half = right.height() / 2
        upper = QRectF(right.x(), right.y(), right.width(), half - GAP)
        lower = QRectF(right.x(), right.y() + half + GAP, right.width(), half - GAP)
        paint.paint_histogram(painter, upper, errors, result.rms, LIGHT)
        paint.paint_view_bars(painter, lower, [view.rms for view in used], result.rms, LIGHT)

    median, worst = report.sigma
    # A hair inside, so that rounding does not put the line beyond the lens.
    border = border_line(camera.model, 0.999 * camera.valid_angle)
    tall = round(560 * camera.size[1] / camera.size[0])
    written = {
        "coverage.png": sheet(
            "Coverage",
            f"{len(result.pixels)} points of {len(used)} views, by angle from the axis and direction",
            (560, 560),
            lambda painter, rect: paint.paint_coverage(painter, rect, coverage, LIGHT),
        ),
        "residuals.png": sheet(
            "Residuals",
            f"{result.rms:.3f} px RMS over {len(result.pixels)} points, {camera.model.kind} lens",
            (1000, tall + 40),
            residuals,
        ),
        "uncertainty.png": sheet(
            "Uncertainty of projection",
            f"standard deviation {median:.2g} px in the median, {worst:.2g} px at worst within the dashed line",
            (640, round(640 * camera.size[1] / camera.size[0]) + 6 * round(GAP)),
            lambda painter, rect: paint.paint_sigma(painter, rect, result.sigma_map, camera.size, LIGHT, border),
        ),
    }
    for name, image in written.items():
        write_atomically(folder / name, _png(image))
    if picture is None:
        return tuple(written)
    width = min(960, camera.size[0])
    flat = Undistorter(camera, (width, round(width * camera.size[1] / camera.size[0]))).image(picture)
    write_atomically(folder / "undistorted.png", cv2.imencode(".png", flat)[1].tobytes())
    return (*written, "undistorted.png")


def sheet(
    title: str,
    subtitle: str,
    size: tuple[int, int],
    draw: Callable[[QPainter, QRectF], None],
    colours: Colours = LIGHT,
) -> QImage:
    """A page with a heading; `size` is that of the chart in device-independent pixels."""
    width, height = size[0] + 2 * _MARGIN, size[1] + _HEAD + _MARGIN
    image = QImage(round(width * _SHARP), round(height * _SHARP), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SHARP)
    image.fill(QColor(colours.surface))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.setFont(font(2, strong=True))
    painter.setPen(QColor(colours.text))
    painter.drawText(QRectF(_MARGIN, 1.5 * GAP, size[0], 3.5 * GAP), title)
    painter.setFont(font())
    painter.setPen(QColor(colours.muted))
    painter.drawText(QRectF(_MARGIN, 5.0 * GAP, size[0], 2.5 * GAP), subtitle)
    draw(painter, QRectF(_MARGIN, _HEAD, size[0], size[1]))
    painter.end()
    return image


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 80)
    return bytes(buffer.data().data())


_app: QGuiApplication | None = None
"""Kept, since Qt's objects end with the last one who holds them."""
