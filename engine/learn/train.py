"""Training on shards of the synthetic wearer: `egopose train`.

Single pictures first, then windows that share person, scene and mount (`--window`). The
schedule counts pictures, not time, so that a run is repeatable; a checkpoint holds all that
a stopped run needs to go on.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from calib.canonical import canonical_angle_table
from engine.errors import EgoposeError
from engine.learn.losses import LossWeights, Target, loss_terms, weighted
from engine.learn.metrics import mpjpe_mm, pa_mpjpe_mm
from engine.learn.samples import Samples, batches, load_shards
from engine.learn.wearer.motion import ACTIONS
from engine.network.config import SIZES
from engine.network.network import PoseNetwork, channels_last
from engine.network.weights import save_weights

TABLE_SIZE = 1024


@dataclass(frozen=True)
class TrainConfig:
    """One run."""

    data: Path
    validation: Path
    out: Path
    network: str = "small"
    pictures: int = 500_000
    """How many pictures to see, repeats counted."""
    window: int = 1
    """Frames a window; 1 trains on single pictures."""
    stride: int = 8
    batch: int = 32
    """Windows a step."""
    rate: float = 2e-3
    side: int | None = None
    """Another picture side than the network's own, for a cheap first stage."""
    freeze: bool = False
    """Leave the picture encoders and heatmaps as they are, and train what follows them: quick, for windows."""
    start: Path | None = None
    """Weights to start from."""
    seed: int = 0
    threads: int = 1
    ema: float = 0.999


class Trainer:
    """A run in progress."""

    def __init__(self, config: TrainConfig, say: Callable[[str], None] = print) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.config, self.say = config, say
        self.rng = np.random.default_rng(config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = replace(SIZES[config.network], actions=ACTIONS)
        if config.side is not None:
            network = replace(network, side=config.side)
        table = torch.from_numpy(canonical_angle_table(TABLE_SIZE))
        self.network = channels_last(PoseNetwork(network, table)).to(self.device)
        self.average = copy.deepcopy(self.network).eval()
        if config.freeze:
            spatial = self.network.spatial
            for part in (spatial.encoder, spatial.decoder, spatial.head, self.network.motion.encoder):
                if part is not None:
                    part.requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.rate, weight_decay=1e-2, fused=True)
        self.seen = 0
        self.best = float("inf")
        self.samples: Samples | None = None
        self.known: frozenset[Path] = frozenset()
        self.weights = LossWeights()
        config.out.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """Where a stopped run goes on from."""
        return self.config.out / "checkpoint.pt"

    def run(self) -> None:
        """Train until the pictures are seen."""
        self.take_shards()
        if self.samples is None:
            raise EgoposeError(f"no shards in {self.config.data}; make some with python -m engine.learn.wearer.shards")
        validation, _ = load_shards(self.config.validation)
        if validation is None:
            raise EgoposeError(f"no shards in {self.config.validation}; make some with --split validation")
        if self.checkpoint.exists():
            self.resume()
        elif self.config.start is not None:
            self.begin_from(self.config.start)
        else:
            mean = torch.from_numpy(self.samples.joints_m.mean(0))
            for network in (self.network, self.average):
                network.head.begin_at(mean)
        epoch = 0
        while self.seen < self.config.pictures:
            self.epoch(epoch)
            epoch += 1
            self.validate(validation)
            self.save()
            self.take_shards()

    def take_shards(self) -> None:
        """Add the shards that have come since the last look: rendering may run beside."""
        fresh, self.known = load_shards(self.config.data, self.known)
        if fresh is None:
            return
        if self.samples is not None:
            old = self.samples
            fresh = replace(fresh, clip=fresh.clip + int(old.clip.max()) + 1)
            merged = {f: np.concatenate([getattr(old, f), getattr(fresh, f)]) for f in Samples.__dataclass_fields__}
            fresh = Samples(**merged)
        self.samples = fresh

    def epoch(self, index: int) -> None:
        """One pass over what is there."""
        assert self.samples is not None
        self.network.train()
        if self.config.window > 1 or self.config.freeze:
            # Windows share a scene: their statistics would ruin the norms.
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        sums: dict[str, float] = {}
        steps, began, cpu = 0, time.monotonic(), time.process_time()
        side = self.network.config.side
        before = self.seen
        options = {"length": self.config.window, "stride": self.config.stride}
        for pictures, target in batches(self.samples, side, self.config.batch, rng=self.rng, **options):
            if self.seen >= self.config.pictures:
                break
            for name, value in self.step(pictures, target).items():
                sums[name] = sums.get(name, 0.0) + value
            steps += 1
            self.seen += pictures.shape[0] * pictures.shape[1]
        rate, per_cpu = (
            (self.seen - before) / max(t, 1e-9) for t in (time.monotonic() - began, time.process_time() - cpu)
        )
        terms = " ".join(f"{name} {value / max(steps, 1):.4f}" for name, value in sums.items())
        self.say(f"epoch {index}: {self.seen} seen of {len(self.samples)}, {rate:.0f}/s, {per_cpu:.0f}/CPU-s | {terms}")

    def step(self, pictures: torch.Tensor, target: Target) -> dict[str, float]:
        """One update."""
        progress = self.seen / self.config.pictures
        warm = min(1.0, self.seen / (self.config.batch * self.config.window * 200))
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        pictures = pictures.to(self.device)
        target = Target(*(getattr(target, f).to(self.device) for f in Target.__dataclass_fields__))
        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.network.forward_window(pictures)
        output = type(output)(*(part.float() for part in output))
        terms = loss_terms(output, target)
        loss = weighted(terms, self.weights)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        keep = min(self.config.ema, 1 - 1 / (2 + self.seen / self.config.batch / 4))
        with torch.no_grad():
            for average, new in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if average.is_floating_point():
                    average.lerp_(new, 1 - keep)
                else:
                    average.copy_(new)
        return {name: float(term.detach()) for name, term in terms.items()}

    @torch.inference_mode()
    def validate(self, samples: Samples) -> None:
        """Score the averaged weights; keep the best in weights.safetensors."""
        predicted, truth, cells = [], [], []
        side = self.average.config.side
        length = self.config.window
        for pictures, target in batches(samples, side, max(1, 64 // length), length=length, stride=length):
            with torch.autocast(self.device.type, torch.bfloat16):
                output = self.average.forward_window(pictures.to(self.device))
            predicted.append(output.joints.float().cpu().flatten(0, 1).numpy())
            truth.append(target.joints.flatten(0, 1).numpy())
            error = (output.uv.float().cpu() - target.uv).norm(dim=-1)[target.visible]
            cells.append(error.numpy())
        joints, wanted = np.concatenate(predicted), np.concatenate(truth)
        score, aligned = mpjpe_mm(joints, wanted), pa_mpjpe_mm(joints, wanted)
        flat = np.concatenate(cells).mean() * 100
        self.say(f"    validation: MPJPE {score:.1f} mm, PA {aligned:.1f} mm, 2D {flat:.2f} % of the side")
        if score < self.best:
            self.best = score
            note = f"{self.seen} pictures seen; validation MPJPE {score:.1f} mm, PA-MPJPE {aligned:.1f} mm"
            save_weights(self.average, self.config.out / "weights.safetensors", note)

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "best": self.best,
            "rng": self.rng.bit_generator.state,
            "torch_rng": torch.get_rng_state(),
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.seen, self.best = state["seen"], state["best"]
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"].cpu())
        self.say(f"going on from {self.checkpoint}, {self.seen} pictures seen")

    def begin_from(self, weights: Path) -> None:
        """Start from the weights of another stage."""
        from engine.network.weights import load_network  # noqa: PLC0415

        loaded = load_network(weights).state_dict()
        self.network.load_state_dict(loaded)
        self.average.load_state_dict(loaded)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of a run."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of training shards; new ones are taken in as they come"
    )
    parser.add_argument("--validation", type=Path, required=True, help="folder of validation shards")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the best weights")
    parser.add_argument("--network", choices=sorted(SIZES), default="small")
    parser.add_argument(
        "--pictures", type=int, default=TrainConfig.pictures, help="how many pictures to see, repeats counted"
    )
    parser.add_argument(
        "--window", type=int, default=TrainConfig.window, help="frames a window; 1 trains on single pictures"
    )
    parser.add_argument("--stride", type=int, default=TrainConfig.stride)
    parser.add_argument("--batch", type=int, default=TrainConfig.batch, help="windows a step")
    parser.add_argument("--rate", type=float, default=TrainConfig.rate, help="learning rate at its highest")
    parser.add_argument("--side", type=int, help="another picture side than the network's own")
    parser.add_argument("--freeze", action="store_true", help="train only what follows the picture encoders")
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)


def main(arguments: argparse.Namespace) -> None:
    """Run what the command line asks for."""
    names = TrainConfig.__dataclass_fields__
    chosen = {name: value for name, value in vars(arguments).items() if name in names}
    Trainer(TrainConfig(**chosen), lambda line: print(line, flush=True)).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    main(parser.parse_args())
