"""Lenses that look through one sphere or two: UCM, EUCM and double sphere.

Usenko, Demmel, Cremers: "The Double Sphere Camera Model", 3DV 2018, gives all three in this form:
rho = sin(theta) / D(theta), with D a mix of the distance from the sphere's centre and the depth.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np

from calib.models.base import Array
from calib.models.radial import FocalModel

_FARTHEST = 100.0
"""Profiles are cut this many focal lengths from the centre: towards their pole they have no use and no digits."""


class SphereModel(FocalModel):
    """rho = sin(theta) / D(theta)."""

    @abstractmethod
    def _denominator(self, theta: Array) -> tuple[Array, Array, Array]:
        """D (...), d D / d theta (...) and d D / d shape (..., K)."""

    def profile(self, theta: Array) -> tuple[Array, Array]:
        """See `RadialModel.profile`."""
        sine = np.sin(theta)
        d, fall, _ = self._denominator(theta)
        seen = d > sine / _FARTHEST
        safe = np.where(seen, d, 1.0)
        slope = (np.cos(theta) * d - sine * fall) / (safe * safe)
        return np.where(seen, sine / safe, _FARTHEST), np.where(seen, slope, 0.0)

    def shape_jacobian(self, theta: Array, rho: Array) -> Array:
        """See `FocalModel.shape_jacobian`."""
        d, _, by_shape = self._denominator(theta)
        return -(rho / d)[:, None] * by_shape


class UnifiedCamera(SphereModel):
    """The unified camera in the form of Usenko et al.: D = alpha + (1 - alpha) cos(theta), xi = alpha / (1 - alpha).

    params: fx, fy, cx, cy, alpha.
    """

    kind = "ucm"
    shape_names = ("alpha",)

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """See `FocalModel.start`."""
        return cls([focal, focal, *centre, 0.6])

    def _denominator(self, theta: Array) -> tuple[Array, Array, Array]:
        (alpha,), cosine = self.shape, np.cos(theta)
        return alpha + (1.0 - alpha) * cosine, (alpha - 1.0) * np.sin(theta), (1.0 - cosine)[..., None]


class EnhancedUnifiedCamera(SphereModel):
    """Khomutenko, Garcia, Martinet, "An Enhanced Unified Camera Model", RA-L 2016.

    D = alpha d + (1 - alpha) cos(theta), d = sqrt(beta sin^2 + cos^2). params: fx, fy, cx, cy, alpha, beta > 0.
    """

    kind = "eucm"
    shape_names = ("alpha", "beta")

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """See `FocalModel.start`."""
        return cls([focal, focal, *centre, 0.6, 1.0])

    def _denominator(self, theta: Array) -> tuple[Array, Array, Array]:
        (alpha, beta), sine, cosine = self.shape, np.sin(theta), np.cos(theta)
        # A negative beta leaves no lens: NaN is no rise, and the constructor refuses it.
        distance = np.sqrt(sine * sine * (beta if beta > 0.0 else np.nan) + cosine * cosine)
        fall = alpha * (beta - 1.0) * sine * cosine / distance - (1.0 - alpha) * sine
        by_shape = np.stack([distance - cosine, 0.5 * alpha * sine * sine / distance], -1)
        return alpha * distance + (1.0 - alpha) * cosine, fall, by_shape


class DoubleSphere(SphereModel):
    """D = alpha d + (1 - alpha) w, w = xi + cos(theta), d = sqrt(sin^2 + w^2). params: fx, fy, cx, cy, xi, alpha."""

    kind = "double_sphere"
    shape_names = ("xi", "alpha")

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float]) -> Self:
        """See `FocalModel.start`."""
        return cls([0.8 * focal, 0.8 * focal, *centre, -0.2, 0.6])

    def _denominator(self, theta: Array) -> tuple[Array, Array, Array]:
        (xi, alpha), sine, cosine = self.shape, np.sin(theta), np.cos(theta)
        w = xi + cosine
        distance = np.sqrt(sine * sine + w * w)
        safe = np.where(distance > 0.0, distance, 1.0)
        fall = -alpha * xi * sine / safe - (1.0 - alpha) * sine
        by_shape = np.stack([alpha * w / safe + 1.0 - alpha, distance - w], -1)
        return alpha * distance + (1.0 - alpha) * w, fall, by_shape
