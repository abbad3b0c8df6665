"""Runs a recipe: stage after stage, each going on where it was stopped."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from torch import Tensor

from engine.errors import EgoposeError
from engine.learn.data.sequence import Sequence
from engine.learn.data.windows import WindowDataset
from engine.learn.training.data import AnyDataset, StageData
from engine.learn.training.features import EncodedDataset, encode_windows
from engine.learn.training.keeping import begin_from, build
from engine.learn.training.module import CLIP_NORM, Network, PoseModule
from engine.learn.training.pictures import Pictures
from engine.learn.training.recipe import Recipe, Stage
from engine.learn.training.scores import Scores
from engine.network.network import PoseNetwork

Say = Callable[[str], None]
SUMMARISED = 500
"""Pictures that a new temporal stream begins from."""
AVERAGE_RAMP = 10
"""The average follows closely over the first steps: decay (1 + n) / (AVERAGE_RAMP + n), then its own."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a recipe is run on."""

    training: tuple[Sequence, ...]
    validation: tuple[Sequence, ...]
    out: Path
    start: Path | None = None
    """Weights to begin the first stage from."""
    workers: int = 0
    """Processes that prepare pictures."""
    say: Say = print
    stage_training: Mapping[str, tuple[Sequence, ...]] = field(default_factory=dict)
    """By a stage's name: what it trains on in place of `training`. What follows frozen encoders learns to weigh what
    they say only on pictures they have not seen: on those they know, they err too little."""


def train(recipe: Recipe, run: Run) -> Path:
    """Run all stages that are not finished; the path of the best weights of the last.

    Raises EgoposeError where there are no windows to train or validate on, and where the disk gives out.
    """
    run.out.mkdir(parents=True, exist_ok=True)
    weights = run.start
    try:
        for stage in recipe.stages:
            folder = run.out / stage.name
            if not (folder / "finished").exists():
                run_stage(recipe, stage, run, folder, weights)
            weights = folder / "weights.safetensors"
        assert weights is not None  # a recipe has a stage
        best = run.out / "weights.safetensors"
        if int(os.environ.get("RANK", "0")) == 0:  # of several processes one alone, or they take each other's part away
            shutil.copyfile(weights, best.with_suffix(".part"))
            os.replace(best.with_suffix(".part"), best)
    except OSError as error:
        raise EgoposeError(
            f"training cannot write to {run.out} ({error.strerror or error}); "
            "make room and start it again: it goes on from its last checkpoint"
        ) from error
    return best


def run_stage(recipe: Recipe, stage: Stage, run: Run, folder: Path, start: Path | None) -> None:
    """One stage, from its checkpoint where it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    side = stage.side or recipe.network.side
    options: dict[str, Any] = {"length": stage.window, "stride": stage.stride}
    sequences = run.stage_training.get(stage.name, run.training)
    training = WindowDataset(sequences, side, seed=recipe.seed, **options)
    validation = WindowDataset(run.validation, side, length=stage.window, stride=stage.window)
    for name, windows in (("training", training), ("validation", validation)):
        if not len(windows):
            raise EgoposeError(
                f"the {name} data has no {stage.window} frames in a row whose poses are all known, "
                f"which the stage {stage.name} needs; add data, or lower its window"
            )
    torch.manual_seed(recipe.seed)
    network = build(recipe, side)
    if start is not None:
        begin_from(network, start)
    else:
        network.head.begin_at(training.joints_m.mean(0))
    trainer = make_trainer(recipe, stage, run, folder)
    sets: tuple[AnyDataset, AnyDataset] = (training, validation)
    if stage.learns == "after":
        sets = encoded_sets(network, training, validation, stage, trainer.strategy.root_device, run.say)
    if stage.renews_motion:
        assert isinstance(network, PoseNetwork)  # a recipe with another one does not hold
        network.begin_motion(summaries(network, sets[0]))
    module = PoseModule(network, recipe, stage)
    data = StageData(*sets, stage, recipe.seed, run.workers)
    module.train()
    checkpoint = folder / "last.ckpt"
    if checkpoint.exists():
        run.say(f"{stage.name}: going on from {checkpoint}")
    with quiet():
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    if trainer.is_global_zero:
        (folder / "finished").touch()


def encoded_sets(
    network: Network, training: WindowDataset, validation: WindowDataset, stage: Stage, device: torch.device, say: Say
) -> tuple[AnyDataset, AnyDataset]:
    """Both data sets as the frozen encoders see them."""
    network.to(device).eval()
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenth = done * 10 // total
        if tenth != told:
            told = tenth
            say(f"{stage.name}: {done} of {total} windows encoded")

    encoded = encode_windows(network.encode, training, stage.variants, device, tell)
    return encoded, encode_windows(network.encode, validation, 1, device, lambda *_: None)


@torch.no_grad()
def summaries(network: PoseNetwork, windows: AnyDataset) -> Tensor:
    """(N, C) what the motion encoder reads of pictures from all over the data."""
    if isinstance(windows, EncodedDataset):
        return windows.encoded.summary.flatten(0, 1).float()
    network.eval()
    few = (windows[i][0][None, :1] for i in range(0, len(windows), -(-len(windows) // SUMMARISED)))
    return torch.cat([network.encode(pictures).summary.flatten(0, 1) for pictures in few])


def make_trainer(recipe: Recipe, stage: Stage, run: Run, folder: Path) -> Trainer:
    """Lightning's trainer; under `torchrun` one of several."""
    bar = sys.stderr.isatty()
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    callbacks: list[Callback] = [
        Reseeded(recipe.seed),
        Scores(folder, run.say),
        Pictures(),
        WeightAveraging(multi_avg_fn=ramped(recipe.average)),
        ModelCheckpoint(folder, "last", save_top_k=1, enable_version_counter=False, save_on_train_epoch_end=True),
    ]
    if bar:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    with quiet():
        return Trainer(
            accelerator="auto",
            devices=int(os.environ["LOCAL_WORLD_SIZE"]) if several else 1,
            num_nodes=int(os.environ["WORLD_SIZE"]) // int(os.environ["LOCAL_WORLD_SIZE"]) if several else 1,
            strategy="ddp_find_unused_parameters_true" if several else "auto",
            sync_batchnorm=several and torch.cuda.is_available(),
            precision="bf16-mixed" if wants_bf16(recipe) else "32-true",
            max_epochs=stage.epochs,
            max_time=timedelta(seconds=stage.seconds) if stage.seconds else None,
            callbacks=callbacks,
            logger=TensorBoardLogger(run.out / "tensorboard", name="", version=stage.name),
            gradient_clip_val=CLIP_NORM,
            use_distributed_sampler=False,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            log_every_n_steps=20,
            enable_progress_bar=bar,
            enable_model_summary=False,
        )


def wants_bf16(recipe: Recipe) -> bool:
    """Whether to compute in bf16: as the recipe says, or where there are units that make it faster."""
    if recipe.precision != "auto":
        return recipe.precision == "bf16"
    return torch.cuda.is_available() or torch.cpu._is_amx_tile_supported()


class Reseeded(Callback):
    """Dropout's chances depend on the step alone, so that a run that goes on is the run that never stopped."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        torch.manual_seed((self.seed << 40) + (trainer.global_rank << 32) + trainer.global_step)


def ramped(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """The moving average's update, which follows closely while there is little to average."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        keep = min(decay, (1 + float(count)) / (AVERAGE_RAMP + float(count)))
        for average, new in zip(averaged, current, strict=True):
            if average.is_floating_point():
                average.lerp_(new, 1 - keep)
            else:
                average.copy_(new)

    return update


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's advice on settings that are chosen here."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.|torch\.|tensorboard\.")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def console_say() -> Say:
    """Lines above the progress bar."""
    console = Console(stderr=False, highlight=False, soft_wrap=True)
    return lambda line: console.print(line, markup=False)
