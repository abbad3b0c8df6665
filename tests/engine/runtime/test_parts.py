"""The network cut into parts: one after the other they are the network, in torch and as ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine.network.config import NetworkConfig
from engine.network.spatial import heat
from engine.runtime.parts import Step, cut, export_onnx, folded
from engine.runtime.streaming import MOTION, POSE, SPATIAL
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, TINY, make


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


@pytest.mark.parametrize("config", [TINY, OWN_ENCODER], ids=lambda c: c.name)
def test_folded_norms_change_nothing(config: NetworkConfig) -> None:
    network = make(config)
    inside = folded(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in inside.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    picture = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    ours, _ = inside.step(picture, inside.empty_memory())
    theirs, _ = network.step(picture, network.empty_memory())
    assert torch.allclose(ours.joints, theirs.joints, atol=1e-5)
    assert torch.allclose(ours.logits, theirs.logits, atol=1e-3)


def _other(rng: np.random.Generator, example: np.ndarray) -> np.ndarray:
    if example.dtype == np.uint8:
        return rng.integers(0, 256, example.shape, np.uint8)
    if example.dtype == np.bool_:
        return np.arange(example.size).reshape(example.shape) >= 3
    return (example + rng.random(example.shape)).astype(np.float32)
