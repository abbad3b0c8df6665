"""mrcal's .cameramodel: a Python dictionary as text."""

from __future__ import annotations

import ast

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import Fields
from calib.formats.foreign import focal_parts, foreign_calibration, pinhole_with
from calib.models.tangential import RadialTangential

MARK = "LENSMODEL_"

_TERMS = {"LENSMODEL_PINHOLE": 0, "LENSMODEL_OPENCV4": 4, "LENSMODEL_OPENCV5": 5, "LENSMODEL_OPENCV8": 8}


def read(content: str, where: str) -> Calibration:
    """The camera. Raises CalibrationError."""
    plain = "\n".join(line for line in content.splitlines() if not line.lstrip().startswith("#"))
    try:
        # Literals alone are read: nothing in the file is run.
        values = ast.literal_eval(plain.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise CalibrationError(f"{where}: not a camera model of mrcal's: export it again") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise CalibrationError(f"{where}: holds no settings: choose a camera model")
    fields = Fields(where, values)
    lens = fields.text("lensmodel")
    if lens not in _TERMS:
        fields.fail("lensmodel", f"{lens[:40]} is not known: fit one of {', '.join(_TERMS)}")
    numbers = fields.numbers("intrinsics", 4 + _TERMS[lens], 4 + _TERMS[lens])
    _, build = pinhole_with(fields, "intrinsics", "opencv", numbers[:4], numbers[4:])
    return foreign_calibration(fields, "mrcal", fields.size("imagersize"), "mrcal", "intrinsics", build)


def text(calibration: Calibration) -> str:
    """The file. Raises CalibrationError where it cannot hold the lens."""
    head, terms = focal_parts(calibration, "mrcal", (RadialTangential.kind,))
    numbers = [*head, *terms, *[0.0] * (5 - len(terms))]
    return (
        "{\n"
        "    'lensmodel': 'LENSMODEL_OPENCV5',\n"
        f"    'intrinsics': {numbers},\n"
        "    'extrinsics': [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],\n"
        f"    'imagersize': {list(calibration.size)},\n"
        "}\n"
    )
