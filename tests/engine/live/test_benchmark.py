"""The benchmark of recording and reading runs, loses nothing and leaves nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.live.benchmark import main


def test_a_small_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seconds", "0.3", "--minutes", "0.02", "--folder", str(tmp_path)])
    recording, opening, reading = capsys.readouterr().out.splitlines()
    assert "18 frames, 0 lost" in recording
    assert opening.startswith("opening 0 min")
    numbers = re.findall(r"(\d+\.\d+) ms", reading)
    assert 0 < float(numbers[0]) <= float(numbers[1])
    assert list(tmp_path.iterdir()) == []
