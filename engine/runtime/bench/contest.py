"""The ways to run one network that this machine has, opened to be measured in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from calib.canonical import canonical_angle_table
from engine.assets import DEMO_SESSION, bundled_weights
from engine.errors import EgoposeError
from engine.network.config import SIZES, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.weights import load_network, save_weights
from engine.runtime.artefacts import Artefacts, key_of
from engine.runtime.backend import Tell, weights_sha256
from engine.runtime.bench.report import Missing
from engine.runtime.bench.stages import EagerParts
from engine.runtime.description import Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.openvino import PRECISIONS, OpenVino, fast_precisions
from engine.runtime.runtime import Runtime
from engine.runtime.streaming import Parts, StreamingRuntime

EAGER = "eager"
ANGLES = 512
PICTURES = 4
"""That int8 models made for timing alone are calibrated on: their ranges do not change their speed."""


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


@dataclass(slots=True)
class Ways:
    """What the machine has, and what it lacks."""

    opened: list[Way] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


def check_wanted(wanted: Sequence[str]) -> None:
    """Raises EgoposeError for a runtime that there is not."""
    names = (EAGER, *(f"openvino-{precision}" for precision in PRECISIONS))
    for each in wanted:
        if not any(name.startswith(each) for name in names):
            raise EgoposeError(f"no runtime is named {each}; there are {', '.join(names)}")


@contextmanager
def ways_of(network: Chosen, wanted: Sequence[str], tell: Tell, artefacts: Artefacts | None = None) -> Iterator[Ways]:
    """All of them, or those whose names begin with one of `wanted`; they are closed at the end.

    What `egopose compile` made is taken; where it made nothing, OpenVINO models are made for timing alone. One that
    cannot be opened is told as missing.
    """
    ways = Ways()
    with ExitStack() as stack:

        def asked(name: str) -> bool:
            return not wanted or any(name.startswith(each) for each in wanted)

        if asked(EAGER):
            ways.opened.append(_eager(network))
        for precision in PRECISIONS[::-1]:
            if asked(f"openvino-{precision}"):
                _openvino(network, precision, ways, stack, tell, artefacts or Artefacts())
        for way in ways.opened:
            stack.callback(way.runtime.close)
        yield ways


def _eager(network: Chosen) -> Way:
    runtime = EagerRuntime(network.network)
    on_gpu = torch.cuda.is_available()
    threads = 2 if runtime.spares_motion else 1
    return Way(
        EAGER, runtime.description, runtime, threads, "PyTorch", "fp32",
        parts=None if on_gpu else EagerParts(network.network),
    )  # fmt: skip


def _openvino(network: Chosen, precision: str, ways: Ways, stack: ExitStack, tell: Tell, artefacts: Artefacts) -> None:
    name = f"openvino-{precision}"
    backend = OpenVino(precision)  # type: ignore[arg-type]
    if (line := backend.missing()) is not None:
        ways.missing.append(Missing(name, line))
        return
    if precision not in fast_precisions():
        lacks = "AMX" if precision == "bf16" else "VNNI"
        ways.missing.append(Missing(name, f"this processor has no {lacks}, without which {precision} is no faster"))
        return
    folder = _compiled(network, precision, artefacts)
    checked = folder is not None
    try:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="egopose-bench-")))
            compile_for_timing(network, folder, precision, tell)
        runtime = backend.load(folder)
    except EgoposeError as error:
        ways.missing.append(Missing(name, str(error)))
        return
    assert isinstance(runtime, StreamingRuntime)
    title = runtime.description if checked else f"{runtime.description}, compiled for timing alone"
    threads = 2 if runtime.spares_motion else 1
    ways.opened.append(Way(name, title, runtime, threads, "OpenVINO", precision, runtime.parts, folder))


def _compiled(network: Chosen, precision: str, artefacts: Artefacts) -> Path | None:
    """What `egopose compile` made of these weights in this precision."""
    for backend in (OpenVino(precision), OpenVino()):  # type: ignore[arg-type]
        folder = artefacts.find(key_of(network.weights, backend.name, backend.identity()))
        if folder is not None and Description.read(folder).precision == precision:
            return folder
    return None


def compile_for_timing(network: Chosen, folder: Path, precision: str, tell: Tell) -> None:
    """OpenVINO models whose accuracy nobody checks, with every convolution in the precision. Raises EgoposeError."""
    tell(f"compiling {network.name} in {precision}", 0.0)
    from engine.runtime.parts import cut, folded  # noqa: PLC0415

    try:
        from engine.runtime.converting import copy_pose, export  # noqa: PLC0415

        if precision == "int8":
            from openvino import save_model  # noqa: PLC0415

            from engine.runtime.agreement import gather  # noqa: PLC0415
            from engine.runtime.quantising import quantised  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise EgoposeError(f'{error.name} is not installed; it comes with: pip install -e ".[compile]"') from error
    Description(network.network.config, weights_sha256(network.weights), precision).write(folder)
    with tempfile.TemporaryDirectory(prefix="egopose-bench-") as name:
        plain = folder if precision != "int8" else Path(name)
        parts = cut(folded(network.network))
        for part in parts:
            export(part, plain)
        if precision == "int8":
            pictures = gather((DEMO_SESSION,), network.network.config.side)[0].thinned(1)[:PICTURES]
            for part in parts[:-1]:
                model = quantised(plain / f"{part.name}.xml", pictures, ())
                save_model(model, folder / f"{part.name}.xml", compress_to_fp16=False)
            copy_pose(plain, folder)
