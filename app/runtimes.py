"""`--runtime` on the command line: the option, what has to be made first, and what is said of what runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import TaskProgressColumn, TimeElapsedColumn

from app.progress import progress_bar
from engine.live.estimator import Estimator
from engine.runtime.artefacts import Artefacts
from engine.runtime.backend import Backend
from engine.runtime.choice import AUTO, check_choice, choices, open_runtime, way


def add_runtime(
    command: argparse.ArgumentParser,
    *,
    default: str | None = AUTO,
    told: str = "what runs the network (default: the fastest that is there)",
) -> None:
    """The option of every command that runs a network."""
    command.add_argument("--runtime", choices=choices(), default=default, help=told)


def make_ready(weights: Path, wanted: str) -> None:
    """Make what was asked for by name and is not there yet or does not hold, with a bar on the terminal.

    `auto` makes nothing: it takes what is there. Raises EgoposeError where it cannot be had or made here.
    """
    check_choice(wanted)
    asked = None if wanted == AUTO else way(wanted)
    if not isinstance(asked, Backend) or Artefacts().compiled(weights, asked) is not None:
        return
    with progress_bar(TaskProgressColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task(f"compiling {weights.stem} for {wanted}", total=1.0)

        def tell(doing: str, done: float) -> None:
            bar.update(task, description=f"compiling {weights.stem} for {wanted}: {doing}", completed=done)

        open_runtime(weights, wanted, tell=tell).close()


def runs_on(network: str, runtime: str, reason: str) -> str:
    """The network, what runs it, and why that, in one line."""
    because = f" ({reason})" if reason else ""
    return f"network {network}, {runtime}{because}"


def running(estimator: Estimator) -> str:
    """The same of an estimator."""
    return runs_on(estimator.network, estimator.runtime, estimator.reason)
