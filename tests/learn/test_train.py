"""A training run small enough for a test: it learns, it stops and goes on, and its weights can be loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import EgoposeError
from engine.learn.train import TrainConfig, Trainer
from engine.learn.wearer.motion import ACTIONS
from engine.network.config import SMALL
from engine.network.weights import load_network
from tests.learn.test_samples import samples, write

TINY = replace(SMALL, name="tiny", spatial_width=8, motion_dim=32, joint_dim=32, window=8)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("engine.learn.train.SIZES", {"tiny": TINY})
    for name, seed in (("data", 0), ("validation", 1)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "a.npz", samples(32, 4, seed))
    data, validation, out = (tmp_path / name for name in ("data", "validation", "out"))
    return TrainConfig(data, validation, out, network="tiny", pictures=96, stride=1, batch=8, side=64, rate=3e-3)


def run(config: TrainConfig) -> tuple[Trainer, list[str]]:
    said: list[str] = []
    trainer = Trainer(config, said.append)
    trainer.run()
    return trainer, said


def term(line: str, name: str) -> float:
    words = line.split()
    return float(words[words.index(name) + 1])


def test_a_run_learns_and_its_best_weights_can_be_loaded(config: TrainConfig) -> None:
    _, said = run(replace(config, pictures=640))
    epochs = [line for line in said if line.startswith("epoch")]
    for name, share in (("location", 0.9), ("heatmap", 0.85), ("bone_length", 0.8)):
        assert term(epochs[-1], name) < share * term(epochs[0], name), name
    network = load_network(config.out / "weights.safetensors")
    assert network.config.actions == ACTIONS
    assert network.config.side == 64


def test_a_stopped_run_goes_on_where_it_was(config: TrainConfig) -> None:
    whole, _ = run(replace(config, out=config.out / "whole"))
    parts = replace(config, out=config.out / "parts")

    class Stopped(Trainer):
        def save(self) -> None:
            super().save()
            if self.seen == 32:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stopped(parts, lambda line: None).run()
    resumed, said = run(parts)
    assert said[0].startswith("going on from")
    assert resumed.seen == whole.seen
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_windows_train_the_motion_and_keep_the_norms(config: TrainConfig) -> None:
    run(config)
    before = load_network(config.out / "weights.safetensors").state_dict()
    windows = replace(
        config, out=config.out / "windows", window=4, stride=4, batch=2, start=config.out / "weights.safetensors"
    )
    trainer, said = run(windows)
    assert "velocity" in said[0]
    assert "action" in said[0]
    after = trainer.network.state_dict()
    norms = [name for name in after if name.endswith("running_mean")]
    assert norms
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in norms)
    changed = [name for name in after if name.startswith("temporal") and not torch.equal(after[name], before[name])]
    assert changed


def test_frozen_encoders_stay_as_they_are(config: TrainConfig) -> None:
    run(config)
    weights = config.out / "weights.safetensors"
    before = load_network(weights).state_dict()
    trainer, _ = run(replace(config, out=config.out / "frozen", freeze=True, start=weights))
    after = trainer.network.state_dict()
    for name, tensor in after.items():
        encoder = name.startswith(("spatial.encoder", "spatial.decoder", "spatial.head"))
        if encoder:
            assert torch.equal(tensor, before[name]), name
    assert not torch.equal(after["fusion.queries"], before["fusion.queries"])


def test_no_data_is_told(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EgoposeError, match="no shards in"):
        Trainer(replace(config, data=tmp_path / "empty"), lambda line: None).run()
