"""Untrained networks of every kind that the runtimes must carry, quick to run, and pictures for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calib.canonical import canonical_angle_table
from calib.cv import cv2
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.weights import save_weights

SHORT: dict[str, Any] = {
    "side": 64,
    "window": 8,
    "temporal_dilations": (1, 2),
    "temporal_global": (False, True),
    "fusion_layers": 1,
}
TINY = replace(SMALL, name="tiny", spatial_width=8, actions=("stand", "walk"), **SHORT)
REMEMBERING = replace(TINY, name="remembering", token_window=4)
OWN_ENCODER = replace(BASE, name="own encoder", token_window=3, **SHORT)


def make(config: NetworkConfig) -> PoseNetwork:
    torch.manual_seed(0)
    network = PoseNetwork(config, torch.from_numpy(canonical_angle_table(512)))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # A fresh norm does nothing: one that is folded wrongly would pass unseen.
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    return network.eval().requires_grad_(False)


def weights_of(config: NetworkConfig, folder: Path) -> Path:
    path = folder / f"{config.name.replace(' ', '-')}.safetensors"
    save_weights(make(config), path)
    return path


def recording(folder: Path, count: int = 32) -> Path:
    """A folder of pictures, smooth enough to look like something."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    for i in range(count):
        coarse = rng.integers(0, 256, (8, 8, 3), np.uint8)
        cv2.imwrite(str(folder / f"{i:03}.png"), cv2.resize(coarse, (80, 64), interpolation=cv2.INTER_CUBIC))
    return folder
