"""The temporal stream: per-frame motion features to what the wearer is doing, causally.

Every operation looks left only, and the coarse levels are dilated instead of strided:
each frame's output depends on the past alone and is computed in the same phase, so that
a stream gives what the window gives.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.resnet import resnet50

LOCAL_KEYS = 9
LAYER_SCALE = 0.1
MIN_SPREAD = 1e-3
"""Of a channel that hardly ever speaks: what it once says is not blown up."""


class MotionEncoder(nn.Module):
    """The motion feature of one picture, (N, 3, S, S) or (N, C) to (N, motion_dim).

    With a ResNet-50 of its own it reads the picture; sharing the spatial encoder it
    reads that encoder's summary.
    """

    def __init__(self, config: NetworkConfig, summary_channels: int) -> None:
        super().__init__()
        self.encoder = resnet50() if config.motion == "resnet50" else None
        channels = summary_channels if self.encoder is None else self.encoder.channels[3]
        self.project = nn.Linear(channels, config.motion_dim)
        self.norm = nn.LayerNorm(config.motion_dim)

    @torch.no_grad()
    def begin_at(self, summaries: Tensor) -> None:
        """Begin anew from what the (N, C) summaries of some pictures have in common, and how far they differ.

        Most of a summary is the same in all pictures. Left in, it is all that the norm lets through: the feature
        then hardly differs from picture to picture, and what follows learns to do without it.
        """
        self.project.reset_parameters()
        self.norm.reset_parameters()
        spread, centre = torch.std_mean(summaries.to(self.project.weight), 0)
        self.project.weight.div_(spread.clamp_min(MIN_SPREAD))
        self.project.bias.sub_(self.project.weight @ centre)

    def forward(self, x: Tensor) -> Tensor:
        return self.feature(self.summary(x))

    def summary(self, x: Tensor) -> Tensor:
        """(N, 3, S, S) or (N, C) to the (N, C) average over the picture of the encoder's deepest map."""
        return x if self.encoder is None else self.encoder(x)[3].float().mean((2, 3))

    def feature(self, summary: Tensor) -> Tensor:
        """(..., C) to (..., motion_dim)."""
        projected: Tensor = self.norm(self.project(summary))
        return projected


class CausalBlock(nn.Module):
    """An ActionFormer block (Zhang et al. 2022) that looks left only, dilated instead of strided.

    Depthwise convolution for each of query, key and value, attention over the past, a
    feed-forward; residuals scaled per channel. The coarse blocks' skip is a max-pool, as
    published.
    """

    def __init__(self, width: int, heads: int, dilation: int, whole_past: bool) -> None:
        super().__init__()
        self.heads, self.dilation, self.whole_past = heads, dilation, whole_past
        self.norm = nn.LayerNorm(width)
        self.convs = nn.Conv1d(width, 3 * width, 3, groups=width, dilation=dilation)
        self.conv_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.attention_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.feed_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(self, x: Tensor, valid: Tensor, newest: bool = False) -> Tensor:
        """(B, T, C) and (B, T) to (B, T, C), or with `newest` to the last frame's (B, 1, C) alone.

        Frames that are not valid are as if never seen.
        """
        asked = slice(-1 if newest else 0, None)
        skip = x if self.dilation == 1 else self.pool(x, valid)
        x = skip[:, asked] + self.attention_scale * self.attend(x, valid, asked)
        return x + self.feed_scale * self.feed(x)

    def pool(self, x: Tensor, valid: Tensor) -> Tensor:
        """The maximum of this frame and the two that lie one and two dilations back."""
        reach = 2 * self.dilation
        x = x.masked_fill(~valid[..., None], float("-inf"))
        padded = F.pad(x, (0, 0, reach, 0), value=float("-inf"))
        length = x.shape[1]
        taps = [padded[:, k * self.dilation : k * self.dilation + length] for k in range(3)]
        pooled = torch.maximum(torch.maximum(taps[0], taps[1]), taps[2])
        return pooled.masked_fill(~valid[..., None], 0.0)

    def attend(self, x: Tensor, valid: Tensor, asked: slice) -> Tensor:
        """(B, T, C) and (B, T) to (B, n, C) for the frames that are asked for."""
        length, width = x.shape[1:]
        # Frames never seen must act as the zeros that pad the left end.
        x = self.norm(x) * valid[..., None]
        padded = F.pad(x.transpose(1, 2), (2 * self.dilation, 0))
        # Kept as one, run as three: taking every third channel apart costs more than the convolutions.
        weight, bias = self.convs.weight, self.convs.bias
        assert bias is not None
        q, k, v = (
            norm(F.conv1d(padded, weight[i::3], bias[i::3], dilation=self.dilation, groups=width).transpose(1, 2))
            for i, norm in enumerate(self.conv_norms)
        )

        def split(t: Tensor) -> Tensor:
            return t.unflatten(-1, (self.heads, width // self.heads)).transpose(1, 2)

        allowed = self.reach(length, x.device)[None] & valid[:, None, :]
        # A frame always sees itself: a row without a key would be NaN.
        allowed = allowed | torch.eye(length, dtype=torch.bool, device=x.device)
        y = F.scaled_dot_product_attention(
            split(self.query(q[:, asked])), split(self.key(k)), split(self.value(v)), attn_mask=allowed[:, None, asked]
        )
        return self.out(y.transpose(1, 2).flatten(2))

    def reach(self, length: int, device: torch.device) -> Tensor:
        """(T, T) whether the frame of a row may see the frame of a column."""
        steps = torch.arange(length, device=device)
        back = steps[:, None] - steps[None]
        if self.whole_past:
            return back >= 0
        return (back >= 0) & (back < LOCAL_KEYS * self.dilation) & (back % self.dilation == 0)


class NoMotion(nn.Module):
    """The temporal stream of a network that has none: zeros, so that nothing of the past enters a pose."""

    def forward(self, features: Tensor, _valid: Tensor) -> Tensor:
        return torch.zeros_like(features)

    def newest(self, features: Tensor, _valid: Tensor) -> Tensor:
        """The last frame's, (B, motion_dim)."""
        return torch.zeros_like(features[:, -1])


class TemporalStream(nn.Module):
    """(B, T, motion_dim) motion features to (B, T, motion_dim) motion, all levels mixed.

    The full-rate level and every coarser one enter the mix at full length, so that
    neighbouring frames never share an output, and nothing depends on T.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            CausalBlock(config.motion_dim, config.temporal_heads, dilation, whole)
            for dilation, whole in zip(config.temporal_dilations, config.temporal_global, strict=True)
        )
        self.mix = nn.Linear(config.motion_dim * len(self.blocks), config.motion_dim)
        self.norm = nn.LayerNorm(config.motion_dim)

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        levels = []
        x = features
        for block in self.blocks:
            x = block(x, valid)
            levels.append(x)
        return self.norm(self.mix(torch.cat(levels, -1)))

    def newest(self, features: Tensor, valid: Tensor) -> Tensor:
        """The last frame's motion alone, (B, motion_dim): the last block need not look for the others."""
        levels = []
        x = features
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            x = block(x, valid, newest=i == last)
            levels.append(x[:, -1])
        return self.norm(self.mix(torch.cat(levels, -1)))
