"""Windows of sequences as torch sees them: a `Dataset` with exact, repeatable augmentation, and its collate."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Sequence as Ordered
from itertools import accumulate

import numpy as np
import torch
from torch.utils.data import Dataset

from engine.learn.data.augment import MAX_ROLL, covered, mirrored, relit, rolled, softened
from engine.learn.data.sequence import Sequence
from engine.learn.losses import Target

Item = tuple[torch.Tensor, Target]


class WindowDataset(Dataset[Item]):
    """Every window of `length` frames whose poses are all known: (T, S, S, 3) uint8 BGR and its truth.

    With a `seed` each item is augmented by a generator of its own, seeded by (seed, epoch, index): which process
    makes it, and in what order, changes nothing, so that a run that goes on is the run that was never stopped.
    """

    epoch = 0
    """Set it before the epoch's loader makes its workers: they take a copy of the data set."""

    def __init__(
        self, sequences: Iterable[Sequence], side: int, *, length: int = 1, stride: int = 1, seed: int | None = None
    ) -> None:
        windows = ((sequence, sequence.windows(length, stride, known=True)) for sequence in sequences)
        self._parts = [(sequence, starts) for sequence, starts in windows if len(starts)]
        self._ends = list(accumulate(len(starts) for _, starts in self._parts))
        self.side, self.length, self.seed = side, length, seed

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Item:
        """Raises IndexError beyond the last window, EgoposeError where a picture cannot be read."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        part = bisect_right(self._ends, index)
        sequence, starts = self._parts[part]
        start = int(starts[index - self._ends[part]])
        rows = slice(start, start + self.length)
        pictures = np.stack([sequence.picture(i, self.side) for i in range(start, start + self.length)])
        joints, uv, visible = sequence.joints_m[rows], sequence.uv[rows], sequence.visible[rows]
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            if rng.random() < 0.5:
                pictures, joints, uv, visible = mirrored(pictures, joints, uv, visible)
            pictures, joints, uv = rolled(pictures, joints, uv, rng.uniform(-MAX_ROLL, MAX_ROLL))
            pictures, visible = covered(pictures, uv, visible, rng)
            pictures = softened(relit(pictures, rng), rng)
        whole = (pictures, joints, uv, visible, sequence.action[rows].astype(np.int64))
        tensors = [torch.from_numpy(np.array(part)) for part in whole]
        return tensors[0], Target(*tensors[1:])

    @property
    def joints_m(self) -> torch.Tensor:
        """(N, 15, 3) the poses of all windows' first frames, metres."""
        parts = [sequence.joints_m[starts] for sequence, starts in self._parts]
        return torch.from_numpy(np.concatenate([np.zeros((0, 15, 3), np.float32), *parts]))


def collate(items: Ordered[Item]) -> Item:
    """Windows to a batch: (B, T, S, S, 3) and the truth with a leading B."""
    pictures = torch.stack([picture for picture, _ in items])
    fields = Target.__dataclass_fields__
    return pictures, Target(*(torch.stack([getattr(target, name) for _, target in items]) for name in fields))
