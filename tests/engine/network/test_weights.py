"""Weights on disk: what is written is what is read, and what is broken is told in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from calib.canonical import canonical_angle_table
from engine.errors import EgoposeError
from engine.network.config import SMALL
from engine.network.network import PoseNetwork
from engine.network.weights import FORMAT, load_network, save_weights

CONFIG = replace(SMALL, side=64, actions=("stand",))


@pytest.fixture
def network() -> PoseNetwork:
    torch.manual_seed(0)
    return PoseNetwork(CONFIG, torch.from_numpy(canonical_angle_table(512))).eval()


def test_a_round_trip_keeps_the_network_to_half_precision(network: PoseNetwork, tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    save_weights(network, path, "a note")
    again = load_network(path)
    assert again.config == CONFIG
    assert not again.training
    assert torch.equal(again.head.angle_table, network.head.angle_table)
    frames = torch.randint(0, 256, (1, 2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.allclose(again.forward_window(frames).joints, network.forward_window(frames).joints, atol=5e-3)


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("keep", [0, 7, 100, 100_000])
def test_a_cut_off_file_is_told(network: PoseNetwork, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "n.safetensors"
    save_weights(network, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EgoposeError) as error:
        load_network(path)
    assert "damaged" in one_line(error.value)


def test_weights_of_another_size_are_told(network: PoseNetwork, tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    save_file(network.state_dict(), path, {"format": FORMAT, "config": replace(CONFIG, spatial_width=16).to_json()})
    with pytest.raises(EgoposeError) as error:
        load_network(path)
    assert "another size" in one_line(error.value)


def test_a_foreign_file_and_a_missing_one_are_told(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(EgoposeError) as error:
        load_network(path)
    assert "no weights of this program" in one_line(error.value)
    with pytest.raises(EgoposeError) as error:
        load_network(tmp_path / "missing.safetensors")
    assert "no weights at" in one_line(error.value)
    assert load_file(path)["a"].shape == (3,)


def test_int8_halves_the_file_and_keeps_every_row_to_its_127th(network: PoseNetwork, tmp_path: Path) -> None:
    half, eighth = tmp_path / "h.safetensors", tmp_path / "e.safetensors"
    save_weights(network, half)
    save_weights(network, eighth, kept="int8")
    assert eighth.stat().st_size < 0.6 * half.stat().st_size
    again = load_network(eighth).state_dict()
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point() or tensor.ndim < 2:
            continue
        step = tensor.flatten(1).abs().amax(1).view(-1, *[1] * (tensor.ndim - 1)) / 127
        assert bool(((again[name] - tensor).abs() <= 0.51 * step + 1e-7).all()), name
