"""The spatial stream: a picture to 15 heatmaps, and each heatmap to a token of its joint."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.resnet import resnet18
from engine.skeleton import JOINT_COUNT

LEAK = 0.2
POSITIVE_WEIGHT = 12.0
"""How much more a heatmap's peak counts than its background in training, as published."""


class ConcatDecoder(nn.Module):
    """The published decoder: upsample, concatenate a skip, 3x3 convolution; no norm."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.skips = nn.ModuleList(nn.Conv2d(c, c, 1) for c in channels)
        a, b, c, d = channels
        self.merges = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in ((d + c, c), (c + b, b), (b + a, a)))
        self.channels = a

    def forward(self, taps: tuple[Tensor, ...]) -> Tensor:
        skips = [F.leaky_relu(skip(tap), LEAK) for skip, tap in zip(self.skips, taps, strict=True)]
        x = skips[3]
        for merge, skip in zip(self.merges, reversed(skips[:3]), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.leaky_relu(merge(torch.cat([x, skip], 1)), LEAK)
        return x


class LightDecoder(nn.Module):
    """A feature pyramid of 64 channels (Lin et al. 2017), one 3x3 convolution a level."""

    channels = 64

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, self.channels, 1) for c in channels)
        self.smooths = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(self.channels, self.channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(self.channels),
                nn.ReLU(),
            )
            for _ in channels[:3]
        )

    def forward(self, taps: tuple[Tensor, ...]) -> Tensor:
        levels = [lateral(tap) for lateral, tap in zip(self.laterals, taps, strict=True)]
        x = levels[3]
        for smooth, level in zip(self.smooths, reversed(levels[:3]), strict=True):
            x = smooth(F.interpolate(x, scale_factor=2.0, mode="nearest") + level)
        return x


class Peaks(NamedTuple):
    """Where the heatmaps peak, and how surely."""

    uv: Tensor
    """(N, 15, 2) soft-argmax in canonical coordinates, 0..1 across the picture."""
    spread: Tensor
    """(N, 15, 1) standard deviation about the peak, same units."""
    height: Tensor
    """(N, 15, 1) the sigmoid of the largest logit."""
    weights: Tensor
    """(N, 15, h*h) the distribution whose mean `uv` is."""


class SpatialOutput(NamedTuple):
    """What the spatial stream says of N pictures."""

    logits: Tensor
    """(N, 15, h, h) heatmaps before the sigmoid."""
    peaks: Peaks
    reads: Tensor
    """(N, 15, R) what is read under, of and about each heatmap: what the tokens are made of."""
    tokens: Tensor
    """(N, 15, joint_dim)."""
    summary: Tensor
    """(N, C) the encoder's deepest map, averaged over the picture."""


class ShapeReader(nn.Module):
    """The published tokeniser: one heatmap's shape, (N, 1, h, h) to (N, 1024)."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(1, 16, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )

    def forward(self, heatmaps: Tensor) -> Tensor:
        return self.convs(heatmaps)


class SpatialStream(nn.Module):
    """A picture to heatmaps, their peaks, and one token a joint.

    A token is made of what the picture looks like under its heatmap, where the heatmap
    peaks and how surely, the heatmap's shape (where asked for), and the joint's identity,
    without which the fusion could not tell whose token it is.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = resnet18(config.spatial_width)
        self.decoder: ConcatDecoder | LightDecoder
        self.decoder = (ConcatDecoder if config.decoder == "concat" else LightDecoder)(self.encoder.channels)
        self.head = nn.Conv2d(self.decoder.channels, JOINT_COUNT, 1)
        if self.head.bias is not None:
            # A heatmap is nearly empty: starting near 2 % spares the first epochs.
            nn.init.constant_(self.head.bias, -4.0)
        self.sharpness = nn.Parameter(torch.zeros(()))
        self.shape = ShapeReader() if config.shape_tokens else None
        reads = self.decoder.channels + 4 + (1024 if config.shape_tokens else 0)
        self.project = nn.Linear(reads, config.joint_dim)
        self.norm = nn.LayerNorm(config.joint_dim)
        identity = nn.Parameter(torch.randn(JOINT_COUNT, config.joint_dim) * 0.02)
        self.identity = identity if config.joint_identity else None

    def forward(self, x: Tensor) -> SpatialOutput:
        taps = self.encoder(x)
        features = self.decoder(taps)
        logits = self.head(features).float()
        peaks = find_peaks(logits, self.sharpness.exp())
        reads = self.read(features.float(), logits, peaks)
        return SpatialOutput(logits, peaks, reads, self.tokens(reads), taps[3].float().mean((2, 3)))

    def read(self, features: Tensor, logits: Tensor, peaks: Peaks) -> Tensor:
        """(N, C, h, h) features and heatmaps to (N, 15, R)."""
        # Flattened with the channels last, as convolutions leave them, so that nothing is moved about.
        under = peaks.weights @ features.permute(0, 2, 3, 1).flatten(1, 2)
        reads = [under, peaks.uv * 2 - 1, peaks.spread, peaks.height]
        if self.shape is not None:
            reads.append(self.shape(logits.sigmoid().flatten(0, 1)[:, None]).unflatten(0, logits.shape[:2]))
        return torch.cat(reads, -1)

    def tokens(self, reads: Tensor) -> Tensor:
        """(..., 15, R) to (..., 15, joint_dim)."""
        tokens: Tensor = self.norm(self.project(reads))
        return tokens if self.identity is None else tokens + self.identity


def heat(logits: Tensor) -> Tensor:
    """Heatmap logits, any shape, to what the targets were: 1 at a joint that is surely there.

    Training weighs the peaks up, which makes the plain sigmoid too wide and too sure; the
    weight is taken out here.
    """
    return (logits - math.log(POSITIVE_WEIGHT)).sigmoid()


def find_peaks(logits: Tensor, sharpness: Tensor) -> Peaks:
    """(N, J, h, h) heatmap logits to their soft-argmax (Sun et al. 2018), spread and height."""
    side = logits.shape[-1]
    weights = (logits.flatten(2) * sharpness).softmax(-1)
    grid = weights.unflatten(-1, (side, side))
    centres = (torch.arange(side, device=logits.device, dtype=logits.dtype) + 0.5) / side
    across, down = grid.sum(-2), grid.sum(-1)
    uv = torch.stack([across @ centres, down @ centres], -1)
    second = torch.stack([across @ centres.square(), down @ centres.square()], -1)
    spread = (second - uv.square()).sum(-1, keepdim=True).clamp_min(1e-8).sqrt()
    height = logits.flatten(2).amax(-1, keepdim=True).sigmoid()
    return Peaks(uv, spread, height, weights)
