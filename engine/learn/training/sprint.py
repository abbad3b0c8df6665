"""Trains a network on a machine that can be had for minutes: one command, and another the next time.

    python -m engine.learn.training.sprint base --minutes 10 --out DIR --seed 1
    python -m engine.learn.training.sprint base --minutes 10 --out DIR --seed 2 --start DIR/parts

It renders pictures of its own for a part of the time, trains on from what the last one left, validates, and leaves
the weights in files small enough to be carried away.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import EgoposeError
from engine.learn.training.command import opened
from engine.learn.training.data import usual_workers
from engine.learn.training.recipe import Recipe, load_recipe
from engine.learn.training.run import Run, Say, console_say, train
from engine.learn.wearer.shards import make_shards
from engine.network.weights import load_network, save_weights

RENDERING, TRAINING = 0.35, 0.55
"""Shares of the minutes; the rest is for starting up, validating and writing."""
PART_BYTES = 15 << 20
MAX_PARTS = 64
MANY = 2_000_000
"""More pictures than any sprint makes."""
FP16_BYTES = 60 << 20
"""Weights that would be larger are left as int8."""
INDEX = "parts.json"


@dataclass(frozen=True, slots=True)
class Sprint:
    """What one sprint does."""

    out: Path
    minutes: float
    seed: int
    start: Path | None = None
    """Weights, or the folder of parts that an earlier sprint left."""
    bvh: Path | None = None
    processes: int = 1
    """That render, besides one for the validation pictures; and that prepare pictures later."""
    validation: int = 1000
    """Pictures to validate on; the same in every sprint."""
    say: Say = print


def sprint(recipe: Recipe, task: Sprint) -> Path:
    """Run the first stage of a recipe for as long as there is; the folder of the parts. Raises EgoposeError."""
    began = time.monotonic()
    task.out.mkdir(parents=True, exist_ok=True)
    start = joined(task.start, task.out / "start.safetensors") if task.start and task.start.is_dir() else task.start
    stage, side = recipe.stages[0], recipe.stages[0].side or recipe.network.side
    data, validation = task.out / f"data-{task.seed}", task.out / "validation"
    options: dict[str, Any] = {"bvh": task.bvh, "side": side, "frames": stage.window}
    render(data, validation, began + task.minutes * 60 * RENDERING, task, options)
    made = opened([data])
    task.say(f"{sum(len(sequence) for sequence in made)} pictures made in {time.monotonic() - began:.0f} s")
    left = task.minutes * 60 * (RENDERING + TRAINING) - (time.monotonic() - began)
    timed = replace(stage, name=f"sprint-{task.seed}", seconds=max(1.0, left))
    run = Run(made, opened([validation]), task.out, start, task.processes, task.say)
    return parted(train(replace(recipe, stages=(timed,), seed=task.seed), run), task.out / "parts")


def render(data: Path, validation: Path, until: float, task: Sprint, options: dict[str, Any]) -> None:
    """Write shards with every process until the monotonic clock says so, each at least one; one more validates.

    Raises EgoposeError.
    """
    context = multiprocessing.get_context("spawn")
    seconds = max(0.0, until - time.monotonic())
    workers = [
        context.Process(target=_render, args=(data, seconds, task.seed, (i, task.processes), options))
        for i in range(task.processes)
    ]
    workers.append(context.Process(target=_render_validation, args=(validation, task.validation, options)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise EgoposeError("rendering failed; what it said stands above. It needs OpenGL: libegl1 and a driver")


def _render(out: Path, seconds: float, seed: int, part: tuple[int, int], options: dict[str, Any]) -> None:
    until = time.monotonic() + seconds
    last = 0
    for done, _ in make_shards(out, count=MANY, seed=seed + 1, split="train", part=part, **options):
        # A number that is told twice is that of a shard which is written.
        if done == last and time.monotonic() > until:
            return
        last = done


def _render_validation(out: Path, count: int, options: dict[str, Any]) -> None:
    for _ in make_shards(out, count=count, seed=0, split="validation", **options):
        pass


def parted(weights: Path, folder: Path) -> Path:
    """Write weights as files of at most PART_BYTES with an index; as int8 where fp16 is too large to carry."""
    carried = weights
    if weights.stat().st_size > FP16_BYTES:
        carried = weights.with_name("carried.safetensors")
        save_weights(load_network(weights), carried, "carried as int8", "int8")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    names = []
    for number, content in enumerate(_pieces(carried)):
        names.append(f"weights.{number:02d}")
        (folder / names[-1]).write_bytes(content)
    index = {"files": names, "sha256": hashlib.sha256(carried.read_bytes()).hexdigest()}
    (folder / INDEX).write_text(json.dumps(index))
    return folder


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PART_BYTES):
            yield piece


def joined(folder: Path, target: Path) -> Path:
    """The weights that `parted` wrote. Raises EgoposeError where a part is missing or damaged."""
    try:
        index = json.loads((folder / INDEX).read_text())
        names = index["files"]
        if len(names) > MAX_PARTS or not all(isinstance(n, str) and Path(n).name == n for n in names):
            raise ValueError("its index does not hold")
        content = b"".join((folder / name).read_bytes() for name in names)
        if hashlib.sha256(content).hexdigest() != index["sha256"]:
            raise ValueError("a part is damaged")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EgoposeError(f"{folder} holds no whole network ({error}); copy all of its parts again") from error
    part = target.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", help="whose network and first stage are used")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, required=True, help="another one each time: it makes other pictures")
    parser.add_argument("--start", type=Path, metavar="PARTS", help="what an earlier sprint left, or weights")
    parser.add_argument("--bvh", type=Path, metavar="DIR")
    parser.add_argument("--processes", type=int, default=max(1, usual_workers()))
    a = parser.parse_args()
    try:
        if not 0 < a.minutes <= 1e5 or a.seed < 0 or a.processes < 1:
            raise EgoposeError("minutes and processes must be above 0, and the seed 0 or more")
        task = Sprint(a.out, a.minutes, a.seed, a.start, a.bvh, a.processes, say=console_say())
        print(f"parts: {sprint(load_recipe(a.recipe), task)}")
    except EgoposeError as error:
        print(f"sprint: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
