"""TensorRT engines of a network's parts: how they are built and run. Needs torch, a GPU, and one of both libraries.

The parts go in as ONNX whose types say in what precision each operator runs ("strongly typed"), which is the only way
that TensorRT 11 and TensorRT-RTX know. There is one engine a part, so that both streams can run side by side.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.errors import EgoposeError
from engine.network.network import PoseNetwork
from engine.runtime.agreement import fault
from engine.runtime.backend import Tell
from engine.runtime.cuda_graphs import Cuda, Device, GraphRuntime, Pieces
from engine.runtime.description import Agreement, Description
from engine.runtime.nvidia import gpu
from engine.runtime.oracle import ASKED, Oracle
from engine.runtime.parts import cut, export_onnx, folded, halved
from engine.runtime.streaming import ASKED as TAKEN
from engine.runtime.streaming import MOTION, POSE, SEEN, SPATIAL
from engine.runtime.tensorrt import TENSORRT, TENSORRT_RTX, library

if TYPE_CHECKING:
    from engine.runtime.rounding import Rounding

PICTURE = "picture"
ENGINE, CACHE = ".engine", ".cache"
"""Endings of the files: the engine, and what TensorRT-RTX compiled of it on its first run."""
TYPES = {
    "FLOAT": torch.float32, "HALF": torch.float16, "INT32": torch.int32, "INT64": torch.int64, "BOOL": torch.bool,
    "UINT8": torch.uint8,
}  # fmt: skip
"""By the names that TensorRT has for them."""


def build_engines(
    weights: Path, folder: Path, precisions: Sequence[str], recordings: Sequence[Path], tell: Tell
) -> None:
    """Write the engines of the first of `precisions` that holds, and their description, into an empty folder.

    Raises EgoposeError for weights or recordings that cannot be used, and where no precision holds.
    """
    oracle = Oracle(weights, recordings, tell)
    reasons: list[str] = []
    for at, precision in enumerate(precisions):
        known = replace(oracle.description, precision=precision)
        rounds = None
        if precision == "int8":
            from engine.runtime.rounding import rounding  # noqa: PLC0415  which needs nncf

            rounds = rounding(oracle, lambda doing, _: tell(doing, ASKED))

        def told(doing: str, done: float, at: int = at) -> None:
            tell(doing, ASKED + (at + done) / len(precisions) * (1 - ASKED))

        made, found = _built(known, folder, oracle, told, rounds)
        if not (wrong := fault(found)):
            replace(made, reason="; ".join(reasons), agreement=found).write(folder)
            tell("compiled", 1.0)
            return
        reasons.append(f"no {precision}: {wrong}")
        for path in folder.iterdir():
            path.unlink()
    raise EgoposeError(f"{weights} cannot be compiled for TensorRT ({'; '.join(reasons)}); use --runtime cuda-graphs")


def _built(
    known: Description, folder: Path, oracle: Oracle, tell: Tell, rounds: Rounding | None = None
) -> tuple[Description, Agreement]:
    """Write the engines of one precision; what they are, and how far they lie from the network."""
    made = write_engines(oracle.network, known, folder, lambda doing, done: tell(doing, 0.8 * done), rounds)
    tell(f"checking {known.precision}", 0.8)
    engines = Engines(folder)
    found = oracle.judge(engines.runtime())
    engines.keep(folder)
    return made, found


def write_engines(
    network: PoseNetwork, known: Description, folder: Path, tell: Tell, rounds: Rounding | None = None
) -> Description:
    """Write the engines of a network in the precision that is described, and the description, which is given back.

    `rounds` makes int8 models of those in fp32. Nobody checks what they say. Raises EgoposeError where they cannot be
    built.
    """
    tell("exporting the network", 0.0)
    with tempfile.TemporaryDirectory(prefix="egopose-compile-") as name:
        plain = folded(network).cpu()  # a copy, exported on the processor wherever the network is
        models = export_onnx(cut(halved(plain) if known.precision == "fp16" else plain), Path(name))
        if rounds is not None:
            known = replace(known, left=rounds(models))
        for at, model in enumerate(models):
            tell(f"building {model.stem} in {known.precision}", 0.1 + 0.9 * at / len(models))
            # What follows the streams is small, and fp32 in full: the tensor cores' shortened one costs accuracy.
            engine = build_engine(trt(), model, short=model.stem != POSE)
            (folder / f"{model.stem}{ENGINE}").write_bytes(engine)
    known.write(folder)
    return known


def trt() -> Any:
    """The library, loaded. Raises EgoposeError where it is not installed, or does not load."""
    found = library()
    if found is None:
        raise EgoposeError('TensorRT is not installed; it comes with: pip install -e ".[tensorrt]"')
    try:
        return import_module(found.module)
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())
        raise EgoposeError(
            f'{found.title} cannot be loaded ({why}); install it anew: pip install -e ".[{found.extra}]"'
        ) from error


def build_engine(trt: Any, model: Path, *, short: bool, capability: Any = None) -> bytes:
    """The engine of an ONNX model, for the GPU that is there, or another one's capability (TensorRT-RTX alone).

    `short`: fp32 may be computed with shortened mantissas (TF32), as torch does in convolutions. Takes seconds to
    minutes. Raises EgoposeError with the library's own words where it refuses the model.
    """
    builder = trt.Builder(logger(trt))
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger(trt))
    if not parser.parse_from_file(str(model)):
        said = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise EgoposeError(f"TensorRT does not take the part {model.stem} ({said}); use --runtime cuda-graphs")
    options = builder.create_builder_config()
    # One stream a part: the parts themselves are what runs side by side.
    options.max_aux_streams = 0
    (options.set_flag if short else options.clear_flag)(trt.BuilderFlag.TF32)
    if capability is not None:
        options.num_compute_capabilities = 1
        options.set_compute_capability(capability, 0)
    engine = builder.build_serialized_network(network, options)
    if engine is None:
        raise EgoposeError(
            f"TensorRT cannot build the part {model.stem}; free memory of the GPU, or use --runtime cuda-graphs"
        )
    return bytes(engine)


_LOGGERS: dict[str, Any] = {}


def logger(trt: Any) -> Any:
    """The one that a library has for all it makes."""
    return _LOGGERS.setdefault(trt.__name__, trt.Logger(trt.Logger.ERROR))


def this_stream() -> int:
    """The handle of the stream that torch gives work to."""
    return int(torch.cuda.current_stream().cuda_stream)


class Engine:
    """One part, run on whatever stream torch is on. What it gives lies in the same memory each time."""

    def __init__(
        self, engine: Any, context: Any, device: torch.device, stream: Callable[[], int], order: Sequence[str]
    ) -> None:
        """`order`: of its inputs, as `__call__` takes them; one that it does not need may be missing in the engine."""
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._context, self._stream = context, stream
        self._inputs = [name if name in names else None for name in order]
        self._given: list[Tensor] = []
        self.outputs: dict[str, Tensor] = {}
        for name in set(names) - set(order):
            shape = tuple(engine.get_tensor_shape(name))
            kind = TYPES[str(engine.get_tensor_dtype(name)).rpartition(".")[2]]
            # Memory even for what has no elements: every tensor must have an address.
            room = torch.zeros(max(1, prod(shape)), dtype=kind, device=device)
            self._place(name, room)
            self.outputs[name] = room[: prod(shape)].view(shape)

    def __call__(self, *inputs: Tensor) -> None:
        """Begin to run it; `outputs` hold what it gives once the stream has come so far."""
        self._given = list(inputs)  # must live until then
        for name, tensor in zip(self._inputs, inputs, strict=True):
            if name is not None:
                self._place(name, tensor)
        if not self._context.execute_async_v3(self._stream()):
            raise RuntimeError("TensorRT did not start an engine; its own words stand above")

    def _place(self, name: str, tensor: Tensor) -> None:
        """Tell where an input or an output lies."""
        if not self._context.set_tensor_address(name, tensor.data_ptr()):
            raise RuntimeError(f"TensorRT takes no memory for {name}; its own words stand above")


class Engines:
    """The engines of a folder, with the memory that they write to."""

    def __init__(self, folder: Path, device: Device | None = None, stream: Callable[[], int] = this_stream) -> None:
        """Raises EgoposeError where one is missing, or is not one of this version and GPU."""
        self.description = Description.read(folder)
        self._trt = trt()
        # TensorRT-RTX records each engine by itself; TensorRT's are recorded with all that lies between them.
        self._records_itself = hasattr(self._trt, "CudaGraphStrategy")
        self._device = device or Cuda(capture=not self._records_itself)
        self._runtime = self._trt.Runtime(logger(self._trt))
        self._caches: dict[str, Any] = {}
        own = self.description.config.motion == "resnet50"
        orders = {SPATIAL: (PICTURE,), **({MOTION: (PICTURE,)} if own else {}), POSE: TAKEN}
        self._parts = {name: self._opened(folder, name, order, stream) for name, order in orders.items()}

    def _opened(self, folder: Path, name: str, order: Sequence[str], stream: Callable[[], int]) -> Engine:
        path = folder / f"{name}{ENGINE}"
        try:
            engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        except OSError as error:
            raise EgoposeError(f"{path} cannot be read ({error.strerror}); compile it again") from error
        context = None if engine is None else self._context(engine, name, folder / f"{name}{CACHE}")
        if context is None:
            raise EgoposeError(f"{path} is no engine of this TensorRT and this GPU, or is damaged; compile it again")
        return Engine(engine, context, self._device.where, stream, order)

    def _context(self, engine: Any, name: str, cached: Path) -> Any:
        if not self._records_itself:
            return engine.create_execution_context()
        config = engine.create_runtime_config()
        config.cuda_graph_strategy = self._trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        cache = self._caches[name] = config.create_runtime_cache()
        if cached.is_file():
            cache.deserialize(cached.read_bytes())  # one that does not fit is left alone, and kernels are made anew
        config.set_runtime_cache(cache)
        return engine.create_execution_context(config)

    def keep(self, folder: Path) -> None:
        """Write what was compiled on the first run, so that the next start need not."""
        for name, cache in self._caches.items():
            (folder / f"{name}{CACHE}").write_bytes(bytes(cache.serialize()))

    def pieces(self) -> Pieces:
        """The parts as functions of tensors, which keep the library's runtime and its caches alive."""
        return Pieces(self._see, self._move if MOTION in self._parts else None, self._find)

    def _see(self, picture: Tensor) -> tuple[Tensor, ...]:
        spatial = self._parts[SPATIAL]
        spatial(picture)
        given = SEEN if MOTION in self._parts else (*SEEN, "feature")
        return tuple(spatial.outputs[name] for name in given)

    def _move(self, picture: Tensor) -> Tensor:
        motion = self._parts[MOTION]
        motion(picture)
        return motion.outputs["feature"]

    def _find(self, *asked: Tensor) -> tuple[Tensor, Tensor]:
        pose = self._parts[POSE]
        pose(*asked)
        return pose.outputs["joints"], pose.outputs["actions"]

    def runtime(self) -> GraphRuntime:
        """What runs them frame by frame."""
        found, card = (TENSORRT_RTX if self._records_itself else TENSORRT), gpu()
        where = "GPU" if card is None else card.name
        told = f"{found.title} {self.description.precision}, {where}"
        return GraphRuntime(self.pieces(), self.description.config, told, self._device)
