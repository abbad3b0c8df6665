"""The ways to run one network that this machine has, opened to be measured in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from calib.canonical import canonical_angle_table
from engine.assets import bundled_weights
from engine.errors import EgoposeError
from engine.network.config import SIZES, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.weights import load_network, save_weights
from engine.runtime.artefacts import Artefacts
from engine.runtime.backend import Backend, Tell
from engine.runtime.bench.making import compile_for_timing, engines_for_timing, script_for_timing
from engine.runtime.bench.report import Missing
from engine.runtime.bench.stages import EagerParts
from engine.runtime.choice import CudaGraphs
from engine.runtime.description import Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.openvino import PRECISIONS, OpenVino, Precision, fast_precisions
from engine.runtime.runtime import Runtime
from engine.runtime.streaming import Parts, StreamingRuntime
from engine.runtime.tensorrt import Precision as EnginePrecision
from engine.runtime.tensorrt import TensorRt
from engine.runtime.torchscript import TorchScript

EAGER, SCRIPT, GRAPHS = "eager", TorchScript.name, CudaGraphs.name
ENGINES: tuple[EnginePrecision, ...] = ("fp32", "fp16", "int8")
TORCH, OPENVINO, TENSORRT = "PyTorch", "OpenVINO", "TensorRT"
ANGLES = 512


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A network to be measured."""

    name: str
    network: PoseNetwork
    weights: Path
    """The file, which for random weights is a temporary one."""
    told: str
    """Where the weights are from, for people."""


def check_known(name: str) -> None:
    """Raises EgoposeError for a network that `chosen` does not know."""
    if name not in SIZES:
        bundled_weights(name)


@contextmanager
def chosen(name: str) -> Iterator[Chosen]:
    """A bundled network, a weights file, or one of `SIZES` with random weights where none were trained yet.

    Raises EgoposeError where it is none of these.
    """
    try:
        weights = bundled_weights(name)
    except EgoposeError:
        if name not in SIZES:
            raise
        with tempfile.TemporaryDirectory(prefix="egopose-bench-") as folder:
            path = Path(folder) / f"{name}.safetensors"
            save_weights(random_network(SIZES[name]), path, "random, to measure speed")
            yield Chosen(name, load_network(path), path, "random weights, full size")
        return
    yield Chosen(Path(name).stem, load_network(weights), weights, weights.name)


def random_network(config: NetworkConfig) -> PoseNetwork:
    """The same one each time."""
    torch.manual_seed(0)
    return PoseNetwork(config, torch.from_numpy(canonical_angle_table(ANGLES))).eval().requires_grad_(False)


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way to run the network, opened."""

    name: str
    title: str
    runtime: Runtime
    threads: int
    library: str
    precision: str
    """Of its convolutions, as the peaks have it."""
    parts: Parts | None = None
    """Where its stages can be told apart."""
    folder: Path | None = None
    """Of an OpenVINO artefact."""


def check_wanted(wanted: Sequence[str]) -> None:
    """Raises EgoposeError for a runtime that there is not."""
    names = [EAGER, SCRIPT, GRAPHS]
    names += [f"openvino-{precision}" for precision in PRECISIONS] + [f"tensorrt-{precision}" for precision in ENGINES]
    for each in wanted:
        if not any(name.startswith(each) for name in names):
            raise EgoposeError(f"no runtime is named {each}; there are {', '.join(names)}")


@contextmanager
def ways_of(network: Chosen, wanted: Sequence[str], tell: Tell, artefacts: Artefacts | None = None) -> Iterator[Ways]:
    """All of them, or those whose names begin with one of `wanted`; they are closed at the end.

    What `egopose compile` made is taken; where it made nothing, something is made for timing alone. One that cannot
    be opened is told as missing.
    """

    def asked(name: str) -> bool:
        return not wanted or any(name.startswith(each) for each in wanted)

    with ExitStack() as stack:
        ways = Ways(network, stack, tell, artefacts or Artefacts())
        if asked(EAGER):
            ways.open_eager()
        if asked(SCRIPT):
            ways.open_torchscript()
        if asked(GRAPHS):
            ways.open_graphs()
        for precision in PRECISIONS[::-1]:
            if asked(f"openvino-{precision}"):
                ways.open_openvino(precision)
        for kind in ENGINES:
            if asked(f"tensorrt-{kind}"):
                ways.open_tensorrt(kind)
        yield ways


class Ways:
    """What this machine has for one network, and what it lacks."""

    def __init__(self, network: Chosen, stack: ExitStack, tell: Tell, artefacts: Artefacts) -> None:
        """What is opened and made is closed and removed with `stack`."""
        self.opened: list[Way] = []
        self.missing: list[Missing] = []
        self._network, self._stack, self._tell, self._artefacts = network, stack, tell, artefacts
        self._plain = self._new_folder()
        """Of the fp32 models that OpenVINO's other precisions are made of."""

    def open_eager(self) -> None:
        """The network as it is written."""
        network = self._network.network
        parts = None if torch.cuda.is_available() else EagerParts(network)
        self._add(Way(EAGER, "", EagerRuntime(network), 0, TORCH, "fp32", parts))

    def open_torchscript(self) -> None:
        """As one traced file."""
        backend, network = TorchScript(), self._network
        folder = self._artefacts.compiled(network.weights, backend)
        checked = folder is not None
        if folder is None:
            self._tell(f"tracing {network.name}", 0.0)
            folder = self._new_folder()
            script_for_timing(network.network, network.weights, folder)
        runtime = backend.load(folder)
        assert isinstance(runtime, StreamingRuntime)
        self._add(Way(SCRIPT, "", runtime, 0, TORCH, "fp32", runtime.parts), checked)

    def open_graphs(self) -> None:
        """As PyTorch runs it, recorded."""
        if (line := CudaGraphs().missing()) is not None:
            self.missing.append(Missing(GRAPHS, line))
            return
        from engine.runtime.cuda_graphs import graph_of  # noqa: PLC0415

        self._add(Way(GRAPHS, "", graph_of(self._network.network), 1, TORCH, "fp32"))

    def open_tensorrt(self, precision: EnginePrecision) -> None:
        """As engines whose convolutions are in a precision."""
        name, network = f"tensorrt-{precision}", self._network
        backend = TensorRt(precision)
        if (line := backend.missing()) is not None:
            self.missing.append(Missing(name, line))
            return
        folder = self._compiled(precision, backend)
        checked = folder is not None
        try:
            if folder is None:
                folder = self._new_folder()
                engines_for_timing(network.network, network.weights, folder, precision, self._tell)
            self._add(Way(name, "", backend.load(folder), 1, TENSORRT, precision), checked)
        except EgoposeError as error:
            self.missing.append(Missing(name, str(error)))

    def open_openvino(self, precision: Precision) -> None:
        """In a precision that this processor computes in hardware."""
        name, backend = f"openvino-{precision}", OpenVino(precision)
        if (line := backend.missing()) is None and precision not in fast_precisions():
            lacks = "AMX" if precision == "bf16" else "VNNI"
            line = f"this processor has no {lacks}, without which {precision} is no faster"
        if line is not None:
            self.missing.append(Missing(name, line))
            return
        folder = self._compiled(precision, backend)
        checked = folder is not None
        try:
            if folder is None:
                folder = self._new_folder()
                network = self._network
                compile_for_timing(network.network, network.weights, self._plain, folder, precision, self._tell)
            runtime = backend.load(folder)
        except EgoposeError as error:
            self.missing.append(Missing(name, str(error)))
            return
        assert isinstance(runtime, StreamingRuntime)
        self._add(Way(name, "", runtime, 0, OPENVINO, precision, runtime.parts, folder), checked)

    def _compiled(self, precision: str, backend: Backend) -> Path | None:
        """What `egopose compile` made of these weights, where that is in this precision."""
        folder = self._artefacts.compiled(self._network.weights, backend)
        return folder if folder is not None and Description.read(folder).precision == precision else None

    def _add(self, way: Way, checked: bool = True) -> None:
        """With what its runtime says of itself, and whether anybody checked what it computes."""
        runtime = way.runtime
        self._stack.callback(runtime.close)
        title = runtime.description if checked else f"{runtime.description}, compiled for timing alone"
        self.opened.append(replace(way, title=title, threads=2 if runtime.spares_motion else 1))

    def _new_folder(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="egopose-bench-")))
