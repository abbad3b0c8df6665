"""Compiled networks whose speed is measured and whose accuracy nobody checks, since their weights may be random."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.network.network import PoseNetwork
from engine.runtime.agreement import gather
from engine.runtime.backend import Tell, weights_sha256
from engine.runtime.description import Description
from engine.runtime.openvino import Precision
from engine.runtime.parts import cut, folded
from engine.runtime.scripting import script
from engine.runtime.streaming import POSE
from engine.runtime.tensorrt import Precision as EnginePrecision
from engine.runtime.tensorrt import TensorRt
from engine.runtime.torchscript import FILE

PICTURES = 4
"""That int8 models are calibrated on: their ranges do not change their speed."""


def script_for_timing(network: PoseNetwork, weights: Path, folder: Path) -> None:
    """A TorchScript file of a network."""
    script(network, folder / FILE, Description(network.config, weights_sha256(weights), "fp32").to_json())


def engines_for_timing(
    network: PoseNetwork, weights: Path, folder: Path, precision: EnginePrecision, tell: Tell
) -> None:
    """TensorRT engines of a network, in int8 with every convolution. Raises EgoposeError where they cannot be built."""
    from engine.runtime.engines import write_engines  # noqa: PLC0415

    if (line := TensorRt(precision).missing_to_build()) is not None:
        raise EgoposeError(line)
    known = Description(network.config, weights_sha256(weights), precision)
    write_engines(network, known, folder, tell, round_for_timing(network) if precision == "int8" else None)


def round_for_timing(network: PoseNetwork) -> Callable[[Sequence[Path]], int]:
    """Rounds every convolution of the streams' ONNX models in their place."""
    from engine.runtime.rounding import round_model  # noqa: PLC0415

    pictures = gather((DEMO_SESSION,), network.config.side)[0].thinned(1)[:PICTURES]

    def work(models: Sequence[Path]) -> int:
        for model in models:
            if model.stem != POSE:
                round_model(model, pictures, ())
        return 0

    return work


def compile_for_timing(
    network: PoseNetwork, weights: Path, plain: Path, folder: Path, precision: Precision, tell: Tell
) -> None:
    """OpenVINO models whose accuracy nobody checks: every convolution in the precision; of int8 the pose's weights too.

    `plain` is where the fp32 models lie, or are to be written where it is empty. Raises EgoposeError.
    """
    try:
        from engine.runtime.converting import export  # noqa: PLC0415

        if precision == "int8":
            from engine.runtime.quantising import quantised, round_pose  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise EgoposeError(f'{error.name} is not installed; it comes with: pip install -e ".[compile]"') from error
    from openvino import save_model  # noqa: PLC0415

    Description(network.config, weights_sha256(weights), precision).write(folder)
    if not any(plain.iterdir()):
        tell(f"exporting {network.config.name}", 0.0)
        for part in cut(folded(network).cpu()):
            export(part, plain)
    tell(f"compiling {network.config.name} in {precision}", 0.5)
    if precision == "int8":
        pictures = gather((DEMO_SESSION,), network.config.side)[0].thinned(1)[:PICTURES]
        for path in sorted(plain.glob("*.xml")):
            if path.stem != POSE:
                save_model(quantised(path, pictures, ()), folder / path.name, compress_to_fp16=False)
        round_pose(plain, folder)
    else:
        for path in plain.iterdir():
            shutil.copy(path, folder)
