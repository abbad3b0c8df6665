"""TensorRT takes the parts as they are written: proved without a GPU, for one of the GeForce RTX 40 series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import BASE, SMALL, NetworkConfig
from engine.network.network import PoseNetwork
from engine.runtime.parts import cut, export_onnx

trt = pytest.importorskip("tensorrt_rtx", reason='tensorrt-rtx is not installed: pip install -e ".[rtx]", 230 MB')


@pytest.mark.parametrize("config", [SMALL, replace(BASE, spatial_width=16)], ids=lambda c: c.name)
def test_every_part_is_parsed_and_an_engine_built_of_it(config: NetworkConfig, tmp_path: Path) -> None:
    network = PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))).eval().requires_grad_(False)
    for path in export_onnx(cut(network), tmp_path):
        builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
        wanted = builder.create_network()
        parser = trt.OnnxParser(wanted, trt.Logger(trt.Logger.ERROR))
        assert parser.parse_from_file(str(path)), [str(parser.get_error(i)) for i in range(parser.num_errors)]
        options = builder.create_builder_config()
        options.num_compute_capabilities = 1
        options.set_compute_capability(trt.ComputeCapability.SM89, 0)
        engine = builder.build_serialized_network(wanted, options)
        assert engine is not None
        assert engine.nbytes > 1e5
