"""How far each runtime lies from the network itself: `python -m engine.runtime.equivalence [WEIGHTS...]`.

Without weights: the bundled network, and an untrained one of the size `base`, its norms set by the bundled session.
The heatmaps of an untrained network are noise, whose peaks jump at the slightest rounding: of that one, every
convolution is int8, and how far its joints move is what counts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from calib.canonical import canonical_angle_table
from engine.assets import DEMO_SESSION, bundled_weights
from engine.network.config import BASE, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.weights import save_weights
from engine.runtime import agreement
from engine.runtime.backend import tell_nobody
from engine.runtime.choice import CudaGraphs
from engine.runtime.converting import export, judging
from engine.runtime.description import Agreement
from engine.runtime.openvino import fast_precisions
from engine.runtime.oracle import Oracle
from engine.runtime.parts import cut, folded
from engine.runtime.quantising import quantise
from engine.runtime.scripting import script
from engine.runtime.tensorrt import TensorRt
from engine.runtime.torchscript import FILE, TorchScript

COLUMNS = "{:16} {:14} {:>6} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}"
PERFECT = Agreement(0, None, None, 0.0, 0.0, 0.0, 0.0, 0.0)


def untrained(config: NetworkConfig, path: Path, seed: int = 0) -> Path:
    """Write weights of a network that was not trained; its batch norms know the bundled session's statistics.

    Without them activations grow from block to block, as those of no trained network do.
    """
    torch.manual_seed(seed)
    network = PoseNetwork(config, torch.from_numpy(canonical_angle_table(512)))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean over what it sees
    calibration, _ = agreement.gather([DEMO_SESSION], config.side)
    network.train()
    with torch.no_grad():
        for picture in calibration.pictures:
            network.see(torch.from_numpy(picture[::10]))
    save_weights(network.eval(), path)
    return path


def compare(weights: Path, *, trained: bool) -> Iterator[tuple[str, int, Agreement]]:
    """Each runtime by name, the convolutions it leaves in fp32 for accuracy's sake, and how far it lies."""
    oracle = Oracle(weights, [DEMO_SESSION], tell_nobody)
    judge = judging(oracle)
    with tempfile.TemporaryDirectory(prefix="egopose-equivalence-") as name:
        folder = Path(name)
        script(oracle.network, folder / FILE, oracle.description.to_json())
        yield "TorchScript", 0, oracle.judge(TorchScript().load(folder))
        if CudaGraphs().missing() is None:
            from engine.runtime.cuda_graphs import graph_of  # noqa: PLC0415

            yield "CUDA graphs", 0, oracle.judge(graph_of(oracle.network))
        if TensorRt().missing_to_build() is None:
            from engine.runtime.engines import write_engines  # noqa: PLC0415
            from engine.runtime.rounding import rounding  # noqa: PLC0415

            for kind in ("fp32", "fp16", "int8"):
                engines = folder / f"TensorRT {kind}"
                engines.mkdir()
                known = replace(oracle.description, precision=kind)
                work = rounding(oracle, tell_nobody) if kind == "int8" else None
                left = write_engines(oracle.network, known, engines, tell_nobody, work).left
                yield f"TensorRT {kind}", left, oracle.judge(TensorRt().load(engines))
        for part in cut(folded(oracle.network).cpu()):
            export(part, folder)
        for precision in reversed(fast_precisions()):
            models, left = folder, 0
            if precision == "int8":
                models = folder / "int8"
                satisfied = judge if trained else lambda models, precision: PERFECT
                left = quantise(folder, models, oracle.calibration, satisfied, tell_nobody)
            yield f"OpenVINO {precision}", left, judge(models, precision)


def main() -> None:
    """Compile, compare, and print a line for each runtime."""
    parser = argparse.ArgumentParser(prog="python -m engine.runtime.equivalence", description=__doc__)
    parser.add_argument("weights", nargs="*", type=Path)
    parser.add_argument("--blocks", type=int, default=agreement.MAX_BLOCKS, help="of 50 frames, half of them checked")
    arguments = parser.parse_args()
    agreement.MAX_BLOCKS = arguments.blocks
    titles = ("network", "runtime", "frames", "MPJPE", "joints mm", "moved", "peaks >4", "fp32 left", "of eager")
    print(COLUMNS.format(*titles), flush=True)
    with tempfile.TemporaryDirectory(prefix="egopose-equivalence-") as folder:
        given = [(path, True) for path in arguments.weights]
        made = Path(folder) / "untrained-base.safetensors"
        for path, trained in given or [(bundled_weights("small"), True), (made, False)]:
            if path == made:
                untrained(BASE, made)
            for name, left, found in compare(path, trained=trained):
                change = "no truth" if found.mpjpe_change is None else f"{found.mpjpe_change:.3%}"
                figures = f"{found.moved_mm:.4f}", f"{found.moved_share:.3%}", f"{found.jumped:.3%}"
                faster = f"{found.cpu_ms / found.eager_cpu_ms:.0%}"
                print(COLUMNS.format(path.stem, name, found.frames, change, *figures, left, faster), flush=True)


if __name__ == "__main__":
    main()
