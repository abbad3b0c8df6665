"""From a network to the one file of `engine/runtime/torchscript.py`."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from engine.network.network import PoseNetwork, channels_last
from engine.runtime.description import DESCRIPTION
from engine.runtime.parts import Step, cut, folded, traceable
from engine.runtime.streaming import MOTION, POSE, SPATIAL


class Whole(nn.Module):
    """The step as `forward`, and each part as a method of its own; the weights are shared."""

    no_features: Tensor
    no_valid: Tensor

    def __init__(self, step: Step, no_features: Tensor, no_valid: Tensor) -> None:
        super().__init__()
        self.step = step
        self.register_buffer("no_features", no_features)
        self.register_buffer("no_valid", no_valid)

    def forward(self, picture: Tensor, features: Tensor, valid: Tensor) -> tuple[Tensor, ...]:
        return self.step(picture, features, valid)

    def see(self, picture: Tensor) -> tuple[Tensor, ...]:
        return self.step.spatial(picture)

    def move(self, picture: Tensor) -> Tensor:
        assert self.step.motion is not None
        return self.step.motion(picture)

    def pose(
        self, tokens: Tensor, uv: Tensor, spread: Tensor, height: Tensor, features: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.step.pose(tokens, uv, spread, height, features, valid)


def script(network: PoseNetwork, path: Path, description: str) -> None:
    """Write the file, traced on the network's device; `description` travels in it as JSON."""
    network = channels_last(folded(network))
    parts = {part.name: part for part in cut(network)}
    modules = {name: part.module for name, part in parts.items()}
    memory = network.empty_memory()
    step = Step(modules[SPATIAL], modules.get(MOTION), modules[POSE], network.config.token_window > 1)
    whole = Whole(step, memory.features, memory.valid).eval()
    picture, asked = parts[SPATIAL].inputs["picture"], parts[POSE].inputs
    inputs = {"forward": (picture, asked["features"], asked["valid"]), "see": (picture,), "pose": tuple(asked.values())}
    if MOTION in parts:
        inputs["move"] = (picture,)
    with traceable(), torch.no_grad():
        traced = torch.jit.trace_module(whole, inputs, check_trace=False)
        torch.jit.save(traced, str(path), _extra_files={DESCRIPTION: description.encode()})
