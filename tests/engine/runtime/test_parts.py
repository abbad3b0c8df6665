"""The network cut into parts: one after the other they are the network, in torch and as ONNX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork
from engine.network.spatial import heat
from engine.runtime.parts import MOTION, POSE, SPATIAL, Step, cut, export_onnx

TINY = replace(SMALL, name="tiny", side=64, spatial_width=8, window=8, actions=("stand", "walk"))
REMEMBERING = replace(TINY, name="remembering", token_window=4)
OWN_ENCODER = replace(BASE, name="own encoder", side=64, window=8, token_window=3)


def make(config: NetworkConfig) -> PoseNetwork:
    torch.manual_seed(0)
    return PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))).eval().requires_grad_(False)


@pytest.mark.parametrize("config", [TINY, REMEMBERING, OWN_ENCODER], ids=lambda c: c.name)
def test_the_parts_step_as_the_network_steps(config: NetworkConfig) -> None:
    network = make(config)
    parts = {part.name: part.module for part in cut(network)}
    assert (MOTION in parts) == (config.motion == "resnet50")
    step = Step(parts[SPATIAL], parts.get(MOTION), parts[POSE], config.token_window > 1)
    ours = theirs = network.empty_memory()
    features, valid = ours.features, ours.valid
    for picture in torch.randint(0, 256, (5, 1, 64, 64, 3), dtype=torch.uint8):
        out, theirs = network.step(picture, theirs)
        joints, heatmaps, uv, confidence, actions, features, valid = step(picture, features, valid)
        assert torch.allclose(joints, out.joints, atol=1e-6)
        assert torch.allclose(heatmaps, heat(out.logits), atol=1e-6)
        assert torch.allclose(uv, out.uv, atol=1e-6)
        assert torch.allclose(confidence, out.confidence, atol=1e-6)
        assert torch.allclose(actions, out.action_logits.softmax(-1), atol=1e-6)
        assert torch.equal(valid, theirs.valid)
        assert torch.allclose(features, theirs.features, atol=1e-6)


def test_onnx_of_the_parts_gives_what_torch_gives(tmp_path: Path) -> None:
    network = make(REMEMBERING)
    parts = cut(network)
    rng = np.random.default_rng(1)
    for part, path in zip(parts, export_onnx(parts, tmp_path), strict=True):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        assert [i.name for i in session.get_inputs()] == list(part.inputs)
        assert [o.name for o in session.get_outputs()] == list(part.outputs)
        # Others than those it was traced with: a constant that was baked in by mistake would show.
        given = {name: _other(rng, example.numpy()) for name, example in part.inputs.items()}
        found = session.run(None, given)
        truth = part.module(*(torch.from_numpy(value) for value in given.values()))
        for name, ours, theirs in zip(part.outputs, found, truth, strict=True):
            assert np.allclose(ours, theirs.numpy(), atol=1e-4), name


def _other(rng: np.random.Generator, example: np.ndarray) -> np.ndarray:
    if example.dtype == np.uint8:
        return rng.integers(0, 256, example.shape, np.uint8)
    if example.dtype == np.bool_:
        return np.arange(example.size).reshape(example.shape) >= 3
    return (example + rng.random(example.shape)).astype(np.float32)
