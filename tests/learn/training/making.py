"""A recipe and data small enough to train on in a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.learn.data.findings import Findings
from engine.learn.data.shards import read_shards
from engine.learn.training.recipe import Recipe, Stage
from engine.learn.training.run import Run
from engine.network.config import SMALL
from tests.learn.data.making import shard_arrays, write_shard

TINY = replace(SMALL, name="tiny", side=64, spatial_width=8, motion_dim=32, joint_dim=32, window=8)
PICTURES = Stage("pictures", pictures=96, batch=8, rate=3e-3, epoch=32)
WINDOWS = Stage("windows", pictures=96, window=4, stride=4, batch=2, rate=3e-3, epoch=48)
AFTER = Stage("after", pictures=96, learns="after", window=4, stride=4, batch=2, rate=3e-3, epoch=48, variants=2)


def recipe(*stages: Stage, **changes: object) -> Recipe:
    return replace(Recipe(TINY, stages), **changes)  # type: ignore[arg-type]


def run_in(folder: Path, said: list[str] | None = None) -> Run:
    """Shards below `folder`, and what to run a recipe on."""
    parts = {}
    for name, seed in (("training", 0), ("validation", 1)):
        place = folder / name
        if not place.exists():
            place.mkdir(parents=True)
            write_shard(place / "a.npz", shard_arrays(count=32, per_clip=4, seed=seed))
        parts[name] = tuple(read_shards(place, Findings()))
    return Run(parts["training"], parts["validation"], folder / "out", say=(said if said is not None else []).append)
