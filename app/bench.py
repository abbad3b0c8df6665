"""The command `egopose bench`: how fast networks run on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.progress import progress_bar
from engine.errors import EgoposeError

if TYPE_CHECKING:
    from engine.runtime.bench.page import Grid
    from engine.runtime.bench.report import Report

DEFAULT = ("base", "small")


def add_bench(command: argparse.ArgumentParser) -> None:
    """Options of `egopose bench`."""
    command.add_argument(
        "--network",
        action="append",
        metavar="NAME",
        help="a bundled network, base or small (with random weights where none are bundled), or a .safetensors file; "
        "several times for several (default: base and small, with --quick small)",
    )
    command.add_argument(
        "--runtime",
        action="append",
        metavar="NAME",
        help="measure only this one: eager, openvino-int8, or openvino for all of its precisions; may be repeated",
    )
    command.add_argument("--quick", action="store_true", help="under a minute, and less sure")
    command.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    command.add_argument("--page", type=Path, metavar="FILE", help="write them as a page, as BENCHMARKS.md is")
    command.add_argument(
        "--from", type=Path, metavar="FILE", dest="known", help="measure nothing: show what --json wrote before"
    )
    command.set_defaults(command=run_bench)


def run_bench(arguments: argparse.Namespace) -> int:
    """`egopose bench`. Raises EgoposeError for networks, runtimes or files that cannot be used."""
    for path in filter(None, (arguments.json, arguments.page)):
        check_writable(path)
    # torch takes seconds to import: what is wrong with the command is told before.
    from engine.cameras import write_atomically  # noqa: PLC0415
    from engine.runtime.bench.page import markdown  # noqa: PLC0415

    report = read_report(arguments.known) if arguments.known is not None else measured(arguments)
    if arguments.json is not None:
        write_atomically(arguments.json, report.to_json().encode())
    if arguments.page is not None:
        write_atomically(arguments.page, markdown(report).encode())
    show(report)
    for path in filter(None, (arguments.json, arguments.page)):
        print(f"written: {path}")
    return 0


def measured(arguments: argparse.Namespace) -> Report:
    """Measure, with a bar on the terminal that tells what."""
    from engine.runtime.bench.run import bench  # noqa: PLC0415

    names = arguments.network or (["small"] if arguments.quick else list(DEFAULT))
    with progress_bar(TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=None)
        return bench(
            names,
            quick=arguments.quick,
            wanted=arguments.runtime or (),
            tell=lambda doing: bar.update(task, description=doing),
        )


def check_writable(path: Path) -> None:
    """Before minutes are spent: whether a file can be written. Raises EgoposeError."""
    try:
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise EgoposeError(f"cannot write {path} ({error.strerror}); choose a file in a folder that exists") from error


def read_report(path: Path) -> Report:
    """What --json wrote. Raises EgoposeError."""
    from engine.runtime.bench.report import MAX_BYTES, Report  # noqa: PLC0415

    try:
        if path.stat().st_size > MAX_BYTES:
            raise EgoposeError(f"{path} is too large to be a benchmark; give a file that egopose bench --json wrote")
        return Report.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EgoposeError(f"cannot read {path} ({error.strerror}); give a file of egopose bench --json") from error
    except ValueError as error:
        raise EgoposeError(f"{path} is no benchmark ({error}); give a file that egopose bench --json wrote") from error


def show(report: Report) -> None:
    """All tables on the terminal."""
    from engine.runtime.bench.page import grids, legend, machine_line, run_line  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(machine_line(report), "bold"))
    console.print(Text(run_line(report), "dim"))
    for grid in grids(report):
        console.print()
        console.print(Text(grid.title, "bold"))
        console.print(_table(grid))
        for note in grid.notes:
            console.print(Text(note, "dim"))
    console.print()
    for line in legend(report):
        console.print(Text(line, "dim"))


def _table(grid: Grid) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for at, name in enumerate(grid.header):
        table.add_column(name, justify="right" if at else "left", no_wrap=True)
    for row in grid.rows:
        table.add_row(*row)
    return table
