"""What the readers and writers of other tools' files share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import Fields
from calib.models.base import CameraModel
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.registry import build_model
from calib.models.tangential import RadialTangential


def seen_angle(model: CameraModel, size: tuple[int, int]) -> float:
    """Radians from the axis up to which a picture of this size shows the lens, where a file does not say."""
    width, height = size
    x, y = np.linspace(0.0, width - 1.0, 64), np.linspace(0.0, height - 1.0, 64)
    edges = [np.stack([x, 0.0 * x + at], -1) for at in (0.0, height - 1.0)]
    edges += [np.stack([0.0 * y + at, y], -1) for at in (0.0, width - 1.0)]
    rays, valid = model.unproject(np.concatenate(edges))
    if not valid.all():
        return model.max_angle
    return min(model.max_angle, float(np.arccos(np.clip(rays[:, 2].min(), -1.0, 1.0))))


def foreign_calibration(
    fields: Fields, name: str, size: tuple[int, int], tool: str, key: str, build: Callable[[], CameraModel]
) -> Calibration:
    """A camera that another tool calibrated; an error of the model's is told with the file and the key."""
    try:
        model = build()
    except CalibrationError as error:
        fields.fail(key, f"is not usable: {error}")
    return Calibration(name, model, size, seen_angle(model, size), provenance=f"calibrated with {tool}")


def pinhole_with(
    fields: Fields, key: str, model: str, head: Sequence[float], terms: Sequence[float]
) -> tuple[str, Callable[[], CameraModel]]:
    """The lens of a pinhole with a distortion model of OpenCV's, under any of the names that tools give it."""
    name = model.lower().replace("-", "_").replace(" ", "_")
    if name in ("equidistant", "fisheye", "kannala_brandt", "kannala_brandt4", "kb4", "opencv_fisheye"):
        if len(terms) > 4 and any(terms[4:]):
            fields.fail(key, "has more than the four terms of a fisheye: export it again")
        kind, params = KannalaBrandt.kind, [*head, *terms[:4], *[0.0] * (4 - len(terms))]
    elif name in ("plumb_bob", "radtan", "radial_tangential", "brown_conrady", "opencv", "none", ""):
        if len(terms) > 5 and any(terms[5:]):
            fields.fail(key, "has rational or prism terms, which this program does not know: calibrate with 5 terms")
        five = [*terms[:5], *[0.0] * (5 - len(terms))]
        kind, params = RadialTangential.kind, [*head, *five]
    else:
        fields.fail(key, f'"{model[:40]}" is not a distortion this program knows: use equidistant or plumb_bob')
    return kind, lambda: build_model(kind, params)


def focal_parts(calibration: Calibration, tool: str, kinds: Sequence[str]) -> tuple[list[float], list[float]]:
    """fx, fy, cx, cy and the other parameters. Raises CalibrationError where the tool's file cannot hold the lens."""
    model = calibration.model
    too_many = model.kind == KannalaBrandt.kind and len(model.params) != 8
    if model.kind not in kinds or too_many:
        known = ", ".join(kinds)
        raise CalibrationError(f"{calibration.name}: a {tool} file holds {known}, not this lens: convert it first")
    params = [float(value) for value in model.params]
    return params[:4], params[4:]
