"""The camera JSON of the SceneEgo and EgoPW data sets.

Keys: name, size [width, height], intrinsic (3x3 or 3x4, of which the data sets use the centre alone; UnrealEgo's
file has image_center [x, y] in its place), imageCircleRadius (pixels), polynomialC2W and polynomialW2C (low to
high), affine, extrinsic, radial.
The data sets ignore the focal terms and `affine`, and so does this reader.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import Fields
from calib.models.polynomial import IDENTITY_AFFINE, Scaramuzza

MARK = "polynomialW2C"
"""The key that tells this format from others."""


def read(fields: Fields) -> Calibration:
    """The camera in the file. Trusted up to the image circle. Raises CalibrationError."""
    size = fields.size("size")
    circle = fields.number("imageCircleRadius")
    if not 0.0 < circle <= 2.0 * max(size):
        fields.fail("imageCircleRadius", "must be above zero and no larger than twice the picture: correct it")
    centre = _centre(fields)
    w2c, c2w = fields.numbers(MARK, 2), fields.numbers("polynomialC2W", 2)
    try:
        model = Scaramuzza(centre, w2c, c2w)
    except CalibrationError as error:
        fields.fail(MARK, f"is not usable: {error}")
    valid_angle = float(model.angle(np.array([circle]))[0])
    name = fields.text("name")
    return Calibration(name, model, size, valid_angle, provenance="from an egocentric camera file")


def _centre(fields: Fields) -> tuple[float, float]:
    """(x, y) in pixels. Raises CalibrationError."""
    if "intrinsic" not in fields.values and "image_center" in fields.values:
        x, y = fields.numbers("image_center", 2, 2)
        return x, y
    rows = fields.get("intrinsic")
    if not isinstance(rows, list) or len(rows) < 2:
        fields.fail("intrinsic", "must be a list of three rows: export the calibration again")
    matrix = Fields(fields.where, {"intrinsic[0]": rows[0], "intrinsic[1]": rows[1]})
    return matrix.numbers("intrinsic[0]", 3, 4)[2], matrix.numbers("intrinsic[1]", 3, 4)[2]


def document(calibration: Calibration) -> dict[str, Any]:
    """The JSON object for a camera. Raises CalibrationError where the format cannot hold it."""
    model = calibration.model
    if not isinstance(model, Scaramuzza) or model.w2c is None or model.c2w is None:
        raise CalibrationError(
            f"{calibration.name}: the egocentric format holds only cameras with both polynomials: save as egopose"
        )
    if model.affine != IDENTITY_AFFINE:
        raise CalibrationError(f"{calibration.name}: readers of the egocentric format ignore affine: save as egopose")
    (cx, cy), focal = model.centre, abs(model.c2w[0])
    return {
        "name": calibration.name,
        "size": list(calibration.size),
        "intrinsic": [[focal, 0.0, cx, 0.0], [0.0, focal, cy, 0.0], [0.0, 0.0, 1.0, 0.0]],
        "imageCircleRadius": float(model.radius(np.array([calibration.valid_angle]))[0]),
        "polynomialC2W": list(model.c2w),
        "polynomialW2C": list(model.w2c),
        "affine": list(model.affine),
        "extrinsic": np.eye(4).tolist(),
        "radial": [0.0, 0.0, 0.0, 0.0],
    }
