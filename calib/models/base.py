"""The interface that every camera model has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class CameraModel(ABC):
    """A central camera. Immutable.

    Camera frame: x to image right, y to image down, z along the optical axis away from
    the camera. Pixels: the centre of the top-left pixel is (0, 0), as in OpenCV.
    """

    kind: ClassVar[str]
    """The name files use for this model."""

    @property
    @abstractmethod
    def params(self) -> Array:
        """(P,) the parameters, in the order that the class documents."""

    @property
    @abstractmethod
    def max_angle(self) -> float:
        """Radians from the optical axis up to which the model is invertible."""

    @abstractmethod
    def project(self, points: Array) -> tuple[Array, Mask]:
        """(..., 3) points, any length but zero, to (..., 2) pixels and (...) validity.

        Invalid (beyond `max_angle`, or the camera's centre) pixels are NaN.
        """

    @abstractmethod
    def unproject(self, pixels: Array) -> tuple[Array, Mask]:
        """(..., 2) pixels to (..., 3) unit bearings and (...) validity; invalid bearings are NaN."""

    @abstractmethod
    def rescaled(self, scale: float, offset: tuple[float, float]) -> CameraModel:
        """The model of the same lens on a picture p' = scale * (p + 0.5) - 0.5 + offset."""
