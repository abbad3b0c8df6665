"""Meshes of size 1 around the origin that furniture is built from, fine enough to bend in a fisheye."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.scene import Form, Thing
from engine.types import FloatArray

Array = NDArray[np.float64]
Faces = NDArray[np.int32]


def _sheet(columns: int, rows: int) -> tuple[Array, Array, Faces]:
    """Parameters u, v in 0..1 of a grid of points, and its triangles."""
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    right, above = corner + 1, corner + columns + 1
    faces = np.concatenate([np.column_stack([corner, right, above]), np.column_stack([right, above + 1, above])])
    return u.ravel(), v.ravel(), faces.astype(np.int32)


def _joined(parts: list[tuple[Array, Array, Faces]]) -> tuple[Array, Array, Faces]:
    shift = np.cumsum([0, *(len(points) for points, _, _ in parts)])
    return (
        np.concatenate([points for points, _, _ in parts]),
        np.concatenate([normals for _, normals, _ in parts]),
        np.concatenate([faces + np.int32(start) for (_, _, faces), start in zip(parts, shift, strict=False)]),
    )


Steps = tuple[int, int, int]
"""Into how many the edges of a box are cut along x, y and z."""
FINE: Steps = (6, 6, 6)
_THIN_M = 0.08
Kind = tuple[Form, Steps]
"""Of a solid."""
Rows = dict[Kind, FloatArray]
"""(N, 26) things of each kind: matrix, colour, glow, second colour, repeats, pattern, seed."""


def steps(form: Form, matrix: Array) -> Steps:
    """How finely to cut a solid with this (4, 4) matrix: what is thin does not bend across."""
    if form is not Form.BOX:
        return FINE
    thin = np.linalg.norm(matrix[:3, :3], axis=0) < _THIN_M
    x, y, z = np.where(thin, 1, FINE).tolist()
    return x, y, z


@lru_cache(maxsize=2)
def rows_of(things: tuple[Thing, ...], seed: float) -> Rows:
    """What the shaders know of things, by the kind of solid that they are."""
    rows: dict[Kind, list[Array]] = {}
    for thing in things:
        s = thing.surface
        tail = [*s.colour, thing.glow, *s.second, s.repeats, float(s.pattern), seed]
        kind = (thing.form, steps(thing.form, thing.matrix))
        rows.setdefault(kind, []).append(np.concatenate([thing.matrix.T.ravel(), tail]))
    return {kind: np.array(r, np.float32) for kind, r in rows.items()}


def solid(form: Form, cut: Steps = FINE) -> tuple[Array, Array, Faces]:
    """Points (N, 3), outward normals (N, 3) and triangles (M, 3) of a box, a cylinder along z, or a ball.

    Seen from outside a triangle's corners run counterclockwise.
    """
    points, normals, faces = _meshed(form, cut)
    a, b, c = points[faces].transpose(1, 0, 2)
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals[faces].mean(axis=1)) < 0
    return points, normals, np.where(inward[:, None], faces[:, ::-1], faces)


def _meshed(form: Form, cut: Steps) -> tuple[Array, Array, Faces]:
    if form is Form.BOX:
        parts = []
        for axis in range(3):
            u, v, faces = _sheet(cut[(axis + 1) % 3], cut[(axis + 2) % 3])
            for sign in (-0.5, 0.5):
                points = np.roll(np.column_stack([np.full_like(u, sign), u - 0.5, v - 0.5]), axis, axis=1)
                normals = np.zeros_like(points)
                normals[:, axis] = 2 * sign
                parts.append((points, normals, faces))
        return _joined(parts)
    if form is Form.CYLINDER:
        u, v, faces = _sheet(18, 4)
        around = np.column_stack([np.cos(2 * np.pi * u), np.sin(2 * np.pi * u), np.zeros_like(u)])
        side = (0.5 * around + np.column_stack([0 * u, 0 * u, v - 0.5]), around, faces)
        caps = []
        for sign in (-0.5, 0.5):
            points = 0.5 * around * v[:, None] + [0, 0, sign]
            caps.append((points, np.tile([0, 0, 2 * sign], (len(points), 1)), faces))
        return _joined([side, *caps])
    u, v, faces = _sheet(18, 10)
    polar, turn = np.pi * v, 2 * np.pi * u
    ball = np.column_stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)])
    return 0.5 * ball, ball, faces
