"""Directions and rotations, many at once: (..., 3) vectors, (..., 3, 3) matrices whose columns are turned axes."""

from __future__ import annotations

from math import pi

import numpy as np

from engine.motion.world import Array

_TINY, _FLAT, _CLEAR = 1e-9, 1e-12, 1e-4
_SKEW: Array = np.array([[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0.0]])
"""(3, 9) by which a vector becomes the matrix of its cross product."""
_EYE: Array = np.eye(3)


def unit(vectors: Array, instead: Array) -> Array:
    """(..., 3) of length 1; `instead` where a vector has no direction."""
    length = np.sqrt(dot(vectors, vectors))
    if (length > _TINY).all():
        return np.asarray(vectors / length)
    return np.where(length > _TINY, vectors / np.where(length > _TINY, length, 1.0), instead)


def cross(a: Array, b: Array) -> Array:
    """(..., 3); numpy's own takes several times as long for a few vectors."""
    return np.asarray((_skew(a) @ b[..., None])[..., 0])


def dot(a: Array, b: Array) -> Array:
    """(..., 1)."""
    return np.asarray(np.einsum("...i,...i->...", a, b)[..., None])


def across(vectors: Array, axes: Array) -> Array:
    """(..., 3) what of the vectors is perpendicular to axes of length 1."""
    return vectors - dot(vectors, axes) * axes


def beside(axes: Array, *wishes: Array) -> Array:
    """(..., 3) directions perpendicular to axes of length 1: that of the first wish that is not along its axis."""
    side = across(wishes[0], axes) if wishes else np.zeros(3)
    if wishes and (dot(side, side) > _CLEAR * dot(wishes[0], wishes[0])).all():
        return unit(side, side)
    # The least of a direction's parts belongs to a coordinate axis that is not along it.
    found = across(_EYE[np.abs(axes).argmin(-1)], axes)
    for wish in reversed(wishes):
        side = across(wish, axes)
        found = np.where(dot(side, side) > _FLAT * dot(wish, wish), side, found)
    found = unit(found, found)
    return unit(across(found, axes), found)  # Once more, for what is lost where a wish is nearly along its axis.


def axes(x: Array, y: Array) -> Array:
    """(..., 3, 3) the rotation whose first two columns are these perpendicular directions."""
    made = np.empty((*x.shape, 3))
    made[..., 0], made[..., 1], made[..., 2] = x, y, cross(x, y)
    return made


def between(start: Array, goal: Array) -> Array:
    """(..., 3, 3) the rotation by the least angle from one direction to another; a half turn about some axis
    perpendicular to both where they are opposite."""
    cosine = dot(start, goal)[..., None]
    opposite = cosine[..., 0] < -1 + _TINY
    k = cross(start, goal)
    if opposite.any():
        pole = beside(start)
        half = 2 * pole[..., :, None] * pole[..., None, :] - _EYE
        cosine = np.where(opposite[..., None], 0.0, cosine)
    turned = cosine * _EYE + _skew(k) + k[..., :, None] * k[..., None, :] / (1 + cosine)
    return np.where(opposite[..., None], half, turned) if opposite.any() else turned


def toward(start: Array, goal: Array, greatest: float) -> Array:
    """(..., 3) the goal, or where a direction comes to that is turned toward it by `greatest` radians."""
    cosine = dot(start, goal).clip(-1, 1)
    angle = np.arccos(cosine)
    side = unit(across(goal, start), np.zeros(3))
    return np.where(angle > greatest, np.cos(greatest) * start + np.sin(greatest) * side, goal)


def within(angle: Array, lowest: float, highest: float) -> Array:
    """Angles brought to the nearer end of a range, round the circle."""
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    return middle + ((angle - middle + pi) % (2 * pi) - pi).clip(-half, half)


def halfway(rotation: Array) -> Array:
    """(3, 3) the rotation about the same axis by half the angle; of a half turn, no rotation."""
    trace = float(np.trace(rotation))
    if trace < -1 + _TINY:
        return _EYE
    whole = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0],
                      rotation[1, 0] - rotation[0, 1], 1 + trace])  # fmt: skip
    half = whole / np.linalg.norm(whole) + [0, 0, 0, 1]
    x, y, z, w = half / np.linalg.norm(half)
    vector = np.array([x, y, z])
    return np.asarray(_EYE + 2 * w * _skew(vector) + 2 * _skew(vector) @ _skew(vector))


def _skew(v: Array) -> Array:
    """(..., 3, 3) the matrix of the cross product with a vector from the left."""
    return (v @ _SKEW).reshape(*v.shape, 3)
