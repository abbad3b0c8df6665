"""int8 by nncf: the convolutions of both streams and the pose's weights, as many as accuracy allows. Needs torch."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
from openvino import Core, Model, Node, save_model
from openvino import opset13 as opset

from engine.runtime.agreement import CALIBRATION_STEP, WITHIN, Recorded, fault
from engine.runtime.backend import Tell
from engine.runtime.converting import Judge, copy_pose
from engine.runtime.openvino import settings
from engine.runtime.streaming import MOTION, POSE, SPATIAL
from engine.types import FloatArray, ImageArray

os.environ.setdefault("NNCF_CI", "1")  # else it reports its use to its maker
import nncf

# Not by its own set_log_level, which changes handlers as well, and those may be others'.
logging.getLogger("nncf").setLevel(logging.ERROR)

MARGIN = 0.8
"""Of what is allowed: a choice that was made on the frames of the check looks better on them than it is."""
THOROUGH = True
"""Whether biases are corrected one layer after the other: a third of the error, for twice the time."""
RANKED_ON = 12
"""Pictures that the layers are ranked with."""


class Layer(NamedTuple):
    """A convolution of one of the parts."""

    part: str
    name: str


def quantise(plain: Path, folder: Path, calibration: Recorded, judge: Judge, tell: Tell) -> int:
    """Write int8 models of the fp32 ones in `plain` into a new folder; how many convolutions are left in fp32.

    None where that is accurate enough; else as few as can be of those that cost most accuracy, up to half of all. What
    comes of it may still not hold. The pose's weights are rounded last, where that still holds.
    """
    folder.mkdir()
    copy_pose(plain, folder)
    left = len(quantise_convolutions(plain, folder, calibration, judge, tell))
    tell("rounding the pose's weights", 0.9)
    round_pose(plain, folder)
    if fault(judge(folder, "int8"), MARGIN * WITHIN):
        copy_pose(plain, folder)
    return left


def quantise_convolutions(
    plain: Path, folder: Path, calibration: Recorded, judge: Judge, tell: Tell, *, signed: bool = False
) -> list[Layer]:
    """The same of the streams alone, in a folder that is there; the convolutions that are left in fp32.

    `signed`: with the quantisers that TensorRT knows, see `sign`.
    """
    parts = {name: plain / f"{name}.xml" for name in (SPATIAL, MOTION) if (plain / f"{name}.xml").is_file()}
    pictures = calibration.thinned(CALIBRATION_STEP)
    ranking: list[Layer] = []
    best: dict[str, Model] = {}
    """Of the least number that held; a large network's models are not kept for every number."""

    def holds(left: int) -> bool:
        tell("quantising" if not left else f"quantising all but {left} layers", 0.5 + 0.05 * left.bit_length())
        made = {
            name: quantised(path, pictures, [layer.name for layer in ranking[:left] if layer.part == name], signed)
            for name, path in parts.items()
        }
        write(made, folder)
        held = not fault(judge(folder, "int8"), MARGIN * WITHIN)
        if held:
            best.update(made)
        return held

    if holds(0):
        return []
    tell("ranking the layers", 0.52)
    ranking = rank(parts, folder, pictures[:: -(-len(pictures) // RANKED_ON)])
    left = fewest(holds, len(ranking) // 2)
    write(best, folder)
    return ranking[:left]


def fewest(holds: Callable[[int], bool], most: int) -> int:
    """The least number above 0 that holds, where more do too: half as many again each time, then what lies between.

    Where none up to `most` holds, the last one tried; 0 where none was.
    """
    below, least = 0, min(1, most)
    while least and not holds(least):
        more = least + max(1, least // 2)
        if more > most:
            return least
        below, least = least, more
    while least - below > 1:
        middle = (below + least) // 2
        below, least = (below, middle) if holds(middle) else (middle, least)
    return least


def write(models: Mapping[str, Model], folder: Path) -> None:
    """Each as NAME.xml and NAME.bin."""
    for name, model in models.items():
        save_model(model, folder / f"{name}.xml", compress_to_fp16=False)


def quantised(path: Path, pictures: Sequence[ImageArray], spared: Sequence[str], signed: bool = False) -> Model:
    """The int8 model of an fp32 one: everything up to its last convolutions, the layers in `spared` excepted."""
    model = Core().read_model(path)
    preset = nncf.QuantizationPreset.PERFORMANCE if signed else nncf.QuantizationPreset.MIXED
    with redirect_stdout(io.StringIO()):  # its progress bars
        rounded: Model = nncf.quantize(
            model,
            nncf.Dataset(pictures),
            preset=preset,
            subset_size=len(pictures),
            fast_bias_correction=not THOROUGH,
            ignored_scope=nncf.IgnoredScope(names=[*behind_convolutions(model), *spared]),
        )
    if signed:
        sign(rounded)
    return rounded


def sign(model: Model) -> None:
    """Make quantisers of what is never negative signed ones about zero, half as fine, in place: the only kind that
    TensorRT has. nncf makes those of a symmetric preset about zero, but not all signed.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        for low, high in ((1, 2), (3, 4)):
            least, most = (node.input_value(port).get_node().get_data() for port in (low, high))
            if not least.any():
                node.input(low).replace_source_output(opset.constant(-most * np.float32(128 / 127)).output(0))


def round_pose(plain: Path, folder: Path) -> None:
    """The pose part beside int8 models: its weights int8, a scale a channel, which are most of what it reads a frame.

    The inputs of its products are rounded as they come, 64 numbers with a scale of their own.
    """
    with redirect_stdout(io.StringIO()):
        model = nncf.compress_weights(Core().read_model(plain / f"{POSE}.xml"))
    save_model(model, folder / f"{POSE}.xml", compress_to_fp16=True)


def convolutions(model: Model) -> list[Node]:
    """In the order they run."""
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]


def behind_convolutions(model: Model) -> list[str]:
    """Names of the operations that no convolution depends on: peaks and tokens, where rounding costs most."""
    before: set[str] = set()
    waiting: list[Node] = convolutions(model)
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in before:
            before.add(node.get_friendly_name())
            waiting += [port.get_source_output().get_node() for port in node.inputs()]
    kinds = ("Constant", "Parameter", "Result")
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in kinds]
    return [node.get_friendly_name() for node in nodes if node.get_friendly_name() not in before]


def rank(parts: dict[str, Path], folder: Path, pictures: Sequence[ImageArray]) -> list[Layer]:
    """The convolutions, first the one that takes away most of the int8 models' error when it alone is fp32 again."""
    gains: dict[Layer, float] = {}
    for part, path in parts.items():
        truth = outputs(Core().read_model(path), pictures)
        weights = {node.get_friendly_name(): node.input_value(1) for node in convolutions(Core().read_model(path))}
        model = Core().read_model(folder / f"{part}.xml")
        worst = error(outputs(model, pictures), truth)
        for node in convolutions(model):
            name = node.get_friendly_name()
            inputs = [node.input_value(0), node.input_value(1)]
            _restore(node, weights[name].get_node())
            gains[Layer(part, name)] = worst - error(outputs(model, pictures), truth)
            for port, source in zip(node.inputs(), inputs, strict=True):
                port.replace_source_output(source)
    return sorted(gains, key=lambda layer: -gains[layer])


def _restore(node: Node, weights: Node) -> None:
    """Make one convolution of an int8 model fp32 again: its picture unrounded, its weights those of before."""
    source = node.input_value(0).get_node()
    if source.get_type_name() == "FakeQuantize":
        node.input(0).replace_source_output(source.input_value(0))
    node.input(1).replace_source_output(opset.constant(weights.get_data()).output(0))


def outputs(model: Model, pictures: Sequence[ImageArray]) -> list[FloatArray]:
    """What a part says of each picture, one array an output."""
    request = Core().compile_model(model, "CPU", settings("fp32")).create_infer_request()
    said = [[np.array(tensor) for tensor in request.infer([picture]).values()] for picture in pictures]
    return [np.concatenate(each) for each in zip(*said, strict=True)]


def error(ours: list[FloatArray], truth: list[FloatArray]) -> float:
    """Relative squared error, the mean over the outputs."""
    return float(np.mean([np.square(a - b).sum() / np.square(b).sum() for a, b in zip(ours, truth, strict=True)]))
