"""A change of what runs: tried beside what is shown, which goes on until it is known to work. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.background import Background
from app.settings import Settings
from calib.calibration import Calibration
from engine.runtime.choice import check_choice, open_runtime

Make = Callable[[Settings], Settings]
"""The settings before to those after. Raises EgoposeError or CalibrationError where they cannot be."""


class Change(Background):
    """One change being tried on a thread. `poll` gives the new settings, or why they cannot be."""

    def __init__(self, before: Settings, make: Make) -> None:
        self._before, self._make = before, make
        self._outcome: Settings | Exception | None = None
        super().__init__("change")

    def poll(self) -> Settings | Exception | None:
        """None while it is not known."""
        return self._outcome

    def _run(self) -> None:
        try:
            after = self._make(self._before)
            if (after.network, after.runtime) != (self._before.network, self._before.runtime):
                try_runtime(after)
            self._outcome = after
        except Exception as error:  # handed to the presenter, which words it
            self._outcome = error


def try_runtime(settings: Settings) -> None:
    """Open the network as the feed will, which makes what has to be made, and let it go. Raises EgoposeError."""
    check_choice(settings.runtime)
    open_runtime(settings.weights(), settings.runtime).close()


def with_lens(source_id: str, lens: Calibration) -> Make:
    """This camera is calibrated so, in this run."""
    return lambda settings: replace(settings, lenses={**settings.lenses, source_id: lens})


def without_lens(source_id: str) -> Make:
    """This camera is calibrated as is known of it."""
    return lambda settings: replace(
        settings, lenses={one: lens for one, lens in settings.lenses.items() if one != source_id}
    )
