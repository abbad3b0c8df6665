"""A change of what runs: tried beside what is shown, which goes on until it is known to work. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.background import Background
from app.settings import Settings
from calib.calibration import Calibration
from engine.runtime.artefacts import Artefacts, Cancelled
from engine.runtime.backend import Backend
from engine.runtime.building import Built
from engine.runtime.choice import AUTO, check_choice, open_runtime, way

Make = Callable[[Settings], Settings]
"""The settings before to those after. Raises EgoposeError or CalibrationError where they cannot be."""


class Change(Background):
    """One change being tried on a thread. `poll` gives the new settings, or why they cannot be."""

    def __init__(self, before: Settings, make: Make) -> None:
        self._before, self._make = before, make
        self._outcome: Settings | Exception | None = None
        self._lock = threading.Lock()
        self._building: Built | None = None
        self.done: float | None = None
        """How far what has to be made first is, 0..1; None while nothing is made."""
        super().__init__("change")

    def poll(self) -> Settings | Exception | None:
        """None while it is not known."""
        return self._outcome

    def stop(self) -> None:
        """Leave off, without waiting; what was begun to be made is gone."""
        super().stop()
        with self._lock:
            if self._building is not None:
                self._building.cancel()

    def _run(self) -> None:
        try:
            after = self._make(self._before)
            if (after.network, after.runtime) != (self._before.network, self._before.runtime):
                self._try_runtime(after)
            self._outcome = after
        except Exception as error:  # handed to the presenter, which words it
            self._outcome = error

    def _try_runtime(self, settings: Settings) -> None:
        """Open the network as the feed will, and let it go. Raises EgoposeError, and Cancelled after `stop`."""
        check_choice(settings.runtime)
        weights = settings.weights()
        wanted = None if settings.runtime == AUTO else way(settings.runtime)
        if isinstance(wanted, Backend):
            self._make_ready(wanted, weights)
        open_runtime(weights, settings.runtime, tell=self._tell).close()

    def _make_ready(self, wanted: Backend, weights: Path) -> None:
        """Make what has to be made first, in another process: it does not slow what is shown, and can be ended."""
        artefacts = Artefacts()
        if artefacts.compiled(weights, wanted) is not None:
            return
        with self._lock:
            if self._stop.is_set():
                raise Cancelled(wanted.name)
            self._building = built = Built(wanted, weights, artefacts, "")
        built.make(self._tell).close()

    def _tell(self, _doing: str, done: float) -> None:
        if self._stop.is_set():
            raise Cancelled(_doing)
        self.done = done


def with_lens(source_id: str, lens: Calibration) -> Make:
    """This camera is calibrated so, in this run."""
    return lambda settings: replace(settings, lenses={**settings.lenses, source_id: lens})


def without_lens(source_id: str) -> Make:
    """This camera is calibrated as is known of it."""
    return lambda settings: replace(
        settings, lenses={one: lens for one, lens in settings.lenses.items() if one != source_id}
    )
