"""What this machine reaches at best: large, well-shaped convolutions through the same libraries, one thread.

A chain of 3 x 3 convolutions in the shapes of a ResNet's middle, where libraries are at their best; the best shape
counts. A network's share of it tells how much its own shape, and all that is not a convolution, costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import openvino

SHAPES = ((256, 32), (256, 64))
"""Channels, and side in pixels."""
LAYERS = 4
GPU_BATCH = 16
"""Pictures at once, without which no GPU is busy."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Convolutions in a row, ready to run."""

    library: str
    precision: str
    shape: tuple[int, int]
    gmac: float
    """10^9 multiplications and additions of one run."""
    run: Callable[[], object]
    kernels: tuple[str, ...] = ()
    """As the library names them, where it does."""

    @property
    def name(self) -> str:
        """Unlike any other's of a run."""
        return f"peak {self.library} {self.precision} {self.shape[0]}x{self.shape[1]}"


def gmac_of(channels: int, side: int) -> float:
    """Of one picture through the chain."""
    return LAYERS * 9 * channels * channels * side * side / 1e9


def torch_chains() -> list[Chain]:
    """fp32 on the processor; on a GPU fp32 and fp16, several pictures at once."""
    import torch  # noqa: PLC0415

    if not torch.cuda.is_available():
        return [_torch_chain(shape, torch.device("cpu"), torch.float32, 1) for shape in SHAPES]
    device = torch.device("cuda")
    return [_torch_chain(shape, device, kind, GPU_BATCH) for kind in (torch.float32, torch.float16) for shape in SHAPES]


def _torch_chain(shape: tuple[int, int], device: Any, kind: Any, batch: int) -> Chain:
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    channels, side = shape
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(channels, channels, 3, 3, generator=generator) * 0.02
    weights = [one.to(device, kind, copy=True).to(memory_format=torch.channels_last) for _ in range(LAYERS)]
    x = torch.rand(batch, channels, side, side, generator=generator).to(device, kind)
    x = x.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run() -> None:
        y = x
        for w in weights:
            y = torch.relu_(torch.nn.functional.conv2d(y, w, padding=1))
        if device.type == "cuda":
            torch.cuda.synchronize()

    name = {torch.float32: "fp32", torch.float16: "fp16"}[kind]
    return Chain("PyTorch", name, shape, batch * gmac_of(*shape), run)


def openvino_chains(precision: str) -> list[Chain]:
    """In fp32, bf16 or int8. Needs OpenVINO, and no torch."""
    return [_openvino_chain(shape, precision) for shape in SHAPES]


def _openvino_chain(shape: tuple[int, int], precision: str) -> Chain:
    from openvino import Core, Tensor  # noqa: PLC0415

    from engine.runtime.openvino import settings  # noqa: PLC0415

    channels, side = shape
    compiled = Core().compile_model(_chain_model(channels, side, precision == "int8"), "CPU", settings(precision))
    request = compiled.create_infer_request()
    picture = np.random.default_rng(0).random((1, channels, side, side), np.float32)
    request.set_input_tensor(Tensor(picture))
    return Chain("OpenVINO", precision, shape, gmac_of(channels, side), request.infer, kernels_of(compiled))


def _chain_model(channels: int, side: int, int8: bool) -> openvino.Model:
    """Convolutions and ReLUs; for int8 with the quantisers that OpenVINO then folds into them."""
    from openvino import Model  # noqa: PLC0415
    from openvino import opset13 as ops  # noqa: PLC0415

    rng = np.random.default_rng(0)
    zero, one = np.float32(0), np.float32(1)
    given = y = ops.parameter([1, channels, side, side], np.float32, name="x")
    weights = rng.standard_normal((channels, channels, 3, 3), np.float32) / channels
    for _ in range(LAYERS):
        kernel = ops.constant(weights)
        if int8:
            y = ops.fake_quantize(y, zero, one, zero, one, 256)
            step = np.abs(weights).max((1, 2, 3), keepdims=True) / 127
            whole = ops.constant(np.round(weights / step).astype(np.int8))
            kernel = ops.multiply(ops.convert(whole, np.float32), ops.constant(step.astype(np.float32)))
        y = ops.relu(ops.convolution(y, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    return Model([ops.result(ops.reduce_mean(y, np.array([2, 3])))], [given], "peak")


def kernels_of(compiled: openvino.CompiledModel) -> tuple[str, ...]:
    """The convolutions' kernels of a compiled model, as OpenVINO names them: "brgconv_avx512_vnni_u8"."""
    told = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    return tuple(
        sorted({info["primitiveType"].astype(str) for info in told if info["layerType"].astype(str) == "Convolution"})
    )
