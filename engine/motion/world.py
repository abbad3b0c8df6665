"""The world that motion is given in, and the way there from the camera's frame.

Camera frame: metres, x to image right, y to image down, z along the optical axis away from the camera. World:
right-handed, metres, x to the wearer's left, y up, z ahead, its origin on the floor below the camera.

A camera on the head can tell neither which way is down nor where it is in the room. So the world goes along with the
head: the camera is assumed to look `CAMERA_TILT` ahead of straight down, and to be at a stated height. A wearer
who turns round does not turn in this world, and one who crouches lifts the feet.
"""

from __future__ import annotations

from math import cos, radians, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CAMERA_TILT = radians(10.0)
"""How far a camera on a cap's visor looks ahead of straight down."""

CAMERA_HEIGHT_M = 1.62
"""Of the camera above the floor while an adult of average height stands."""

CAMERA_TO_WORLD: Array = np.array(
    [
        [-1.0, 0.0, 0.0],
        [0.0, -sin(CAMERA_TILT), -cos(CAMERA_TILT)],
        [0.0, -cos(CAMERA_TILT), sin(CAMERA_TILT)],
    ]
)
"""(3, 3) rotation; its rows are left, up and ahead in the camera's frame."""


def to_world(points_m: NDArray[Any], camera_height_m: float = CAMERA_HEIGHT_M) -> Array:
    """(..., 3) camera frame to (..., 3) world."""
    points: Array = np.asarray(points_m, np.float64) @ CAMERA_TO_WORLD.T
    points[..., 1] += camera_height_m
    return points


def to_camera(points_m: NDArray[Any], camera_height_m: float = CAMERA_HEIGHT_M) -> Array:
    """(..., 3) world to (..., 3) camera frame."""
    points = np.array(points_m, np.float64)
    points[..., 1] -= camera_height_m
    return np.asarray(points @ CAMERA_TO_WORLD)
