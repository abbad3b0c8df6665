"""Shards, windows, and augmentation that keeps picture and truth together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.canonical import canonical_uv
from engine.errors import EgoposeError
from engine.learn.samples import Samples, batches, load_shards

SIDE = 64


def dotted(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture with one bright disc at joint 3, and all joints' canonical uv."""
    uv = canonical_uv(joints.astype(np.float64))[0].astype(np.float32)
    v, u = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot((u + 0.5) / SIDE - uv[3, 0], (v + 0.5) / SIDE - uv[3, 1]) * SIDE
    return np.repeat((255 * np.exp(-(distance**2) / 8)).astype(np.uint8)[..., None], 3, -1), uv


def samples(count: int = 12, per_clip: int = 4, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-0.25, 0.25, (count, 15, 3)).astype(np.float32) + np.array([0, 0, 0.6], np.float32)
    drawn = [dotted(j) for j in joints]
    return Samples(
        np.stack([d[0] for d in drawn]),
        joints,
        np.stack([d[1] for d in drawn]),
        rng.random((count, 15)) < 0.8,
        np.arange(count, dtype=np.uint8) % 5,
        np.arange(count, dtype=np.int64) // per_clip,
    )


def test_windows_never_cross_a_clip() -> None:
    data = samples(12, 4)
    assert data.windows(1, 1).tolist() == list(range(12))
    assert data.windows(3, 1).tolist() == [0, 1, 4, 5, 8, 9]
    assert data.windows(2, 2).tolist() == [0, 2, 4, 6, 8, 10]
    assert data.windows(5, 1).tolist() == []


def write(folder: Path, name: str, data: Samples, **changed: object) -> None:
    arrays = {field: getattr(data, field) for field in Samples.__dataclass_fields__} | changed
    np.savez(folder / name, **{k: v for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]


def test_shards_are_taken_in_once_and_clips_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, "a.npz", samples())
    first, known = load_shards(tmp_path)
    write(tmp_path, "b.npz", samples(seed=1))
    fresh, known = load_shards(tmp_path, known)
    both, _ = load_shards(tmp_path)
    assert first is not None
    assert fresh is not None
    assert both is not None
    assert (len(first), len(fresh), len(both)) == (12, 12, 24)
    assert both.clip.tolist() == [c for c in range(6) for _ in range(4)]
    assert load_shards(tmp_path, known)[0] is None


def test_batches_give_bgr_and_every_window_once(tmp_path: Path) -> None:
    write(tmp_path, "a.npz", samples())
    data, _ = load_shards(tmp_path)
    assert data is not None
    seen = []
    for pictures, target in batches(data, SIDE, 3, length=2, stride=2):
        assert pictures.shape[1:] == (2, SIDE, SIDE, 3)
        seen.append(target.joints.numpy())
    assert np.array_equal(np.concatenate(seen).reshape(-1, 15, 3), data.joints_m)


@pytest.mark.parametrize("fault", ["missing", "short", "nan", "text"])
def test_a_broken_shard_is_named(tmp_path: Path, fault: str) -> None:
    data = samples()
    if fault == "text":
        (tmp_path / "a.npz").write_text("not a shard")
    else:
        broken = data.joints_m.copy()
        broken[3, 2] = np.nan
        joints = {"missing": None, "short": data.joints_m[:5], "nan": broken}[fault]
        write(tmp_path, "a.npz", data, joints_m=joints)
    with pytest.raises(EgoposeError, match=r"a\.npz"):
        load_shards(tmp_path)
