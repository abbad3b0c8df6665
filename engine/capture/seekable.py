"""A source that can be positioned, as files can."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

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

    def times_ns(self) -> NDArray[np.int64]:
        """(N,) media time of each frame, as far as it can be told without decoding; at least one.

        By the nominal rate where a source does not know better.
        """
        info = self.info
        count = info.frame_count or round((self.duration_s or 0.0) * (info.fps or 30.0)) + 1
        return np.round(np.arange(count) * (1e9 / (info.fps or 30.0))).astype(np.int64)

    @abstractmethod
    def seek(self, seconds: float) -> None:
        """Have the next `read` give the frame that is shown at this time: the last at or before it."""

    @abstractmethod
    def seek_frame(self, index: int) -> None:
        """Have the next `read` give the frame at this position in the source."""
