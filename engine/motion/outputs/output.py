"""What an output is to the hub that drives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import EgoposeError
from engine.motion.outputs.choice import Address, OutputChoice
from engine.types import Pose


class OutputError(EgoposeError):
    """An output that cannot go on as it is; the hub tells it once and tries again."""


class Phase(StrEnum):
    """What an output is doing."""

    OFF = "off"
    OPENING = "opening"
    WAITING = "waiting for motion"
    SENDING = "sending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OutputState:
    """How one output is doing, at one moment."""

    choice: OutputChoice
    phase: Phase = Phase.OFF
    rate_hz: float = 0.0
    """Poses a second that are really sent."""
    sent: int = 0
    """Poses, since it was switched on."""
    receivers: int | None = None
    """How many are connected; None where that cannot be known."""
    trouble: str = ""
    """One line: what is wrong and what to do; "" while nothing is."""
    listens: Address | None = None
    """Where it can be reached, where that is not what was chosen."""


class Output(ABC):
    """One way out. Used by one thread, inside one asyncio loop; `open` and `close` may be called in turn."""

    @abstractmethod
    async def open(self) -> None:
        """Begin. Raises OutputError where that is not possible now."""

    @abstractmethod
    def send(self, pose: Pose) -> None:
        """Send a pose that has a body, without waiting for anybody. Raises OutputError where sending makes no sense."""

    @abstractmethod
    async def close(self) -> None:
        """End, in well under a second; harmless where nothing is open."""

    @property
    def receivers(self) -> int | None:
        """How many are connected; None where that cannot be known."""
        return None

    @property
    def listens(self) -> Address | None:
        """Where it can be reached, where that is not what was chosen."""
        return None

    @property
    def warning(self) -> str:
        """One line where it goes on, and yet something should be done; else ""."""
        return ""
