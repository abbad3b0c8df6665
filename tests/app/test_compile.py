"""`egopose compile` through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from engine.runtime.artefacts import Artefacts, key_of
from engine.runtime.openvino import OpenVino
from tests.engine.runtime.networks import TINY, recording, weights_of


def test_it_makes_what_the_program_then_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, frames, out = weights_of(TINY, tmp_path), recording(tmp_path / "pictures"), tmp_path / "out"
    words = ["compile", str(weights), "--precision", "fp32", "--frames", str(frames), "--out", str(out)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "openvino, fp32" in printed
    assert "0.00% of them moved" in printed
    key = key_of(weights, "openvino", OpenVino("fp32").identity())
    folder = Artefacts(out).find(key)
    assert folder is not None
    assert [path.name for path in out.iterdir()] == [folder.name]
    runtime = OpenVino().load(folder)
    assert runtime.network == "tiny"
    runtime.close()
    # A byte of a model that is another one: it is not used any more.
    model = folder / "spatial.bin"
    model.write_bytes(bytes([model.read_bytes()[0] ^ 1]) + model.read_bytes()[1:])
    assert Artefacts(out).find(key) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "no network is named nothing"),
        (["small", "--frames", "/no/where"], "there is no /no/where"),
        (["small", "--runtime", "torchscript", "--precision", "int8"], "torchscript has no --precision int8; "),
        (
            ["small", "--precision", "fp16"],
            "openvino has no --precision fp16; leave it away, or take --runtime t",
        ),
        (["small", "--runtime", "abacus"], "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", *words]) == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert printed.count("\n") == 1
