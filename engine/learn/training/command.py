"""`egopose train`: a recipe, the data, and a folder for what comes of it."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from engine.errors import EgoposeError
from engine.learn.data.opening import open_data
from engine.learn.data.sequence import Sequence
from engine.learn.training.data import usual_workers
from engine.learn.training.recipe import Recipe, bundled_recipes, load_recipe
from engine.learn.training.run import Run, console_say, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of a run."""
    names = ", ".join(bundled_recipes())
    parser.add_argument("recipe", nargs="?", default="small", help=f"{names} or a .toml file (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DATA", help="files, folders to train on"
    )
    parser.add_argument(
        "--validation", type=Path, nargs="+", required=True, metavar="DATA", help="others to choose the best weights by"
    )
    parser.add_argument(
        "--stage-data",
        action="append",
        nargs="+",
        default=[],
        metavar=("STAGE", "DATA"),
        help="what one stage trains on instead: for windows behind frozen encoders, clips those have not seen",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for weights, checkpoints and figures")
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights to begin from")
    parser.add_argument("--pictures", type=float, metavar="X", help="this many times the recipe's pictures, e.g. 0.1")
    parser.add_argument("--seed", type=int, help="another seed than the recipe's")
    parser.add_argument("--workers", type=int, help="processes that prepare pictures (default: all cores but two)")


def main(arguments: argparse.Namespace) -> None:
    """Run what the command line asks for; a run that was stopped goes on. Raises EgoposeError."""
    recipe = adjusted(load_recipe(arguments.recipe), arguments)
    training, validation = (opened(folders) for folders in (arguments.data, arguments.validation))
    own = stage_data(recipe, arguments.stage_data)
    workers = usual_workers() if arguments.workers is None else arguments.workers
    first = int(os.environ.get("RANK", "0")) == 0
    say = console_say() if first else lambda _line: None
    best = train(recipe, Run(training, validation, arguments.out, arguments.start, workers, say, own))
    say(f"weights: {best}")


def adjusted(recipe: Recipe, arguments: argparse.Namespace) -> Recipe:
    """The recipe with the command line's changes. Raises EgoposeError where they do not hold."""
    if arguments.seed is not None:
        recipe = replace(recipe, seed=arguments.seed)
    if arguments.pictures is not None:
        if not arguments.pictures > 0:
            raise EgoposeError(f"--pictures must be above 0, not {arguments.pictures:g}")
        stages = tuple(replace(s, pictures=max(1, round(s.pictures * arguments.pictures))) for s in recipe.stages)
        recipe = replace(recipe, stages=stages)
    return recipe


def stage_data(recipe: Recipe, asked: list[list[str]]) -> dict[str, tuple[Sequence, ...]]:
    """What single stages train on, by their names. Raises EgoposeError."""
    names = [stage.name for stage in recipe.stages]
    for name, *folders in asked:
        if name not in names or not folders:
            raise EgoposeError(f"--stage-data takes a stage ({', '.join(names)}) and its data, not {name!r} alone")
    return {name: opened([Path(folder) for folder in folders]) for name, *folders in asked}


def opened(paths: list[Path]) -> tuple[Sequence, ...]:
    """All sequences there. Raises EgoposeError with a list of what is wrong, before training starts."""
    return tuple(open_data(paths).sequences)
