"""Gathers what the window knows of itself; computes the report and keeps the history. No Qt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from app.diagnostics.machine import MachineWatch
from app.diagnostics.report import Report, Way, record, report
from engine.types import Figures, Percentiles

HISTORY_S = 120.0
SAMPLE_S = 1.0
"""Seconds between two samples of the history."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of the history, in milliseconds."""

    at_s: float
    """On the monotonic clock."""
    stages: Mapping[str, float]
    """The median of each stage."""
    age_p50: float
    age_p95: float


class Diagnostics:
    """`window` tells how long the window's own work takes, `ways` what else takes frames or poses, and loses some."""

    def __init__(
        self,
        window: Callable[[], Mapping[str, Percentiles]] = dict,
        ways: Callable[[Figures], Sequence[Way]] | None = None,
    ) -> None:
        self.machine = MachineWatch()
        self._window, self._ways = window, ways
        self._history: deque[Sample] = deque()

    @property
    def history(self) -> Sequence[Sample]:
        """Oldest first, over HISTORY_S at most."""
        return self._history

    def report(self, figures: Figures) -> Report:
        """What is known now."""
        return report(figures, self.machine.newest, self._window(), self._ways(figures) if self._ways else ())

    def record(self, figures: Figures) -> dict[str, Any]:
        """The same as numbers."""
        return record(figures, self.machine.newest, self._window())

    def sample(self, figures: Figures, now_s: float | None = None) -> bool:
        """Take a sample where it is time for one and there is something to take; whether it did."""
        now = time.monotonic() if now_s is None else now_s
        if self._history and now - self._history[-1].at_s < SAMPLE_S:
            return False
        if figures.silent_s > 0 or not isfinite(figures.age_ms.p50):
            return False
        stages = {name: stage.p50 for name, stage in figures.stages_ms.items() if isfinite(stage.p50)}
        self._history.append(Sample(now, stages, figures.age_ms.p50, figures.age_ms.p95))
        while self._history[0].at_s < now - HISTORY_S:
            self._history.popleft()
        return True

    def clear(self) -> None:
        """Another source: its history begins anew."""
        self._history.clear()
