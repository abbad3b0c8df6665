"""Kalibr's camchain YAML, first camera."""

from __future__ import annotations

from functools import partial

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats.fields import Fields
from calib.formats.foreign import focal_parts, foreign_calibration, pinhole_with
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.registry import build_model
from calib.models.sphere import DoubleSphere, EnhancedUnifiedCamera
from calib.models.tangential import Mei, RadialTangential

MARK = "cam0"


def read(fields: Fields) -> Calibration:
    """The chain's first camera. Raises CalibrationError."""
    cam = fields.section(MARK)
    camera, distortion = cam.text("camera_model"), cam.text("distortion_model", "none")
    terms = cam.numbers("distortion_coeffs", 0, 8) if "distortion_coeffs" in cam.values else ()
    if camera == "pinhole":
        head = cam.numbers("intrinsics", 4, 4)
        _, build = pinhole_with(cam, "distortion_coeffs", distortion, head, terms)
    elif camera == "omni":
        if distortion not in ("radtan", "none"):
            cam.fail("distortion_model", f'"{distortion[:40]}" is not known with omni: use radtan')
        xi, *head4 = cam.numbers("intrinsics", 5, 5)
        build = partial(build_model, Mei.kind, [*head4, xi, *terms[:4], *[0.0] * (4 - len(terms[:4]))])
    elif camera in ("ds", "eucm"):
        first, second, *head4 = cam.numbers("intrinsics", 6, 6)
        kind = DoubleSphere.kind if camera == "ds" else EnhancedUnifiedCamera.kind
        build = partial(build_model, kind, [*head4, first, second])
        if any(terms):
            cam.fail("distortion_coeffs", f"must be empty with {camera}: calibrate again with distortion none")
    else:
        cam.fail("camera_model", f'"{camera[:40]}" is not known: use pinhole, omni, ds or eucm')
    return foreign_calibration(cam, MARK, cam.size("resolution"), "Kalibr", "intrinsics", build)


def text(calibration: Calibration) -> str:
    """The file. Raises CalibrationError where it cannot hold the lens."""
    sphere = {DoubleSphere.kind: "ds", EnhancedUnifiedCamera.kind: "eucm"}
    kinds = (KannalaBrandt.kind, RadialTangential.kind, Mei.kind, *sphere)
    head, terms = focal_parts(calibration, "Kalibr", kinds)
    kind, distortion = calibration.model.kind, "none"
    camera, intrinsics = sphere.get(kind, "pinhole"), head
    if kind in sphere:
        intrinsics, terms = [*terms, *head], []
    elif kind == Mei.kind:
        camera, intrinsics, terms, distortion = "omni", [terms[0], *head], terms[1:], "radtan"
    elif kind == KannalaBrandt.kind:
        distortion = "equidistant"
    else:
        distortion = "radtan"
        if any(terms[4:]):
            raise CalibrationError(f"{calibration.name}: Kalibr's radtan has no k3: convert or calibrate without it")
        terms = terms[:4]
    return (
        f"cam0:\n  camera_model: {camera}\n  intrinsics: {intrinsics}\n"
        f"  distortion_model: {distortion}\n  distortion_coeffs: {terms}\n"
        f"  resolution: {list(calibration.size)}\n"
    )
