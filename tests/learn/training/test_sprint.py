"""A sprint renders, trains for as long as it may, and leaves parts that the next one begins from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import EgoposeError
from engine.learn.training import sprint as sprints
from engine.learn.training.sprint import Sprint, joined, parted, sprint
from engine.learn.wearer import shards
from engine.network.weights import load_network
from tests.learn.training.making import PICTURES, recipe


def render(data: Path, validation: Path, _until: float, task: Sprint, options: dict[str, Any]) -> None:
    sprints._render(data, 0.0, task.seed, (0, 1), options)
    sprints._render_validation(validation, task.validation, options)


@pytest.mark.usefixtures("opengl")
def test_one_sprint_begins_where_the_last_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 8)
    # In this process, where the small shards are known.
    monkeypatch.setattr(sprints, "render", render)
    said: list[str] = []
    task = Sprint(tmp_path / "one", 0.1, 1, processes=0, validation=4, say=said.append)
    endless = recipe(replace(PICTURES, pictures=10_000_000, batch=4))
    first = sprint(endless, task)
    second = sprint(endless, replace(task, out=tmp_path / "two", seed=2, start=first))
    assert [line for line in said if "validation" in line or "MPJPE" in line]
    old, new = (load_network(joined(parts, tmp_path / "joined.safetensors")) for parts in (first, second))
    assert not torch.equal(old.fusion.queries, new.fusion.queries)
    made = [path.name for folder in ("one", "two") for path in (tmp_path / folder).glob("data-*/*-00000.npz")]
    assert made == ["train-2-00000.npz", "train-3-00000.npz"]


def test_parts_are_joined_or_refused(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprints, "PART_BYTES", 100_000)
    folder = parted(tiny_weights, tmp_path / "parts")
    assert len(list(folder.iterdir())) > 2
    whole = joined(folder, tmp_path / "whole.safetensors")
    assert whole.read_bytes() == tiny_weights.read_bytes()
    first = folder / "weights.00"
    content = first.read_bytes()
    first.write_bytes(content[:-1] + b"x")
    with pytest.raises(EgoposeError, match="damaged"):
        joined(folder, whole)
    first.unlink()
    with pytest.raises(EgoposeError, match="copy all of its parts again"):
        joined(folder, whole)


def test_what_is_too_large_to_carry_is_carried_as_int8(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sprints, "FP16_BYTES", 1000)
    carried = joined(parted(tiny_weights, tmp_path / "parts"), tmp_path / "carried.safetensors")
    assert carried.stat().st_size < 0.7 * tiny_weights.stat().st_size
    before, after = load_network(tiny_weights), load_network(carried)
    frames = torch.randint(0, 256, (1, 2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, theirs = before.forward_window(frames), after.forward_window(frames)
    assert torch.allclose(ours.joints, theirs.joints, atol=0.02)
