"""TensorRT: a network on an NVIDIA GPU as engines, its convolutions in fp16 or int8, what follows them in fp32.

Two libraries with nearly the same interface do it: TensorRT, which knows every GPU, and TensorRT-RTX, which knows
those of workstations and games and is half as large to install. The first is taken where both are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.nvidia import gpu, missing_cuda
from engine.runtime.runtime import Runtime

Precision = Literal["int8", "fp16", "fp32"]
Wanted = Literal["auto", "int8", "fp16", "fp32"]
"""What to build: a precision of the convolutions, or fp16 and fp32 where that does not hold."""
FORMAT = "1"
"""Raised when artefacts of before cannot be used any more."""
LEAST = (7, 5)
"""The least compute capability that TensorRT has kernels for: Turing's, whose fp16 is fast, as that of all since."""
RTX = frozenset({(7, 5), (8, 0), (8, 6), (8, 9), (12, 0), (12, 1)})
"""Those that TensorRT-RTX has kernels for."""


@dataclass(frozen=True, slots=True)
class Library:
    """One of the two."""

    module: str
    title: str
    extra: str

    @property
    def version(self) -> str:
        """Of what is installed, "" where that is not told."""
        with suppress(PackageNotFoundError):
            return version(self.module)
        return ""


TENSORRT = Library("tensorrt", "TensorRT", "tensorrt")
TENSORRT_RTX = Library("tensorrt_rtx", "TensorRT-RTX", "rtx")


def library() -> Library | None:
    """The one that is installed and knows this GPU; None where there is none."""
    found = gpu()
    for each in (TENSORRT, TENSORRT_RTX):
        if find_spec(each.module) is not None and (each is TENSORRT or found is None or found.capability in RTX):
            return each
    return None


class TensorRt(Backend):
    """Networks as TensorRT engines, one for each part; they are replayed as one CUDA graph."""

    name = "tensorrt"

    def __init__(self, precision: Wanted = "auto", frames: Sequence[Path] = (DEMO_SESSION,)) -> None:
        """`frames`: recordings to hold every precision against the network with."""
        self._precision, self._frames = precision, tuple(frames)

    @property
    def title(self) -> str:
        found = library() or TENSORRT
        return f"{found.title} {self._candidates()[0]}"

    def missing(self) -> str | None:
        if (line := missing_cuda()) is not None:
            return line
        found = gpu()
        if found is not None and found.capability < LEAST:
            return f"{found.name} is too old for TensorRT; use --runtime cuda-graphs"
        if library() is None:
            rtx = ', or ".[rtx]", which is smaller' if found is not None and found.capability in RTX else ""
            return f'TensorRT is not installed; it comes with: pip install -e ".[tensorrt]"{rtx}'
        return None

    def missing_to_build(self) -> str | None:
        if (line := self.missing()) is not None:
            return line
        for package in ("onnx", "onnxscript"):
            if find_spec(package) is None:
                return (
                    f"{package}, which TensorRT is given the network with, is not installed; "
                    f'it comes with: pip install -e ".[{(library() or TENSORRT).extra}]"'
                )
        if self._precision == "int8":
            for package in ("nncf", "onnxruntime"):
                if find_spec(package) is None:
                    return f'{package}, which int8 needs, is not installed; it comes with: pip install -e ".[compile]"'
        return None

    def identity(self) -> Mapping[str, str]:
        # An engine holds kernels that were chosen on this very GPU by this very version. Not the precision: what was
        # compiled last is what runs.
        found, card = library() or TENSORRT, gpu()
        name, capability = ("", (0, 0)) if card is None else (card.name, card.capability)
        return {
            "format": FORMAT,
            "library": f"{found.module} {found.version}",
            "gpu": name,
            "capability": ".".join(map(str, capability)),
        }

    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        if (line := self.missing_to_build()) is not None:
            raise EgoposeError(line)
        from engine.runtime.engines import build_engines  # noqa: PLC0415

        build_engines(weights, folder, self._candidates(), self._frames, tell)

    def _candidates(self) -> tuple[Precision, ...]:
        return ("fp16", "fp32") if self._precision == "auto" else (self._precision,)

    def load(self, folder: Path) -> Runtime:
        from engine.runtime.engines import Engines  # noqa: PLC0415

        return Engines(folder).runtime()
