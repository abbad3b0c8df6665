"""A calibrated camera: its model and what is known of how it was obtained."""

from __future__ import annotations

from dataclasses import dataclass

from calib.models.base import CameraModel


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Intrinsics of one camera."""

    name: str
    model: CameraModel
    size: tuple[int, int]
    """(width, height) in pixels of the pictures that the model speaks of."""
    valid_angle: float
    """Radians from the optical axis up to which the calibration is to be trusted; at most `model.max_angle`."""
    assumed: bool = False
    """True where nothing was calibrated and a default stands in."""
    provenance: str = ""
    """For people: where it comes from."""
