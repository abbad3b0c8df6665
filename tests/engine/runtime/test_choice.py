"""Which runtime is taken, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.errors import EgoposeError
from engine.network.weights import load_network
from engine.runtime.artefacts import Artefacts
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.choice import Direct, choices, every_way, open_runtime
from engine.runtime.eager import EagerRuntime
from engine.runtime.runtime import Runtime


class Plain(Direct):
    """Runs everywhere."""

    name = "eager"

    def missing(self) -> str | None:
        return None

    def open(self, weights: Path) -> Runtime:
        return EagerRuntime(load_network(weights))


class Compiled(Backend):
    """Has to be built; `lacks` is what the machine has not, and what is built can be damaged."""

    name = "openvino"

    def __init__(self, lacks: str | None = None) -> None:
        self.lacks, self.built = lacks, 0
        self.sound = b"sound"

    def missing(self) -> str | None:
        return self.lacks

    def identity(self) -> Mapping[str, str]:
        return {"made": "for a test"}

    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        self.built += 1
        (folder / "model").write_bytes(self.sound)

    def load(self, folder: Path) -> Runtime:
        if (folder / "model").read_bytes() != self.sound:
            raise EgoposeError("the model is damaged; compile it again")
        return Named()


class Named(EagerRuntime):
    """Told from the other by its type."""

    def __init__(self) -> None:
        self.reason = ""


@pytest.fixture
def artefacts(tmp_path: Path) -> Artefacts:
    return Artefacts(tmp_path / "compiled", tmp_path / "bundled")


def test_auto_takes_what_is_compiled_and_says_why_it_does_not(tiny_weights: Path, artefacts: Artefacts) -> None:
    compiled = Compiled()
    ways = (compiled, Plain())
    first = open_runtime(tiny_weights, ways=ways, artefacts=artefacts)
    assert type(first) is EagerRuntime
    assert first.reason == "nothing is compiled for OpenVINO yet"
    assert compiled.built == 0  # auto never keeps anybody waiting
    made = open_runtime(tiny_weights, "openvino", ways=ways, artefacts=artefacts)
    assert isinstance(made, Named)
    assert made.reason == "asked for"
    second = open_runtime(tiny_weights, ways=ways, artefacts=artefacts)
    assert isinstance(second, Named)
    assert second.reason == "the fastest there is"
    assert compiled.built == 1


def test_what_the_machine_lacks_is_one_line(tiny_weights: Path, artefacts: Artefacts) -> None:
    ways = (Compiled("no such processor; buy one"), Plain())
    assert open_runtime(tiny_weights, ways=ways, artefacts=artefacts).reason == "no such processor"
    with pytest.raises(EgoposeError, match="--runtime openvino cannot run here: no such processor; buy one"):
        open_runtime(tiny_weights, "openvino", ways=ways, artefacts=artefacts)


def test_a_damaged_artefact_is_made_anew_and_never_trusted(tiny_weights: Path, artefacts: Artefacts) -> None:
    compiled = Compiled()
    ways = (compiled, Plain())
    open_runtime(tiny_weights, "openvino", ways=ways, artefacts=artefacts)
    (model,) = (file for file in artefacts.root.rglob("model") if file.is_file())
    model.write_bytes(b"other")
    fallen = open_runtime(tiny_weights, ways=ways, artefacts=artefacts)
    assert type(fallen) is EagerRuntime
    assert fallen.reason == "what was compiled for OpenVINO is not used, model is damaged"
    assert isinstance(open_runtime(tiny_weights, "openvino", ways=ways, artefacts=artefacts), Named)
    assert compiled.built == 2


def test_what_is_whole_and_does_not_load_is_told_and_made_anew(tiny_weights: Path, artefacts: Artefacts) -> None:
    compiled = Compiled()
    ways = (compiled, Plain())
    open_runtime(tiny_weights, "openvino", ways=ways, artefacts=artefacts)
    compiled.sound = b"what a newer version makes"
    fallen = open_runtime(tiny_weights, ways=ways, artefacts=artefacts)
    assert fallen.reason == "what was compiled for OpenVINO is not used, it cannot be loaded"
    assert open_runtime(tiny_weights, ways=ways, artefacts=artefacts).reason == "nothing is compiled for OpenVINO yet"


def test_the_last_way_runs_everywhere_and_each_can_be_asked_for() -> None:
    assert [way.name for way in every_way()] == ["tensorrt", "cuda-graphs", "openvino", "eager"]
    assert every_way()[-1].missing() is None
    assert choices() == ("auto", "tensorrt", "cuda-graphs", "openvino", "eager", "torchscript")
