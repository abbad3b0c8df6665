"""What the window needs of a running pipeline, and how it gets one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from engine.types import Snapshot

if TYPE_CHECKING:
    from calib.calibration import Calibration
    from calib.remap import CanonicalView
    from engine.capture.source import SourceInfo
    from engine.live.tap import Taps
    from engine.motion.settings import MotionSettings


class Feed(Protocol):
    """A source with its network, running in threads of its own."""

    motion: MotionSettings
    """Filter strength and the wearer's profile; set from any thread, it holds from the next pose on."""

    def start(self) -> None:
        """Begin. Called once. Raises EgoposeError where the source cannot be used."""

    def snapshot(self) -> Snapshot:
        """The newest picture with its pose and figures. From any thread, at display rate, without waiting."""

    def stop(self) -> None:
        """End and join every thread, within 2 s. Idempotent; may be called without `start`."""

    @property
    def taps(self) -> Taps:
        """Who is handed everything that passes; one may be added and removed at any time, from any thread."""

    def origin(self) -> tuple[SourceInfo, Calibration | None]:
        """What a recording says of the source and its camera. Raises EgoposeError where the latter cannot be read."""

    @property
    def recordable(self) -> bool:
        """Whether recording it makes sense: not where it is a file already."""

    @property
    def view(self) -> CanonicalView | None:
        """The canonical view that heatmaps live in; None before the first frame."""

    @property
    def title(self) -> str:
        """The source's name, for people."""

    @property
    def source_id(self) -> str:
        """The source's stable id, "" while not known."""

    @property
    def assumed_camera(self) -> bool:
        """True where the camera is not calibrated and a default stands in."""


Opener = Callable[[str], Feed]
"""Takes "camera:0", "synthetic" or a path; raises EgoposeError. Called off the GUI thread; may take seconds."""
