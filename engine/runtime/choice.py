"""Which runtime a network gets on this machine, and why that one. Imports torch only where it is to run."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from engine.errors import EgoposeError
from engine.runtime.artefacts import Artefacts, Key, key_of
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.building import Built
from engine.runtime.nvidia import missing_cuda
from engine.runtime.runtime import ASKED_FOR, FASTEST, Runtime
from engine.runtime.upgrading import Better, Upgrading

log = logging.getLogger(__name__)


class Direct(ABC):
    """A way to run networks that needs nothing but their weights. Importing the module of one imports nothing heavy."""

    name: str

    @abstractmethod
    def missing(self) -> str | None:
        """See `Backend.missing`."""

    @abstractmethod
    def open(self, weights: Path) -> Runtime:
        """Raises EgoposeError as `load_network` does."""


class Eager(Direct):
    """PyTorch as the network is written, which runs everywhere."""

    name = "eager"

    def missing(self) -> str | None:
        return None

    def open(self, weights: Path) -> Runtime:
        from engine.runtime.eager import EagerRuntime  # noqa: PLC0415

        return EagerRuntime.from_file(weights)


class CudaGraphs(Direct):
    """PyTorch on an NVIDIA GPU, a frame as one launch."""

    name = "cuda-graphs"

    def missing(self) -> str | None:
        return missing_cuda()

    def open(self, weights: Path) -> Runtime:
        from engine.runtime.cuda_graphs import open_graph  # noqa: PLC0415

        return open_graph(weights)


Way = Direct | Backend
AUTO = "auto"
TITLES = {
    "tensorrt": "TensorRT",
    "cuda-graphs": "CUDA graphs",
    "openvino": "OpenVINO",
    "eager": "PyTorch eager",
    "torchscript": "TorchScript",
}
"""The ways to run a network and what they are called, in the order in which `auto` tries them."""
BY_NAME_ALONE = frozenset({"torchscript"})
"""As fast as eager: of use elsewhere, never the choice of `auto`."""
_MODULES = {
    "tensorrt": ("engine.runtime.tensorrt", "TensorRt"),
    "cuda-graphs": ("engine.runtime.choice", "CudaGraphs"),
    "openvino": ("engine.runtime.openvino", "OpenVino"),
    "eager": ("engine.runtime.choice", "Eager"),
    "torchscript": ("engine.runtime.torchscript", "TorchScript"),
}


def choices() -> tuple[str, ...]:
    """What can be asked for."""
    return (AUTO, *TITLES)


def way(name: str) -> Way:
    """The way of this name, one of `TITLES`."""
    module, kind = _MODULES[name]
    found: Way = getattr(import_module(module), kind)()
    return found


def check_choice(wanted: str) -> None:
    """Tell at once what cannot be had. Raises EgoposeError with one line: what is missing, and how to get it."""
    if wanted != AUTO and (line := way(wanted).missing()) is not None:
        raise EgoposeError(f"--runtime {wanted} cannot run here: {line}")


def open_runtime(
    weights: Path,
    wanted: str = AUTO,
    *,
    ways: Sequence[Way] | None = None,
    artefacts: Artefacts | None = None,
    tell: Tell = tell_nobody,
    upgrade: bool = False,
) -> Runtime:
    """The runtime of a weights file: the one asked for, or the fastest that this machine has.

    What was asked for is made first where it has to be, which takes up to minutes; `auto` takes what is there.
    `Runtime.reason` tells why no faster one was taken. Raises EgoposeError where the weights cannot be read, where
    what was asked for is missing, and where it cannot be made.

    With `upgrade`, where `auto` finds nothing made for a faster way that could be made here, that is made in the
    background, and taken between two frames; see `engine/runtime/upgrading.py`.
    """
    chooser = Chooser(weights, artefacts or Artefacts(), tell)
    if wanted != AUTO:
        return chooser.asked(way(wanted) if ways is None else next(w for w in ways if w.name == wanted))
    serving = chooser.fastest(every_way() if ways is None else ways)
    return serving if chooser.better is None or not upgrade else Upgrading(serving, chooser.better)


def every_way() -> tuple[Way, ...]:
    """Those that `auto` tries, the fastest first; the last one runs everywhere."""
    return tuple(way(name) for name in choices()[1:] if name not in BY_NAME_ALONE)


class Chooser:
    """Goes through the ways for one weights file, and notes why each was passed over."""

    def __init__(self, weights: Path, artefacts: Artefacts, tell: Tell) -> None:
        self._weights, self._artefacts, self._tell = weights, artefacts, tell
        self._reasons: list[str] = []
        self.better: Better | None = None
        """The fastest of those passed over that could be made here."""

    def asked(self, way: Way) -> Runtime:
        """By this way and no other."""
        if (line := way.missing()) is not None:
            raise EgoposeError(f"--runtime {way.name} cannot run here: {line}")
        runtime = way.open(self._weights) if isinstance(way, Direct) else self._made(way)
        runtime.reason = ASKED_FOR
        return runtime

    def fastest(self, ways: Sequence[Way]) -> Runtime:
        """By the first way that can; the last one's errors are raised."""
        for way in ways[:-1]:
            runtime = self._tried(way)
            if runtime is not None:
                break
        else:
            runtime = self._open(ways[-1])
            if runtime is None:
                raise EgoposeError(f"nothing can run {self._weights}: {'; '.join(self._reasons)}")
        runtime.reason = self._reason()
        return runtime

    def _reason(self) -> str:
        """Why the next way is taken and none before it."""
        return "; ".join(dict.fromkeys(self._reasons)) or FASTEST

    def _tried(self, way: Way) -> Runtime | None:
        """None where it cannot run, with the reason noted."""
        if (line := way.missing()) is not None:
            self._reasons.append(line.partition(";")[0])
            return None
        try:
            return self._open(way)
        except Exception as error:
            # What fails here is a driver or an installation; the next way may still do.
            log.warning("%s cannot be used: %s", TITLES.get(way.name, way.name), error)
            self._reasons.append(f"{TITLES.get(way.name, way.name)} did not start")
            return None

    def _open(self, way: Way) -> Runtime | None:
        """None where it has to be made first, with the reason noted."""
        if isinstance(way, Direct):
            return way.open(self._weights)
        key, title = self._key(way), TITLES.get(way.name, way.name)
        folder = self._artefacts.find(key)
        if folder is None:
            fault = self._artefacts.fault(key)
        else:
            try:
                return way.load(folder)
            except EgoposeError as error:
                log.warning("%s", error)
                self._artefacts.remove(key)
                fault = "it cannot be loaded"
        if self.better is None and way.missing_to_build_best() is None:
            self.better = Built(way, self._weights, self._artefacts, self._reason())
        why = f"what was compiled for {title} is not used, {fault}" if fault else f"nothing is compiled for {title} yet"
        self._reasons.append(why)
        return None

    def _made(self, way: Backend) -> Runtime:
        """Loaded, and made before where it is not there or does not load."""
        runtime = self._open(way)
        if runtime is not None:
            return runtime
        if (line := way.missing_to_build()) is not None:
            raise EgoposeError(f"--runtime {way.name} has to be compiled for these weights: {line}")
        folder = self._artefacts.obtain(
            self._key(way), lambda new: way.build(self._weights, new, self._tell), anew=True
        )
        return way.load(folder)

    def _key(self, way: Backend) -> Key:
        return key_of(self._weights, way.name, way.identity())
