"""The frames that a network gets most wrong, as pictures with truth and prediction drawn over them."""

from __future__ import annotations

import base64
from collections.abc import Sequence as Ordered
from dataclasses import dataclass

import numpy as np

from calib.canonical import canonical_uv
from calib.cv import cv2
from engine.capture.picture import encode_jpeg
from engine.learn.data.sequence import Sequence
from engine.learn.evaluate.score import Result
from engine.learn.wearer.motion import ACTIONS
from engine.live.overlay import side_colour
from engine.skeleton import BONES
from engine.types import ImageArray

SIDE = 300
APART_S = 2.0
"""Frames of one clip that are nearer in time show the same."""
_TRUTH = (255, 255, 255)
_DARK = (20, 20, 20)
_QUALITY = 88


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame, ready for the page."""

    picture: str
    """A data URL."""
    name: str
    action: str
    mpjpe: float
    pa: float
    truth: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    predicted: np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def picked(result: Result, count: int) -> list[int]:
    """Rows of the `count` frames with the largest errors, the worst first; those of one clip at least APART_S apart."""
    errors = np.where(np.isfinite(result.frame_errors), result.frame_errors, -1.0)
    rows: list[int] = []
    free = errors >= 0
    for row in np.argsort(-errors, kind="stable"):
        if free[row] and len(rows) < count:
            rows.append(int(row))
            free &= (result.clip != result.clip[row]) | (np.abs(result.since_s - result.since_s[row]) >= APART_S)
    return rows


def middling(result: Result, count: int) -> list[int]:
    """Rows of the `count` frames about the median error, so that a report does not show the worst alone."""
    errors = result.frame_errors
    known = np.flatnonzero(np.isfinite(errors))
    if not len(known):
        return []
    ordered = known[np.argsort(errors[known], kind="stable")]
    first = max(0, len(ordered) // 2 - count // 2)
    return [int(row) for row in ordered[first : first + count]]


def shown(result: Result, sequences: Ordered[Sequence], row: int) -> Shown:
    """Raises EgoposeError where the picture cannot be read."""
    number, index = result.place[row]
    sequence = sequences[number]
    picture = overlaid(sequence.picture(index, SIDE), result.truth[row], result.predicted[row])
    data = base64.b64encode(encode_jpeg(picture, _QUALITY)).decode()
    pa = result.pa[row]
    return Shown(
        picture=f"data:image/jpeg;base64,{data}",
        name=sequence.pictures.name(index),
        action=[*ACTIONS, ""][int(result.action[row])],
        mpjpe=float(result.frame_errors[row]),
        pa=float(pa.mean()),
        truth=result.truth[row],
        predicted=result.predicted[row],
    )


def overlaid(picture: ImageArray, *poses: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ImageArray:
    """The canonical picture with truth (thin, white) and prediction (in the sides' colours) where they project."""
    drawn = picture.copy()
    for pose, truth in zip(poses, (True, False), strict=True):
        uv, _ = canonical_uv(pose)
        points = uv * len(picture) - 0.5
        for width, dark in ((4, True), (2, False)) if not truth else ((3, True), (1, False)):
            for parent, child in BONES:
                ends = points[[parent, child]]
                if np.isfinite(ends).all():
                    colour = _DARK if dark else _TRUTH if truth else side_colour(child)
                    # Out of the picture by thousands of pixels a line would overflow.
                    a, b = (tuple(int(v) for v in np.clip(np.round(end), -2000, 4000)) for end in ends)
                    cv2.line(drawn, a, b, colour, width, cv2.LINE_AA)
    return drawn
