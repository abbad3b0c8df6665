"""int8 for TensorRT: the ONNX models themselves say what is rounded, and by how much. Needs torch, OpenVINO and nncf.

TensorRT makes int8 convolutions of what stands between quantisers and dequantisers, and knows signed ones alone. Which
convolutions are left as they were is found on the processor, by OpenVINO with the same quantisers, since engines take
minutes to build. Where the processor has no VNNI the engines' own check decides alone.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnx
from openvino import Core, save_model

from engine.runtime.agreement import CALIBRATION_STEP
from engine.runtime.backend import Tell
from engine.runtime.converting import copy_pose, judging
from engine.runtime.oracle import Oracle
from engine.runtime.quantising import THOROUGH, quantise_convolutions
from engine.runtime.streaming import POSE
from engine.types import ImageArray

Rounding = Callable[[Sequence[Path]], int]
"""Rounds the ONNX models of a network's parts in their place; how many convolutions are left as they were."""
PICTURE = "picture"
_APART = "/WithoutBiases"
"""What OpenVINO adds to the name of a convolution whose bias it takes apart."""


def rounding(oracle: Oracle, tell: Tell) -> Rounding:
    """Of a network: as many convolutions of both streams in int8 as accuracy allows; the pose stays in fp32."""

    def work(models: Sequence[Path]) -> int:
        with tempfile.TemporaryDirectory(prefix="egopose-compile-") as name:
            plain, rounded = Path(name) / "plain", Path(name) / "int8"
            plain.mkdir()
            rounded.mkdir()
            for model in models:
                save_model(Core().read_model(model), plain / f"{model.stem}.xml", compress_to_fp16=False)
            copy_pose(plain, rounded)
            judge = judging(oracle)
            spared = quantise_convolutions(plain, rounded, oracle.calibration, judge, tell, signed=True)
        pictures = oracle.calibration.thinned(CALIBRATION_STEP)
        for model in models:
            if model.stem != POSE:
                names = [layer.name.removesuffix(_APART) for layer in spared if layer.part == model.stem]
                round_model(model, pictures, names)
        return len(spared)

    return work


def round_model(path: Path, pictures: Sequence[ImageArray], spared: Sequence[str]) -> None:
    """Round a stream's ONNX model up to its last convolutions, those named in `spared` excepted, in its place.

    `pictures` are (1, side, side, 3) uint8 BGR.
    """
    import nncf  # noqa: PLC0415  which `quantising` has told to keep quiet

    model = onnx.load(str(path))
    with redirect_stdout(io.StringIO()):  # its progress bars
        rounded = nncf.quantize(
            model,
            nncf.Dataset([{PICTURE: picture} for picture in pictures]),
            preset=nncf.QuantizationPreset.PERFORMANCE,
            subset_size=len(pictures),
            fast_bias_correction=not THOROUGH,
            ignored_scope=nncf.IgnoredScope(names=[*behind(model), *spared]),
        )
    sign(rounded)
    onnx.save(rounded, str(path))


def sign(model: onnx.ModelProto) -> None:
    """Make unsigned quantisers signed, in place: see `quantising.sign`."""
    constants = {each.name: each for each in model.graph.initializer}
    types = {each.name: each.type.tensor_type for each in model.graph.value_info}
    for node in model.graph.node:
        # Each has constants of its own, which its dequantisers share.
        if node.op_type != "QuantizeLinear" or constants[node.input[2]].data_type != onnx.TensorProto.UINT8:
            continue
        scale, zero = (constants[name] for name in node.input[1:3])
        wider = onnx.numpy_helper.to_array(scale) * np.float32(255 / 127)
        scale.CopyFrom(onnx.numpy_helper.from_array(wider, scale.name))
        zero.CopyFrom(onnx.numpy_helper.from_array(np.zeros(tuple(zero.dims), np.int8), zero.name))
        if node.output[0] in types:
            types[node.output[0]].elem_type = onnx.TensorProto.INT8


def behind(model: onnx.ModelProto) -> list[str]:
    """Names of the operations that no convolution depends on: peaks and tokens, where rounding costs most."""
    maker = {output: node for node in model.graph.node for output in node.output}
    before: set[str] = set()
    waiting = [node for node in model.graph.node if node.op_type == "Conv"]
    while waiting:
        node = waiting.pop()
        if node.name not in before:
            before.add(node.name)
            waiting += [maker[given] for given in node.input if given in maker]
    return [node.name for node in model.graph.node if node.name not in before and node.op_type != "Constant"]
