"""A training run as data: which network, which stages, which losses. Read from TOML.

A recipe has one `[[stage]]` after the other. Each begins where the one before it ended, with the best weights by
validation, and its schedule counts pictures, so that a run can be repeated.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from engine.errors import EgoposeError
from engine.learn.losses import LossWeights
from engine.network.config import SIZES, NetworkConfig

RECIPES = Path(__file__).resolve().parent / "recipes"
MAX_BYTES = 1 << 20

Part = Literal["whole", "heatmaps", "pose", "after"]
PARTS: tuple[Part, ...] = ("whole", "heatmaps", "pose", "after")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training. Raises ValueError where the numbers do not hold."""

    name: str
    pictures: int
    """How many pictures to see, repeats counted."""
    learns: Part = "whole"
    """Which part learns: everything; the heatmap network alone, as published first; the pose behind a frozen
    heatmap network, as published second; or only what comes after both picture encoders, whose output is then
    computed once and kept."""
    window: int = 1
    """Frames a window; 1 trains on single pictures."""
    stride: int = 1
    """Frames between the beginnings of two windows of a clip."""
    batch: int = 32
    """Windows a step, over all processes together."""
    rate: float = 2e-3
    """The learning rate at its highest; it warms up and then falls on a cosine."""
    side: int | None = None
    """Another picture side than the network's own, for a cheap first stage."""
    variants: int = 1
    """How many differently augmented copies of the data are kept where only what is "after" learns."""
    renews_motion: bool = False
    """Whether the temporal stream begins anew: single pictures teach it to say the same of all of them."""
    seconds: float = 0.0
    """Where it is not 0, how long the stage may take: its schedule then follows the clock, up to `pictures`."""
    epoch: int = 20_000
    """Pictures between two validations, and two checkpoints: what a kill can cost."""

    def __post_init__(self) -> None:
        for name in ("pictures", "window", "stride", "batch", "variants", "epoch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not 0 <= self.seconds < 1e7:
            raise ValueError(f"seconds must be 0 or more, not {self.seconds}")
        if self.learns not in PARTS:
            raise ValueError(f"learns must be one of {', '.join(PARTS)}, not {self.learns!r}")
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must lie between 0 and 1, not {self.rate}")
        if self.side is not None and (self.side % 32 or not 64 <= self.side <= 1024):
            raise ValueError(f"side must be a multiple of 32 from 64 to 1024, not {self.side}")

    @property
    def epochs(self) -> int:
        """How many stretches the stage is divided into, each ended by a validation."""
        return max(1, round(self._steps / max(1, self.epoch // (self.batch * self.window))))

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the optimiser in each."""
        return math.ceil(self._steps / self.epochs)

    @property
    def _steps(self) -> int:
        return math.ceil(self.pictures / (self.batch * self.window))

    @property
    def freezes_norms(self) -> bool:
        """The pictures of a window share a scene: their statistics would ruin the norms."""
        return self.window > 1 or self.learns in {"pose", "after"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. Raises ValueError where its parts do not fit each other."""

    network: NetworkConfig
    stages: tuple[Stage, ...]
    architecture: Literal["egopose", "published"] = "egopose"
    """The project's network, or the published one of `engine.learn.baselines`."""
    losses: LossWeights = field(default_factory=LossWeights)
    seed: int = 0
    average: float = 0.999
    """Decay of the moving average of the weights, which is what is validated and kept."""
    dropout: float = 0.1
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """"auto" takes bf16 where the machine has units for it."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a recipe needs at least one [[stage]]")
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("two stages have one name")
        if self.architecture not in {"egopose", "published"}:
            raise ValueError(f"architecture must be egopose or published, not {self.architecture!r}")
        if not 0 <= self.dropout < 1 or not 0 <= self.average < 1:
            raise ValueError("dropout and average must lie between 0 and 1")
        alone = self.architecture == "published" or self.network.streams == "spatial"
        if alone and any(stage.renews_motion for stage in self.stages):
            raise ValueError("renews_motion is for networks with the project's own temporal stream")
        if self.precision not in {"auto", "fp32", "bf16"}:
            raise ValueError(f"precision must be auto, fp32 or bf16, not {self.precision!r}")


def bundled_recipes() -> list[str]:
    """Names of the recipes that come with the program."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """A bundled recipe by its name, or one from a .toml file. Raises EgoposeError where it is none."""
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        raise EgoposeError(
            f"no recipe {name}; bundled: {', '.join(bundled_recipes())}; or give the path of a .toml file"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is larger than 1 MiB")
        return parse_recipe(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise EgoposeError(f"the recipe {path} does not hold: {error}") from error


def parse_recipe(values: Mapping[str, Any]) -> Recipe:
    """A recipe from what TOML says. Raises ValueError or TypeError."""
    rest = dict(values)
    stages = rest.pop("stage", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise ValueError("stages are written as [[stage]]")
    network = _network(_table(rest, "network"))
    losses = LossWeights(**_known(LossWeights, _table(rest, "losses")))
    return Recipe(network, tuple(Stage(**_known(Stage, s)) for s in stages), losses=losses, **_known(Recipe, rest))


def _network(values: dict[str, Any]) -> NetworkConfig:
    size = values.pop("size", "small")
    if size not in SIZES:
        raise ValueError(f"[network] size must be one of {', '.join(SIZES)}, not {size!r}")
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return replace(SIZES[size], **_known(NetworkConfig, tuples))


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    table = values.pop(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"[{name}] is a table")
    return dict(table)


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError for a name that `kind` does not have, or a value of another type than its default's."""
    types = {f.name: str(f.type) for f in fields(kind)}
    for name, value in values.items():
        if name not in types:
            raise ValueError(f"{name} is not known; there are {', '.join(types)}")
        # bool is an int to Python, not to a reader.
        if types[name].startswith(("int", "float")) and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{name} must be a number, not {value!r}")
        if types[name].startswith("int") and not isinstance(value, int):
            raise ValueError(f"{name} must be a whole number, not {value!r}")
    return dict(values)
