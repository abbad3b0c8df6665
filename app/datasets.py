"""The command `egopose datasets check`: what is in a folder of data, and what is wrong with it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.progress import progress_bar
from engine.errors import EgoposeError

SPLITS = ("train", "validation", "test")


def add_datasets(command: argparse.ArgumentParser) -> None:
    """Options of `egopose datasets`."""
    actions = command.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser("check", help="look at everything in a data set, and list what is wrong and where")
    add_data(check)
    check.add_argument("--thorough", action="store_true", help="decode every picture, not only look at its ends")
    check.set_defaults(command=run_check)


def add_data(command: argparse.ArgumentParser) -> None:
    """Which data: options of every command that reads any."""
    command.add_argument(
        "data",
        nargs="+",
        type=Path,
        metavar="DATA",
        help="shards, sessions (.mcap), EgoPW, SceneEgo, Mo2Cap2, UnrealEgo: files, folders, or lists of them (.txt)",
    )
    command.add_argument("--split", choices=SPLITS, help="only what the data set has in this split")


def run_check(arguments: argparse.Namespace) -> int:
    """`egopose datasets check`. Raises EgoposeError where something must be mended, after telling what."""
    from engine.learn.data.opening import check_data  # noqa: PLC0415

    with progress_bar() as bar:
        task = bar.add_task("looking", total=None)
        tell = partial(bar.update, task)
        thorough = arguments.thorough
        data = check_data(arguments.data, arguments.split, lambda name: tell(description=name), thorough=thorough)
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table(data.sequences))
    for finding in data.findings.notes:
        console.print(Text.assemble(("note  ", "yellow"), str(finding)))
    for finding in data.findings.errors:
        console.print(Text.assemble(("fault ", "red"), str(finding)))
    if data.findings.errors:
        raise EgoposeError(f"{len(data.findings.errors)} faults must be mended before this data can be used")
    if not data.frames:
        raise EgoposeError("no frames found; give other data, or another split")
    return 0


def _table(sequences: list) -> Table:  # type: ignore[type-arg]
    """What there is, a line for each data set."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("data set", "sequences", "frames", "stretches", "whole poses", "people"):
        table.add_column(name, justify="left" if name == "data set" else "right")
    kinds = sorted({sequence.data_set for sequence in sequences})
    for kind in (*kinds, "") if len(kinds) > 1 else kinds:
        mine = [sequence for sequence in sequences if kind in ("", sequence.data_set)]
        frames = sum(map(len, mine))
        people = {name for sequence in mine for name in sequence.subject.tolist()}
        known = sum(int(sequence.known.sum()) for sequence in mine)
        stretches = sum(len(sequence.stretches()) for sequence in mine)
        cells = (len(mine), frames, stretches, known, len(people - {""}) or "?")
        table.add_row(kind or "in all", *(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells))
    return table
