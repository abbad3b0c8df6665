"""The eager runtime against the network it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.spatial import heat
from engine.runtime.eager import EagerRuntime

SIDE, WINDOW = 64, 8


@pytest.mark.parametrize("config", [SMALL, BASE], ids=lambda c: c.name)
def test_frame_by_frame_equals_the_window(config: NetworkConfig) -> None:
    torch.manual_seed(0)
    small = replace(config, side=SIDE, window=WINDOW, actions=("stand", "walk"))
    network = PoseNetwork(small, torch.from_numpy(canonical_angle_table(512))).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (12, SIDE, SIDE, 3), np.uint8)
    with torch.inference_mode():
        whole = network.forward_window(torch.from_numpy(pictures[4:])[None])
    runtime = EagerRuntime(network)
    try:
        results = [runtime.run(picture) for picture in pictures]
        last = results[-1]
        assert np.allclose(last.joints_m, whole.joints[0, -1].numpy(), atol=1e-5)
        assert np.allclose(last.heatmaps, heat(whole.logits[0, -1]).numpy(), atol=1e-5)
        assert last.action_scores.sum() == pytest.approx(1.0, abs=1e-5)
        runtime.reset()
        again = [runtime.run(picture) for picture in pictures]
        assert all(np.array_equal(a.joints_m, b.joints_m) for a, b in zip(results, again, strict=True))
    finally:
        runtime.close()
