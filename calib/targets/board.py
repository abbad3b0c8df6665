"""The boards that can be printed, shown and detected."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from calib.cv import cv2
from calib.errors import CalibrationError
from calib.models.base import Array

_UNITS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254}
_MOST = 64
FAMILIES = {
    "36h11": cv2.aruco.DICT_APRILTAG_36h11,
    "36h10": cv2.aruco.DICT_APRILTAG_36h10,
    "25h9": cv2.aruco.DICT_APRILTAG_25h9,
    "16h5": cv2.aruco.DICT_APRILTAG_16h5,
}
"""AprilTags by name; the first is what Kalibr prints."""
TAG_BORDER = 2
"""Bits around a tag of an aprilgrid, as Kalibr prints them."""
SYNTAX = "9x6:25mm, charuco:8x6:30mm:22mm, aprilgrid:6x6:88mm:26.4mm[:36h11] or circles:4x11:20mm"


class BoardKind(StrEnum):
    """The word before the size."""

    CHESSBOARD = "chessboard"
    CHARUCO = "charuco"
    APRILGRID = "aprilgrid"
    CIRCLES = "circles"


@dataclass(frozen=True)
class Board:
    """A flat board. Its frame: x right, y down as printed, z away from who looks at it; the origin is point 0.

    What the numbers mean:
    chessboard: `columns` x `rows` inner corners, `pitch` the square's side;
    charuco: `columns` x `rows` squares, `pitch` the square's side, `second` the marker's side (DICT_4X4);
    aprilgrid: `columns` x `rows` tags of a `family` with two border bits, tag 0 at the bottom left as Kalibr
    lays them out, `pitch` the tag's side, `second` the gap between tags;
    circles: OpenCV's asymmetric grid, `columns` a row and `rows` rows, `pitch` from one row to the next.
    """

    kind: BoardKind
    columns: int
    rows: int
    pitch: float
    """Metres."""
    second: float = 0.0
    """Metres; zero where the kind has no second length."""
    family: str = next(iter(FAMILIES))
    """Of an aprilgrid's tags."""

    def __post_init__(self) -> None:
        """Raises CalibrationError where there is no such board."""
        if not (2 <= self.columns <= _MOST and 2 <= self.rows <= _MOST):
            raise CalibrationError(
                f"a board has 2 to {_MOST} columns and rows, not {self.columns}x{self.rows}: count again"
            )
        if not 0.0 < self.pitch < 10.0:
            raise CalibrationError(f"a board's pitch is above 0 and below 10 m, not {self.pitch:g} m: measure again")
        if self.kind is BoardKind.CHARUCO and not 0.0 < self.second < self.pitch:
            raise CalibrationError("a charuco board's markers are smaller than its squares: give pitch, then marker")
        if self.kind is BoardKind.APRILGRID and not 0.0 < self.second <= self.pitch:
            raise CalibrationError("an aprilgrid's gap is at most its tag: give the tag's side, then the gap")
        if self.family not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise CalibrationError(f"there is no tag family {self.family[:20]}: use one of {known}")
        if self.kind is BoardKind.CHESSBOARD and min(self.columns, self.rows) < 3:
            raise CalibrationError("a chessboard needs 3 or more inner corners each way: use a larger one")

    @cached_property
    def points(self) -> Array:
        """(N, 3) metres, z = 0, in the order of the ids that detection gives."""
        if self.kind is BoardKind.APRILGRID:
            return self._tag_corners
        columns, rows = self.columns, self.rows
        if self.kind is BoardKind.CHARUCO:
            columns, rows = columns - 1, rows - 1
        y, x = np.mgrid[:rows, :columns].reshape(2, -1).astype(float)
        if self.kind is BoardKind.CIRCLES:
            x = 2.0 * x + y % 2.0
        return np.stack([x, y, 0.0 * x], -1) * self.pitch

    @property
    def _tag_corners(self) -> Array:
        """Four to a tag, clockwise from its top left; tags row by row from the bottom."""
        step = self.pitch + self.second
        up, right = np.divmod(np.arange(self.columns * self.rows), self.columns)
        corner = self.pitch * np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        # The origin is point 0, the top left of tag 0, so higher rows have negative y.
        plane = step * np.stack([right, -up], -1)[:, None] + corner
        return np.concatenate([plane.reshape(-1, 2), np.zeros((plane.shape[0] * 4, 1))], -1)

    @property
    def clearance(self) -> float:
        """Metres around a point in which no other corner lies: half the side of a sub-pixel window."""
        if self.kind is BoardKind.CHARUCO:
            return min(0.3 * self.pitch, 0.45 * (self.pitch - self.second))
        if self.kind is BoardKind.APRILGRID:
            cells = self.dictionary.markerSize + 2 * TAG_BORDER
            return 0.45 * min(self.second, TAG_BORDER / cells * self.pitch)
        return 0.3 * self.pitch

    @property
    def dictionary(self) -> cv2.aruco.Dictionary:
        """Of the markers of a charuco board or an aprilgrid. Raises CalibrationError where it has too few."""
        name = cv2.aruco.DICT_4X4_1000 if self.kind is BoardKind.CHARUCO else FAMILIES[self.family]
        dictionary = cv2.aruco.getPredefinedDictionary(name)
        if self.marker_count > len(dictionary.bytesList):
            raise CalibrationError(f"there are only {len(dictionary.bytesList)} markers of this kind: use fewer")
        return dictionary

    @property
    def marker_count(self) -> int:
        """How many markers the board shows."""
        if self.kind is BoardKind.CHARUCO:
            return self.columns * self.rows // 2
        return self.columns * self.rows if self.kind is BoardKind.APRILGRID else 0

    def __str__(self) -> str:
        """The text that `parse_board` reads."""
        lengths = [f"{1e3 * length:.6g}mm" for length in (self.pitch, self.second) if length]
        family = [self.family] if self.family != next(iter(FAMILIES)) else []
        return ":".join([self.kind.value, f"{self.columns}x{self.rows}", *lengths, *family])


def parse_board(text: str) -> Board:
    """A board from a text such as "9x6:25mm" or "charuco:8x6:30mm:22mm". Raises CalibrationError."""
    parts = text.strip().lower().split(":")
    kind = BoardKind.CHESSBOARD
    if parts[0] in {known.value for known in BoardKind}:
        kind = BoardKind(parts.pop(0))
    family = parts.pop() if kind is BoardKind.APRILGRID and parts[-1:] and parts[-1] in FAMILIES else None
    needed = 3 if kind in (BoardKind.CHARUCO, BoardKind.APRILGRID) else 2
    size = re.fullmatch(r"(\d{1,3})x(\d{1,3})", parts[0]) if parts else None
    if size is None or len(parts) != needed:
        raise CalibrationError(f'"{text[:60]}" is not a board: write for instance {SYNTAX}')
    pitch, second = ([*(_length(part, text) for part in parts[1:]), 0.0])[:2]
    board = Board(kind, int(size[1]), int(size[2]), pitch, second)
    return board if family is None else replace(board, family=family)


def _length(part: str, text: str) -> float:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)\s*(mm|cm|m|in)", part.strip())
    if match is None:
        raise CalibrationError(f'"{part[:20]}" in "{text[:60]}" is not a length: write for instance 25mm')
    return float(match[1]) * _UNITS[match[2]]
