"""The project's own camera JSON, version 1.

{"format": "egopose-camera", "version": 1, "name", "model": {...}, "size": [width, height] px,
"valid_angle": rad, "assumed", "date": "YYYY-MM-DD", "provenance", "units": {...},
"residuals": {...} (optional)}. The model is {"kind", "params": [...]} or, for "scaramuzza",
{"kind", "centre", "affine", "w2c", "c2w"} with one of the polynomials possibly left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import Fields
from calib.models.base import CameraModel
from calib.models.polynomial import Scaramuzza
from calib.models.registry import MODELS, build_model

FORMAT = "egopose-camera"
VERSION = 1
UNITS = {"length": "px", "angle": "rad"}


def read(fields: Fields) -> Calibration:
    """The camera in the file. Raises CalibrationError."""
    version = fields.number("version")
    if version != VERSION:
        fields.fail("version", f"is {version:g}, this program reads {VERSION}: update the program or export again")
    for unit, word in UNITS.items():
        if (units := fields.section("units")).text(unit) != word:
            units.fail(unit, f'must be "{word}": convert the file')
    try:
        datetime.date.fromisoformat(fields.text("date"))
    except ValueError:
        fields.fail("date", "must be a date, YYYY-MM-DD: correct it")
    if "residuals" in fields.values:
        residuals = fields.section("residuals")
        for key in residuals.values:
            residuals.number(key)
    model = _read_model(fields.section("model"))
    valid_angle = fields.number("valid_angle")
    if not 0.0 < valid_angle <= model.max_angle * (1.0 + 1e-9):
        fields.fail("valid_angle", f"must be above 0 and at most {model.max_angle:.4f} rad for this lens: correct it")
    return Calibration(
        name=fields.text("name"),
        model=model,
        size=fields.size("size"),
        valid_angle=min(valid_angle, model.max_angle),
        assumed=fields.flag("assumed", False),
        provenance=fields.text("provenance", ""),
    )


def _read_model(fields: Fields) -> CameraModel:
    kind = fields.text("kind")
    if kind != Scaramuzza.kind and kind not in MODELS:
        known = ", ".join(sorted([Scaramuzza.kind, *MODELS]))
        fields.fail("kind", f'"{kind[:40]}" is not known: use one of {known}')
    build: Callable[[], CameraModel]
    if kind in MODELS:
        build = partial(build_model, kind, fields.numbers("params", 4))
    else:
        w2c, c2w = (fields.numbers(key, 2) if key in fields.values else None for key in ("w2c", "c2w"))
        (cx, cy), (c, d, e) = fields.numbers("centre", 2, 2), fields.numbers("affine", 3, 3)
        build = partial(Scaramuzza, (cx, cy), w2c, c2w, (c, d, e))
    try:
        return build()
    except CalibrationError as error:
        fields.fail("kind", f"{kind} is not usable: {error}")


def document(
    calibration: Calibration, date: datetime.date, residuals: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The JSON object for a camera; `residuals` are figures of its fit, in pixels."""
    record: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": calibration.name,
        "model": _model_record(calibration.model),
        "size": list(calibration.size),
        "valid_angle": calibration.valid_angle,
        "assumed": calibration.assumed,
        "date": date.isoformat(),
        "provenance": calibration.provenance,
        "units": UNITS,
    }
    return record | ({"residuals": dict(residuals)} if residuals else {})


def _model_record(model: CameraModel) -> dict[str, Any]:
    if isinstance(model, Scaramuzza):
        polynomials = {key: list(value) for key, value in (("w2c", model.w2c), ("c2w", model.c2w)) if value}
        return {"kind": model.kind, "centre": list(model.centre), "affine": list(model.affine)} | polynomials
    return {"kind": model.kind, "params": [float(value) for value in model.params]}
