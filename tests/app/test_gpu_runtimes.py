"""What runs on an NVIDIA GPU alone, on a machine without one: asked for, one line and status 2; else a fall-back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.cli import main
from app.settings import Settings
from calib.formats import load_camera
from engine.assets import bundled_weights
from engine.capture.source import Source, SourceInfo
from engine.runtime.choice import open_runtime
from engine.runtime.eager import EagerRuntime
from engine.runtime.nvidia import gpu
from engine.runtime.runtime import Runtime

without_gpu = pytest.mark.skipif(gpu() is not None, reason="this machine has an NVIDIA GPU")
GPU_ALONE = ["tensorrt", "cuda-graphs"]


@without_gpu
@pytest.mark.parametrize("runtime", GPU_ALONE)
def test_what_is_missing_is_one_line_and_status_2(
    runtime: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--headless", "--runtime", runtime, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.splitlines() == [said]
    assert said.startswith(f"egopose: --runtime {runtime} cannot run here: no NVIDIA GPU; ")
    assert "--runtime openvino" in said  # what to do next
    assert not (tmp_path / "out").exists()


@without_gpu
def test_engines_are_not_built_without_the_gpu_they_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--runtime", "tensorrt"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.splitlines() == [said]
    assert said.startswith("egopose: no NVIDIA GPU; ")


@pytest.mark.parametrize(
    ("upgrades", "seekable", "wanted"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_what_is_looked_at_live_gets_faster_and_recordings_stay_as_they_began(
    upgrades: bool, seekable: bool, wanted: bool, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def opened(weights: Path, runtime: str, *, upgrade: bool) -> Runtime:
        asked.append(upgrade)
        return EagerRuntime.from_file(weights)

    monkeypatch.setattr("app.settings.open_runtime", opened)
    info = SourceInfo("a source", "id", (64, 64), 30.0, "", live=not seekable, seekable=seekable)
    make = Settings(str(tiny_weights), camera=load_camera("sceneego"), upgrades=upgrades).estimator_maker()
    make(cast("Source", SimpleNamespace(info=info))).close()
    assert asked == [wanted]


@without_gpu
def test_by_itself_the_program_falls_back_and_says_so() -> None:
    runtime = open_runtime(bundled_weights("small"), Settings().runtime)
    try:
        assert runtime.reason.split("; ")[0] == "no NVIDIA GPU"
        assert "CPU" in runtime.description
    finally:
        runtime.close()
