"""Small data in exactly the formats that the readers read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calib.canonical import canonical_uv
from engine.learn.data.findings import Findings
from engine.learn.data.sequence import Sequence
from engine.learn.data.shards import read_shard

SIDE = 64


def poses(count: int, seed: int = 0) -> np.ndarray:
    """(N, 15, 3) float32 metres, all in the picture of any of the cameras."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.25, 0.25, (count, 15, 3)).astype(np.float32) + np.array([0, 0, 0.6], np.float32)


def disc(uv: np.ndarray, side: int = SIDE) -> np.ndarray:
    """(side, side, 3) with one bright disc at canonical uv."""
    v, u = np.mgrid[:side, :side]
    distance = np.hypot((u + 0.5) / side - uv[0], (v + 0.5) / side - uv[1]) * side
    return np.repeat((255 * np.exp(-(distance**2) / 8)).astype(np.uint8)[..., None], 3, -1)


def centroid(picture: np.ndarray) -> np.ndarray:
    """Canonical uv of what is bright in a square picture."""
    side = len(picture)
    weights = picture[..., 0].astype(float) ** 2
    v, u = np.mgrid[:side, :side]
    return np.array([((u + 0.5) * weights).sum(), ((v + 0.5) * weights).sum()]) / weights.sum() / side


def shard_arrays(count: int = 12, per_clip: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """A shard whose pictures show a disc at joint 3."""
    joints = poses(count, seed)
    uv = canonical_uv(joints.astype(np.float64))[0].astype(np.float32)
    return {
        "image": np.stack([disc(place[3]) for place in uv]),
        "joints_m": joints,
        "uv": uv,
        "visible": np.random.default_rng(seed).random((count, 15)) < 0.8,
        "action": (np.arange(count) % 5).astype(np.uint8),
        "clip": (np.arange(count) // per_clip).astype(np.int32),
        "time_s": (np.arange(count) % per_clip / 30).astype(np.float32),
        "subject": np.array(["14"] * count),
        "motion": np.array(["14_01"] * count),
    }


def write_shard(path: Path, arrays: dict[str, np.ndarray] | None = None) -> Path:
    np.savez(path, **(arrays or shard_arrays()))  # type: ignore[arg-type]
    return path


def shard(path: Path, **options: int) -> Sequence:
    """A shard written and read back."""
    findings = Findings()
    sequence = read_shard(write_shard(path, shard_arrays(**options)), findings)
    assert sequence is not None, findings.found
    return sequence
