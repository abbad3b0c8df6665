"""Compiled networks on disk: what is damaged, foreign or half-written is never used, and one builder is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EgoposeError
from engine.runtime import artefacts
from engine.runtime.artefacts import MANIFEST, Artefacts, Cancelled, Key, check, key_of, seal

KEY = Key("ab" * 32, "fast", (("gpu", "RTX"), ("version", "1")))
FILES = {"engine.bin": bytes(range(256)) * 5, "net.json": b'{"a": 1}'}


def write(folder: Path) -> None:
    for name, content in FILES.items():
        (folder / name).write_bytes(content)


def refuse(_folder: Path) -> None:
    raise AssertionError("it was built although it was there")


@pytest.fixture
def store(tmp_path: Path) -> Artefacts:
    return Artefacts(tmp_path / "cache", tmp_path / "bundled")


def left(store: Artefacts) -> set[str]:
    """What lies in the cache besides locks."""
    return {path.name for path in store.root.iterdir() if path.suffix != ".lock"} if store.root.exists() else set()


def test_what_is_built_is_found_again_and_not_built_again(store: Artefacts) -> None:
    assert store.find(KEY) is None
    folder = store.obtain(KEY, write)
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != MANIFEST} == FILES
    assert store.find(KEY) == folder == store.obtain(KEY, refuse)
    assert left(store) == {KEY.name}


def test_every_part_of_the_key_counts(store: Artefacts, tmp_path: Path) -> None:
    weights = tmp_path / "a.safetensors"
    weights.write_bytes(b"one")
    one = key_of(weights, "fast", {"version": "1", "gpu": "RTX"})
    assert one == key_of(weights, "fast", {"gpu": "RTX", "version": "1"})
    weights.write_bytes(b"two")
    others = [
        key_of(weights, "fast", {"version": "1", "gpu": "RTX"}),
        replace(one, backend="other"),
        replace(one, identity=(("gpu", "RTX"), ("version", "2"))),
        replace(one, identity=(("gpu", "GTX"), ("version", "1"))),
    ]
    assert len({one.name, *(key.name for key in others)}) == 5
    store.obtain(one, write)
    assert [store.find(key) for key in others] == [None] * 4


def test_bundled_ones_are_found_and_never_touched(store: Artefacts, tmp_path: Path) -> None:
    place = tmp_path / "bundled" / KEY.name
    place.mkdir(parents=True)
    write(place)
    seal(place, KEY)
    assert store.find(KEY) == place
    store.remove(KEY)
    assert store.obtain(KEY, refuse) == place
    assert store.obtain(KEY, write, anew=True) == store.find(KEY) == store.root / KEY.name


def rename_key(folder: Path) -> None:
    """An artefact of another machine, put where ours would be."""
    seal_as = replace(KEY, identity=(("gpu", "another"), ("version", "1")))
    (folder / MANIFEST).unlink()
    seal(folder, seal_as)


def edit(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def link(folder: Path) -> None:
    moved = folder.parent / "elsewhere"
    (folder / "engine.bin").rename(moved)
    (folder / "engine.bin").symlink_to(moved)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a byte is another": lambda f: (f / "engine.bin").write_bytes(FILES["engine.bin"][:-1] + b"x"),
    "cut off": lambda f: os.truncate(f / "engine.bin", 100),
    "empty": lambda f: os.truncate(f / "engine.bin", 0),
    "longer": lambda f: (f / "engine.bin").write_bytes(FILES["engine.bin"] + b"x"),
    "a file is gone": lambda f: (f / "net.json").unlink(),
    "a file too many": lambda f: (f / "more.bin").write_bytes(b"x"),
    "a folder in it": lambda f: (f / "more").mkdir(),
    "a link": link,
    "no manifest": lambda f: (f / MANIFEST).unlink(),
    "manifest cut off": lambda f: os.truncate(f / MANIFEST, 40),
    "manifest is no object": lambda f: (f / MANIFEST).write_text("[]"),
    "manifest too large": lambda f: (f / MANIFEST).write_text(" " * artefacts.MAX_MANIFEST_BYTES + "{}"),
    "manifest nested deep": lambda f: (f / MANIFEST).write_text("[" * 60_000),
    "names a file outside": lambda f: edit(f, lambda m: m["files"].update({"../x": {}})),
    "says it is huge": lambda f: edit(f, lambda m: m["files"]["net.json"].update(bytes=1 << 50)),
    "another format": lambda f: edit(f, lambda m: m.update(format="egopose-artefact-0")),
    "another machine's": rename_key,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_or_foreign_is_built_again(store: Artefacts, damage: Callable[[Path], object]) -> None:
    damage(store.obtain(KEY, write))
    assert store.find(KEY) is None
    folder = store.obtain(KEY, write)
    assert check(folder, KEY) is None
    assert (folder / "engine.bin").read_bytes() == FILES["engine.bin"]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_no_changed_byte_anywhere_is_ever_served(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "it"
        folder.mkdir()
        write(folder)
        seal(folder, KEY)
        victim = folder / data.draw(st.sampled_from([*FILES, MANIFEST]))
        content = bytearray(victim.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        victim.write_bytes(content)
        served = check(folder, KEY) is None
        # Of the manifest some bytes are only the space between its entries.
        assert not served or victim.name == MANIFEST
        assert not served or {n: (folder / n).read_bytes() for n in FILES} == FILES


@pytest.mark.parametrize("content", [{}, {f"{i}": b"" for i in range(artefacts.MAX_FILES + 1)}], ids=["none", "many"])
def test_too_few_or_too_many_files_are_not_sealed(store: Artefacts, content: dict[str, bytes]) -> None:
    def build(folder: Path) -> None:
        for name, data in content.items():
            (folder / name).write_bytes(data)

    with pytest.raises(ValueError, match="from 1 to"):
        store.obtain(KEY, build)
    assert left(store) == set()


def test_a_build_that_fails_or_is_called_off_leaves_nothing(store: Artefacts) -> None:
    def broken(folder: Path) -> None:
        write(folder)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.obtain(KEY, broken)
    stop = threading.Event()

    def called_off(folder: Path) -> None:
        write(folder)
        stop.set()

    with pytest.raises(Cancelled):
        store.obtain(KEY, called_off, stop.is_set)
    assert left(store) == set()
    # And the next one is not kept from building.
    assert store.find(KEY) is None
    store.obtain(KEY, write)


def test_a_failed_build_keeps_the_one_that_was_there(store: Artefacts) -> None:
    folder = store.obtain(KEY, write)

    def broken(_folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.obtain(KEY, broken, anew=True)
    assert store.find(KEY) == folder


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EgoposeError, match=r"cannot keep compiled networks in .*file.*Not a directory"):
        Artefacts(tmp_path / "file" / "cache").obtain(KEY, write)


def test_weights_that_cannot_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EgoposeError, match="No such file"):
        key_of(tmp_path / "none.safetensors", "fast", {})
    monkeypatch.setattr(artefacts, "MAX_WEIGHTS_BYTES", 3)
    (tmp_path / "large").write_bytes(b"1234")
    with pytest.raises(EgoposeError, match="larger than any network"):
        key_of(tmp_path / "large", "fast", {})


def test_of_two_who_want_the_same_one_builds_and_the_other_waits(store: Artefacts) -> None:
    inside, go_on = threading.Event(), threading.Event()
    built: list[str] = []
    found: list[Path] = []

    def build(folder: Path) -> None:
        built.append(threading.current_thread().name)
        inside.set()
        go_on.wait(20)
        write(folder)

    threads = [threading.Thread(target=lambda: found.append(store.obtain(KEY, build))) for _ in range(2)]
    threads[0].start()
    inside.wait(20)
    threads[1].start()
    gave_up = []
    with pytest.raises(Cancelled):
        store.obtain(KEY, build, lambda: bool(gave_up) or gave_up.append(1) is not None)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(built) == 1
    assert found == [store.root / KEY.name] * 2


CHILD = """
import sys
from pathlib import Path
from engine.runtime.artefacts import Artefacts, Key

def build(folder):
    (folder / "engine.bin").write_bytes(b"half")
    print("inside", flush=True)
    sys.stdin.read()

Artefacts(Path(sys.argv[1])).obtain(Key(sys.argv[2], "fast", (("gpu", "RTX"), ("version", "1"))), build)
"""


def test_a_builder_that_is_killed_frees_the_place_and_what_it_left_is_cleared_away(store: Artefacts) -> None:
    command = [sys.executable, "-c", CHILD, str(store.root), KEY.weights_sha256]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "inside\n"
        child.kill()
        child.wait(20)
    assert store.find(KEY) is None
    assert len(left(store)) == 1
    store.obtain(KEY, write)
    assert left(store) == {KEY.name}


def test_what_was_not_used_for_long_makes_room(store: Artefacts) -> None:
    old, used = replace(KEY, backend="old"), replace(KEY, backend="used")
    long_ago = 1_000_000.0
    for key in (old, used):
        os.utime(store.obtain(key, write), (long_ago, long_ago))
    store.find(used)
    store.obtain(KEY, write)
    assert left(store) == {KEY.name, used.name}
