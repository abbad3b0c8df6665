"""The YAML of fisheye-calib-adapter: image {width, height} and parameter {fx, fy, cx, cy, ...}, told by its names."""

from __future__ import annotations

from functools import partial

from calib.calibration import Calibration
from calib.formats.fields import Fields
from calib.formats.foreign import foreign_calibration
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.registry import build_model
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera

MARK = "parameter"

_HEAD = ("fx", "fy", "cx", "cy")
_SHAPES = {
    ("k1", "k2", "k3", "k4"): KannalaBrandt.kind,
    ("xi", "alpha"): DoubleSphere.kind,
    ("alpha", "beta"): EnhancedUnifiedCamera.kind,
    ("alpha",): UnifiedCamera.kind,
}


def read(fields: Fields) -> Calibration:
    """The camera. Raises CalibrationError."""
    image, lens = fields.section("image"), fields.section(MARK)
    given = set(lens.values) - set(_HEAD)
    names = next((names for names in _SHAPES if set(names) == given), None)
    if names is None:
        known = "; ".join(", ".join(names) for names in _SHAPES)
        fields.fail(MARK, f"must hold fx, fy, cx, cy and one of: {known}: export it as another model")
    build = partial(build_model, _SHAPES[names], [lens.number(name) for name in (*_HEAD, *names)])
    place = {"width, height": [image.get("width"), image.get("height")]}
    size = Fields(fields.where, place, "image.").size("width, height")
    return foreign_calibration(fields, _SHAPES[names], size, "fisheye-calib-adapter", MARK, build)
