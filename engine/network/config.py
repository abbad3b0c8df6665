"""What a network is made of, in one value that also travels with its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from engine.skeleton import JOINT_COUNT


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The sizes of one network. Raises ValueError where they do not fit each other."""

    name: str
    side: int = 256
    """Side of the canonical picture in pixels, a multiple of 32."""
    spatial_width: int = 64
    """Channels after the spatial encoder's stem; 64 is a standard ResNet-18."""
    decoder: Literal["concat", "light"] = "concat"
    """"concat" is the published decoder, "light" a pyramid of 64 channels."""
    shape_tokens: bool = True
    """Whether a small convolutional network reads each heatmap's shape into its token."""
    motion: Literal["resnet50", "shared"] = "resnet50"
    """Where motion features come from: a ResNet-50 of their own or the spatial encoder."""
    motion_dim: int = 384
    temporal_heads: int = 4
    temporal_dilations: tuple[int, ...] = (1, 1, 2, 4, 8)
    """One causal block each; the first run at full rate, the later ones look further back."""
    temporal_global: tuple[bool, ...] = (False, False, True, True, True)
    """Whether a block attends to the whole past window or to 9 keys of its dilation."""
    window: int = 32
    """Frames of motion that a pose may depend on, the newest included."""
    token_window: int = 1
    """Frames whose joint tokens the fusion attends to, the newest included."""
    steady: bool = False
    """Whether a joint's bearing and distance are weighed over the frames whose tokens are kept."""
    joint_dim: int = 128
    fusion_layers: int = 3
    fusion_heads: int = 4
    actions: tuple[str, ...] = ()
    # What follows switches parts off, to measure what they are worth; the defaults are the whole network.
    streams: Literal["both", "spatial", "motion"] = "both"
    """"spatial" has no temporal stream; "motion" fuses without looking at the heatmaps."""
    joint_identity: bool = True
    """Whether a joint's token says whose it is; the published network's does not."""
    cross_attention: bool = True
    """Whether the joints attend to each other's tokens, or each token goes to the head alone."""
    head: Literal["bearing", "free"] = "bearing"
    """"bearing" lifts the heatmap's peak along its ray, "free" regresses the joint as published."""

    def __post_init__(self) -> None:
        if self.side % 32 or not 64 <= self.side <= 1024:
            raise ValueError(f"side must be a multiple of 32 from 64 to 1024, not {self.side}")
        if len(self.temporal_dilations) != len(self.temporal_global):
            raise ValueError("temporal_dilations and temporal_global differ in length")
        if self.motion_dim % self.temporal_heads or self.joint_dim % self.fusion_heads:
            raise ValueError("the widths must be multiples of the numbers of heads")
        if not 1 <= self.window <= 512:
            raise ValueError(f"window must be from 1 to 512 frames, not {self.window}")
        if not 1 <= self.token_window <= self.window:
            raise ValueError(f"token_window must be from 1 to window ({self.window}), not {self.token_window}")
        if self.streams == "motion" and self.head == "bearing":
            raise ValueError('the motion alone has no bearings: streams "motion" needs the head "free"')
        if self.streams == "spatial" and self.actions:
            raise ValueError("actions are named from the motion, which the spatial stream alone does not have")

    @property
    def memory_dim(self) -> int:
        """Numbers remembered of each frame: its motion feature, then tokens and peaks where later frames read them."""
        return self.motion_dim + (JOINT_COUNT * (self.joint_dim + 2) if self.token_window > 1 else 0)

    @property
    def heatmap_side(self) -> int:
        """Side of the heatmaps in cells."""
        return self.side // 4

    def to_json(self) -> str:
        """As kept in the weights' metadata."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reverse of `to_json`. Raises ValueError for anything else.

        An entry that is missing has its default: the file is older than the entry.
        """
        values: Any = json.loads(text)
        if not isinstance(values, dict) or "name" not in values or set(values) - {f.name for f in fields(cls)}:
            raise ValueError("the network's description has missing or unknown entries")
        lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        try:
            return cls(**lists)
        except TypeError as error:
            raise ValueError(f"the network's description does not hold: {error}") from error


BASE = NetworkConfig(name="base", token_window=8, steady=True)
"""The published size: 256 px, both streams on every frame, about 9.5 GMAC."""

SMALL = NetworkConfig(
    name="small",
    side=192,
    spatial_width=32,
    decoder="light",
    shape_tokens=False,
    motion="shared",
    motion_dim=128,
    temporal_dilations=(1, 1, 2, 4),
    temporal_global=(False, False, True, True),
    token_window=8,
    steady=True,
)
"""One narrow trunk for both streams and a light decoder: real time on a laptop CPU."""

SIZES = {config.name: config for config in (SMALL, BASE)}
