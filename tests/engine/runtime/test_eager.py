"""The eager runtime against the network it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork, remember
from engine.network.spatial import heat
from engine.runtime.eager import EagerRuntime

SIDE, WINDOW = 64, 8


def made(config: NetworkConfig) -> PoseNetwork:
    torch.manual_seed(0)
    small = replace(config, side=SIDE, window=WINDOW, actions=("stand", "walk"))
    return PoseNetwork(small, torch.from_numpy(canonical_angle_table(512))).eval()


@pytest.mark.parametrize("config", [SMALL, BASE], ids=lambda c: c.name)
def test_frame_by_frame_equals_the_window(config: NetworkConfig) -> None:
    network = made(config)
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


def test_a_spared_motion_feature_is_the_last_one_again_while_tokens_go_on() -> None:
    network = made(replace(BASE, token_window=3))
    pictures = np.random.default_rng(0).integers(0, 256, (7, SIDE, SIDE, 3), np.uint8)
    # The first is never spared: there is nothing to remember again.
    spared = [True, False, True, True, False, True, True]
    memory, feature = network.empty_memory(), torch.empty(0)
    runtime = EagerRuntime(network)
    try:
        assert runtime.spares_motion
        for at, (picture, spare) in enumerate(zip(pictures, spared, strict=True)):
            with torch.inference_mode():
                spatial, kept = network.see(torch.from_numpy(picture)[None])
                feature = feature if spare and at else kept[:, : network.config.motion_dim]
                memory = remember(memory, network.keep(spatial, feature))
                expected = network.newest(spatial, memory.features, memory.valid)
            result = runtime.run(picture, motion=not spare)
            assert np.allclose(result.joints_m, expected.joints[0].numpy(), atol=1e-5), at
    finally:
        runtime.close()


def test_where_the_encoder_is_shared_nothing_is_spared() -> None:
    network = made(SMALL)
    pictures = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    runtime = EagerRuntime(network)
    assert not runtime.spares_motion
    whole = [runtime.run(picture).joints_m for picture in pictures]
    runtime.reset()
    spared = [runtime.run(picture, motion=False).joints_m for picture in pictures]
    assert np.array_equal(whole, spared)


@pytest.mark.parametrize("config", [SMALL, replace(BASE, token_window=3)], ids=lambda c: c.name)
@pytest.mark.parametrize("before", [0, 3, 11])
def test_another_runtime_goes_on_from_the_memory_as_if_it_had_seen_all(config: NetworkConfig, before: int) -> None:
    network = made(config)
    pictures = np.random.default_rng(0).integers(0, 256, (before + 2, SIDE, SIDE, 3), np.uint8)
    one, other = EagerRuntime(network), EagerRuntime(network)
    try:
        other.run(pictures[-1])  # a past of its own, which must be forgotten
        for picture in pictures[:before]:
            one.run(picture)
        assert one.memory().shape == (min(before, WINDOW), network.config.memory_dim)
        other.recall(one.memory())
        for picture in pictures[before:]:
            # The spared frame reads the feature that was handed over.
            a, b = (runtime.run(picture, motion=False) for runtime in (one, other))
            assert np.array_equal(a.joints_m, b.joints_m)
    finally:
        one.close()
        other.close()
