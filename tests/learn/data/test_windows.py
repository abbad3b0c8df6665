"""The torch data set: what it gives, in which order, and that it repeats exactly."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from calib.canonical import canonical_uv
from engine.learn.data.windows import Item, WindowDataset, collate
from tests.learn.data.making import SIDE, shard


@pytest.fixture
def data(tmp_path: Path) -> WindowDataset:
    return WindowDataset(
        [shard(tmp_path / "a.npz"), shard(tmp_path / "b.npz", count=8, seed=1)], SIDE, length=2, stride=2, seed=5
    )


def same(a: Item, b: Item) -> bool:
    fields = [f.name for f in dataclasses.fields(a[1])]
    return torch.equal(a[0], b[0]) and all(torch.equal(getattr(a[1], f), getattr(b[1], f)) for f in fields)


def test_every_window_of_every_sequence_comes_once(tmp_path: Path) -> None:
    a, b = shard(tmp_path / "a.npz"), shard(tmp_path / "b.npz", count=8, seed=1)
    plain = WindowDataset([a, b], SIDE, length=2, stride=2)
    assert len(plain) == 10
    joints = torch.cat([target.joints for _, target in (plain[i] for i in range(10))])
    assert np.array_equal(joints.numpy(), np.concatenate([a.joints_m, b.joints_m]))
    pictures, target = plain[7]
    assert pictures.shape == (2, SIDE, SIDE, 3)
    assert pictures.dtype == torch.uint8
    assert np.array_equal(pictures[1].numpy(), b.picture(3, SIDE))
    assert target.action.tolist() == [2, 3]
    assert np.array_equal(plain.joints_m.numpy(), np.concatenate([a.joints_m, b.joints_m])[::2])
    with pytest.raises(IndexError):
        plain[10]
    assert len(WindowDataset([a], SIDE, length=5)) == 0


def test_an_item_depends_on_seed_epoch_and_index_alone(data: WindowDataset) -> None:
    first = [data[i] for i in range(len(data))]
    again = pickle.loads(pickle.dumps(data))
    assert all(same(again[i], first[i]) for i in reversed(range(len(data))))
    again.epoch = 1
    assert not any(torch.equal(again[i][0], first[i][0]) for i in range(len(data)))
    again.epoch, again.seed = 0, 6
    assert not any(torch.equal(again[i][0], first[i][0]) for i in range(len(data)))


def test_augmented_truth_stays_with_its_picture(data: WindowDataset) -> None:
    for epoch in range(3):
        data.epoch = epoch
        for i in range(len(data)):
            target = data[i][1]
            expected = canonical_uv(target.joints.numpy().astype(np.float64))[0]
            assert np.allclose(target.uv.numpy(), expected, atol=2e-6)


def test_a_loader_with_workers_gives_the_same_batches(data: WindowDataset) -> None:
    alone, beside = (DataLoader(data, 4, collate_fn=collate, num_workers=n) for n in (0, 1))
    for one, two in zip(alone, beside, strict=True):
        assert one[0].shape[1:] == (2, SIDE, SIDE, 3)
        assert same(one, two)
