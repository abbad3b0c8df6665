"""What the views cover, and where to hold the board next. Without Qt, on one thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.calibration.coverage import Cell, Coverage, Lit, assumed_lens, cover
from app.calibration.guidance import Suggestion, suggest
from app.calibration.views import Taken
from calib.calibrate import Result
from calib.models.base import CameraModel
from calib.targets.board import Board
from engine.types import ImageArray


class Guide:
    """Follows the views of one source; what the user does not want to show is not suggested until there are others."""

    def __init__(self, board: Board, live: bool) -> None:
        """`live`: before a camera; where files are read nothing can be held elsewhere, and nothing is suggested."""
        self.coverage: Coverage | None = None
        """None before the first picture."""
        self.suggestion: Suggestion | None = None
        """None where everything is covered, and of files."""
        self._board, self._live = board, live
        self._lit = Lit()
        self._skipped: list[Cell] = []
        self._size: tuple[int, int] | None = None
        self._taken: Sequence[Taken] = ()
        self._result: Result | None = None

    def see(self, picture: ImageArray) -> None:
        """Learn from a picture where the lens shows anything."""
        if self._lit.see(picture):
            self._renew()

    def follow(self, size: tuple[int, int], taken: Sequence[Taken], result: Result | None) -> None:
        """The views and what was solved of them, anew, in pictures of (width, height) pixels."""
        if [one.name for one in taken if one.used] != [one.name for one in self._taken if one.used]:
            self._skipped.clear()
        self._size, self._taken, self._result = size, tuple(taken), result
        self._renew()

    def skip(self) -> None:
        """Suggest another place, or after the last one the first again."""
        if self.suggestion is not None:
            self._skipped.append(self.suggestion.cell)
            self._suggest()
            if self.suggestion is None:
                self._skipped.clear()
                self._suggest()

    def _renew(self) -> None:
        if self._size is None:
            return
        used = [one.detection.pixels for one in self._taken if one.used]
        pixels = np.concatenate(used) if used else np.empty((0, 2))
        sigma = self._result.sigma_map if self._result is not None else None
        self.coverage = cover(self._model(self._size), self._size, pixels, sigma, self._lit.mask)
        self._suggest()

    def _suggest(self) -> None:
        if self._live and self._size is not None and self.coverage is not None:
            model = self._model(self._size)
            self.suggestion = suggest(self._board, model, self._size, self.coverage, self._taken, self._skipped)

    def _model(self, size: tuple[int, int]) -> CameraModel:
        return self._result.calibration.model if self._result is not None else assumed_lens(size)
