"""The compiled network that comes with the program: it belongs to the weights, and says what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets import DEMO_SESSION, WEIGHTS
from engine.runtime import agreement as module
from engine.runtime import openvino
from engine.runtime.agreement import WITHIN, Recorded, agreement, gather, trace
from engine.runtime.artefacts import COMPILED, Artefacts, Key, key_of
from engine.runtime.backend import weights_sha256
from engine.runtime.description import Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.openvino import OpenVino

BUNDLED = WEIGHTS / "small.safetensors"
AGAIN = "the weights have changed: rm -r assets/compiled && egopose compile small --out assets/compiled"


@pytest.fixture
def key() -> Key:
    """Of what is bundled, for every processor."""
    return key_of(BUNDLED, OpenVino.name, OpenVino().identity())


@pytest.fixture
def folder(key: Key, tmp_path: Path) -> Path:
    found = Artefacts(tmp_path / "none").find(key)
    assert found is not None, AGAIN
    return found


def test_it_belongs_to_the_weights_and_nothing_else_lies_there(folder: Path, key: Key, tmp_path: Path) -> None:
    assert Description.read(folder).weights_sha256 == weights_sha256(BUNDLED)
    assert [path.name for path in COMPILED.iterdir()] == [key.name], AGAIN
    other = tmp_path / "other.safetensors"
    other.write_bytes(BUNDLED.read_bytes() + b"\0")
    assert Artefacts(tmp_path / "none").find(key_of(other, OpenVino.name, OpenVino().identity())) is None


@pytest.mark.parametrize(
    ("processor", "runs"), [("avx_vnni", "OpenVINO int8, CPU"), ("avx2", "OpenVINO fp32, CPU without VNNI")]
)
def test_it_says_what_the_weights_say_over_a_stream_with_a_reset(
    processor: str, runs: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "instructions", lambda: frozenset({processor}))
    found = Description.read(folder).agreement
    assert found is not None
    assert found.jumped < WITHIN
    assert found.mpjpe_change is not None
    assert found.mpjpe_change < WITHIN
    # Fewer frames than it was checked with: the joints are what is looked at, since single peaks weigh too much.
    monkeypatch.setattr(module, "MAX_FRAMES", 200)
    _, check = gather([DEMO_SESSION], 192)
    some = Recorded(tuple(block[:40] for block in check.pictures[:2]), tuple(block[:40] for block in check.truth[:2]))
    eager, compiled = EagerRuntime.from_file(BUNDLED), OpenVino().load(folder)
    assert compiled.description == runs
    try:
        now = agreement(trace(compiled, some), trace(eager, some), some)
    finally:
        eager.close()
        compiled.close()
    assert now.frames == 80
    assert now.moved_share < WITHIN
    assert now.mpjpe_change is not None
    assert now.mpjpe_change < 2 * WITHIN
    assert now.jumped < 3 * WITHIN
