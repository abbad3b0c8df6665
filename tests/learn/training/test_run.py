"""Training runs small enough for a test: they learn, stop and go on, and their weights can be loaded."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import engine.learn.training.run as running
from engine.errors import EgoposeError
from engine.learn.data.windows import WindowDataset
from engine.learn.training.features import collate
from engine.learn.training.keeping import begin_from, build
from engine.learn.training.module import PoseModule
from engine.learn.training.recipe import Stage
from engine.learn.training.run import Run, train
from engine.learn.training.scores import Scores
from engine.learn.wearer.motion import ACTIONS
from engine.network.weights import load_network
from tests.learn.training.making import AFTER, PICTURES, WINDOWS, recipe, run_in


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run on single pictures, and its weights."""
    run = run_in(tmp_path_factory.mktemp("pictures"))
    return run, train(recipe(replace(PICTURES, pictures=640, epoch=160)), run)


def terms(run: Run, weights: Path | None) -> dict[str, float]:
    """The loss on the training data itself, untrained or with the weights."""
    torch.manual_seed(0)
    windows = WindowDataset(run.training, 64)
    network = build(recipe(PICTURES))
    network.head.begin_at(windows.joints_m.mean(0))
    if weights is not None:
        begin_from(network, weights)
    module = PoseModule(network, recipe(PICTURES), PICTURES).eval()
    with torch.no_grad():
        return {name: float(value) for name, value in module.terms(collate([windows[i] for i in range(32)])).items()}


def test_a_run_learns_and_its_best_weights_can_be_loaded(pictures: tuple[Run, Path]) -> None:
    run, weights = pictures
    before, after = terms(run, None), terms(run, weights)
    for name, share in (("location", 0.9), ("heatmap", 0.85), ("bone_length", 0.8)):
        assert after[name] < share * before[name], name
    with (run.out / "pictures" / "curve.csv").open() as file:
        assert [int(row["pictures"]) for row in csv.DictReader(file)] == [160, 320, 480, 640]
    network = load_network(weights)
    assert network.config.actions == ACTIONS
    assert network.config.side == 64
    assert (run.out / "tensorboard" / "pictures").is_dir()


def test_a_finished_run_is_not_run_again(pictures: tuple[Run, Path]) -> None:
    run, weights = pictures
    said: list[str] = []
    before = weights.read_bytes()
    train(recipe(replace(PICTURES, pictures=640, epoch=160)), replace(run, say=said.append))
    assert said == []
    assert weights.read_bytes() == before


def state_of(run: Run, stage: str) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(run.out / stage / "last.ckpt", weights_only=True)
    kept: dict[str, torch.Tensor] = checkpoint["state_dict"]
    return kept | {f"now.{name}": value for name, value in checkpoint["current_model_state"].items()}


@pytest.mark.parametrize("stage", [PICTURES, AFTER], ids=lambda s: s.name)
def test_a_stopped_run_goes_on_where_it_was(
    stage: running.Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = run_in(tmp_path), replace(run_in(tmp_path), out=tmp_path / "parts")
    train(recipe(stage), whole)
    going_on = Scores.on_validation_epoch_end

    def stop_once(self: Scores, trainer: running.Trainer, module: running.LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt
        going_on(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(Scores, "on_validation_epoch_end", stop_once)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(recipe(stage), parts)
    assert not (parts.out / stage.name / "finished").exists()
    said: list[str] = []
    train(recipe(stage), replace(parts, say=said.append))
    assert any("going on from" in line for line in said)
    expected, got = state_of(whole, stage.name), state_of(parts, stage.name)
    assert [name for name, value in expected.items() if not torch.equal(value, got[name])] == []


def test_windows_train_the_motion_and_keep_the_norms(pictures: tuple[Run, Path]) -> None:
    run, weights = pictures
    windows = replace(run, out=run.out / "w", start=weights)
    train(recipe(WINDOWS), windows)
    before, after = load_file(weights), load_file(windows.out / "weights.safetensors")
    norms = [name for name in after if name.endswith("running_mean")]
    assert norms
    assert all(torch.equal(after[name], before[name]) for name in norms)
    assert [n for n in after if n.startswith("temporal") and not torch.equal(after[n], before[n])]


def test_behind_frozen_encoders_only_what_follows_changes(pictures: tuple[Run, Path]) -> None:
    run, weights = pictures
    said: list[str] = []
    after = replace(run, out=run.out / "a", start=weights, say=said.append)
    train(recipe(AFTER), after)
    assert "after: 16 of 16 windows encoded" in said
    old, new = load_file(weights), load_file(after.out / "weights.safetensors")
    encoders = ("spatial.encoder", "spatial.decoder", "spatial.head")
    assert all(torch.equal(new[name], old[name]) for name in new if name.startswith(encoders))
    assert not torch.equal(new["fusion.queries"], old["fusion.queries"])


@pytest.mark.parametrize("stage", [AFTER, WINDOWS], ids=lambda stage: stage.name)
def test_a_stage_may_begin_the_motion_anew(pictures: tuple[Run, Path], stage: Stage) -> None:
    run, weights = pictures
    renewed = replace(run, out=run.out / f"renewed-{stage.name}", start=weights)
    train(recipe(replace(stage, renews_motion=True, rate=1e-9)), renewed)
    old, new = load_file(weights), load_file(renewed.out / "weights.safetensors")
    kept = [name for name in old if name.startswith(("spatial", "head", "fusion.queries"))]
    assert all(torch.allclose(new[name].float(), old[name].float(), atol=1e-3) for name in kept)
    for name in ("motion.project.weight", "temporal.mix.weight", "fusion.motion.weight", "action.weight"):
        assert not torch.allclose(new[name].float(), old[name].float(), atol=1e-2), name


def test_stages_follow_one_another_in_the_published_order(tmp_path: Path) -> None:
    heatmaps, pose = (replace(PICTURES, name=name, learns=name) for name in ("heatmaps", "pose"))  # type: ignore[arg-type]
    run = run_in(tmp_path)
    train(recipe(heatmaps, pose), run)
    first, second = (load_file(run.out / name / "weights.safetensors") for name in ("heatmaps", "pose"))
    assert all(torch.equal(first[n], second[n]) for n in first if n.startswith(("spatial.encoder", "spatial.head")))
    fresh = build(recipe(heatmaps))
    begin_from(fresh, run.out / "heatmaps" / "weights.safetensors")
    untouched = [n for n in first if n.startswith("fusion")]
    assert untouched
    assert any(not torch.equal(first[n], second[n]) for n in untouched)


def test_the_published_network_trains_the_same_way(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    weights = train(recipe(AFTER, architecture="published"), run)
    begin_from(build(recipe(AFTER, architecture="published")), weights)
    with pytest.raises(EgoposeError, match="weights of this recipe's network"):
        begin_from(build(recipe(AFTER)), weights)


def test_too_short_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="no 5 frames in a row"):
        train(recipe(replace(WINDOWS, window=5)), run_in(tmp_path))


def test_a_full_disk_is_told_and_costs_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, real = run_in(tmp_path), os.replace

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(EgoposeError, match="No space left on device"):
        train(recipe(PICTURES), run)
    monkeypatch.undo()
    assert os.replace is real
    train(recipe(PICTURES), run)
