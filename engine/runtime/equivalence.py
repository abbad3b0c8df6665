"""How far each runtime lies from the network itself: `python -m engine.runtime.equivalence [WEIGHTS...]`.

Without weights: the bundled network, and an untrained one of the size `base`, its norms set by the bundled session.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from calib.canonical import canonical_angle_table
from engine.assets import DEMO_SESSION, bundled_weights
from engine.errors import EgoposeError
from engine.network.config import BASE, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.weights import save_weights
from engine.runtime import agreement
from engine.runtime.backend import Backend
from engine.runtime.description import Description
from engine.runtime.openvino import OpenVino, fast_precisions
from engine.runtime.torchscript import TorchScript


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
    pictures = [torch.from_numpy(picture) for picture in calibration.thinned(20)]
    network.train()
    with torch.no_grad():
        network.see(torch.cat(pictures))
    save_weights(network.eval(), path)
    return path


def backends() -> Iterator[tuple[str, Backend]]:
    """All that can be made here, by a name for people."""
    yield "TorchScript", TorchScript()
    yield from ((f"OpenVINO {precision}", OpenVino(precision)) for precision in reversed(fast_precisions()))


def main() -> None:
    """Compile, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m engine.runtime.equivalence", description=__doc__)
    parser.add_argument("weights", nargs="*", type=Path)
    parser.add_argument("--blocks", type=int, default=agreement.MAX_BLOCKS, help="of 50 frames, half of them checked")
    arguments = parser.parse_args()
    agreement.MAX_BLOCKS = arguments.blocks
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in (
        "network",
        "runtime",
        "frames",
        "MPJPE",
        "moved",
        "peaks over 4 px",
        "fp32 left",
        "CPU",
        "eager",
        "size",
    ):
        table.add_column(title, justify="left" if title in ("network", "runtime") else "right")
    with tempfile.TemporaryDirectory(prefix="egopose-equivalence-") as folder:
        weights = arguments.weights or [
            bundled_weights("small"),
            untrained(BASE, Path(folder) / "untrained-base.safetensors"),
        ]
        for path in weights:
            for name, backend in backends():
                table.add_row(path.stem, name, *row(backend, path))
    Console(soft_wrap=True, highlight=False).print(table)


def row(backend: Backend, weights: Path) -> list[str]:
    """What a backend makes of weights, in figures."""
    with tempfile.TemporaryDirectory(prefix="egopose-equivalence-") as name:
        folder = Path(name)
        try:
            backend.build(weights, folder)
        except EgoposeError as error:
            return [str(error)]
        made = Description.read(folder)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    found = made.agreement
    assert found is not None
    change = "no truth" if found.mpjpe_change is None else f"{found.mpjpe_change:.3%}"
    times = f"{found.cpu_ms:.1f} ms", f"{found.eager_cpu_ms:.1f} ms"
    return [
        f"{found.frames}",
        change,
        f"{found.moved_mm:.4f} mm",
        f"{found.jumped:.3%}",
        f"{made.left}",
        *times,
        f"{size:.1f} MB",
    ]


if __name__ == "__main__":
    main()
