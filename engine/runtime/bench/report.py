"""What a benchmark found. Durations are of one frame: medians over the rounds of one run."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Self

FORMAT = "egopose-bench-2"
MAX_BYTES = 1 << 24
WINDOW = "window"
"""The name of the sliding window among the ways to run a network."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    """Those that this process may use."""
    extensions: tuple[str, ...]
    """What of the processor decides how fast networks run: avx2, avx_vnni, avx512f, avx512_vnni, amx_int8 ..."""
    gpu: str
    """ "" where there is none."""
    memory_gb: float
    system: str
    versions: dict[str, str]
    """Of Python and of what runs networks, by name."""
    load: float
    """Processes that wanted a core at the beginning, in the mean of the last minute. NaN if unknown."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one frame."""

    wall_ms: float
    cpu_ms: float
    """Of all threads of the process together."""
    frames: int
    """How many were measured."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Multiplications and additions that a library reaches in large, well-shaped convolutions."""

    library: str
    precision: str
    gmac_per_s: float
    """10^9 a second: of one thread on a processor, of the whole on a GPU."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One way to run a network."""

    name: str
    """As `--runtime` has it, with the precision behind it: "openvino-int8"; or WINDOW."""
    title: str
    """What runs it, for people."""
    threads: int
    """At most so many run at a time."""
    cost: Cost
    speedup_over_window: float | None
    """How many times less CPU time than the window; on a GPU, wall time. None of the window itself."""
    wall_over_window: float | None
    """How many times less wall time."""
    peak_share: float | None
    """Share of the peak of its library and precision, on one thread; None where that was not measured."""
    gpu_ms: float | None = None
    """From before to after a frame by the GPU's clock, the host's part included."""
    launches: int | None = None
    """Kernels and graphs that the host starts on the GPU for a frame."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A way to run networks that this machine lacks."""

    name: str
    reason: str
    """One line: what is missing, and how to get it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a frame, one after the other on one thread."""

    name: str
    wall_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts of a frame under one way to run it."""

    name: str
    """Of the `Entry`."""
    stages: tuple[Stage, ...]
    beside_network: float
    """Share of the frame's CPU time that is not the network's."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Two streams side by side against one after the other; of networks that have two."""

    name: str
    """Of the `Entry`."""
    in_turn_ms: float
    side_by_side_ms: float
    """Wall time."""
    ratio: float
    """The median of the rounds' ratios."""


@dataclass(frozen=True, slots=True)
class Capped:
    """A network under a lower instruction set, in a process of its own."""

    cap: str
    """For instance "AVX2_VNNI", which is what laptops have."""
    held: bool
    """Whether no kernel was of a higher set."""
    kernels: tuple[str, ...]
    """The convolutions' kernels as the library names them."""
    name: str
    """Of the `Entry`."""
    cost: Cost
    peak_share: float | None


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """One network on this machine."""

    network: str
    weights: str
    """For people: a file's name, or that they are random."""
    side: int
    window: int
    """T, the frames of motion that a pose depends on."""
    gmac: float
    """10^9 multiplications and additions of one streamed frame."""
    window_gmac: float
    """The same of the sliding window."""
    entries: tuple[Entry, ...]
    missing: tuple[Missing, ...]
    stages: tuple[Stages, ...]
    parallel: tuple[Parallel, ...]
    capped: tuple[Capped, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    when: str
    """ISO 8601, UTC, to the minute."""
    egopose: str
    """The program's version."""
    quick: bool
    rounds: int
    machine: Machine
    others: float
    """Share of all cores' time that went to other processes while it was measured, 0..1. NaN if unknown."""
    frame_size: tuple[int, int]
    """(width, height) of the camera's picture."""
    peaks: tuple[Peak, ...]
    ring_push_us: dict[str, float]
    """By network: CPU time of remembering one frame."""
    networks: tuple[NetworkReport, ...]

    def to_json(self) -> str:
        """For programs; numbers that are not known are null."""
        return json.dumps({"format": FORMAT} | _plain(dataclasses.asdict(self)), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reverse. Raises ValueError for anything else."""
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError(f"it is not of the format {FORMAT}")
        report: Self = _read(cls, values, "")
        return report


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read(kind: Any, value: Any, where: str) -> Any:
    """A value as an annotation has it. Raises ValueError that names the place."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        if not isinstance(value, dict) or set(value) != set(hints):
            raise ValueError(f"{where or 'it'} has missing or unknown entries")
        return kind(**{name: _read(hint, value[name], f"{where}/{name}") for name, hint in hints.items()})
    if origin is types.UnionType:
        return None if value is None else _read(arguments[0], value, where)
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) == len(value):
            return tuple(_read(each, item, f"{where}/{at}") for at, (each, item) in enumerate(zip(kinds, value)))  # noqa: B905
    if origin is dict and isinstance(value, dict):
        return {str(name): _read(arguments[1], item, f"{where}/{name}") for name, item in value.items()}
    if kind is float and (value is None or (isinstance(value, int | float) and not isinstance(value, bool))):
        return math.nan if value is None else float(value)
    if kind in (int, bool, str) and type(value) is kind:
        return value
    raise ValueError(f"{where} is not what it should be")
