"""OpenVINO: a network on the CPU, in fp32, bf16 or int8, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.description import Description
from engine.runtime.runtime import Runtime
from engine.runtime.streaming import ASKED, MOTION, POSE, SEEN, SPATIAL, Parts, Seen, StreamingRuntime
from engine.types import FloatArray, ImageArray

if TYPE_CHECKING:
    import openvino

Precision = Literal["fp32", "bf16", "int8"]
Wanted = Literal["auto", "fp32", "bf16", "int8"]
"""What to compile to: a precision, or the fastest one of this machine that holds."""
PRECISIONS: tuple[Precision, ...] = ("int8", "bf16", "fp32")
FORMAT = "1"
"""Raised when artefacts of before cannot be used any more."""


@cache
def instructions() -> frozenset[str]:
    """The processor's extensions, by the names of Linux: "avx2", "avx_vnni", "amx_int8"."""
    from archspec.cpu import detect  # noqa: PLC0415

    return frozenset(detect.detected_info().features)


def fast_precisions() -> tuple[Precision, ...]:
    """The precisions that this machine computes in hardware, the fastest first; the last one is fp32.

    int8 needs VNNI: without it sums of products saturate, and little is gained. bf16 needs AMX: without it every
    convolution is converted there and back, which is several times slower than fp32.
    """
    has = instructions()
    int8 = bool(has & {"avx_vnni", "avx512_vnni", "amx_int8"})
    return tuple(p for p, held in zip(PRECISIONS, (int8, "amx_bf16" in has, True), strict=True) if held)


NEEDS = {"int8": "VNNI", "bf16": "AMX"}
"""What a processor must have so that a precision is worth it."""


def precision_here(made: str) -> str:
    """The precision that a model of another one is run in on this machine."""
    return made if made in fast_precisions() else "fp32"


class OpenVino(Backend):
    """Networks as OpenVINO models, one file each for the spatial stream, the motion encoder and the pose."""

    name = "openvino"

    def __init__(self, precision: Wanted = "auto", frames: Sequence[Path] = (DEMO_SESSION,), threads: int = 1) -> None:
        """`frames`: recordings to calibrate int8 on and to hold every precision against the network with.

        `threads` of each stream; more than one collapse as soon as anything else wants a core.
        """
        self._precision, self._frames, self._threads = precision, tuple(frames), threads

    def missing(self) -> str | None:
        if find_spec("openvino") is None:
            return "OpenVINO is not installed; it comes with: pip install openvino"
        return None

    def missing_to_build(self) -> str | None:
        if self._precision == "int8" and find_spec("nncf") is None:
            return 'nncf, which makes int8 models, is not installed; it comes with: pip install -e ".[compile]"'
        if self._precision == "bf16" and "bf16" not in fast_precisions():
            return "this processor has no AMX, without which bf16 is slower than fp32; use --precision fp32 or int8"
        return self.missing()

    @property
    def title(self) -> str:
        return f"OpenVINO {self._candidates()[0]}"

    def missing_to_build_best(self) -> str | None:
        if self._candidates()[0] == "int8" and find_spec("nncf") is None:
            return 'nncf, which makes int8 models, is not installed; it comes with: pip install -e ".[compile]"'
        return self.missing_to_build()

    def identity(self) -> Mapping[str, str]:
        # Neither the version of OpenVINO nor the processor: newer ones read the models of older ones, and every
        # processor runs every model, if not as fast as one that was made on it. Nor the precision: what was compiled
        # last is what runs.
        return {"format": FORMAT}

    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        if (line := self.missing_to_build()) is not None:
            raise EgoposeError(line)
        from engine.runtime.converting import convert  # noqa: PLC0415

        convert(weights, folder, self._candidates(), self._frames, tell)

    def _candidates(self) -> tuple[Precision, ...]:
        return fast_precisions() if self._precision == "auto" else (self._precision,)

    def load(self, folder: Path) -> Runtime:
        description = Description.read(folder)
        try:
            parts = OpenVinoParts(folder, description, self._threads)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise EgoposeError(
                f"the compiled network in {folder} cannot be loaded ({reason}); compile it again"
            ) from error
        held = precision_here(description.precision)
        lacking = "" if held == description.precision else f" without {NEEDS[description.precision]}"
        return StreamingRuntime(parts, description.config, f"OpenVINO {held}, CPU{lacking}")


def unround(model: openvino.Model) -> None:
    """Let an int8 model compute in fp32: only its weights stay as rounded as they are."""
    from openvino.passes import ConstantFolding, Manager  # noqa: PLC0415

    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            node.output(0).replace(node.input_value(0))
    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)


def settings(precision: str, threads: int = 1) -> dict[str, Any]:
    """How a part is compiled. The precision is said: OpenVINO itself takes bf16 wherever it can be computed."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        # Of products with int8 weights, which the pose may have.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 64,
    }


class OpenVinoParts(Parts):
    """The parts as OpenVINO requests. The pose is computed in fp32 but for products with weights that are int8."""

    def __init__(self, folder: Path, description: Description, threads: int = 1) -> None:
        """Raises RuntimeError where a file is missing or damaged."""
        from openvino import Core  # noqa: PLC0415

        core, made = Core(), description.precision
        here = precision_here(made)

        def request(name: str) -> openvino.InferRequest:
            model = core.read_model(folder / f"{name}.xml")
            if here != made:
                unround(model)
            held = "fp32" if name == POSE else here
            return core.compile_model(model, "CPU", settings(held, threads)).create_infer_request()

        names = (SPATIAL, POSE, *((MOTION,) if description.config.motion == "resnet50" else ()))
        with ThreadPoolExecutor(len(names)) as pool:
            self._spatial, self._pose, *own = pool.map(request, names)
        self._motion = own[0] if own else None
        # A part that does not need an input may have lost it; one that has it may have other names for it, too.
        asked = {name for port in self._pose.model_inputs for name in port.names} & set(ASKED)
        for name in asked & set(SEEN):
            self._pose.set_tensor(name, self._spatial.get_tensor(name))
        # The requests' own memory, written and read in place.
        self._pictures = {request: request.get_input_tensor().data for request in (self._spatial, *own)}
        self._seen = Seen(*(tensor.data for tensor in self._spatial.output_tensors))
        self._memory = {name: self._pose.get_tensor(name).data for name in asked - set(SEEN)}

    def see(self, picture: ImageArray) -> Seen:
        self._look(self._spatial, picture)
        return self._seen

    def move(self, picture: ImageArray) -> FloatArray:
        assert self._motion is not None
        self._look(self._motion, picture)
        feature: FloatArray = self._motion.get_output_tensor().data
        return feature

    def pose(self, seen: Seen, features: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        for name, value in (("features", features), ("valid", valid)):
            if name in self._memory:
                self._memory[name][0] = value
        _run(self._pose)
        joints, actions = (tensor.data for tensor in self._pose.output_tensors)
        return joints, actions

    def _look(self, request: openvino.InferRequest, picture: ImageArray) -> None:
        self._pictures[request][0] = picture
        _run(request)


def _run(request: openvino.InferRequest) -> None:
    """Not by `infer`, which copies all that it gives."""
    request.start_async()
    request.wait()
