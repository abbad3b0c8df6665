"""Shards are mapped, not read, and what is wrong with one is named."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.mapped import MemberError, members
from engine.learn.data.shards import ShardPictures, read, read_shards
from tests.learn.data.making import shard, shard_arrays, write_shard


def test_every_array_is_found_where_it_lies(tmp_path: Path) -> None:
    arrays = shard_arrays()
    held = members(write_shard(tmp_path / "a.npz", arrays))
    assert held.keys() == arrays.keys()
    for name, member in held.items():
        assert isinstance(member.array, np.memmap)
        assert np.array_equal(member.array, arrays[name])


def test_pictures_travel_as_their_place_in_the_file(tmp_path: Path) -> None:
    sequence = shard(tmp_path / "a.npz", count=40)
    before = sequence.picture(7, 64)
    sent = pickle.dumps(sequence)
    assert len(sent) < 40 * 64 * 64 * 3 / 10
    again = pickle.loads(sent)
    assert isinstance(again.pictures, ShardPictures)
    assert np.array_equal(again.picture(7, 64), before)


def test_clips_of_different_shards_and_gaps_in_time_stay_apart(tmp_path: Path) -> None:
    arrays = shard_arrays(12, 6)
    arrays["time_s"][[4, 5]] += 0.2
    write_shard(tmp_path / "a.npz", arrays)
    write_shard(tmp_path / "b.npz")
    (tmp_path / ".c.npz").write_text("being written")
    findings = Findings()
    a, b = read_shards(tmp_path, findings)
    assert not findings.found
    assert a.clip.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2]
    assert b.clip.tolist() == [0] * 4 + [1] * 4 + [2] * 4


FAULTS = {
    "missing": (lambda a: a.pop("uv"), "lacks uv"),
    "short": (lambda a: a.update(joints_m=a["joints_m"][:5]), r"joints_m has the shape \(5, 15, 3\)"),
    "nan": (lambda a: a["joints_m"].__setitem__((3, 2), np.nan), "3 numbers that are not finite, the first in row 3"),
    "other joints": (lambda a: a["joints_m"].__setitem__((3, 2), 0.3), "off the projection"),
    "no pictures": (lambda a: a.update(image=a["image"][:0]), "holds no pictures"),
    "grey": (lambda a: a.update(image=a["image"][..., 0]), "image is"),
    "actions": (lambda a: a["action"].fill(77), "action holds"),
    "objects": (lambda a: a.update(subject=np.array([None] * 12)), "as objects"),
    "order": (lambda a: a.update(clip=a["clip"][::-1]), "clip falls"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_shard_is_named_and_left_out(tmp_path: Path, fault: str) -> None:
    arrays = shard_arrays()
    break_it, said = FAULTS[fault]
    break_it(arrays)
    findings = Findings()
    assert read(write_shard(tmp_path / "a.npz", arrays), findings) is None
    (found,) = findings.errors
    assert found.where.endswith("a.npz")
    assert re.search(said, found.what), found.what


@pytest.mark.parametrize("keep", [0, 10, 1000, 60_000, -1, -500])
def test_a_shard_cut_off_anywhere_is_named(tmp_path: Path, keep: int) -> None:
    path = write_shard(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:keep])
    findings = Findings()
    assert read(path, findings) is None
    assert len(findings.errors) == 1


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "a.npz")
    data = path.read_bytes()
    assert data.count(b"(12, 64, 64, 3)") == 1
    path.write_bytes(data.replace(b"(12, 64, 64, 3)", b"(99,99999,99,3)"))
    with pytest.raises(MemberError, match="damaged"):
        members(path)
    with pytest.raises(MemberError, match="cannot be read"):
        members(tmp_path / "none.npz")


def test_a_compressed_shard_is_refused_in_words(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **shard_arrays())  # type: ignore[arg-type]
    findings = Findings()
    assert read(tmp_path / "a.npz", findings) is None
    assert "compressed" in findings.errors[0].what


def test_a_shard_that_goes_while_it_is_used_is_an_error_in_words(tmp_path: Path) -> None:
    sequence = shard(tmp_path / "a.npz")
    (tmp_path / "a.npz").unlink()
    with pytest.raises(EgoposeError, match=r"a\.npz has changed or gone"):
        sequence.picture(0, 64)
