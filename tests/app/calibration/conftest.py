"""A home of its own for every test: no index, no kept views."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the index and the kept views go."""
    place = tmp_path / "home"
    monkeypatch.setattr("engine.cameras.user_config_dir", lambda name: str(place / "config" / name))
    monkeypatch.setattr("app.calibration.store.user_data_dir", lambda name: str(place / "data" / name))
    return place
