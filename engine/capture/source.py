"""What every source of frames looks like."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from calib.calibration import Calibration
from engine.types import Frame


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What an opened source can do."""

    name: str
    """For people, for instance a file name or the camera's product name."""
    source_id: str
    """Stable: the same device or file has the same id next time."""
    size: tuple[int, int] | None
    """(width, height) in pixels, None while unknown."""
    fps: float | None
    """Nominal frames a second, None where unknown or varying."""
    clock: str
    """Name of the clock that `Frame.device_ns` is read from, "" where there is none."""
    live: bool
    """True where frames are lost when nobody reads; False for files, which wait."""
    seekable: bool
    frame_count: int | None = None
    """For files, as far as it can be known without reading all of it."""
    calibration: Calibration | None = None
    """Where the source carries its own (sessions, RealSense, the synthetic wearer)."""


class Source(ABC):
    """A source of frames, used from one thread. Opened on construction or by `open`.

    Errors that a user can cause are raised as `EgoposeError`, from `open` and `read`.
    """

    @property
    @abstractmethod
    def info(self) -> SourceInfo:
        """What this source is; complete after `open`."""

    @abstractmethod
    def open(self) -> None:
        """Open the device or file. Raises EgoposeError where that cannot be done."""

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame, or None at the end. Blocks for as long as the device takes.

        Parts that cannot be decoded are skipped and counted in `skipped`. Raises
        EgoposeError where the source is lost.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the device or file. Idempotent; may be called from another thread to end a blocked `read`."""

    @property
    def delivered(self) -> str:
        """For people: what an opened camera really gives, for instance "MJPG 1280 x 720 at 30 fps"; "" for files."""
        return ""

    @property
    def skipped(self) -> tuple[str, ...]:
        """One line for each part that could not be decoded so far."""
        return ()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LiveSource(Source):
    """A device that can vanish and come back, and is then opened anew."""

    @abstractmethod
    def again(self) -> LiveSource:
        """A new source, not opened, of the same device: found by its stable id, with the settings of this one.

        Never waits for `read`, which may hang in a driver.
        """
