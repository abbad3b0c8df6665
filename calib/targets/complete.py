"""Points of a marker board that its markers did not give: predicted from neighbours, then proven to be corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from calib.cv import cv2
from calib.models.base import Array, Mask
from calib.targets.board import Board, BoardKind

Ids = NDArray[np.int64]

_NEIGHBOURS = 10
_LEAST = 6
"""Found points that a prediction is made from, at most and at least."""
_RING = 32
_CONTRAST = 25.0
"""Grey levels between a corner's dark and light quarters, at least."""


def predict(board: Board, ids: Ids, pixels: Array, wanted: Ids) -> Array:
    """(K, 2) pixels of wanted points, each by the homography of the found points nearest to it, without itself.

    NaN where there are too few or they lie badly. Fisheye pictures are near enough to flat over a few points.
    """
    out = np.full((len(wanted), 2), np.nan)
    if len(ids) <= _LEAST:
        return out
    points = board.points[:, :2]
    _, near = cKDTree(points[ids]).query(points[wanted], k=min(_NEIGHBOURS, len(ids)))
    for i, (point, own) in enumerate(zip(wanted, near, strict=True)):
        others = own[ids[own] != point]
        source = (points[ids[others]] - points[point]) / board.pitch
        plane, _ = cv2.findHomography(source, pixels[others])
        # The wanted point is the origin here: its picture is the last column.
        if plane is not None and plane[2, 2] * (source @ plane[2, :2] + plane[2, 2]).min() > 0.0:
            out[i] = plane[:2, 2] / plane[2, 2]
    return out


def missing_neighbours(board: Board, ids: Ids) -> Ids:
    """Points that were not found and lie beside found ones."""
    points = board.points[:, :2]
    missing = np.setdiff1d(np.arange(len(points)), ids)
    reach = board.pitch + (board.second if board.kind is BoardKind.APRILGRID else 0.0)
    return np.asarray(missing[cKDTree(points[ids]).query(points[missing])[0] <= 1.01 * reach], np.int64)


def saddles(grey: NDArray[np.uint8], pixels: Array, radii: Array) -> Mask:
    """(N,) whether two dark and two light quarters meet at each of (N, 2) pixels, seen on a ring of its radius."""
    turn = np.arange(_RING) * (2.0 * np.pi / _RING)
    ring = pixels[:, None] + radii[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
    entries = ring.astype(np.float32)
    values = np.asarray(
        cv2.remap(grey, entries[..., 0], entries[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), float
    )
    low, high = np.percentile(values, 15, axis=1), np.percentile(values, 85, axis=1)
    dark = values < 0.5 * (low + high)[:, None]
    changes = (dark != np.roll(dark, 1, axis=1)).sum(1)
    share = dark.mean(1)
    return np.asarray((high - low >= _CONTRAST) & (changes == 4) & (share > 0.25) & (share < 0.75))
