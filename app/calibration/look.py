"""What the calibration page draws. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.calibration.coverage import Coverage
from app.calibration.feed import Sighting
from app.calibration.guidance import Suggestion
from app.calibration.views import Taken
from app.calibration.words import Doing
from app.presenter import Notice
from calib.calibrate import Result
from engine.types import Frame

NOTHING = Doing()


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Everything the page draws at one moment."""

    frame: Frame | None
    sighting: Sighting | None
    still: float
    """0 to 1: how long the board has been still, of what it takes."""
    taken: tuple[Taken, ...]
    result: Result | None
    coverage: Coverage | None
    suggestion: Suggestion | None
    say: str
    """What to do next, in one line."""
    doing: Doing = NOTHING
    notice: Notice | None = None
    saved: Path | None = None
