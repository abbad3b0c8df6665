"""Ours against the published architecture, and each part of ours switched off: the same pictures, the same budget.

    python -m engine.learn.baselines.compare --data DIR --validation DIR --test DIR --encoders FILE --out DIR

All variants stand behind the same frozen picture encoders, so that what differs is what follows them: tokens, motion,
fusion, head. They are scored as they would run: a frame's pose may use the frames before it, never those after.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from calib.canonical import canonical_angle_table
from engine.errors import EgoposeError
from engine.learn.baselines.published import PublishedNetwork
from engine.learn.data.windows import WindowDataset
from engine.learn.losses import LossWeights
from engine.learn.training.command import opened
from engine.learn.training.data import StageData
from engine.learn.training.features import EncodedDataset, Encoder, collate, encode_windows
from engine.learn.training.keeping import TABLE_SIZE
from engine.learn.training.module import Network, PoseModule
from engine.learn.training.recipe import Recipe, Stage, load_recipe
from engine.learn.training.run import Run, console_say, make_trainer, quiet, summaries
from engine.learn.training.scores import Score, score_of
from engine.learn.wearer.motion import ACTIONS
from engine.network.network import Encoded, PoseNetwork
from engine.network.weights import load_network

VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "not steadied": {"steady": False},
    "no remembered tokens": {"token_window": 1},
    "no joint identity": {"joint_identity": False},
    "free head": {"head": "free"},
    "no full-rate path": {"temporal_dilations": (2, 2, 4, 8), "temporal_global": (False, False, True, True)},
    "no cross-attention": {"cross_attention": False},
    "spatial only": {"streams": "spatial"},
    "motion only": {"streams": "motion", "head": "free"},
}
PUBLISHED = "published"
TOKEN_WINDOW = 8
"""Of every variant that remembers tokens, whatever the weights with the encoders do."""
BLOCKS: dict[str, Any] = {"temporal_global": (False, False, True, True, True), "temporal_dilations": (1, 1, 2, 4, 8)}
"""The published backbone's: two local blocks and three global ones."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What every variant gets."""

    pictures: int
    window: int
    seed: int


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("data", "validation", "test"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--encoders", type=Path, required=True, metavar="FILE", help="weights whose encoders all use")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--pictures", type=int, default=100_000, help="that each variant sees (default: %(default)s)")
    parser.add_argument("--window", type=int, default=24, metavar="T")
    parser.add_argument("--side", type=int, help="of the pictures (default: the weights' own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=[*VARIANTS, PUBLISHED], help="some of the variants")
    arguments = parser.parse_args()
    try:
        compare(arguments)
    except EgoposeError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    return 0


def compare(arguments: argparse.Namespace) -> None:
    """Train and score every variant that is not scored yet; print the table. Raises EgoposeError."""
    say = console_say()
    encoder = load_network(arguments.encoders)
    side = arguments.side or encoder.config.side
    budget = Budget(arguments.pictures, arguments.window, arguments.seed)
    sets = [
        WindowDataset(opened(folders), side, length=budget.window, stride=budget.window, seed=seed)
        for folders, seed in ((arguments.data, budget.seed), (arguments.validation, None), (arguments.test, None))
    ]
    arguments.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    for published in (False, True):
        names = [PUBLISHED] if published else list(VARIANTS)
        names = [name for name in names if arguments.only is None or name in arguments.only]
        if not names:
            continue
        encode = heatmaps_of(encoder) if published else encoder.encode
        training, validation, test = (encoded(encode, windows, say) for windows in sets)
        for name in names:
            kept = arguments.out / f"{name.replace(' ', '-')}.json"
            if not kept.exists():
                run = Run((), (), arguments.out / name.replace(" ", "-"), say=say)
                score = trained(variant(name, encoder, side), (training, validation, test), budget, run)
                kept.write_text(json.dumps(asdict(score)))
            results[name] = json.loads(kept.read_text())
    Console().print(table(results))
    (arguments.out / "results.json").write_text(json.dumps(results, indent=2))


def encoded(encode: Encoder, windows: WindowDataset, say: Callable[[str], None]) -> EncodedDataset:
    """All windows as the encoders see them."""
    say(f"encoding {len(windows)} windows")
    return encode_windows(encode, windows, 1, torch.device("cpu"), lambda *_: None)


def heatmaps_of(network: PoseNetwork) -> Encoder:
    """The same encoders, read as the published tokeniser does: from the heatmaps alone."""

    def encode(pictures: Tensor) -> Encoded:
        spatial = network.spatial(network.normalise(pictures.flatten(0, 1)))
        summary = network.motion.summary(spatial.summary)
        flat = Encoded(spatial.logits.flatten(2), spatial.peaks.uv, spatial.peaks.spread, spatial.peaks.height, summary)
        return Encoded(*(part.unflatten(0, pictures.shape[:2]) for part in flat))

    return encode


def variant(name: str, encoder: PoseNetwork, side: int) -> Network:
    """An untrained variant that shares the encoders' sizes and weights."""
    torch.manual_seed(0)
    config = replace(encoder.config, side=side, actions=(), token_window=TOKEN_WINDOW, steady=True)
    if name == PUBLISHED:
        return PublishedNetwork(replace(config, **BLOCKS))
    changes = VARIANTS[name]
    actions = () if changes.get("streams") == "spatial" else ACTIONS
    network = PoseNetwork(
        replace(config, **changes, actions=actions), torch.from_numpy(canonical_angle_table(TABLE_SIZE))
    )
    for part in ("encoder", "decoder", "head"):
        getattr(network.spatial, part).load_state_dict(getattr(encoder.spatial, part).state_dict())
    return network


def trained(
    network: Network, sets: tuple[EncodedDataset, EncodedDataset, EncodedDataset], budget: Budget, run: Run
) -> Score:
    """The variant's test score after its budget."""
    training, validation, test = sets
    published = isinstance(network, PublishedNetwork)
    losses = load_recipe("published").losses if published else LossWeights()
    stage = Stage(
        run.out.name, budget.pictures, learns="after", window=budget.window, batch=16, rate=1e-3,
        epoch=max(1, budget.pictures // 5),
    )  # fmt: skip
    recipe = Recipe(network.config, (stage,), losses=losses, seed=budget.seed)
    network.head.begin_at(training.joints_m.mean(0))
    if isinstance(network, PoseNetwork) and network.config.streams != "spatial":
        network.begin_motion(summaries(network, training))
    module = PoseModule(network, recipe, stage)
    trainer = make_trainer(recipe, stage, run, run.out)
    data = StageData(training, validation, stage, budget.seed, 0)
    module.train()
    with quiet():
        trainer.fit(module, datamodule=data)
    return streamed(module.network.eval(), test)


@torch.inference_mode()
def streamed(network: Network, windows: EncodedDataset) -> Score:
    """The score when each frame's pose is made from the frames up to it, as a live program has to."""
    said = []
    for item in range(len(windows)):
        inputs, target = collate([windows[item]])
        assert isinstance(inputs, Encoded)
        inputs = Encoded(*(part.float() for part in inputs))
        pasts = [Encoded(*(part[:, : t + 1] for part in inputs)) for t in range(inputs.uv.shape[1])]
        newest = [network.follow(past) for past in pasts]
        joints = torch.stack([joints[:, -1] for joints, _ in newest], 1)
        actions = torch.stack([actions[:, -1] for _, actions in newest], 1)
        said.append(({"joints": joints, "uv": inputs.uv, "actions": actions}, target))
    return score_of(said)


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    shown = Table("variant", "MPJPE mm", "PA mm", "trembles mm/frame²", "actions %")
    for name, score in results.items():
        columns = ("mpjpe_mm", "pa_mpjpe_mm", "tremble_mm", "action_percent")
        cells = [f"{score[c]:.1f}" if np.isfinite(score[c]) else "" for c in columns]
        shown.add_row(name, *cells)
    if results:
        shown.add_row("the truth", "0", "0", f"{next(iter(results.values()))['true_tremble_mm']:.1f}", "")
    return shown


if __name__ == "__main__":
    raise SystemExit(main())
