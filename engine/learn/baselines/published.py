"""AG-EgoPose as published (Azam, Quarles, Desai; arXiv 2603.25175), its faults behind switches.

Written from the paper's and its code's facts, to be trained on the same pictures as ours. Each fault is on by
default and can be switched off by itself, to see what it costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.network import PICTURE_MEAN, PICTURE_STD, Encoded, NetworkOutput
from engine.network.resnet import resnet18, resnet50
from engine.network.spatial import ConcatDecoder, ShapeReader, find_peaks, heat
from engine.skeleton import JOINT_COUNT

LOCAL_KEYS = 9
LAYER_SCALE = 1e-4
DROP_PATH = 0.1


@dataclass(frozen=True, slots=True)
class Faults:
    """What the published code gets wrong, as numbered in its description."""

    anonymous_tokens: bool = True
    """1: no joint identity, so that the fusion cannot tell whose heatmap a token is of."""
    idle_transformer: bool = True
    """2: a transformer over the joint tokens is computed and thrown away."""
    frozen_mix: bool = True
    """3: the layer that mixes the temporal scales stays as it was drawn."""
    strided: bool = True
    """4: every temporal scale halves the rate, so that frames 2k and 2k + 1 get one motion."""
    acausal: bool = True
    """5: the newest frame changes what was said of all frames before it."""


ALL_FAULTS = Faults()


class PublishedSpatial(nn.Module):
    """A picture to heatmaps, and each heatmap's shape to a token: one tokeniser for all joints."""

    def __init__(self, config: NetworkConfig, faults: Faults) -> None:
        super().__init__()
        self.encoder = resnet18(config.spatial_width)
        self.decoder = ConcatDecoder(self.encoder.channels)
        self.head = nn.Conv2d(self.decoder.channels, JOINT_COUNT, 1)
        self.shape = ShapeReader()
        self.project = nn.Linear(1024, config.joint_dim)
        self.norm = nn.LayerNorm(config.joint_dim)
        identity = nn.Parameter(torch.randn(JOINT_COUNT, config.joint_dim) * 0.02)
        self.identity = None if faults.anonymous_tokens else identity

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) to (N, 15, h, h) logits and the (N, C) average of the encoder's deepest map."""
        taps = self.encoder(x)
        return self.head(self.decoder(taps)).float(), taps[3].float().mean((2, 3))

    def tokens(self, logits: Tensor) -> Tensor:
        """(N, 15, h, h) to (N, 15, joint_dim)."""
        shapes = self.shape(logits.sigmoid().flatten(0, 1)[:, None]).unflatten(0, logits.shape[:2])
        tokens: Tensor = self.norm(self.project(shapes))
        return tokens if self.identity is None else tokens + self.identity


class PublishedMotion(nn.Module):
    """A frame's feature: ResNet-50 (or the spatial encoder's summary, where shared), a linear layer, BatchNorm."""

    def __init__(self, config: NetworkConfig, summary_channels: int) -> None:
        super().__init__()
        self.encoder = resnet50() if config.motion == "resnet50" else None
        channels = summary_channels if self.encoder is None else self.encoder.channels[3]
        self.project = nn.Linear(channels, config.motion_dim)
        self.norm = nn.BatchNorm1d(config.motion_dim)

    def feature(self, summary: Tensor) -> Tensor:
        """(B, T, C) to (B, T, motion_dim)."""
        return self.norm(self.project(summary).flatten(0, 1)).unflatten(0, summary.shape[:2])


class ActionBlock(nn.Module):
    """A block of ActionFormer (Zhang et al. 2022): strided depthwise convolutions for query, key and value,
    attention, feed-forward; both residuals scaled per channel, with drop-path."""

    def __init__(self, width: int, heads: int, faults: Faults, dilation: int, local: bool) -> None:
        super().__init__()
        self.heads, self.local, self.causal = heads, local, not faults.acausal
        self.stride, self.dilation = (2, 1) if faults.strided else (1, dilation)
        self.before = nn.LayerNorm(width)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, 3, self.stride, groups=width, dilation=self.dilation, bias=False) for _ in range(3)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.projections = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.after = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.attention_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.feed_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T / stride, C)."""
        y = self.before(x).transpose(1, 2)
        q, k, v = (
            projection(norm(conv(self.padded(y)).transpose(1, 2)))
            for conv, norm, projection in zip(self.convs, self.norms, self.projections, strict=True)
        )
        skip = F.max_pool1d(self.padded(x.transpose(1, 2), float("-inf")), 3, self.stride, 0, self.dilation)
        x = skip.transpose(1, 2) + self.dropped(self.attention_scale * self.attend(q, k, v))
        return x + self.dropped(self.feed_scale * self.feed(self.after(x)))

    def padded(self, x: Tensor, value: float = 0.0) -> Tensor:
        reach = 2 * self.dilation
        return F.pad(x, (reach, 0) if self.causal else (reach // 2, reach - reach // 2), value=value)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        length = q.shape[1]
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        steps = torch.arange(length, device=q.device)
        back = steps[:, None] - steps[None]
        allowed = torch.ones_like(back, dtype=torch.bool)
        if self.local:
            reach = (LOCAL_KEYS - 1) * self.dilation
            allowed = back.abs() <= (reach if self.causal else reach // 2)
        if self.causal:
            allowed = allowed & (back >= 0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return mixed

    def dropped(self, x: Tensor) -> Tensor:
        """Drop-path: a whole sample's residual is left out at random."""
        if not self.training:
            return x
        keep = torch.rand(len(x), 1, 1, device=x.device) >= DROP_PATH
        return x * keep / (1 - DROP_PATH)


class ActionBackbone(nn.Module):
    """(B, T, C) to (B, T, C): local and global blocks, every scale brought back to T and mixed by a 1x1 convolution."""

    def __init__(self, config: NetworkConfig, faults: Faults) -> None:
        super().__init__()
        width = config.motion_dim
        self.blocks = nn.ModuleList(
            ActionBlock(width, config.temporal_heads, faults, 2**level, not whole)
            for level, whole in enumerate(config.temporal_global)
        )
        self.mix = nn.Linear(width * len(self.blocks), width)
        self.mix.requires_grad_(not faults.frozen_mix)

    def forward(self, x: Tensor) -> Tensor:
        length, scales = x.shape[1], []
        for block in self.blocks:
            x = block(x)
            scales.append(F.interpolate(x.transpose(1, 2), size=length, mode="nearest").transpose(1, 2))
        return self.mix(torch.cat(scales, -1))


class PublishedFusion(nn.Module):
    """Motion beside every token, a transformer decoder with a learned query a joint, a head that regresses metres."""

    def __init__(self, config: NetworkConfig, faults: Faults) -> None:
        super().__init__()
        width = config.joint_dim
        self.motion = nn.Linear(config.motion_dim, width)
        self.merge = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.queries = nn.Parameter(torch.randn(JOINT_COUNT, width) * 0.02)
        layer = nn.TransformerDecoderLayer(width, config.fusion_heads, 4 * width, dropout=0.1, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, config.fusion_layers)
        idle = nn.TransformerEncoderLayer(width, config.fusion_heads, 4 * width, dropout=0.1, batch_first=True)
        self.idle = nn.TransformerEncoder(idle, 2, enable_nested_tensor=False) if faults.idle_transformer else None
        if self.idle is not None:
            self.idle.requires_grad_(False)  # nothing of it reaches the pose
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.1),
            nn.Linear(width, width // 2), nn.LeakyReLU(0.1),
            nn.Linear(width // 2, 3),
        )  # fmt: skip

    def forward(self, tokens: Tensor, motion: Tensor) -> Tensor:
        """(N, 15, joint_dim) and (N, motion_dim) to (N, 15, 3) metres, camera frame."""
        if self.idle is not None:
            self.idle(tokens)
        motion = self.motion(motion)[:, None].expand_as(tokens)
        memory = self.merge(torch.cat([tokens, motion], -1))
        joints: Tensor = self.head(self.decoder(self.queries.expand(len(tokens), -1, -1), memory))
        return joints

    def begin_at(self, mean_joints: Tensor) -> None:
        """Start training at the mean of all joints: the published head has one bias for all of them."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.bias.copy_(mean_joints.mean(0))


class PublishedNetwork(nn.Module):
    """The published network, in the sizes of a `NetworkConfig`; its window is a whole clip, decoded at once."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig, faults: Faults = ALL_FAULTS) -> None:
        super().__init__()
        self.config, self.faults = config, faults
        self.register_buffer("mean", torch.tensor(PICTURE_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PICTURE_STD).view(3, 1, 1), persistent=False)
        self.spatial = PublishedSpatial(config, faults)
        self.motion = PublishedMotion(config, self.spatial.encoder.channels[3])
        self.temporal = ActionBackbone(config, faults)
        self.fusion = PublishedFusion(config, faults)

    @property
    def head(self) -> PublishedFusion:
        """What training begins at the mean pose."""
        return self.fusion

    def forward_window(self, frames: Tensor) -> NetworkOutput:
        """(B, T, S, S, 3) uint8 BGR to a pose for each of the B x T frames. Unlike the published code, any T."""
        encoded, logits = self._encode(frames)
        joints, actions = self.follow(encoded)
        confidence = heat(logits.flatten(3).amax(-1))
        return NetworkOutput(joints, logits, encoded.uv, confidence, actions)

    def encode(self, pictures: Tensor) -> Encoded:
        """(B, T, S, S, 3) uint8 BGR to what the encoders say; `reads` are the heatmaps, row by row."""
        return self._encode(pictures)[0]

    def _encode(self, pictures: Tensor) -> tuple[Encoded, Tensor]:
        x = (pictures.flatten(0, 1).permute(0, 3, 1, 2).float() - self.mean) / self.std
        logits, summary = self.spatial(x)
        if self.motion.encoder is not None:
            summary = self.motion.encoder(x)[3].float().mean((2, 3))
        peaks = find_peaks(logits, torch.ones((), device=logits.device))
        flat = Encoded(logits.flatten(2), peaks.uv, peaks.spread, peaks.height, summary)
        shape = pictures.shape[:2]
        return Encoded(*(part.unflatten(0, shape) for part in flat)), logits.unflatten(0, shape)

    def follow(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Encoded windows to (B, T, 15, 3) joints in metres and (B, T, 0) actions: it names none."""
        batch, length = encoded.uv.shape[:2]
        side = math.isqrt(encoded.reads.shape[-1])
        tokens = self.spatial.tokens(encoded.reads.flatten(0, 1).unflatten(-1, (side, side)))
        motion = self.temporal(self.motion.feature(encoded.summary))
        joints = self.fusion(tokens, motion.flatten(0, 1)).unflatten(0, (batch, length))
        return joints, joints.new_empty(batch, length, 0)

    forward = forward_window
