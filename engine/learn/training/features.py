"""What frozen encoders say of every window, computed once and kept: what follows them then trains far faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from engine.learn.data.windows import WindowDataset
from engine.learn.data.windows import collate as collate_windows
from engine.learn.losses import Target
from engine.network.network import Encoded

EncodedItem = tuple[Encoded, Target]
Encoder = Callable[[Tensor], Encoded]
BATCH = 4
_HALF = ("reads", "summary")
"""Kept in half precision: they are large, and noise to what reads them."""


class EncodedDataset(Dataset[EncodedItem]):
    """Windows as the encoders saw them."""

    def __init__(self, encoded: Encoded, target: Target) -> None:
        """Both with a leading dimension of all windows."""
        self.encoded, self.target = encoded, target

    def __len__(self) -> int:
        return len(self.encoded.uv)

    def __getitem__(self, index: int) -> EncodedItem:
        target = (getattr(self.target, name)[index] for name in Target.__dataclass_fields__)
        return Encoded(*(part[index] for part in self.encoded)), Target(*target)

    @property
    def joints_m(self) -> Tensor:
        """(N, 15, 3) the poses of all windows' first frames, metres."""
        return self.target.joints[:, 0]


@torch.inference_mode()
def encode_windows(
    encode: Encoder, windows: WindowDataset, variants: int, device: torch.device, tell: Callable[[int, int], None]
) -> EncodedDataset:
    """Every window `variants` times, augmented differently each time where the data set augments.

    `tell` is given the number of windows done and of all.
    """
    kept: list[tuple[Encoded, Target]] = []
    total, done = variants * len(windows), 0
    for variant in range(variants):
        windows.epoch = variant
        for first in range(0, len(windows), BATCH):
            items = [windows[i] for i in range(first, min(first + BATCH, len(windows)))]
            pictures, target = collate_windows(items)
            said = encode(pictures.to(device))
            kept.append((Encoded(*(_kept(name, part) for name, part in said._asdict().items())), target))
            done += len(items)
            tell(done, total)
    windows.epoch = 0
    encoded = Encoded(*(torch.cat(parts) for parts in zip(*(e for e, _ in kept), strict=True)))
    targets = [t for _, t in kept]
    return EncodedDataset(
        encoded, Target(*(torch.cat([getattr(t, name) for t in targets]) for name in Target.__dataclass_fields__))
    )


def _kept(name: str, part: Tensor) -> Tensor:
    # Cloned out of inference mode, since training saves it for its gradients.
    return (part.half() if name in _HALF else part.float()).cpu().clone()


def collate(items: Sequence[tuple[Tensor | Encoded, Target]]) -> tuple[Tensor | Encoded, Target]:
    """Windows, or what was kept of them, to a batch."""
    pictures, target = collate_windows([(item if isinstance(item, Tensor) else item.uv, t) for item, t in items])
    encoded = [item for item, _ in items if isinstance(item, Encoded)]
    if not encoded:
        return pictures, target
    return Encoded(*(torch.stack(parts) for parts in zip(*encoded, strict=True))), target
