"""What the live view costs: how long each slot of the window takes, and how much of a core drawing does.

`python -m app.diagnostics.benchmark [--seconds 20] [--size 1280x800] [--json]` shows moments of the bundled session at
thirty a second in the very window of the program, painted without OpenGL and without a screen; the network has run
before.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from PyQt6.QtCore import QEvent, QObject, QTimer
from PyQt6.QtWidgets import QApplication

from engine.live.tap import Taps
from engine.motion.settings import MotionSettings
from engine.types import Snapshot

if TYPE_CHECKING:
    from app.feed import Feed
    from app.screenshots.moments import Moment
    from calib.remap import CanonicalView

FPS = 30.0
BEGIN, COUNT = 330, 30
LIMIT_MS, LIMIT_SHARE = 16.0, 0.25
_KINDS = {QEvent.Type.Timer: "timers", QEvent.Type.UpdateRequest: "painting", QEvent.Type.LayoutRequest: "layout"}


class MeasuredApplication(QApplication):
    """Takes the time of every event that Qt hands over, with all slots and events inside it."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(words)
        self.took: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """Milliseconds on the clock, and of the processor, by the kind of event."""
        self._inside = False

    def notify(self, receiver: QObject | None, event: QEvent | None) -> bool:
        """Qt's; called for each event on the GUI thread."""
        if self._inside or event is None:
            return super().notify(receiver, event)
        kind = _KINDS.get(event.type(), "others")
        self._inside, began, cpu = True, time.perf_counter_ns(), time.process_time_ns()
        try:
            return super().notify(receiver, event)
        finally:
            took = time.perf_counter_ns() - began, time.process_time_ns() - cpu
            self.took[kind].append((took[0] / 1e6, took[1] / 1e6))
            self._inside = False


class Loop:
    """A feed that shows the same moments over and over, each as a new frame, thirty a second."""

    title, source_id, assumed_camera, recordable = "Benchmark", "benchmark", False, False

    def __init__(self, moments: Sequence[Moment]) -> None:
        self._moments = moments
        self.motion, self.taps = MotionSettings(), Taps()
        self._began_s = time.monotonic()
        self._made: tuple[int, Snapshot] | None = None
        self.still: Snapshot | None = None
        """Shown from when it is set."""
        self.view: CanonicalView | None = moments[0].view

    def snapshot(self) -> Snapshot:
        """As the pipeline has it: the same object until there is a newer one."""
        if self.still is not None:
            return self.still
        number = int((time.monotonic() - self._began_s) * FPS)
        if self._made is None or self._made[0] != number:
            moment = self._moments[number % len(self._moments)]
            stamp = round(number / FPS * 1e9)
            frame = replace(moment.frame, seq=number, capture_ns=stamp)
            pose = replace(moment.pose, seq=number, capture_ns=stamp)
            self._made = number, Snapshot(moment.figures, frame, pose)
        return self._made[1]

    def start(self) -> None:
        """There is nothing to open."""

    def stop(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the window at one size."""

    seconds: float
    share: float
    """Of one core, by all threads of this process; the network is not among them."""
    gui_share: float
    """Of one core, by the GUI's thread alone: Qt and OpenCV have threads of their own for what is large."""
    idle_share: float
    """The same while the picture stands still: what the window's clock takes."""
    took: dict[str, list[tuple[float, float]]]
    """Milliseconds of each event by kind: on the clock, stretched by what else runs, and of the processor."""

    def lines(self) -> list[str]:
        """For people."""
        rows = [f"{'ms':<22}{'count':>7}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}"]
        for kind, values in sorted(self.took.items()):
            for column, clock in enumerate(("clock", "processor")):
                taken = [value[column] for value in values]
                p50, p95, p99 = np.percentile(taken, (50, 95, 99))
                name = f"{kind}, {clock}"
                rows.append(f"{name:<22}{len(values):>7}{p50:>8.2f}{p95:>8.2f}{p99:>8.2f}{max(taken):>8.2f}")
        rows.append(
            f"{self.share:.1%} of a core at {FPS:.0f} pictures a second, {self.gui_share:.1%} on the GUI's thread; "
            f"{self.idle_share:.1%} at none"
        )
        return rows

    def as_json(self) -> str:
        """For programs: shares of a core, and percentiles of each kind of event in milliseconds of the processor."""
        slots = {
            kind: dict(
                zip(
                    ("p50", "p95", "p99"),
                    np.round(np.percentile([cpu for _, cpu in values], (50, 95, 99)), 3).tolist(),
                    strict=True,
                )
            )
            for kind, values in sorted(self.took.items())
        }
        shares = {"share": self.share, "gui_share": self.gui_share, "idle_share": self.idle_share}
        return json.dumps({"seconds": self.seconds, **shares, "slots_ms": slots}, indent=2)

    def slowest_ms(self) -> float:
        """The largest 99th percentile of any kind, of the processor."""
        return max(float(np.percentile([cpu for _, cpu in values], 99)) for values in self.took.values())


def measure(moments: Sequence[Moment], size: tuple[int, int], seconds: float) -> Cost:
    """Show them for so long, in an application that is a MeasuredApplication."""
    from app.main_window import MainWindow  # noqa: PLC0415  after the application is made
    from app.theme import Theme, ThemeChoice  # noqa: PLC0415

    app = QApplication.instance()
    assert isinstance(app, MeasuredApplication)  # the caller has made it
    feed = Loop(moments)
    window = MainWindow(lambda _spec: cast("Feed", feed), Theme(ThemeChoice.DARK))
    window.resize(*size)
    window.show()
    window.run()
    window.open("benchmark")
    run_for(app, 1.0)  # what is only made once is not counted
    app.took.clear()
    share, gui_share = run_for(app, seconds)
    took = dict(app.took)
    feed.still = feed.snapshot()
    idle, _ = run_for(app, min(seconds, 3.0))
    window.close()
    window.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return Cost(seconds, share, gui_share, idle, took)


def run_for(app: QApplication, seconds: float) -> tuple[float, float]:
    """Let Qt work; the shares of a core that this process took meanwhile, and this thread of it."""
    began, cpu, own = time.monotonic(), time.process_time(), time.thread_time()
    QTimer.singleShot(round(seconds * 1000), app.exit)  # `quit` would close the windows
    app.exec()
    took = time.monotonic() - began
    return (time.process_time() - cpu) / took, (time.thread_time() - own) / took


def main() -> None:
    """Measure, and say how it stands with the limits."""
    parser = argparse.ArgumentParser(description="What the live view costs, painted without OpenGL.")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", default="1280x800", help="of the window (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.screenshots.moments import moments as of_session  # noqa: PLC0415

    shown = list(of_session(BEGIN, COUNT))
    app = MeasuredApplication(["egopose"])
    app.setStyle("Fusion")
    width, _, height = arguments.size.partition("x")
    cost = measure(shown, (int(width), int(height)), arguments.seconds)
    if arguments.json:
        print(cost.as_json())
        return
    print("\n".join(cost.lines()))
    slowest = cost.slowest_ms()
    print(
        f"the slowest kind's p99 is {slowest:.1f} ms of {LIMIT_MS:.0f}, the share {cost.share:.0%} of {LIMIT_SHARE:.0%}"
    )


if __name__ == "__main__":
    main()
