"""Views of a board, and the rules by which a view counts as still, as new, and as one of the best. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from calib.solve.problem import View
from calib.targets.board import Board, BoardKind
from calib.targets.detect import Detection

MOST_VIEWS = 60
"""More views cost time and hardly add to what is known."""
ENOUGH_TO_SOLVE = 5
STILL_PX = 1.0
STILL_NS = 300_000_000
_LONGEST_GAP_NS = 1_000_000_000
NEW_SHARE = 0.03
"""Part of the picture's diagonal that the corners must have moved, in the mean, for a view to be new."""
SAME_SHARE = 0.003
"""Pictures that somebody chose count as one view only where they differ by less than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A view that was taken."""

    name: str
    detection: Detection
    used: bool = True
    """False where the user has struck it out."""

    def view(self, board: Board) -> View:
        """As the solver takes it."""
        return View(board.points[self.detection.ids], self.detection.pixels, self.name)


def moved(board: Board, one: Detection, other: Detection) -> float:
    """Mean distance in pixels of the points that both have; infinite where they share fewer than half.

    A chessboard looks the same from its other end, so it is compared both ways round.
    """
    _, first, second = np.intersect1d(one.ids, other.ids, assume_unique=True, return_indices=True)
    if 2 * len(first) < min(len(one.ids), len(other.ids)) or len(first) == 0:
        return float("inf")
    a, b = one.pixels[first], other.pixels[second]
    straight = float(np.linalg.norm(a - b, axis=1).mean())
    if board.kind is BoardKind.CHESSBOARD and len(a) == len(board.points):
        return min(straight, float(np.linalg.norm(a - b[::-1], axis=1).mean()))
    return straight


def is_new(
    board: Board, seen: Detection, taken: Sequence[Detection], size: tuple[int, int], share: float = NEW_SHARE
) -> bool:
    """Whether a view differs from all that were taken by at least a share of the diagonal; `size` is the picture's
    (width, height)."""
    least = share * float(np.hypot(*size))
    return all(moved(board, seen, other) >= least for other in taken)


@dataclass(slots=True)
class Stillness:
    """Tells when the board has been held still, from one sighting to the next."""

    board: Board
    _last: Detection | None = field(default=None, init=False)
    _last_ns: int = field(default=0, init=False)
    _since_ns: int = field(default=0, init=False)

    def share(self, seen: Detection | None, time_ns: int) -> float:
        """0 while the board moves or is not seen, up to 1 once it has been still for long enough."""
        last, self._last = self._last, seen
        gap, self._last_ns = time_ns - self._last_ns, time_ns
        if seen is None:
            return 0.0
        if last is None or not 0 < gap <= _LONGEST_GAP_NS or moved(self.board, last, seen) >= STILL_PX:
            self._since_ns = time_ns
            return 0.0
        return min(1.0, (time_ns - self._since_ns) / STILL_NS)


def spread_out(board: Board, seen: Sequence[Detection], most: int, least_px: float = 0.0) -> list[int]:
    """Which `most` views to keep so that they differ most, in their order: the farthest from those chosen, again and
    again. Views nearer than `least_px` to a chosen one are left out."""
    if not seen:
        return []
    chosen = [0]
    nearest = np.array([moved(board, one, seen[0]) for one in seen])
    while len(chosen) < most:
        nearest[chosen] = -1.0
        best = int(np.argmax(nearest))
        if nearest[best] < 0.0 or nearest[best] < least_px:
            break
        chosen.append(best)
        nearest = np.minimum(nearest, [moved(board, one, seen[best]) for one in seen])
    return sorted(chosen)
