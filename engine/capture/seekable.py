"""A source that can be positioned, as files can."""

from __future__ import annotations

from abc import abstractmethod

from engine.capture.source import Source


class SeekableSource(Source):
    """A recorded source: `read` continues from wherever a seek has put it.

    Media time is `Frame.capture_ns` as the recorded source gives it; seconds here count
    from the first frame. Positions beyond either end are taken as that end.
    """

    @property
    @abstractmethod
    def duration_s(self) -> float | None:
        """Seconds from the first frame to the last, None where that is not known."""

    @abstractmethod
    def seek(self, seconds: float) -> None:
        """Have the next `read` give the frame that is shown at this time: the last at or before it."""

    @abstractmethod
    def seek_frame(self, index: int) -> None:
        """Have the next `read` give the frame at this position in the source."""
