"""The booth: what restarts by itself what visitors look at, and when. No Qt."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf

from app.presenter import Phase, Screen
from app.translation import tr
from app.wording import sentence
from engine.types import StreamState

FIRST_S, LONGEST_S = 1.0, 30.0
"""Before the first attempt to open again, and between later ones."""
SETTLED_S = 10.0
"""Streaming for so long, and the next failure is a first one again."""
SILENT_S = 60.0
"""A camera that has been looked for so long is opened anew from the beginning."""
LEAVE_S = 2.0
"""Within so long the key that leaves has to be pressed twice."""


class Booth:
    """Decides from what is shown when it is opened again."""

    def __init__(self) -> None:
        self._wait_s = FIRST_S
        self._due: float | None = None
        self._well: float | None = None
        self._pressed = -inf

    def pressed(self, now: float) -> bool:
        """The key that leaves was pressed; whether it counts. `now` in seconds, as for all that follow."""
        counts = now - self._pressed <= LEAVE_S
        self._pressed = -inf if counts else now
        return counts

    def due(self, screen: Screen, now: float) -> bool:
        """Whether what is shown is to be opened again now. Called at every look."""
        if not _failing(screen):
            self._due = None
            streaming = screen.phase is Phase.PICTURE
            self._well = (now if self._well is None else self._well) if streaming else None
            if self._well is not None and now - self._well >= SETTLED_S:
                self._wait_s = FIRST_S
            return False
        self._well = None
        if self._due is None:
            self._due = now + self._wait_s
            self._wait_s = min(2 * self._wait_s, LONGEST_S)
        if now < self._due:
            return False
        self._due = None
        return True

    def shown(self, screen: Screen, now: float) -> Screen:
        """What visitors see of it: never the start page, nor what only the operator can mend."""
        if screen.phase is Phase.PICTURE:
            return replace(screen, notice=None)
        left = max(0.0, self._due - now) if self._due is not None else 0.0
        why = sentence(screen.notice.text) if screen.notice is not None else ""
        again = tr("It is opened again in {seconds} s.", seconds=ceil(left)) if left else ""
        hint = " ".join(filter(None, [again, why]))
        return replace(screen, phase=Phase.OPENING, notice=None, waiting=(tr("Back in a moment"), hint))


def _failing(screen: Screen) -> bool:
    if screen.phase is Phase.EMPTY:
        return True
    figures = screen.snapshot.figures if screen.snapshot is not None else None
    if figures is None:
        return False
    return figures.state in (StreamState.FAILED, StreamState.ENDED) or figures.silent_s >= SILENT_S
