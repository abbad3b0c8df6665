"""The command `egopose compile`: makes a network fast on this machine, and says what that costs in accuracy."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from app.progress import progress_bar
from engine.assets import DEMO_SESSION, bundled_weights
from engine.errors import EgoposeError
from engine.runtime.artefacts import Artefacts, key_of
from engine.runtime.backend import Backend
from engine.runtime.description import Description
from engine.runtime.openvino import OpenVino
from engine.runtime.tensorrt import TensorRt
from engine.runtime.torchscript import TorchScript

PRECISIONS = {
    "openvino": ("auto", "fp32", "bf16", "int8"),
    "tensorrt": ("auto", "fp32", "fp16", "int8"),
    "torchscript": ("auto", "fp32"),
}
RUNTIMES = tuple(PRECISIONS)


def add_compile(command: argparse.ArgumentParser) -> None:
    """Options of `egopose compile`."""
    command.add_argument(
        "network", nargs="?", default="small", help="a bundled network or a .safetensors file (default: %(default)s)"
    )
    command.add_argument("--runtime", choices=RUNTIMES, default="openvino", help="default: %(default)s")
    command.add_argument(
        "--precision",
        choices=("auto", "fp32", "fp16", "bf16", "int8"),
        default="auto",
        help="of the convolutions; auto is the fastest of this machine that still says what the network says",
    )
    command.add_argument(
        "--frames",
        nargs="+",
        type=Path,
        metavar="RECORDING",
        default=[DEMO_SESSION],
        help="sessions, videos or folders of pictures of your camera, to calibrate int8 on and to check with "
        "(default: the bundled session)",
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="keep it there and not where the program looks")
    command.set_defaults(command=run_compile)


def run_compile(arguments: argparse.Namespace) -> int:
    """`egopose compile`. Raises EgoposeError for what cannot be used, and where this machine lacks something."""
    weights = bundled_weights(arguments.network)
    for path in arguments.frames:
        if not path.exists():
            raise EgoposeError(f"there is no {path}; give --frames recordings that are there")
    backend = backend_of(arguments)
    if (line := backend.missing_to_build()) is not None:
        raise EgoposeError(line)
    key = key_of(weights, backend.name, backend.identity())
    if arguments.out is not None:
        from app.headless import make_folder  # noqa: PLC0415

        make_folder(arguments.out)
    store = Artefacts(arguments.out)
    with progress_bar(TaskProgressColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=1.0)

        def tell(doing: str, done: float) -> None:
            bar.update(task, description=doing, completed=done)

        folder = store.obtain(key, partial(backend.build, weights, tell=tell), anew=True)
    if arguments.out is not None:
        (arguments.out / f"{key.name}.lock").unlink(missing_ok=True)
    console = Console(soft_wrap=True, highlight=False)
    console.print(table(backend, Description.read(folder), folder))
    console.print(f"written: {folder}")
    return 0


def backend_of(arguments: argparse.Namespace) -> Backend:
    """What makes the artefact that was asked for. Raises EgoposeError for options that do not go together."""
    precision, has = arguments.precision, PRECISIONS[arguments.runtime]
    if precision not in has:
        others = " or ".join(f"--runtime {name}" for name in RUNTIMES if precision in PRECISIONS[name])
        raise EgoposeError(f"{arguments.runtime} has no --precision {precision}; leave it away, or take {others}")
    if arguments.runtime == "openvino":
        return OpenVino(precision, arguments.frames)
    return TensorRt(precision, arguments.frames) if arguments.runtime == "tensorrt" else TorchScript(arguments.frames)


def table(backend: Backend, made: Description, folder: Path) -> Table:
    """What was made, how far it lies from the network itself, how large and how fast it is."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(style="dim")
    rows.add_column()
    rows.add_row("network", f"{made.config.name}, {made.weights_sha256[:12]}")
    left = f"; the convolutions that cost most accuracy are left in fp32: {made.left}" if made.left else ""
    rows.add_row("runtime", f"{backend.name}, {made.precision}{left}")
    if made.reason:
        rows.add_row("why", made.reason)
    rows.add_row("size", f"{size / 1e6:.1f} MB")
    found = made.agreement
    if found is not None:
        if found.mpjpe_mm is not None and found.mpjpe_change is not None:
            rows.add_row(
                "MPJPE",
                f"{found.mpjpe_mm:.2f} mm; the network itself {found.eager_mpjpe_mm:.2f} mm ({found.mpjpe_change:.2%})",
            )
        rows.add_row("joints", f"{found.moved_mm:.3f} mm from where the network has them, in the mean")
        rows.add_row("peaks", f"{found.jumped:.2%} of them moved by over 4 px")
        rows.add_row("frames", f"{found.frames} that it was not made with")
        rows.add_row(
            "a frame",
            f"{found.cpu_ms:.1f} ms of the processor; the network itself {found.eager_cpu_ms:.1f} ms "
            f"({found.eager_cpu_ms / max(found.cpu_ms, 1e-9):.1f} times)",
        )
    return rows
