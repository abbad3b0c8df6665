"""Shards: whole, exact, reproducible, resumable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.canonical import CANONICAL_MAX_ANGLE, canonical_uv
from engine.errors import EgoposeError
from engine.learn.wearer import shards
from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import SPLITS
from engine.learn.wearer.motion import ACTIONS
from engine.learn.wearer.shards import SUBJECTS, Choice, make_shards

pytestmark = pytest.mark.usefixtures("opengl")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 6)


def make(out: Path, **changes: object) -> list[tuple[int, int]]:
    settings: dict = {"count": 6, "seed": 3, "bvh": None, "split": "train", "frames": 3, "side": 48}
    return list(make_shards(out, **(settings | changes)))


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def test_a_shard_holds_what_it_says(tmp_path: Path) -> None:
    assert make(tmp_path)[-1] == (6, 6)
    assert [p.name for p in tmp_path.iterdir()] == ["train-3-00000.npz"]
    shard = load(tmp_path / "train-3-00000.npz")
    assert shard["image"].shape == (6, 48, 48, 3)
    assert shard["image"].dtype == np.uint8
    assert shard["joints_m"].shape == (6, 15, 3)
    assert shard["visible"].dtype == bool
    assert shard["action"].max() < len(ACTIONS)
    uv, inside = canonical_uv(shard["joints_m"].astype(np.float64))
    np.testing.assert_allclose(shard["uv"], uv, atol=1e-6)
    assert not (shard["visible"] & ~inside).any()
    angle = np.arctan2(np.hypot(*np.moveaxis(shard["joints_m"][..., :2], -1, 0)), shard["joints_m"][..., 2])
    assert angle[shard["visible"]].max() <= CANONICAL_MAX_ANGLE
    assert list(shard["clip"]) == [0, 0, 0, 1, 1, 1]
    for clip in (slice(0, 3), slice(3, 6)):
        steps = np.diff(shard["time_s"][clip]) * 30
        assert np.allclose(steps, 1, atol=1e-3) or np.allclose(steps, 2, atol=1e-3)
        assert shard["time_s"][clip][0] == 0
        # A person moves little in a thirtieth of a second.
        assert np.linalg.norm(np.diff(shard["joints_m"][clip], axis=0), axis=2).max() < 0.6
    assert (shard["subject"] == "").all()
    assert np.linalg.norm(shard["joints_m"][:, [3, 6]], axis=2).min() >= 0.17


def test_shards_resume_and_repeat(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    make(a, count=12)
    make(b, count=12, part=(1, 2))
    assert [p.name for p in b.iterdir()] == ["train-3-00001.npz"]
    make(b, count=12)
    for path in sorted(a.iterdir()):
        one, two = load(path), load(b / path.name)
        for name, value in one.items():
            np.testing.assert_array_equal(two[name], value)
    assert load(a / "train-3-00001.npz")["clip"].min() == 6
    before = [p.stat().st_mtime_ns for p in sorted(a.iterdir())]
    assert make(a, count=12)[-1] == (12, 12)
    assert [p.stat().st_mtime_ns for p in sorted(a.iterdir())] == before
    make(tmp_path / "c", seed=4)
    assert (load(tmp_path / "c" / "train-4-00000.npz")["joints_m"] != one["joints_m"]).any()


def test_an_interrupted_shard_leaves_nothing_behind(tmp_path: Path) -> None:
    running = make_shards(tmp_path, count=6, seed=3, bvh=None, split="train", frames=3, side=48)
    next(running)
    running.close()
    assert list(tmp_path.glob("*.npz")) == []


def test_nobody_is_in_two_splits() -> None:
    people = [person for subjects in SUBJECTS.values() for person in subjects]
    assert len(people) == len(set(people)) == 13
    assert list(SUBJECTS) == list(SPLITS)


def test_the_choice_is_balanced_over_actions() -> None:
    rng = np.random.default_rng(0)
    motions = [made_motion(rng, 4, "walk") for _ in range(16)] + [made_motion(rng, 4, "squat")]
    choice = Choice(motions)
    # Square roots: sixteen times the footage is drawn four times as often, not sixteen.
    assert choice.odds[:16].sum() / choice.odds[16] == pytest.approx(4)
    for frames in (1, 5, 40):
        motion, picked = choice.draw(rng, frames)
        assert len(picked) == frames
        assert picked.min() >= 0
        assert picked.max() < len(motion)
        assert len(set(np.diff(picked))) <= 1


def test_motion_that_is_too_short_for_the_clips_is_named(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="no such folder"):
        make(tmp_path, bvh=tmp_path / "none")
