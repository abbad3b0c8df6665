"""The command `egopose evaluate`: how good one or several networks are on data whose truth is known."""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from app.datasets import add_data
from app.progress import progress_bar
from app.runtimes import add_runtime, make_ready, runs_on
from engine.assets import bundled_weights
from engine.errors import EgoposeError

if TYPE_CHECKING:
    from engine.learn.data.opening import Data
    from engine.learn.evaluate.run import Evaluated


def add_evaluate(command: argparse.ArgumentParser) -> None:
    """Options of `egopose evaluate`."""
    add_data(command)
    command.add_argument(
        "--network",
        action="append",
        metavar="NAME",
        help="a bundled network or a .safetensors file; give it several times to compare (default: small)",
    )
    add_runtime(
        command,
        default="eager",
        told="what runs the networks as if live (default: eager, the network as it was trained)",
    )
    command.add_argument("--report", type=Path, metavar="DIR", help="folder for report.html and report.json")
    command.add_argument(
        "--no-windows", action="store_true", help="only stream, which halves the time; leaves out the comparison"
    )
    command.set_defaults(command=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """`egopose evaluate`. Raises EgoposeError for data, weights or a folder that cannot be used."""
    networks = named([bundled_weights(name) for name in arguments.network or ["small"]])
    if arguments.report is not None:
        from app.headless import make_folder  # noqa: PLC0415

        make_folder(arguments.report)
    # What takes long comes after what may be wrong: torch takes seconds to import, compiling up to minutes.
    for weights in networks.values():
        make_ready(weights, arguments.runtime)
    from engine.learn.data.opening import open_data  # noqa: PLC0415

    with progress_bar() as bar:
        task = bar.add_task("", total=None)
        data = open_data(arguments.data, arguments.split, lambda name: bar.update(task, description=name))
    found = evaluate_all(networks, data, arguments.runtime, windows=not arguments.no_windows)
    if arguments.report is not None:
        # Before anything is printed: whoever reads along may leave.
        write_report(arguments.report, [str(path) for path in arguments.data], found, data)
    console = Console(soft_wrap=True, highlight=False)
    for table in tables(found):
        console.print(table)
        console.print()
    for each in found:
        if each.reason:
            console.print(Text.assemble(("runtime  ", "dim"), runs_on(each.name, each.runtime, each.reason)))
    for finding in data.findings.notes:
        console.print(Text.assemble(("note  ", "yellow"), str(finding)))
    if arguments.report is not None:
        console.print(f"written: {arguments.report}/report.html, report.json")
    return 0


def named(weights: list[Path]) -> dict[str, Path]:
    """A short name for each file: its own, or with its folder where several are called the same."""
    stems = Counter(path.stem for path in weights)

    def name(path: Path) -> str:
        return path.stem if stems[path.stem] == 1 else f"{path.resolve().parent.name}/{path.stem}"

    names = {name(path): path for path in weights}
    if len(names) != len(weights):
        raise EgoposeError("--network names the same weights twice; give each once")
    return names


def evaluate_all(networks: dict[str, Path], data: Data, runtime: str, *, windows: bool) -> list[Evaluated]:
    """One after the other, with a bar on the terminal."""
    from engine.learn.evaluate.run import evaluate  # noqa: PLC0415

    found = []
    with progress_bar(MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        for name, weights in networks.items():
            task = bar.add_task(name, total=data.frames * (2 if windows else 1))
            tick = partial(bar.advance, task)
            found.append(evaluate(name, weights, data.sequences, runtime, windows=windows, tick=tick))
    return found


def tables(found: list[Evaluated]) -> list[Table]:
    """All figures, then the errors by joint."""
    from engine.learn.evaluate.page import table  # noqa: PLC0415

    figures = Table(box=None, header_style="bold", pad_edge=False)
    figures.add_column("")
    joints = Table(box=None, header_style="bold", pad_edge=False)
    joints.add_column("joint")
    for each in found:
        figures.add_column(each.name, justify="right")
        figures.add_column("")
        for kind in ("MPJPE", "PA", "BA"):
            joints.add_column(f"{each.name}: {kind}" if len(found) > 1 else kind, justify="right")
    for row in table(found):
        cells = []
        for i, (cell, remark) in enumerate(zip(row.cells, row.remarks, strict=True)):
            cells += [Text(cell, "bold" if row.best == i else ""), Text(remark, "dim")]
        figures.add_row(Text.assemble(row.name, (f" {row.unit}", "dim")), *cells)
    for joint in found[0].scores.joints:
        errors = [each.scores.joints[joint] for each in found]
        joints.add_row(joint.replace("_", " "), *(f"{v:.1f}" for e in errors for v in (e.mpjpe, e.pa, e.ba)))
    return [figures, joints]


def write_report(out: Path, paths: list[str], found: list[Evaluated], data: Data) -> None:
    """report.json and report.html, each whole or not at all. Raises EgoposeError."""
    from engine.cameras import write_atomically  # noqa: PLC0415
    from engine.learn.evaluate.page import page  # noqa: PLC0415
    from engine.learn.evaluate.run import report_json  # noqa: PLC0415

    notes = [str(finding) for finding in data.findings.notes]
    write_atomically(out / "report.json", report_json(paths, found, notes).encode())
    write_atomically(out / "report.html", page(paths, found, data.sequences, notes).encode())
