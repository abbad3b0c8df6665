"""TorchScript against eager, and in a process that knows nothing of this project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EgoposeError
from engine.network.weights import load_network
from engine.runtime.agreement import gather
from engine.runtime.description import Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.scripting import script
from engine.runtime.torchscript import FILE, TorchScript
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, make, recording, weights_of
from tests.engine.runtime.test_openvino import assert_same

ALONE = """
import sys, json, numpy, torch
extra = {"network.json": ""}
net = torch.jit.load(sys.argv[1], _extra_files=extra)
features, valid = net.no_features, net.no_valid
joints = []
for picture in torch.from_numpy(numpy.load(sys.argv[2])):
    with torch.no_grad():
        out = net(picture[None], features, valid)
    features, valid = out[5:]
    joints.append(out[0][0].numpy())
numpy.save(sys.argv[3], numpy.array(joints))
assert not [name for name in sys.modules if name.split(".")[0] in ("engine", "calib", "app")]
print(json.loads(extra["network.json"])["config"]["name"])
"""


def test_the_file_says_what_eager_says(tmp_path: Path) -> None:
    weights, frames = weights_of(REMEMBERING, tmp_path), recording(tmp_path / "pictures")
    backend = TorchScript([frames])
    backend.build(weights, tmp_path)
    found = Description.read(tmp_path).agreement
    assert found is not None
    assert found.moved_mm < 0.1
    pictures = gather([frames], REMEMBERING.side)[1].pictures[0]
    assert_same(backend.load(tmp_path), EagerRuntime(load_network(weights)), pictures)


def test_two_streams_say_what_eager_says(tmp_path: Path) -> None:
    network = make(OWN_ENCODER)
    script(network, tmp_path / FILE, Description(OWN_ENCODER, "0" * 64, "fp32").to_json())
    pictures = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    assert_same(TorchScript().load(tmp_path), EagerRuntime(network), pictures, reset_at=3, recall_at=5)


def test_it_steps_in_a_process_that_knows_torch_alone(tmp_path: Path) -> None:
    network = make(REMEMBERING)
    script(network, tmp_path / FILE, Description(REMEMBERING, "0" * 64, "fp32").to_json())
    pictures = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    words = [str(tmp_path / name) for name in (FILE, "pictures.npy", "joints.npy")]
    alone = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.strip() == REMEMBERING.name
    eager = EagerRuntime(network)
    expected = [eager.run(picture).joints_m for picture in pictures]
    assert np.allclose(np.load(tmp_path / "joints.npy"), expected, atol=2e-4)


def test_a_damaged_file_is_told_and_not_run(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"PK\x03\x04 not at all")
    with pytest.raises(EgoposeError, match="compile it again"):
        TorchScript().load(tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(EgoposeError, match="compile it again"):
        TorchScript().load(tmp_path)
