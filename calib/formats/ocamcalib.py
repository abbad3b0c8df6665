"""OCamCalib's calib_results.txt.

Five lines of numbers, each after comments: C2W (its length first, low to high), W2C likewise, centre (row, column),
affine c, d, e, size (height, width). Its axes are x along the rows and z to the back, which turn into
this project's frame without a change of sign in either polynomial.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import MAX_SIDE, MAX_TERMS, Fields
from calib.formats.foreign import foreign_calibration
from calib.models.polynomial import Scaramuzza

MARK = "#polynomial coefficients"


def read(content: str, where: str) -> Calibration:
    """The camera. Raises CalibrationError."""
    lines = [line.split() for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) < 5:
        raise CalibrationError(
            f"{where}: an OCamCalib file has five lines of numbers, not {len(lines)}: export it again"
        )
    numbers = [_numbers(line, where) for line in lines[:5]]
    for row, name in zip(numbers[:2], ("direct", "inverse"), strict=True):
        if not 3 <= len(row) <= MAX_TERMS or row[0] != len(row) - 1:
            raise CalibrationError(f"{where}: the {name} polynomial's length is not what it says: export it again")
    if [len(row) for row in numbers[2:]] != [2, 3, 2]:
        raise CalibrationError(f"{where}: centre, affine and size have 2, 3 and 2 numbers: export it again")
    (cy, cx), (c, d, e), (height, width) = numbers[2:]
    if not all(side == int(side) and 1 <= side <= MAX_SIDE for side in (width, height)):
        raise CalibrationError(f"{where}: the size must be whole pixels, 1 to {MAX_SIDE}: correct it")
    build = partial(Scaramuzza, (cx, cy), numbers[1][1:], numbers[0][1:], (c, d, e))
    fields = Fields(where, {})
    return foreign_calibration(fields, "ocamcalib", (int(width), int(height)), "OCamCalib", "polynomials", build)


def _numbers(words: list[str], where: str) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise CalibrationError(f'{where}: "{" ".join(words)[:40]}" is not a line of numbers: export it again') from None
    if not np.isfinite(numbers).all():
        raise CalibrationError(f"{where}: a number is not finite: export it again")
    return numbers


def text(calibration: Calibration) -> str:
    """The file. Raises CalibrationError where it cannot hold the lens."""
    model = calibration.model
    if not isinstance(model, Scaramuzza) or model.w2c is None or model.c2w is None:
        raise CalibrationError(f"{calibration.name}: an OCamCalib file holds both polynomials: save as egopose")

    def row(*numbers: float) -> str:
        return " ".join(repr(number) for number in numbers)

    (cx, cy), (width, height) = model.centre, calibration.size
    return (
        f"#polynomial coefficients for the DIRECT mapping function\n\n{len(model.c2w)} {row(*model.c2w)}\n\n"
        f"#polynomial coefficients for the inverse mapping function\n\n{len(model.w2c)} {row(*model.w2c)}\n\n"
        f'#center: "row" and "column", starting from 0\n\n{row(cy, cx)}\n\n'
        f'#affine parameters "c", "d", "e"\n\n{row(*model.affine)}\n\n'
        f'#image size: "height" and "width"\n\n{height} {width}\n'
    )
