"""What a stage trains on, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from engine.learn.data.windows import WindowDataset
from engine.learn.training.features import EncodedDataset, collate
from engine.learn.training.recipe import Stage

AnyDataset = WindowDataset | EncodedDataset
MAX_WORKERS = 8


class EpochSampler(Sampler[list[int]]):
    """The batches of one epoch out of an endless stream of shuffled windows, every window once a pass.

    Of each batch a process takes its share, so that all together see the batch that one alone would see.
    """

    def __init__(self, count: int, batch: int, steps: int, *, seed: int, epoch: int, rank: int = 0, world: int = 1):
        self.count, self.batch, self.steps = count, batch, steps
        self.seed, self.epoch, self.rank, self.world = seed, epoch, rank, world

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.epoch * self.steps, (self.epoch + 1) * self.steps):
            places = range(step * self.batch + self.rank, (step + 1) * self.batch, self.world)
            yield [int(shuffled(self.seed, place // self.count, self.count)[place % self.count]) for place in places]


@lru_cache(maxsize=2)
def shuffled(seed: int, turn: int, count: int) -> NDArray[np.int64]:
    """The order of the windows in one pass over them."""
    return np.random.default_rng([seed, turn]).permutation(count)


class StageData(LightningDataModule):
    """The loaders of one stage; Lightning asks for a training loader anew each epoch."""

    def __init__(self, training: AnyDataset, validation: AnyDataset, stage: Stage, seed: int, workers: int) -> None:
        super().__init__()
        self.training, self.validation, self.stage, self.seed = training, validation, stage, seed
        self.workers = 0 if isinstance(training, EncodedDataset) else workers

    def train_dataloader(self) -> DataLoader[object]:
        """The present epoch's."""
        trainer = self.trainer
        assert trainer is not None  # Lightning sets it before it asks for a loader.
        epoch = trainer.current_epoch
        if isinstance(self.training, WindowDataset):
            self.training.epoch = epoch
        sampler = EpochSampler(
            len(self.training),
            self.stage.batch,
            self.stage.steps_per_epoch,
            seed=self.seed,
            epoch=epoch,
            rank=trainer.global_rank,
            world=trainer.world_size,
        )
        return DataLoader(self.training, batch_sampler=sampler, num_workers=self.workers, collate_fn=collate)

    def val_dataloader(self) -> DataLoader[object]:
        """Every validation window once; each process scores them all, so that they agree on what is best."""
        batch = max(1, 64 // self.stage.window)
        return DataLoader(self.validation, batch, num_workers=self.workers, collate_fn=collate)


def usual_workers() -> int:
    """Processes that prepare pictures: all cores but two, which train."""
    return max(0, min(MAX_WORKERS, len(os.sched_getaffinity(0)) - 2))
