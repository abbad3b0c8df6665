"""Mounts by name and by measure, and data for one's own rig."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from calib.canonical import CANONICAL, canonical_uv
from calib.formats import load_camera, save_camera
from calib.remap import CanonicalView
from engine.errors import EgoposeError
from engine.learn.wearer.mounts import MOUNTS, parse_mount, sample_mount
from engine.learn.wearer.shards import shown_by
from engine.session.source import SessionSource


@pytest.mark.parametrize("name", MOUNTS)
def test_mounts_stay_in_their_range(name: str) -> None:
    rng = np.random.default_rng(0)
    wanted = parse_mount(name)
    drawn = [sample_mount(rng, mount=wanted) for _ in range(300)]
    for field in ("ahead_m", "below_m"):
        values = [getattr(mount, field) for mount in drawn]
        low, high = getattr(wanted, field)
        assert low <= min(values) < max(values) <= high
    tilts = np.degrees([mount.tilt[0] for mount in drawn])
    assert np.mean(tilts) == pytest.approx(wanted.tilt_deg[0], abs=4 * wanted.tilt_deg[1] / np.sqrt(300))


def test_a_mount_by_measure() -> None:
    mount = parse_mount("14,10,12")
    assert mount.ahead_m == pytest.approx((0.12, 0.16))
    assert mount.below_m == pytest.approx((0.08, 0.12))
    assert mount.tilt_deg[0] == 12
    assert parse_mount("1,10,12").ahead_m[0] == 0


@pytest.mark.parametrize("text", ["hat", "14,10", "14,10,x", "90,10,12", "14,10,80", "nan,10,12"])
def test_no_mount_is_told(text: str) -> None:
    with pytest.raises(EgoposeError, match="mount"):
        parse_mount(text)


def test_what_a_camera_shows_is_where_its_view_has_a_picture() -> None:
    """The mask of the shards agrees with the view that the live pipeline makes of a white picture."""
    camera = load_camera("sceneego")
    white = np.full((camera.size[1], camera.size[0], 3), 255, np.uint8)
    seen = CanonicalView(camera, camera.size, 96).image(white)[..., 0] > 127
    assert (shown_by(camera, 96) != seen).mean() < 0.01
    everything = shown_by(CANONICAL, 96)
    assert everything.mean() == pytest.approx(np.pi / 4, abs=0.01)


@pytest.mark.usefixtures("opengl")
def test_shards_for_ones_own_rig(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    narrow = replace(load_camera("sceneego"), name="mine", valid_angle=np.radians(60))
    save_camera(narrow, tmp_path / "mine.json")
    words = ["synth", str(tmp_path / "out"), "--count", "3", "--side", "64", "--seed", "5"]
    assert main([*words, "--camera", str(tmp_path / "mine.json"), "--mount", "boom"]) == 0
    assert "written" in capsys.readouterr().out
    with np.load(tmp_path / "out" / "train-5-00000.npz") as shard:
        outside = ~shown_by(narrow, 64)
        assert not shard["image"][:, outside].any()
        assert shard["image"][:, ~outside].any()
        assert np.allclose(shard["uv"], canonical_uv(shard["joints_m"].astype(float))[0], atol=1e-5)
        angle = np.arccos(shard["joints_m"][..., 2] / np.linalg.norm(shard["joints_m"], axis=-1))
        assert not shard["visible"][angle > np.radians(60)].any()


@pytest.mark.usefixtures("opengl")
def test_a_session_of_the_wearer_carries_its_truth(tmp_path: Path) -> None:
    path = tmp_path / "made.mcap"
    assert main(["synth", str(path), "--seconds", "0.1", "--size", "160x128", "--mount", "helmet"]) == 0
    with SessionSource(path) as source:
        frames = list(iter(source.read, None))
        assert source.info.calibration is not None
    assert len(frames) == 3
    assert all(frame.truth is not None and frame.image.shape == (128, 160, 3) for frame in frames)


@pytest.mark.parametrize(
    "words",
    [
        ["out", "--seconds", "3"],
        ["out.mcap", "--count", "3"],
        ["out", "--count", "0"],
        ["out", "--count", "3", "--part", "2/2"],
        ["out", "--count", "3", "--mount", "nose"],
        ["out", "--count", "3", "--camera", "nowhere.json"],
        ["out.mcap", "--seconds", "1", "--size", "big"],
        ["out.mcap", "--seconds", "-1"],
        ["out"],
    ],
)
def test_what_cannot_be_made_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["synth", *words]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
