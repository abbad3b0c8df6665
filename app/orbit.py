"""The camera that looks at the 3D skeleton: pure geometry, no Qt.

Display frame: metres, X to the wearer's right, Y forward, Z up, the head camera at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, pi, radians, sin, tan
from typing import Self

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_STEEPEST = radians(89.0)
_NEAREST, _FARTHEST = 0.5, 12.0


@dataclass(frozen=True, slots=True)
class Orbit:
    """A perspective camera on a sphere around `target`."""

    azimuth: float = radians(32.0)
    """Radians; 0 looks at the wearer's front, positive goes to the wearer's right."""
    elevation: float = radians(14.0)
    """Radians above the horizon."""
    distance: float = 3.1
    """Metres from the target."""
    target: tuple[float, float, float] = (0.0, -0.05, -0.78)
    """What the camera turns about; the default is a standing adult's waist."""
    field: float = radians(40.0)
    """Vertical field of view."""
    mirrored: bool = False
    """Whether left and right of the view are exchanged."""

    def axes(self) -> tuple[Points, Points, Points]:
        """(3,) unit vectors: right, up, forward of the camera, in the display frame."""
        ca, sa, ce, se = cos(self.azimuth), sin(self.azimuth), cos(self.elevation), sin(self.elevation)
        right = np.array([-ca, sa, 0.0])
        up = np.array([-se * sa, -se * ca, ce])
        forward = np.array([-ce * sa, -ce * ca, -se])
        return right, up, forward

    def eye(self) -> Points:
        """(3,) where the camera is."""
        return np.asarray(self.target) - self.distance * self.axes()[2]

    def focal(self, size: tuple[float, float]) -> float:
        """Pixels; the whole wearer stays inside a view that is narrow."""
        width, height = size
        return 0.5 * min(height, 1.3 * width) / tan(self.field / 2)

    def project(self, points: Points, size: tuple[float, float]) -> Points:
        """(..., 3) display frame to (..., 3): x and y in pixels of a view of `size`, depth in metres.

        x and y are NaN for points that are not in front of the camera.
        """
        right, up, forward = self.axes()
        offset = np.asarray(points, np.float64) - self.eye()
        depth = offset @ forward
        safe = np.where(depth > 0.05, depth, np.nan)
        focal = self.focal(size)
        x = size[0] / 2 + (-focal if self.mirrored else focal) * (offset @ right) / safe
        y = size[1] / 2 - focal * (offset @ up) / safe
        return np.stack([x, y, depth], axis=-1)

    def orbited(self, azimuth: float, elevation: float) -> Self:
        """Turned by radians; the elevation stops short of the poles."""
        turned = (self.azimuth + azimuth + pi) % (2 * pi) - pi
        return replace(self, azimuth=turned, elevation=min(max(self.elevation + elevation, -_STEEPEST), _STEEPEST))

    def panned(self, dx: float, dy: float, size: tuple[float, float]) -> Self:
        """Moved so that what lies at the target's depth follows a drag of (dx, dy) pixels."""
        right, up, _ = self.axes()
        metres = self.distance / self.focal(size)
        x, y, z = np.asarray(self.target) + metres * (dy * up - (-dx if self.mirrored else dx) * right)
        return replace(self, target=(float(x), float(y), float(z)))

    def zoomed(self, factor: float) -> Self:
        """Nearer by a factor above 1, within limits."""
        return replace(self, distance=min(max(self.distance / factor, _NEAREST), _FARTHEST))


def preset(name: str) -> Orbit:
    """The view "three-quarter", "front", "side" (the wearer's right), "behind" or "above"; KeyError for others."""
    azimuth, elevation = {
        "three-quarter": (32.0, 14.0),
        "front": (0.0, 6.0),
        "side": (90.0, 6.0),
        "behind": (180.0, 12.0),
        "above": (180.0, 89.0),
    }[name]
    return Orbit(azimuth=radians(azimuth), elevation=radians(elevation))
