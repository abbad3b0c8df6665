"""TensorRT takes the parts as they are written: proved without a GPU, for one of the GeForce RTX 40 series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork
from engine.runtime.engines import build_engine, logger
from engine.runtime.parts import cut, export_onnx, folded, halved
from engine.runtime.streaming import POSE

trt = pytest.importorskip("tensorrt_rtx", reason='tensorrt-rtx is not installed: pip install -e ".[rtx]", 230 MB')

LEAST_BYTES = 1e5


def network_of(config: NetworkConfig) -> PoseNetwork:
    network = PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))).eval().requires_grad_(False)
    return folded(network)


def parsed(model: Path) -> Iterator[tuple[str, str]]:
    """The kind and the type of each layer that TensorRT makes of a model."""
    network = trt.Builder(logger(trt)).create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger(trt))
    assert parser.parse_from_file(str(model)), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    for i in range(network.num_layers):
        layer = network.get_layer(i)
        yield layer.type.name, layer.get_output(0).dtype.name


def assert_whole(model: Path) -> None:
    """A dry run: every operator of a model is in the one piece that TensorRT takes, and none is left over."""
    network = trt.Builder(logger(trt)).create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger(trt))
    assert parser.supports_model_v2(model.read_bytes())
    assert parser.num_subgraphs == 1
    assert parser.is_subgraph_supported(0)
    import onnx  # noqa: PLC0415

    assert len(parser.get_subgraph_nodes(0)) == len(onnx.load(str(model)).graph.node)


def assert_built(config: NetworkConfig, folder: Path) -> None:
    """Every part, its convolutions in fp16, is taken whole, and an engine built of it."""
    for model in export_onnx(cut(halved(network_of(config))), folder):
        assert_whole(model)
        kinds = Counter(kind for layer, kind in parsed(model) if layer == "CONVOLUTION")
        if model.stem == POSE:
            assert set(kinds) == {"FLOAT"}
        else:
            assert kinds["HALF"] > 10
            assert kinds["FLOAT"] <= 4  # the last one, and those that read the heatmaps' shape
        engine = build_engine(trt, model, short=model.stem != POSE, capability=trt.ComputeCapability.SM89)
        assert len(engine) > LEAST_BYTES


def test_small_is_built_in_fp16(tmp_path: Path) -> None:
    assert_built(SMALL, tmp_path)


def test_two_streams_are_built_in_fp16(tmp_path: Path) -> None:
    # As `base` in all but its sizes.
    assert_built(replace(BASE, spatial_width=16, side=64, window=8), tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_base_whole_is_built_in_fp16(tmp_path: Path) -> None:
    assert_built(BASE, tmp_path)


def test_fp32_is_built_where_fp16_does_not_hold(tmp_path: Path) -> None:
    for model in export_onnx(cut(network_of(replace(SMALL, side=64, window=8))), tmp_path):
        assert "HALF" not in {kind for _, kind in parsed(model)}
        engine = build_engine(trt, model, short=model.stem != POSE, capability=trt.ComputeCapability.SM89)
        assert len(engine) > LEAST_BYTES


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_int8_is_built_of_what_is_rounded_in_the_model(tmp_path: Path) -> None:
    rounding = pytest.importorskip("engine.runtime.rounding")
    model = export_onnx(cut(network_of(replace(SMALL, side=64, window=8)))[:1], tmp_path)[0]
    plain = build_engine(trt, model, short=True, capability=trt.ComputeCapability.SM89)
    rng = np.random.default_rng(0)
    rounding.round_model(model, [rng.integers(0, 256, (1, 64, 64, 3), np.uint8) for _ in range(4)], ())
    assert_whole(model)
    layers = list(parsed(model))
    assert {kind for layer, kind in layers if layer == "QUANTIZE"} == {"INT8"}
    assert Counter(layer for layer, _ in layers)["QUANTIZE"] > 20
    engine = build_engine(trt, model, short=True, capability=trt.ComputeCapability.SM89)
    assert LEAST_BYTES < len(engine) < 0.6 * len(plain)  # the weights are a quarter
