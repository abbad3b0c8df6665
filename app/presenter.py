"""What the window is to show, computed from the feed and from what the user asked for. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from app.feed import Feed, Opener
from app.opening import Opening
from app.translation import tr
from calib.errors import CalibrationError
from engine.errors import EgoposeError
from engine.types import Snapshot, StreamState

if TYPE_CHECKING:
    from calib.remap import CanonicalView

log = logging.getLogger(__name__)

STOP_S = 1.8
"""How long closing may take in all."""


class Phase(StrEnum):
    """Which page the left side shows."""

    EMPTY = "empty"
    OPENING = "opening"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the banner."""

    text: str
    tone: str
    """"error", "warning" or "info"."""
    retry: bool = False
    """Whether opening the same source again is a sensible next step."""
    choices: tuple[str, ...] = ()
    """Other next steps, a button each."""


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """Everything the window draws at one moment."""

    phase: Phase
    name: str = ""
    """Of the source, for people."""
    snapshot: Snapshot | None = None
    view: CanonicalView | None = None
    assumed_camera: bool = False
    notice: Notice | None = None
    frozen: bool = False
    """Whether the picture is held while the source goes on."""
    waiting: tuple[str, str] | None = None
    """Headline and line in place of the usual ones while there is no picture."""


def one_line(error: BaseException) -> str:
    """An error as the user reads it; those that are not the user's to cause say so."""
    if isinstance(error, (EgoposeError, CalibrationError)):
        return " ".join(str(error).split())
    detail = " ".join(str(error).split())
    return tr(
        "Something went wrong inside the program ({error}: {detail}); the log has the details",
        error=type(error).__name__,
        detail=detail,
    )


def display_name(spec: str) -> str:
    """How a spec is called before its source has told its name."""
    if spec == "synthetic":
        return "the synthetic wearer"
    if spec.startswith("camera:"):
        return f"camera {spec.removeprefix('camera:')}"
    if spec.startswith("realsense"):
        return f"RealSense {spec.removeprefix('realsense').removeprefix(':')}".strip()
    if "://" in spec:
        scheme, _, rest = spec.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"  # without a password
    return Path(spec).name or spec


class Presenter:
    """Holds the one feed and the opening under way; `look` computes the rest."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._feed: Feed | None = None
        self._spec: str | None = None
        self._opening: Opening | None = None
        self._abandoned: list[Opening] = []
        self._leaving: threading.Thread | None = None
        self._error: Notice | None = None
        self._dismissed: set[Notice] = set()

    @property
    def opener(self) -> Opener:
        """What opens sources."""
        return self._opener

    @property
    def spec(self) -> str | None:
        """What was opened last, whether or not that worked."""
        return self._spec

    @property
    def feed(self) -> Feed | None:
        """What is open; None while nothing is, or while it is being opened."""
        return self._feed

    @property
    def source_id(self) -> str:
        """Of the source that is open, "" where there is none."""
        return self._feed.source_id if self._feed is not None else ""

    @property
    def error(self) -> Notice | None:
        """The error that waits to be dismissed."""
        return self._error

    def open(self, spec: str) -> None:
        """Begin to open a source in place of the present one."""
        if self._opening is not None:
            self._opening.cancel()
            self._abandoned.append(self._opening)
        self._abandoned = [opening for opening in self._abandoned if opening.running]
        previous, self._feed = self._feed, None
        leaving, self._leaving = self._leaving, None
        self._error, self._dismissed = None, set()
        self._spec = spec
        before = previous.stop if previous is not None else leaving.join if leaving is not None else None
        self._opening = Opening(self._opener, spec, before)

    def leave(self) -> None:
        """Let go of what is open, without waiting; nothing is shown until something is opened."""
        self._error, self._dismissed = None, set()
        if self.busy:
            self._leaving = threading.Thread(target=self.release(), name=f"close {self._spec}", daemon=True)
            self._leaving.start()

    @property
    def busy(self) -> bool:
        """Whether something is open, or being opened."""
        return self._feed is not None or self._opening is not None

    def reopen(self) -> None:
        """Open the same source again, if there was one."""
        if self._spec is not None:
            self.open(self._spec)

    def report(self, error: BaseException) -> None:
        """Show an error until it is dismissed or something else is opened."""
        self._error = Notice(one_line(error), "error")

    def dismiss(self, notice: Notice) -> None:
        """The user has read it."""
        if notice == self._error:
            self._error = None
        self._dismissed.add(notice)

    def release(self) -> Callable[[], None]:
        """Let go of what is open; what is returned stops it, within STOP_S, and is called off the GUI thread."""
        feed, self._feed = self._feed, None
        openings = [*self._abandoned, *([self._opening] if self._opening is not None else [])]
        self._opening, self._abandoned = None, []
        leaving, self._leaving = self._leaving, None

        def stop() -> None:
            deadline = time.monotonic() + STOP_S
            if leaving is not None:
                leaving.join(STOP_S)
            for opening in openings:
                opening.cancel()
            if feed is not None:
                feed.stop()
            for opening in openings:
                opening.join(deadline)

        return stop

    def look(self) -> Screen:
        """The screen now. Cheap; called at display rate."""
        self._settle()
        if self._opening is not None:
            return Screen(Phase.OPENING, display_name(self._opening.spec), notice=self._error)
        if self._feed is None:
            return Screen(Phase.EMPTY, notice=self._error)
        feed = self._feed
        snapshot = feed.snapshot()
        phase = Phase.PICTURE if snapshot.frame is not None else Phase.OPENING
        if snapshot.frame is None and snapshot.figures.state in (StreamState.FAILED, StreamState.ENDED):
            phase = Phase.EMPTY
        notice = self._error or self._state_notice(snapshot)
        return Screen(phase, feed.title, snapshot, feed.view, feed.assumed_camera, notice)

    def close(self) -> None:
        """Stop everything, within STOP_S where the feed keeps its word. The presenter shows nothing afterwards."""
        self.release()()

    def _settle(self) -> None:
        outcome = self._opening.poll() if self._opening is not None else None
        if outcome is None:
            return
        self._opening = None
        if isinstance(outcome, Exception):
            if not isinstance(outcome, (EgoposeError, CalibrationError)):
                log.error("opening %s failed", self._spec, exc_info=outcome)
            self._error = Notice(one_line(outcome), "error", retry=True)
        else:
            self._feed = outcome

    def _state_notice(self, snapshot: Snapshot) -> Notice | None:
        figures = snapshot.figures
        # The runtime's, which goes on: what is wrong with the source comes first.
        notice = Notice(figures.notice, "info") if figures.notice else None
        if figures.message:
            failed = figures.state is StreamState.FAILED
            notice = Notice(" ".join(figures.message.split()), "error" if failed else "warning", retry=failed)
        else:
            # A source's fault that is over may happen again; the runtime's is told once.
            self._dismissed = {each for each in self._dismissed if each == notice}
        return None if notice in self._dismissed else notice
