"""Pickles are read as data: nothing in them runs, and none takes memory it does not pay for."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learn.data.pickles import PickleError, load_npy_object, load_pickle, loads

PLAIN = {
    "list": [1, 2.5, "a", b"b", None, True, (1, 2), {"k": [3]}],
    "double": np.arange(12.0).reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "big endian": np.arange(4, dtype=">f4"),
    "flags": np.array([True, False]),
    "scalar": np.float32(2.5),
    "whole": np.int64(7),
    "objects": np.array([{"a": np.ones(2)}, None], dtype=object),
    "ordered": collections.OrderedDict(a=1),
}


def same(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray) and b.dtype == object:
        b = b.tolist()
    if isinstance(b, dict):
        return dict(a).keys() == b.keys() and all(same(a[k], b[k]) for k in b)
    if isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return bool(np.array_equal(a, b)) and getattr(a, "dtype", None) == getattr(b, "dtype", None)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", PLAIN)
def test_plain_data_comes_back(kind: str, protocol: int) -> None:
    assert same(loads(pickle.dumps(PLAIN[kind], protocol)), PLAIN[kind])


class Runs:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.reduced = call, arguments

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "evil",
    [
        Runs(os.system, "touch pwned"),
        Runs(eval, "open('pwned', 'w')"),
        Runs(np.load, "pwned"),
        Runs(np.fromfile, "pwned"),
        Runs(bytearray, 1 << 40),
        Path("pwned"),
    ],
    ids=str,
)
def test_nothing_runs(evil: Any, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps([evil], protocol)
    with pytest.raises(PickleError):
        loads(data)
    assert not list(tmp_path.iterdir())


def array_pickle(shape: tuple[int, ...], kind: str = "f8", raw: bytes = b"") -> bytes:
    """What numpy's array would be, with a shape of one's choice."""
    given = pickle.dumps((1, shape, np.dtype(kind), False, raw), 2)[2:-1]
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    return b"\x80\x02" + reconstruct + given + b"b."


HOSTILE = {
    "a shape the bytes do not fill": array_pickle((10**12,)),
    "a negative shape": array_pickle((-4, -2), raw=bytes(64)),
    "text": array_pickle((1,), "U4", bytes(16)),
    "records": array_pickle((1,), "V8", bytes(8)),
    "a memo out of reach": b"\x80\x02]r\xff\xff\xff\x7f.",
    "a promised gigabyte": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc.",
    "attributes of what it is given": b"\x80\x02c_codecs\nencode\n(N}X\x01\x00\x00\x00aK\x01stb.",
    "a call of plain data": b"\x80\x02K\x01)R.",
    "nothing": b"",
    "no end": pickle.dumps([1, 2, 3])[:-1],
    "deep": b"\x80\x02" + b"]" * 20000 + b"a" * 19999 + b".",
    "itself": b"\x80\x02]q\x00h\x00a.",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bytes_are_refused_in_words(kind: str) -> None:
    with pytest.raises(PickleError):
        loads(HOSTILE[kind])


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_data_or_refused(data: bytes) -> None:
    with contextlib.suppress(PickleError):
        loads(data)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(place: int, value: int) -> None:
    whole = bytearray(pickle.dumps([{"ext_id": 3, "ego_pose_gt": np.ones((15, 3))}]))
    whole[place % len(whole)] = value
    with contextlib.suppress(PickleError):
        loads(bytes(whole))


def test_what_is_shared_is_not_multiplied() -> None:
    value: list[Any] = [0]
    for _ in range(200):
        value = [value, value]
    assert len(loads(pickle.dumps(value))) == 2


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps([1]))
    assert load_pickle(path) == [1]
    with pytest.raises(PickleError, match="cannot be read"):
        load_pickle(tmp_path / "none.pkl")
    np.save(tmp_path / "d.npy", {"a": np.ones(3)})  # type: ignore[arg-type]
    assert same(load_npy_object(tmp_path / "d.npy"), {"a": np.ones(3)})
    np.save(tmp_path / "f.npy", np.ones(3))
    with pytest.raises(PickleError, match="where a dict is due"):
        load_npy_object(tmp_path / "f.npy")
    whole = (tmp_path / "d.npy").read_bytes()
    for keep in (0, 5, 60, len(whole) - 3):
        (tmp_path / "cut.npy").write_bytes(whole[:keep])
        with pytest.raises(PickleError):
            load_npy_object(tmp_path / "cut.npy")
