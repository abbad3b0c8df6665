"""The whole network: both streams, their fusion, and the two ways to run it.

`forward_window` takes whole windows, as training does. `step` takes one frame and what is
remembered of those before it, as the live program does. Both give the same pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.fusion import BearingHead, FreeHead, Fusion, Past
from engine.network.spatial import Peaks, SpatialOutput, SpatialStream, heat
from engine.network.temporal import MotionEncoder, NoMotion, TemporalStream
from engine.skeleton import JOINT_COUNT

# BGR, in units of 0..255: the ImageNet statistics that pretrained encoders expect.
PICTURE_MEAN = (103.53, 116.28, 123.675)
PICTURE_STD = (57.375, 57.12, 58.395)


Module = TypeVar("Module", bound=nn.Module)


class NetworkOutput(NamedTuple):
    """What the network says; the leading dimensions are the pictures'."""

    joints: Tensor
    """(..., 15, 3) metres, camera frame."""
    logits: Tensor
    """(..., 15, h, h) heatmaps before the sigmoid."""
    uv: Tensor
    """(..., 15, 2) canonical coordinates of the peaks, 0..1 across the picture."""
    confidence: Tensor
    """(..., 15) in 0..1, how surely the joint is in the picture and not hidden."""
    action_logits: Tensor
    """(..., A)."""


class Encoded(NamedTuple):
    """All that comes out of the picture encoders and goes into what follows them; leading dimensions (B, T)."""

    reads: Tensor
    """(B, T, 15, R) see `SpatialOutput`."""
    uv: Tensor
    """(B, T, 15, 2)."""
    spread: Tensor
    """(B, T, 15, 1)."""
    height: Tensor
    """(B, T, 15, 1)."""
    summary: Tensor
    """(B, T, C) see `MotionEncoder`."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What is remembered of the last frames, newest last."""

    features: Tensor
    """(B, T, memory_dim) motion features, and behind them the joints' tokens and peaks where they are read later."""
    valid: Tensor
    """(B, T) bool: False where there was no frame yet."""


class NoActions(nn.Module):
    """The action head of a network that was not taught any: (..., C) to (..., 0)."""

    def forward(self, motion: Tensor) -> Tensor:
        return motion[..., :0]


class PoseNetwork(nn.Module):
    """AG-EgoPose's dual-stream design, causal, with joint identities and a bearing head."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig, angle_table: Tensor) -> None:
        """`angle_table`: the canonical lens, see `BearingHead`."""
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.tensor(PICTURE_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PICTURE_STD).view(3, 1, 1), persistent=False)
        self.spatial = SpatialStream(config)
        self.motion = MotionEncoder(config, self.spatial.encoder.channels[3])
        self.temporal: NoMotion | TemporalStream
        self.temporal = NoMotion() if config.streams == "spatial" else TemporalStream(config)
        self.fusion = Fusion(config)
        self.head: BearingHead | FreeHead
        self.head = BearingHead(config, angle_table) if config.head == "bearing" else FreeHead(config, angle_table)
        self.action = nn.Linear(config.motion_dim, len(config.actions)) if config.actions else NoActions()

    def begin_motion(self, summaries: Tensor) -> None:
        """Begin the temporal stream anew, and what reads it, from (N, C) summaries of pictures.

        Single pictures teach it to say the same of all of them.
        """
        device = summaries.device
        self.motion.begin_at(summaries)
        if isinstance(self.temporal, TemporalStream):
            self.temporal = TemporalStream(self.config).to(device)
        self.fusion.motion.reset_parameters()
        if isinstance(self.action, nn.Linear):
            self.action.reset_parameters()

    def normalise(self, pictures: Tensor) -> Tensor:
        """(N, S, S, 3) uint8 BGR to (N, 3, S, S) floats as the encoders expect them."""
        # Cast before it is turned: TensorRT moves no bytes about.
        x = pictures.float().permute(0, 3, 1, 2)
        return (x - self.mean) / self.std

    def see(self, pictures: Tensor) -> tuple[SpatialOutput, Tensor]:
        """(N, S, S, 3) uint8 BGR to the spatial stream's output and (N, memory_dim) what is to be remembered."""
        x = self.normalise(pictures)
        spatial = self.spatial(x)
        return spatial, self.keep(spatial, self.motion(x if self.motion.encoder is not None else spatial.summary))

    def keep(self, spatial: SpatialOutput, feature: Tensor) -> Tensor:
        """N pictures' spatial output and (N, motion_dim) motion features to the (N, memory_dim) to be remembered."""
        if self.config.token_window == 1:
            return feature
        return kept_row(feature, spatial.tokens, spatial.peaks.uv)

    def encode(self, pictures: Tensor) -> Encoded:
        """(B, T, S, S, 3) uint8 BGR to what the encoders say of them, without what follows."""
        x = self.normalise(pictures.flatten(0, 1))
        spatial = self.spatial(x)
        summary = self.motion.summary(x if self.motion.encoder is not None else spatial.summary)
        peaks = spatial.peaks
        flat = Encoded(spatial.reads, peaks.uv, peaks.spread, peaks.height, summary)
        return Encoded(*(part.unflatten(0, pictures.shape[:2]) for part in flat))

    def follow(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """What `forward_window` makes of encoded windows: (B, T, 15, 3) joints in metres and (B, T, A) actions."""
        valid = torch.ones(encoded.uv.shape[:2], dtype=torch.bool, device=encoded.uv.device)
        motion = self.temporal(self.motion.feature(encoded.summary), valid)
        tokens = self.spatial.tokens(encoded.reads)
        past = self.pasts(tokens, encoded.uv, valid)
        newest = tokens.flatten(0, 1)
        fused = self.fusion(newest, motion.flatten(0, 1), past)
        uv, spread, height = (part.flatten(0, 1) for part in (encoded.uv, encoded.spread, encoded.height))
        peaks = Peaks(uv, spread, height, uv.new_empty(0))
        return self.head(fused, newest, peaks, past).unflatten(0, valid.shape), self.action(motion)

    def pasts(self, tokens: Tensor, uv: Tensor, valid: Tensor) -> Past:
        """(B, T, 15, joint_dim) tokens of windows, their peaks (B, T, 15, 2) and which are valid, (B, T), to the past
        of each of the B * T frames."""
        reach = self.config.token_window - 1
        return Past(before(tokens, reach), before(uv, reach), before(valid, reach))

    def decode(self, spatial: SpatialOutput, motion: Tensor, past: Past) -> NetworkOutput:
        """N pictures' spatial output, (N, motion_dim) motion and what is remembered to N poses."""
        fused = self.fusion(spatial.tokens, motion, past)
        return NetworkOutput(
            self.head(fused, spatial.tokens, spatial.peaks, past),
            spatial.logits,
            spatial.peaks.uv,
            heat(spatial.logits.flatten(2).amax(-1)),
            self.action(motion),
        )

    def forward_window(self, frames: Tensor) -> NetworkOutput:
        """(B, T, S, S, 3) uint8 BGR to a pose for each of the B x T frames.

        Frame t of a window depends on frames 0..t of that window alone.
        """
        batch, length = frames.shape[:2]
        spatial, features = self.see(frames.flatten(0, 1))
        features = features.view(batch, length, -1)[..., : self.config.motion_dim]
        valid = torch.ones(batch, length, dtype=torch.bool, device=frames.device)
        motion = self.temporal(features, valid)
        tokens, uv = (part.unflatten(0, (batch, length)) for part in (spatial.tokens, spatial.peaks.uv))
        flat = self.decode(spatial, motion.flatten(0, 1), self.pasts(tokens, uv, valid))
        return NetworkOutput(*(part.view(batch, length, *part.shape[1:]) for part in flat))

    def forward(self, frames: Tensor) -> NetworkOutput:
        """As `forward_window`."""
        return self.forward_window(frames)

    def empty_memory(self, batch: int = 1, window: int | None = None) -> Memory:
        """The memory before the first frame, of `window` frames or the network's own number."""
        length = self.config.window if window is None else max(window, self.config.token_window)
        return Memory(
            self.mean.new_zeros(batch, length, self.config.memory_dim),
            torch.zeros(batch, length, dtype=torch.bool, device=self.mean.device),
        )

    def step(self, frame: Tensor, memory: Memory) -> tuple[NetworkOutput, Memory]:
        """(B, S, S, 3) uint8 BGR and the memory to a pose and the memory after it.

        The pose equals that of the last frame of `forward_window` over the same frames.
        """
        spatial, kept = self.see(frame)
        memory = remember(memory, kept)
        return self.newest(spatial, memory.features, memory.valid), memory

    def newest(self, spatial: SpatialOutput, features: Tensor, valid: Tensor) -> NetworkOutput:
        """B newest pictures' spatial output and the memory with them, (B, T, memory_dim) and (B, T), to B poses."""
        config = self.config
        motion: Tensor = self.temporal.newest(features[..., : config.motion_dim], valid)
        last = slice(features.shape[1] - config.token_window, features.shape[1] - 1)
        kept, end = features[:, last, config.motion_dim :], JOINT_COUNT * config.joint_dim
        shape = (len(features), config.token_window - 1, JOINT_COUNT)
        tokens, uv = kept[..., :end].reshape(*shape, config.joint_dim), kept[..., end:].reshape(*shape, 2)
        return self.decode(spatial, motion, Past(tokens, uv, valid[:, last]))


def kept_row(feature: Tensor, tokens: Tensor, uv: Tensor) -> Tensor:
    """(N, motion_dim), (N, 15, joint_dim) and (N, 15, 2) to the (N, memory_dim) that later frames read."""
    return torch.cat([feature, tokens.flatten(1), uv.flatten(1)], 1)


def before(values: Tensor, reach: int) -> Tensor:
    """(B, T, ...) to (B * T, reach, ...): the `reach` frames before each, oldest first, zeros where there were none."""
    batch, length, *shape = values.shape
    padded = torch.cat([values.new_zeros(batch, reach, *shape), values], 1)
    frames = [padded[:, k : k + length] for k in range(reach)]
    windows = torch.stack(frames, 2) if frames else values.new_zeros(batch, length, 0, *shape)
    return windows.flatten(0, 1)


def remember(memory: Memory, feature: Tensor) -> Memory:
    """The memory after one more frame, (B, memory_dim); the oldest is forgotten."""
    features = torch.cat([memory.features[:, 1:], feature[:, None]], 1)
    seen = torch.ones_like(memory.valid[:, :1])
    return Memory(features, torch.cat([memory.valid[:, 1:], seen], 1))


def channels_last(network: Module) -> Module:
    """The same network with its convolutions' weights laid out as CPUs and tensor cores want them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.to(memory_format=torch.channels_last)
    return network
