"""A RealSense stream's intrinsics, as JSON: width, height, fx, fy, ppx, ppy, model, coeffs."""

from __future__ import annotations

from typing import Any

from calib.calibration import Calibration
from calib.formats.fields import Fields
from calib.formats.foreign import focal_parts, foreign_calibration, pinhole_with
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.tangential import RadialTangential

MARK = "ppx"


def read(fields: Fields) -> Calibration:
    """The camera. Raises CalibrationError.

    Fields are those of `rs.intrinsics`, so a dictionary made from one serves as well as a file.
    """
    head = [fields.number(key) for key in ("fx", "fy", "ppx", "ppy")]
    terms = fields.numbers("coeffs", 4, 5)
    model = fields.text("model").lower().replace(" ", "_").removeprefix("distortion.").removeprefix("rs2_distortion_")
    if model in ("inverse_brown_conrady", "modified_brown_conrady") and not any(terms):
        model = "none"
    size = Fields(fields.where, {"width, height": [fields.get("width"), fields.get("height")]}).size("width, height")
    _, build = pinhole_with(fields, "model", model, head, terms)
    return foreign_calibration(fields, fields.text("name", "realsense"), size, "RealSense", "coeffs", build)


def document(calibration: Calibration) -> dict[str, Any]:
    """The JSON object. Raises CalibrationError where it cannot hold the lens."""
    head, terms = focal_parts(calibration, "RealSense", (KannalaBrandt.kind, RadialTangential.kind))
    width, height = calibration.size
    model = "kannala_brandt4" if calibration.model.kind == KannalaBrandt.kind else "brown_conrady"
    fx, fy, cx, cy = head
    place = {"name": calibration.name, "width": width, "height": height, "fx": fx, "fy": fy, "ppx": cx, "ppy": cy}
    return place | {"model": model, "coeffs": [*terms, *[0.0] * (5 - len(terms))]}
