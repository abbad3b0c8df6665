"""What a compiled network says of itself, so that it can be run without its weights and without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from engine.errors import EgoposeError
from engine.network.config import NetworkConfig

DESCRIPTION = "network.json"
FORMAT = "egopose-compiled-2"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a compiled network lies from the network itself, over frames it was not made with."""

    frames: int
    mpjpe_mm: float | None
    """Against the truth; None where none is known."""
    eager_mpjpe_mm: float | None
    """Of the network itself."""
    moved_mm: float
    """Mean distance of a joint to where the network itself has it."""
    moved_share: float
    """The same as a share of the joint's distance from the camera."""
    jumped: float
    """Share of the joints whose heatmap's peak lies over JUMP_PX away, in pixels of the canonical view."""
    cpu_ms: float
    """Of the processor, a frame, where it was compiled."""
    eager_cpu_ms: float
    """The same of the network itself."""

    @property
    def mpjpe_change(self) -> float | None:
        """By what share the error against the truth differs; None where no truth is known."""
        if self.mpjpe_mm is None or self.eager_mpjpe_mm is None:
            return None
        return abs(self.mpjpe_mm - self.eager_mpjpe_mm) / max(self.eager_mpjpe_mm, 1e-9)


@dataclass(frozen=True, slots=True)
class Description:
    """Travels with every compiled network as JSON."""

    config: NetworkConfig
    weights_sha256: str
    precision: str
    """Of the convolutions: fp32, bf16 or int8."""
    left: int = 0
    """Convolutions that int8 left as they were, for accuracy's sake."""
    reason: str = ""
    """Why this precision and not a faster one, for people; "" where it is the fastest."""
    agreement: Agreement | None = None

    def to_json(self) -> str:
        """As kept beside the compiled network."""
        whole = asdict(self) | {"format": FORMAT, "config": json.loads(self.config.to_json())}
        return json.dumps(whole, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reverse of `to_json`. Raises ValueError for anything else."""
        values: Any = json.loads(text)
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError("it is of another version of the program")
        try:
            config = NetworkConfig.from_json(json.dumps(values.pop("config")))
            agreement = values.pop("agreement")
            return cls(config=config, agreement=None if agreement is None else Agreement(**agreement), **values)
        except (TypeError, KeyError) as error:
            raise ValueError(f"it has missing or unknown entries ({error})") from error

    def write(self, folder: Path) -> None:
        """Write DESCRIPTION into the folder. Raises OSError."""
        (folder / DESCRIPTION).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises EgoposeError where there is none, or it does not hold."""
        path = folder / DESCRIPTION
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError("it is too large")
            return cls.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EgoposeError(f"{path} is no description of a compiled network ({error}); compile it again") from error
