"""OpenCV's and ROS's YAML: camera_matrix, distortion_coefficients, image_width, image_height, distortion_model."""

from __future__ import annotations

from calib.calibration import Calibration
from calib.formats.fields import MAX_SIDE, Fields
from calib.formats.foreign import focal_parts, foreign_calibration, pinhole_with
from calib.models.kannala_brandt import KannalaBrandt
from calib.models.tangential import RadialTangential

MARK = "camera_matrix"


def read(fields: Fields) -> Calibration:
    """The camera of a file of `cv2.FileStorage` or of ROS's camera_calibration. Raises CalibrationError."""
    matrix = _data(fields, MARK, 9, 9)
    if matrix[1] != 0.0 and abs(matrix[1]) > 1e-2 * matrix[0]:
        fields.fail(MARK, "has skew, which this program does not know: calibrate without it")
    terms = _data(fields, "distortion_coefficients", 0, 14)
    model = fields.text("distortion_model", "")
    if not model and "fisheye_model" in fields.values:
        model = "fisheye" if fields.number("fisheye_model") else "plumb_bob"
    if not model and len(terms) == 4:
        fields.fail("distortion_model", "is missing, so 4 terms may mean two lenses: add equidistant or plumb_bob")
    size = (_whole(fields, "image_width"), _whole(fields, "image_height"))
    head = (matrix[0], matrix[4], matrix[2], matrix[5])
    _, build = pinhole_with(fields, "distortion_coefficients", model, head, terms)
    name = fields.text("camera_name", "camera")
    return foreign_calibration(fields, name, size, "OpenCV", "distortion_coefficients", build)


def _data(fields: Fields, key: str, least: int, most: int) -> tuple[float, ...]:
    if isinstance(fields.get(key), dict):
        return fields.section(key).numbers("data", least, most)
    return fields.numbers(key, least, most)


def _whole(fields: Fields, key: str) -> int:
    value = fields.number(key)
    if value != int(value) or not 1 <= value <= MAX_SIDE:
        fields.fail(key, f"must be whole pixels, 1 to {MAX_SIDE}: correct it")
    return int(value)


def text(calibration: Calibration) -> str:
    """The file as `cv2.FileStorage` writes it. Raises CalibrationError where it cannot hold the lens."""
    return "%YAML:1.0\n---\n" + _body(calibration, " !!opencv-matrix", "   dt: d\n")


def ros_text(calibration: Calibration) -> str:
    """The file as ROS's camera_info manager reads it. Raises CalibrationError where it cannot hold the lens."""
    fx, fy, cx, cy = focal_parts(calibration, "ROS", _KINDS)[0]
    straight = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    projection = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return (
        _body(calibration)
        + _block("rectification_matrix", 3, 3, straight)
        + _block("projection_matrix", 3, 4, projection)
    )


def _body(calibration: Calibration, tag: str = "", further: str = "") -> str:
    (fx, fy, cx, cy), terms = focal_parts(calibration, "OpenCV", _KINDS)
    model = "equidistant" if calibration.model.kind == KannalaBrandt.kind else "plumb_bob"
    matrix = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    return (
        f"image_width: {calibration.size[0]}\nimage_height: {calibration.size[1]}\n"
        f'camera_name: "{calibration.name.translate(_PLAIN)}"\n'
        + _block("camera_matrix", 3, 3, matrix, tag, further)
        + f"distortion_model: {model}\n"
        + _block("distortion_coefficients", 1, len(terms), terms, tag, further)
    )


def _block(key: str, rows: int, columns: int, data: list[float], tag: str = "", further: str = "") -> str:
    return f"{key}:{tag}\n   rows: {rows}\n   cols: {columns}\n{further}   data: {data}\n"


_KINDS = (KannalaBrandt.kind, RadialTangential.kind)


_PLAIN = str.maketrans({"\\": "/", '"': "'", "\n": " ", "\r": " "})
