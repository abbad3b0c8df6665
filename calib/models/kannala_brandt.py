"""The fisheye of Kannala and Brandt, "A Generic Camera Model and Calibration Method", PAMI 2006; OpenCV's fisheye."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np
from numpy.polynomial import polynomial

from calib.models.base import Array
from calib.models.radial import FocalModel


class KannalaBrandt(FocalModel):
    """u = cx + fx theta_d x / n, v = cy + fy theta_d y / n, theta_d = theta (1 + k1 theta^2 + k2 theta^4 + ...).

    params: fx, fy, cx, cy, k1, ... with 4 to 6 k's; 4 of them are OpenCV's model. Good past 90 degrees.
    """

    kind = "kannala_brandt"
    shape_names = ("k1", "k2", "k3", "k4", "k5", "k6")
    optional = 2

    @classmethod
    def start(cls, focal: float, centre: tuple[float, float], terms: int = 4) -> Self:
        """See `FocalModel.start`: the equidistant lens with 4 to 6 terms."""
        return cls([focal, focal, *centre, *[0.0] * terms])

    @cached_property
    def _coefficients(self) -> tuple[Array, Array]:
        odd = np.zeros(2 * len(self.shape) + 2)
        odd[1::2] = [1.0, *self.shape]
        return odd, np.asarray(polynomial.polyder(odd), float)

    def profile(self, theta: Array) -> tuple[Array, Array]:
        """theta_d and its slope."""
        value, slope = (np.asarray(polynomial.polyval(theta, terms), float) for terms in self._coefficients)
        return value, slope

    def shape_jacobian(self, theta: Array, rho: Array) -> Array:
        """See `FocalModel.shape_jacobian`."""
        return theta[:, None] ** (3 + 2 * np.arange(len(self.shape)))
