"""What runs on an NVIDIA GPU alone, on a machine without one: asked for, one line and status 2; else a fall-back."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from app.settings import Settings
from engine.assets import bundled_weights
from engine.runtime.choice import open_runtime
from engine.runtime.nvidia import gpu

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
def test_by_itself_the_program_falls_back_and_says_so() -> None:
    runtime = open_runtime(bundled_weights("small"), Settings().runtime)
    try:
        assert runtime.reason.split("; ")[0] == "no NVIDIA GPU"
        assert "CPU" in runtime.description
    finally:
        runtime.close()
