"""Fusion: joint tokens and motion to 15 joints in metres, lifted along the calibrated bearings."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.spatial import Peaks
from engine.skeleton import JOINT_COUNT

TABLE_RADIUS = 1.5
MIN_DISTANCE_M = 0.05
SMALL_SHARE = 0.2
"""How much of what is to correct geometry is let through."""
MOVED = (0.02, 0.02, 0.05)
"""How far a peak ordinarily moves in a few frames, as a share of the picture, and a joint along its ray, in metres."""


class Past(NamedTuple):
    """What is remembered of the K frames before each of N pictures, oldest first; K is token_window - 1."""

    tokens: Tensor
    """(N, K, 15, joint_dim)."""
    uv: Tensor
    """(N, K, 15, 2) where the heatmaps peaked, see `Peaks`."""
    known: Tensor
    """(N, K) bool: which of the frames there were. What is not known counts for nothing."""


class Fusion(nn.Module):
    """A transformer decoder with one learnable query a joint over tokens that carry the motion.

    The tokens are the newest frame's and, where the network remembers them, those of the frames just before it: a
    joint that is hidden or doubtful now was perhaps seen a moment ago.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.joint_dim
        self.motion = nn.Linear(config.motion_dim, width)
        self.merge = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.blind = nn.Parameter(torch.randn(JOINT_COUNT, width) * 0.02) if config.streams == "motion" else None
        """Stands in for the tokens where the pose is to come from the motion alone."""
        self.decoder: nn.TransformerDecoder | None = None
        if config.cross_attention:
            self.queries = nn.Parameter(torch.randn(JOINT_COUNT, width) * 0.02)
            layer = nn.TransformerDecoderLayer(width, config.fusion_heads, 4 * width, dropout=0.1, batch_first=True)
            self.decoder = nn.TransformerDecoder(layer, config.fusion_layers)
        past = config.token_window - 1 if config.cross_attention and config.streams == "both" else 0
        self.ages = nn.Parameter(torch.randn(past, 1, width) * 0.02) if past else None
        """Tells the remembered frames apart, oldest first."""

    def forward(self, tokens: Tensor, motion: Tensor, past: Past) -> Tensor:
        """(N, 15, joint_dim) newest tokens, (N, motion_dim) motion and the past to (N, 15, joint_dim)."""
        if self.blind is not None:
            tokens = self.blind.expand_as(tokens)
        motion = self.motion(motion)[:, None].expand_as(tokens)
        # The tokens' own sum keeps the joint identities whatever the merge learns.
        memory: Tensor = tokens + self.merge(torch.cat([tokens, motion], -1))
        if self.decoder is None:
            return memory
        queries = self.queries.expand(len(tokens), -1, -1)
        if self.ages is None:
            alone: Tensor = self.decoder(queries, memory)
            return alone
        memory = torch.cat([(past.tokens + self.ages).flatten(1, 2), memory], 1)
        unknown = torch.cat([~past.known, torch.zeros_like(past.known[:, :1])], 1).repeat_interleave(JOINT_COUNT, 1)
        fused: Tensor = self.decoder(queries, memory, memory_key_padding_mask=unknown)
        return fused


class FreeHead(nn.Module):
    """Joint = mean joint + what the published head regresses: three layers, no geometry, in metres."""

    angle_table: Tensor
    mean_joints: Tensor

    def __init__(self, config: NetworkConfig, angle_table: Tensor) -> None:
        """`angle_table`: kept with the weights as every network's, and not used."""
        super().__init__()
        self.register_buffer("angle_table", angle_table.to(torch.float32).clone())
        self.register_buffer("mean_joints", torch.zeros(JOINT_COUNT, 3))
        width = config.joint_dim
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.1), nn.Linear(width, width // 2), nn.LeakyReLU(0.1)
        )
        self.last = nn.Linear(width // 2, 3)

    def begin_at(self, mean_joints: Tensor) -> None:
        """Start training from this mean pose, (15, 3) metres."""
        self.mean_joints.copy_(mean_joints)

    def forward(self, x: Tensor, _tokens: Tensor, _peaks: Peaks, _past: Past) -> Tensor:
        """(N, 15, joint_dim) to (N, 15, 3) metres, camera frame."""
        regressed: Tensor = self.last(self.layers(x))
        return self.mean_joints + regressed


class Steadier(nn.Module):
    """By how much a joint is elsewhere than the newest frame alone has it, from where the frames before had it.

    A causal filter with as many taps as frames are kept, whose weights the network sets anew for every joint and frame:
    long for one that is hidden and rests, short or ahead of the newest frame for one that moves. Of a distance only
    its changes from frame to frame are read off the tokens, so that a single picture's pose is the rest of the head's.
    """

    scale: Tensor

    def __init__(self, width: int, frames: int) -> None:
        """`width` of the tokens; `frames` before the newest."""
        super().__init__()
        self.register_buffer("scale", torch.tensor(MOVED), persistent=False)
        last = nn.Linear(width, 1)
        self.distance = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.1), last)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(nn.Linear(width + 4 + 3 * frames, width), nn.LeakyReLU(0.1))
        self.last = nn.Linear(width, 2 * frames)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, reads: Tensor, tokens: Tensor, uv: Tensor, past: Past) -> tuple[Tensor, Tensor]:
        """(N, 15, width + 4) of the fused tokens, the newest frame's own (N, 15, width), its peaks (N, 15, 2) and the
        past to what peaks (N, 15, 2) and distances (N, 15, 1), metres, change by."""
        now = torch.cat([uv, self.distance(tokens)], -1)
        before = torch.cat([past.uv, self.distance(past.tokens)], -1)
        moved = ((before - now[:, None]) * past.known[:, :, None, None]).transpose(1, 2)
        taps = self.last(self.layers(torch.cat([reads, (moved / self.scale).flatten(2)], -1)))
        across, along = taps.unflatten(-1, (-1, 2)).split(1, -1)
        change = (torch.cat([across, across, along], -1) * moved).sum(2)
        return change[..., :2], change[..., 2:]


class BearingHead(nn.Module):
    """Joint = bearing of the heatmap's peak x predicted distance + a small free offset, in metres.

    Where the joint is in the picture, geometry gives its direction exactly; the network has
    only its distance to find. The offset serves joints outside the picture.
    """

    angle_table: Tensor
    mean_distance: Tensor

    def __init__(self, config: NetworkConfig, angle_table: Tensor) -> None:
        """`angle_table`: (n,) radians from the optical axis at canonical radius linspace(0, 1.5, n)."""
        super().__init__()
        self.register_buffer("angle_table", angle_table.to(torch.float32).clone())
        self.register_buffer("mean_distance", torch.full((JOINT_COUNT, 1), 0.6))
        width = config.joint_dim
        self.layers = nn.Sequential(
            nn.Linear(width + 4, width), nn.LeakyReLU(0.1), nn.Linear(width, width // 2), nn.LeakyReLU(0.1)
        )
        self.last = nn.Linear(width // 2, 4)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)
        past = config.token_window - 1 if config.steady and config.streams == "both" else 0
        self.steadier = Steadier(width, past) if past else None

    def begin_at(self, mean_joints: Tensor) -> None:
        """Start training from the distances of this mean pose, (15, 3) metres."""
        self.mean_distance.copy_(mean_joints.norm(dim=-1, keepdim=True))

    def forward(self, x: Tensor, tokens: Tensor, peaks: Peaks, past: Past) -> Tensor:
        """(N, 15, joint_dim) fused and newest tokens, the peaks and the past to (N, 15, 3) metres, camera frame."""
        reads = torch.cat([x, peaks.uv * 2 - 1, peaks.spread, peaks.height], -1)
        distance, offset = self.last(self.layers(reads)).split((1, 3), -1)
        uv = peaks.uv
        if self.steadier is not None:
            aside, along = self.steadier(reads, tokens, uv, past)
            uv, distance = uv + aside, distance + along
        distance = (self.mean_distance + distance).clamp_min(MIN_DISTANCE_M)
        return self.bearings(uv) * distance + SMALL_SHARE * offset

    def bearings(self, uv: Tensor) -> Tensor:
        """(..., 2) canonical coordinates to (..., 3) unit bearings, through the lens's angle table."""
        q = uv * 2 - 1
        radius = q.square().sum(-1, keepdim=True).clamp_min(1e-12).sqrt()
        last = len(self.angle_table) - 1
        position = (radius / TABLE_RADIUS * last).clamp(0.0, last - 1e-3)
        index = position.detach().floor().long()
        below, above = self.angle_table[index], self.angle_table[index + 1]
        angle = below + (above - below) * (position - index)
        return torch.cat([q / radius * angle.sin(), angle.cos()], -1)
