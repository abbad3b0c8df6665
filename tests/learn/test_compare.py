"""Ours against the published architecture, on data small enough for a test."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.learn.baselines import compare
from tests.learn.data.making import shard_arrays, write_shard


def test_every_variant_is_trained_and_scored(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("data", 0), ("validation", 1), ("test", 2)):
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name / "a.npz", shard_arrays(16, 4, seed))
    folders = [word for name in ("data", "validation", "test") for word in (f"--{name}", str(tmp_path / name))]
    out = tmp_path / "out"
    options = ["--encoders", str(tiny_weights), "--out", str(out), "--pictures", "64", "--window", "4"]
    names = ["ours", "spatial only", "motion only", "published"]
    monkeypatch.setattr(sys, "argv", ["compare", *folders, *options, "--only", *names])
    assert compare.main() == 0
    results = json.loads((out / "results.json").read_text())
    assert list(results) == names
    assert all(0 < result["mpjpe_mm"] < 2000 for result in results.values())
    shown = capsys.readouterr().out
    assert all(name in shown for name in names)


def test_bad_folders_are_one_line(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    folders = [word for name in ("data", "validation", "test") for word in (f"--{name}", nowhere)]
    monkeypatch.setattr(sys, "argv", ["compare", *folders, "--encoders", str(tiny_weights), "--out", str(tmp_path)])
    assert compare.main() == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
