"""The network cut into the three parts that every compiled runtime is made of.

    picture (1, S, S, 3) uint8 BGR ─┬─► SpatialPart ─► heatmaps, uv, spread, height, confidence, tokens (, feature)
                                    └─► MotionPart ──► feature      where the motion has an encoder of its own
    tokens, uv, spread, height, the memory ──────────► PosePart ─► joints, actions

What is remembered of a frame is one row of `config.memory_dim` numbers: its motion feature, and behind it the tokens
and where the heatmaps peak, if later frames read them. Whoever runs the parts keeps the last `config.window` rows, the
newest last and already among them when the pose is asked for, and which of them are valid. `Step` is all three with the
memory passed through.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from engine.errors import EgoposeError
from engine.network.network import Memory, PoseNetwork, kept_row, remember
from engine.network.spatial import Peaks, SpatialOutput, heat
from engine.runtime.streaming import ASKED, MOTION, POSE, SEEN, SPATIAL

OPSET = 18


class SpatialPart(nn.Module):
    """(N, S, S, 3) uint8 BGR to what SEEN lists, and the (N, motion_dim) feature where the motion shares its encoder.

    (N, 15, h, h) heatmaps in 0..1, (N, 15, 2) uv, (N, 15, 1) spread and height, (N, 15) confidence,
    (N, 15, joint_dim) tokens.
    """

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        net = self.network
        seen = net.spatial(net.normalise(picture))
        confidence = heat(seen.logits.flatten(2).amax(-1))
        peaks = seen.peaks
        out = (heat(seen.logits), peaks.uv, peaks.spread, peaks.height, confidence, seen.tokens)
        return out if net.motion.encoder is not None else (*out, net.motion(seen.summary))


class MotionPart(nn.Module):
    """(N, S, S, 3) uint8 BGR to the (N, motion_dim) motion feature, by the motion encoder of its own."""

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return self.network.motion(self.network.normalise(picture))


class PosePart(nn.Module):
    """What ASKED lists to (N, 15, 3) joints in metres, camera frame, and (N, A) action probabilities.

    The memory is (N, T, memory_dim) rows, the newest picture's last, and (N, T) bool which of them there were.
    """

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, tokens: Tensor, uv: Tensor, spread: Tensor, height: Tensor, features: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        nothing = tokens.new_zeros(len(tokens), tokens.shape[1], 1, 1)
        peaks = Peaks(uv, spread, height, nothing)
        seen = SpatialOutput(nothing, peaks, nothing, tokens, nothing)
        out = self.network.newest(seen, features, valid)
        return out.joints, out.action_logits.softmax(-1)


class Step(nn.Module):
    """The whole network on one frame: the parts, and the memory in and out.

    (N, S, S, 3) uint8 BGR, (N, T, memory_dim) and (N, T) bool to joints, heatmaps, uv, confidence, action
    probabilities, and the memory after the frame, as the parts have them.
    """

    def __init__(self, spatial: nn.Module, motion: nn.Module | None, pose: nn.Module, remembers_tokens: bool) -> None:
        super().__init__()
        self.spatial, self.motion, self.pose = spatial, motion, pose
        self.remembers_tokens = remembers_tokens

    def forward(self, picture: Tensor, features: Tensor, valid: Tensor) -> tuple[Tensor, ...]:
        heatmaps, uv, spread, height, confidence, tokens, *shared = self.spatial(picture)
        feature = shared[0] if self.motion is None else self.motion(picture)
        row = kept_row(feature, tokens, uv) if self.remembers_tokens else feature
        memory = remember(Memory(features, valid), row)
        joints, actions = self.pose(tokens, uv, spread, height, memory.features, memory.valid)
        return joints, heatmaps, uv, confidence, actions, memory.features, memory.valid


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part with what it is called with, so that it can be traced."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    """By name, in the order of `forward`; of one picture."""
    outputs: tuple[str, ...]


def cut(network: PoseNetwork) -> list[Part]:
    """The parts of a network, in the order they run; two where the motion shares the spatial encoder, else three.

    Their example inputs are those of a noise picture and a memory of noise.
    """
    config, device = network.config, network.mean.device
    generator = torch.Generator().manual_seed(0)
    shape = (1, config.side, config.side, 3)
    picture = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(device)
    features = torch.randn(1, config.window, config.memory_dim, generator=generator).to(device)
    valid = torch.ones(1, config.window, dtype=torch.bool, device=device)
    own = network.motion.encoder is not None
    spatial, motion = SpatialPart(network).eval(), MotionPart(network).eval()
    with torch.no_grad():
        seen = dict(zip(SEEN, spatial(picture), strict=False))
    asked = {name: seen[name] for name in ASKED[:4]} | {"features": features, "valid": valid}
    parts = [Part(SPATIAL, spatial, {"picture": picture}, SEEN if own else (*SEEN, "feature"))]
    if own:
        parts.append(Part(MOTION, motion, {"picture": picture}, ("feature",)))
    return [*parts, Part(POSE, PosePart(network).eval(), asked, ("joints", "actions"))]


def folded(network: PoseNetwork) -> PoseNetwork:
    """The same network with each batch norm folded into the convolution before it, as compilers want it."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        before: tuple[str, nn.Module] = ("", module)
        for name, child in list(module.named_children()):
            # In this network a norm stands right behind its convolution, by its name as well as in `forward`.
            if isinstance(child, nn.BatchNorm2d) and isinstance(before[1], nn.Conv2d):
                setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(module, name, nn.Identity())
            before = (name, child)
    return network


class InHalf(nn.Module):
    """A picture encoder whose convolutions run in fp16, whatever its input is."""

    def __init__(self, encoder: nn.Module, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder, self.channels = encoder.half(), channels

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.encoder(x.half())


class InFloat(nn.Module):
    """What must stay in fp32, behind what runs in fp16."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x.float())


def halved(network: PoseNetwork) -> PoseNetwork:
    """The same network with the convolutions of both streams in fp16, and all behind them as before, in fp32.

    The last one, which gives the heatmaps, stays in fp32: cells that fp16 made equal would move the peaks.
    """
    network = copy.deepcopy(network)
    spatial = network.spatial
    spatial.encoder = InHalf(spatial.encoder, spatial.encoder.channels)  # type: ignore[assignment]
    spatial.decoder.half()
    spatial.head = InFloat(spatial.head)  # type: ignore[assignment]
    if network.motion.encoder is not None:
        own = network.motion.encoder
        network.motion.encoder = InHalf(own, own.channels)  # type: ignore[assignment]
    return network


def export_onnx(parts: Sequence[Part], folder: Path) -> list[Path]:
    """Write each part as NAME.onnx, of a batch of one and with its weights inside; the files, in the same order.

    Raises EgoposeError where what writes ONNX is not installed.
    """
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise EgoposeError(f'{package} is not installed; it comes with: pip install -e ".[compile]"')
    paths = []
    with traceable(), torch.no_grad():
        for part in parts:
            path = folder / f"{part.name}.onnx"
            torch.onnx.export(
                part.module,
                tuple(part.inputs.values()),
                path,
                input_names=list(part.inputs),
                output_names=list(part.outputs),
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
            paths.append(path)
    return paths


@contextmanager
def traceable() -> Iterator[None]:
    """While it lasts, attention is made of operators that other runtimes know, and torch tells nothing of its plans."""
    fused = torch.backends.mha.get_fastpath_enabled()
    chatty = logging.getLogger("torch.onnx")
    level = chatty.level
    torch.backends.mha.set_fastpath_enabled(False)
    chatty.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        chatty.setLevel(level)
