"""Basalt's calibration JSON, first camera."""

from __future__ import annotations

from functools import partial
from typing import Any

from calib.calibration import Calibration
from calib.formats.fields import Fields
from calib.formats.foreign import focal_parts, foreign_calibration
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.registry import build_model
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera, UnifiedCamera

MARK = "value0"

_KINDS = {
    "ds": (DoubleSphere.kind, ("xi", "alpha")),
    "eucm": (EnhancedUnifiedCamera.kind, ("alpha", "beta")),
    "ucm": (UnifiedCamera.kind, ("alpha",)),
    "kb4": (KannalaBrandt.kind, ("k1", "k2", "k3", "k4")),
}
_HEAD = ("fx", "fy", "cx", "cy")


def read(fields: Fields) -> Calibration:
    """The first camera. Raises CalibrationError."""
    values = fields.section(MARK)
    cameras, sizes = values.get("intrinsics"), values.get("resolution")
    if not (isinstance(cameras, list) and cameras and isinstance(cameras[0], dict)):
        values.fail("intrinsics", "must be a list of cameras: export the calibration again")
    if not (isinstance(sizes, list) and sizes):
        values.fail("resolution", "must be a list of sizes: export the calibration again")
    camera = Fields(fields.where, cameras[0], f"{MARK}.intrinsics[0].")
    size = Fields(fields.where, {"resolution[0]": sizes[0]}, f"{MARK}.").size("resolution[0]")
    named = camera.text("camera_type")
    if named not in _KINDS:
        camera.fail("camera_type", f'"{named[:40]}" is not known: use one of {", ".join(_KINDS)}')
    kind, names = _KINDS[named]
    numbers = camera.section("intrinsics")
    build = partial(build_model, kind, [numbers.number(name) for name in (*_HEAD, *names)])
    return foreign_calibration(camera, "cam0", size, "Basalt", "intrinsics", build)


def document(calibration: Calibration) -> dict[str, Any]:
    """The JSON object. Raises CalibrationError where it cannot hold the lens."""
    by_kind = {kind: (named, names) for named, (kind, names) in _KINDS.items()}
    head, shape = focal_parts(calibration, "Basalt", tuple(by_kind))
    named, names = by_kind[calibration.model.kind]
    numbers = dict(zip((*_HEAD, *names), (*head, *shape), strict=True))
    # Basalt wants where each camera is on the rig: the only one is the rig.
    still = {"px": 0.0, "py": 0.0, "pz": 0.0, "qx": 0.0, "qy": 0.0, "qz": 0.0, "qw": 1.0}
    camera = {"camera_type": named, "intrinsics": numbers}
    return {MARK: {"T_imu_cam": [still], "intrinsics": [camera], "resolution": [list(calibration.size)]}}
