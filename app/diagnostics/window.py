"""What the window itself contributes to its diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.diagnostics.presenter import Diagnostics
from app.diagnostics.report import Way
from app.outputs.presenter import TITLES
from app.translation import tr
from engine.types import Figures, Percentiles

if TYPE_CHECKING:
    from app.main_window import MainWindow


def diagnostics_of(window: MainWindow) -> Diagnostics:
    """Asks the window's parts whenever a report is made."""

    def times() -> dict[str, Percentiles]:
        view = window.view
        return {
            tr("Looking"): window.look_times.percentiles(),
            tr("Painting the picture"): view.picture.paint_times.percentiles(),
            tr("Painting in 3D"): view.skeleton.paint_times.percentiles(),
        }

    def ways(figures: Figures) -> list[Way]:
        unseen = max(figures.processed - window.view.poses_shown, 0)
        found = [Way(tr("Poses to the window"), figures.processed, unseen, tr("not shown"))]
        recording = window.recording.recording.figures
        if recording is not None:
            given = recording.frames + recording.dropped
            found.append(Way(tr("Frames to the recording"), given, recording.dropped, tr("lost")))
        for kind, sent in window.outputs.sent().items():
            found.append(Way(tr("Poses to {output}", output=tr(TITLES[kind])), sent, 0, ""))
        return found

    return Diagnostics(times, ways)
