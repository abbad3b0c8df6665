"""What a camera model offers to a solver: its parameters by name, and its derivatives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np

from calib.errors import CalibrationError
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


def focal_params(kind: str, names: Sequence[str], optional: int, params: Sequence[float] | Array) -> Array:
    """A read-only copy of parameters that begin with fx, fy, cx, cy; the last `optional` may be left out.

    Raises CalibrationError where their number is wrong, one is not finite, or fx or fy is not above zero.
    """
    values = np.array(params, float)
    values.setflags(write=False)
    if values.ndim != 1 or not len(names) - optional <= len(values) <= len(names):
        counts = f"{len(names) - optional} to {len(names)}" if optional else f"{len(names)}"
        raise CalibrationError(f"a {kind} camera has {counts} parameters ({', '.join(names)}): give them all")
    if not np.isfinite(values).all():
        raise CalibrationError(f"a {kind} camera has a parameter that is not finite: calibrate it again")
    if not (values[:2] > 0.0).all():
        raise CalibrationError(f"fx and fy of a {kind} camera must be above zero: calibrate it again")
    return values


def rescaled_focal(params: Array, scale: float, offset: tuple[float, float]) -> Array:
    """fx, fy, cx, cy, ... on a picture p' = scale (p + 0.5) - 0.5 + offset."""
    changed = params.copy()
    changed[:2] *= scale
    changed[2:4] = scale * (changed[2:4] + 0.5) - 0.5 + np.asarray(offset)
    return changed
