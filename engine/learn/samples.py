"""Training samples: shards on disk to batches of windows, with exact geometric augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EgoposeError
from engine.learn.data.augment import MAX_ROLL, mirrored, relit, resize, rolled
from engine.learn.losses import Target

FIELDS = ("image", "joints_m", "uv", "visible", "action", "clip")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Pictures with their truth; rows of one clip lie together, in the order of time."""

    image: NDArray[np.uint8]
    """(N, S, S, 3) RGB, canonical view."""
    joints_m: NDArray[np.float32]
    uv: NDArray[np.float32]
    visible: NDArray[np.bool_]
    action: NDArray[np.uint8]
    clip: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image)

    def windows(self, length: int, stride: int) -> NDArray[np.int64]:
        """First rows of all windows of `length` frames that lie within one clip."""
        starts = np.arange(0, len(self) - length + 1)
        starts = starts[self.clip[starts] == self.clip[starts + length - 1]]
        first = np.searchsorted(self.clip, self.clip[starts])
        return np.asarray(starts[(starts - first) % stride == 0])


def load_shards(folder: Path, known: frozenset[Path] = frozenset()) -> tuple[Samples | None, frozenset[Path]]:
    """All shards of `folder` that are not in `known`, and the set of those known now.

    Raises EgoposeError where a shard does not hold what it must.
    """
    paths = [p for p in sorted(folder.glob("*.npz")) if p not in known]
    if not paths:
        return None, known
    parts = [read_shard(path) for path in paths]
    offset = 0
    for part in parts:
        _, part["clip"] = np.unique(part["clip"].astype(np.int64), return_inverse=True)
        part["clip"] += offset
        offset = int(part["clip"].max()) + 1
    merged = {name: np.concatenate([part[name] for part in parts]) for name in FIELDS}
    return Samples(**merged), known | frozenset(paths)


def read_shard(path: Path) -> dict[str, NDArray[Any]]:
    """One shard's arrays. Raises EgoposeError where they are missing or do not fit each other."""
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in FIELDS}
    except (OSError, KeyError, ValueError) as error:
        raise EgoposeError(
            f"{path} is not a training shard ({error}); make it again with the wearer's shard command"
        ) from error
    count = len(arrays["image"])
    shapes = {
        "joints_m": (count, 15, 3),
        "uv": (count, 15, 2),
        "visible": (count, 15),
        "action": (count,),
        "clip": (count,),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise EgoposeError(f"{path}: {name} has the shape {arrays[name].shape}, not {shape}; make the shard again")
    if not np.isfinite(arrays["joints_m"]).all():
        raise EgoposeError(f"{path}: joints_m holds numbers that are not finite; make the shard again")
    return arrays


def batches(
    samples: Samples, side: int, batch: int, *, length: int = 1, stride: int = 1, rng: np.random.Generator | None = None
) -> Iterator[tuple[torch.Tensor, Target]]:
    """Every window once: (B, T, side, side, 3) uint8 BGR and its truth.

    With `rng` they are shuffled and augmented, and a last batch that is not full is left out.
    """
    starts = samples.windows(length, stride)
    if rng is not None:
        starts = rng.permutation(starts)
    for first in range(0, len(starts) - (batch - 1 if rng else 0), batch):
        chosen = [window(samples, start, length, side, rng) for start in starts[first : first + batch]]
        pictures, joints, uv, visible, action = (torch.from_numpy(np.stack(part)) for part in zip(*chosen, strict=True))
        yield pictures, Target(joints, uv, visible, action.long())


def window(
    samples: Samples, start: int, length: int, side: int, rng: np.random.Generator | None
) -> tuple[NDArray[Any], ...]:
    """One window's pictures, joints, uv, visibility and actions; changed at random where `rng` is given."""
    rows = slice(start, start + length)
    pictures = np.stack([resize(picture, side) for picture in samples.image[rows, ..., ::-1]])
    joints, uv, visible = samples.joints_m[rows], samples.uv[rows], samples.visible[rows]
    if rng is not None:
        if rng.random() < 0.5:
            pictures, joints, uv, visible = mirrored(pictures, joints, uv, visible)
        pictures, joints, uv = rolled(pictures, joints, uv, rng.uniform(-MAX_ROLL, MAX_ROLL))
        pictures = relit(pictures, rng)
    return pictures, joints, uv, visible, samples.action[rows]
