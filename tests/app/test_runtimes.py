"""`--runtime` as a user gives it: each way to run a network, what is lacking, compiled networks that do not hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import main
from engine.runtime import agreement, choice, openvino, torchscript
from engine.runtime.artefacts import MANIFEST, Artefacts, Key, key_of, seal
from engine.runtime.backend import Tell, tell_nobody
from engine.runtime.openvino import OpenVino
from tests.app.sessions.test_command import write
from tests.engine.runtime.networks import recording
from tests.learn.data import making

TITLES = {"openvino": "OpenVINO fp32", "eager": "PyTorch eager", "torchscript": "TorchScript"}


@pytest.fixture(autouse=True)
def quickly_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In fp32, which this machine then has alone, and checked on few frames."""
    monkeypatch.setattr(choice, "missing_cuda", lambda: "no NVIDIA GPU; plug one in")
    monkeypatch.setattr(openvino, "instructions", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(agreement, "MAX_FRAMES", 32)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """An artefact of the tiny network."""
    root = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        quickly_made.__wrapped__(patch)  # type: ignore[attr-defined]
        key = key_of(tiny_weights, "openvino", OpenVino().identity())
        return Artefacts(root).obtain(key, lambda folder: OpenVino().build(tiny_weights, folder))


@pytest.fixture
def copied(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Compiling takes seconds: what comes of it is copied. The folders that were filled so."""
    filled: list[Path] = []

    def build(_backend: OpenVino, _weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        filled.append(folder)
        shutil.copytree(compiled, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))

    monkeypatch.setattr(OpenVino, "build", build)
    return filled


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return recording(tmp_path / "pictures", 4)


def replayed(pictures: Path, weights: Path, *more: str) -> tuple[str, str]:
    """What runs, and why, as report.json has it."""
    out = pictures.parent / "out"
    assert main(["replay", str(pictures), "--headless", "--out", str(out), "--network", str(weights), *more]) == 0
    report = json.loads((out / "report.json").read_text())
    return report["runtime"], report["runtime_reason"]


@pytest.mark.parametrize("name", TITLES)
def test_what_is_asked_for_runs_and_is_made_before_with_a_bar(
    name: str,
    pictures: Path,
    tiny_weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    runtime, reason = replayed(pictures, tiny_weights, "--runtime", name)
    assert runtime.startswith(TITLES[name])
    assert reason == "asked for"
    printed = capsys.readouterr()
    assert f"network tiny, {runtime} (asked for)" in printed.out
    assert (f"compiling tiny for {name}" in printed.err) == (name != "eager")
    replayed(pictures, tiny_weights, "--runtime", name)
    assert "compiling" not in capsys.readouterr().err


def test_auto_says_why_it_is_this_one(pictures: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtime, reason = replayed(pictures, tiny_weights)
    assert runtime.startswith("PyTorch eager")
    assert reason == "no NVIDIA GPU; nothing is compiled for OpenVINO yet"
    assert f"{runtime} ({reason})" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["openvino", "torchscript"])
def test_what_the_machine_lacks_is_one_line_that_says_how_to_get_it(
    name: str, pictures: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for module in (openvino, torchscript):
        monkeypatch.setattr(module, "find_spec", lambda _package: None)
    session = tmp_path / "s.mcap"
    write(session, poses=False)
    asked = ["--network", str(tiny_weights), "--runtime", name]
    for words in (
        ["replay", str(pictures), "--headless", "--out", str(tmp_path / "out")],
        ["evaluate", str(pictures)],
        ["export", str(session), "--images", str(tmp_path / "images"), "--rerun"],
        ["export", str(session), "--csv", str(tmp_path / "poses.csv"), "--rerun"],
    ):
        assert main([*words, *asked]) == 2
        line = capsys.readouterr().err
        assert f"--runtime {name} cannot run here" in line
        assert "pip install" in line
        assert line.count("\n") == 1
    assert main(["demo", "--runtime", "abacus"]) == 2
    assert "invalid choice" in capsys.readouterr().err


def test_poses_that_were_recorded_need_no_runtime(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "find_spec", lambda _package: None)
    session, out = tmp_path / "s.mcap", tmp_path / "out"
    write(session)
    words = ["--headless", "--out", str(out), "--recorded", "--runtime", "openvino"]
    assert main(["replay", str(session), *words]) == 0


def test_an_evaluation_and_an_export_are_made_by_it(
    copied: list[Path], tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--network", str(tiny_weights), "--runtime", "openvino"]
    making.write_shard(tmp_path / "test-0-00000.npz", making.shard_arrays(4, 4))
    assert main(["evaluate", str(tmp_path), "--report", str(tmp_path / "report"), *asked]) == 0
    (network,) = json.loads((tmp_path / "report" / "report.json").read_text())["networks"]
    assert network["runtime"] == "OpenVINO fp32, CPU"
    assert network["runtime_reason"] == "asked for"
    # The windows are the network's own.
    assert network["windowed"]["difference_mm"] < 0.5
    assert "OpenVINO fp32, CPU (asked for)" in capsys.readouterr().out
    session = tmp_path / "s.mcap"
    write(session, poses=False)
    for into in (["--images", str(tmp_path / "images")], ["--npz", str(tmp_path / "poses.npz")]):
        assert main(["export", str(session), *into, "--rerun", "--range", "-0.3", *asked]) == 0
        assert "network tiny, OpenVINO fp32, CPU (asked for)" in capsys.readouterr().err


def flip(folder: Path, key: Key) -> None:
    """A bit of a model is another one."""
    model = folder / "spatial.bin"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


def age(folder: Path, key: Key) -> None:
    """As another version of the program has written it."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"format": "egopose-artefact-0"}))


def forge(folder: Path, key: Key) -> None:
    """Whole by its manifest, and yet no model."""
    (folder / "spatial.xml").write_text("<net")
    (folder / MANIFEST).unlink()
    seal(folder, key)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (flip, "spatial.bin is damaged"),
        (age, "another version"),
        (forge, "cannot be loaded"),
    ],
)
def test_a_compiled_network_that_does_not_hold_is_told_and_made_anew(
    harm: Callable[[Path, Key], None],
    told: str,
    copied: list[Path],
    compiled: Path,
    pictures: Path,
    tiny_weights: Path,
) -> None:
    store, key = Artefacts(), key_of(tiny_weights, "openvino", OpenVino().identity())
    place = store.root / key.name
    shutil.copytree(compiled, place)
    harm(place, key)
    runtime, reason = replayed(pictures, tiny_weights)
    assert runtime.startswith("PyTorch eager")
    assert "what was compiled for OpenVINO is not used" in reason
    assert told in reason
    if not place.exists():
        shutil.copytree(compiled, place)
        harm(place, key)
    assert replayed(pictures, tiny_weights, "--runtime", "openvino") == ("OpenVINO fp32, CPU", "asked for")
    assert store.find(key) == place
    assert len(copied) == 1
