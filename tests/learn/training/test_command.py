"""`egopose train` as a user runs it: a recipe from a file, bad data told before training, several processes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from engine.network.weights import load_network
from tests.learn.data.making import shard_arrays, write_shard

RECIPE = """
seed = 3
dropout = 0.0
[network]
size = "small"
side = 64
spatial_width = 8
motion_dim = 32
joint_dim = 32
window = 8
[[stage]]
name = "windows"
pictures = 96
window = 4
stride = 4
batch = 2
rate = 1e-3
epoch = 48
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    for name, seed in (("data", 0), ("validation", 1)):
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name / "a.npz", shard_arrays(32, 4, seed))
    (tmp_path / "tiny.toml").write_text(RECIPE)
    places = {"--data": "data", "--validation": "validation", "--out": "out"}
    options = [word for option, name in places.items() for word in (option, str(tmp_path / name))]
    return ["train", str(tmp_path / "tiny.toml"), *options, "--workers", "0"]


def losses(out: Path) -> list[float]:
    with (out / "windows" / "curve.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_two_processes_give_the_loss_of_one(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert "weights: " in capsys.readouterr().out
    assert load_network(tmp_path / "out" / "weights.safetensors").config.side == 64
    words[words.index("--out") + 1] = str(tmp_path / "two")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, "-m", "app.cli", *words], check=False, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    one, two = losses(tmp_path / "out"), losses(tmp_path / "two")
    assert len(one) == 2
    assert np.allclose(one, two, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("empty", "holds no data"),
        ("missing", "is not there"),
        ("nan", "joints_m holds"),
        ("short", "joints_m has the shape"),
        ("truncated", "cut off"),
    ],
)
def test_bad_data_is_told_before_training_starts(
    fault: str, what: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, arrays = tmp_path / "data" / "a.npz", shard_arrays(32, 4)
    if fault == "empty":
        path.unlink()
    elif fault == "missing":
        words[words.index("--data") + 1] = str(tmp_path / "nowhere")
    elif fault == "nan":
        arrays["joints_m"][3, 2] = np.nan
        write_shard(path, arrays)
    elif fault == "short":
        write_shard(path, arrays | {"joints_m": arrays["joints_m"][:5]})
    else:
        path.write_bytes(path.read_bytes()[:9000])
    assert main(words) == 2
    said = capsys.readouterr().err
    assert what in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_stage_can_have_data_of_its_own(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "others").mkdir()
    write_shard(tmp_path / "others" / "a.npz", shard_arrays(32, 4, seed=5))
    assert main(words) == 0
    words[words.index("--out") + 1] = str(tmp_path / "other")
    assert main([*words, "--stage-data", "windows", str(tmp_path / "others")]) == 0
    assert losses(tmp_path / "out")[0] != losses(tmp_path / "other")[0]
    capsys.readouterr()
    for wrong in (["doors", str(tmp_path / "others")], ["windows"]):
        assert main([*words, "--stage-data", *wrong]) == 2
        error = capsys.readouterr().err.strip()
        assert len(error.splitlines()) == 1
        assert "windows" in error
