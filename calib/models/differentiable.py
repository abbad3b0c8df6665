"""What a camera model offers to a solver: its parameters by name, and its derivatives."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np

from calib.models.base import Array, CameraModel, Mask


class DifferentiableModel(CameraModel):
    """A camera model that can be fitted."""

    @property
    @abstractmethod
    def param_names(self) -> tuple[str, ...]:
        """(P,) names of `params`."""

    @property
    def fitted(self) -> Mask:
        """(P,) which parameters a solver may move; the others are conventions or would turn with the poses."""
        return np.ones(len(self.params), bool)

    @abstractmethod
    def with_params(self, params: Array) -> Self:
        """The same kind of model with other parameters. Raises CalibrationError where they are no lens."""

    @abstractmethod
    def project_with_jacobians(self, points: Array) -> tuple[Array, Array, Array, Mask]:
        """(N, 3) points to (N, 2) pixels, (N, 2, 3) d pixel / d point, (N, 2, P) d pixel / d params, (N,) validity.

        All are NaN where invalid.
        """
