"""OpenVINO against eager: every kind of network in fp32, what int8 may cost, and what is damaged or missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EgoposeError
from engine.network.weights import load_network
from engine.runtime import openvino
from engine.runtime.agreement import gather
from engine.runtime.backend import tell_nobody, weights_sha256
from engine.runtime.description import DESCRIPTION, Agreement, Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.openvino import OpenVino
from engine.runtime.runtime import Runtime
from engine.types import ImageArray
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, TINY, make, recording, weights_of

NO_DIFFERENCE = Agreement(10, None, None, 0.0, 0.0, 0.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("frames") / "pictures")


def test_fp32_says_what_eager_says(pictures: Path, tmp_path: Path) -> None:
    config = REMEMBERING
    weights = weights_of(config, tmp_path)
    folder = tmp_path / "compiled"
    folder.mkdir()
    told: list[float] = []
    backend = OpenVino("fp32", [pictures])
    backend.build(weights, folder, lambda doing, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0
    description = Description.read(folder)
    assert description.weights_sha256 == weights_sha256(weights)
    assert description.config == config
    compiled, eager = backend.load(folder), EagerRuntime(load_network(weights))
    assert (compiled.network, compiled.side, compiled.actions) == (eager.network, eager.side, eager.actions)
    assert compiled.spares_motion == eager.spares_motion
    assert_same(compiled, eager, gather([pictures], config.side)[1].pictures[0])


def test_two_streams_say_what_eager_says(tmp_path: Path) -> None:
    from engine.runtime.converting import export  # noqa: PLC0415
    from engine.runtime.parts import cut, folded  # noqa: PLC0415

    network = make(OWN_ENCODER)
    for part in cut(folded(network)):
        export(part, tmp_path)
    Description(OWN_ENCODER, "0" * 64, "fp32").write(tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    assert_same(OpenVino().load(tmp_path), EagerRuntime(network), pictures, reset_at=3, recall_at=5)


def assert_same(
    compiled: Runtime, eager: Runtime, pictures: ImageArray, *, reset_at: int = 10, recall_at: int = 14
) -> None:
    """Over a stream with spared motion, a reset, and a memory that is handed over; closes both."""
    try:
        _assert_same(compiled, eager, pictures, reset_at, recall_at)
    finally:
        compiled.close()
        eager.close()


def _assert_same(compiled: Runtime, eager: Runtime, pictures: ImageArray, reset_at: int, recall_at: int) -> None:
    kept = []
    for i, picture in enumerate(pictures):
        if i == reset_at:
            compiled.reset()
            eager.reset()
        if i == recall_at:
            compiled.recall(eager.memory())
        ours, theirs = (runtime.run(picture, motion=i % 3 > 0) for runtime in (compiled, eager))
        kept.append((ours, theirs, ours.joints_m.copy()))
        assert np.allclose(ours.joints_m, theirs.joints_m, atol=2e-4), i
        assert np.allclose(ours.heatmaps, theirs.heatmaps, atol=2e-4), i
        assert np.allclose(ours.uv, theirs.uv, atol=2e-4), i
        assert np.allclose(ours.confidence, theirs.confidence, atol=2e-4), i
        assert np.allclose(ours.action_scores, theirs.action_scores, atol=2e-4), i
        assert np.allclose(compiled.memory(), eager.memory(), atol=2e-3), i
    assert all(np.array_equal(ours.joints_m, then) for ours, _, then in kept), "a result changed after it was given"


@pytest.mark.parametrize("holds", [2, 3])
def test_int8_leaves_the_layers_that_cost_most_until_it_holds(
    holds: int, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nncf = pytest.importorskip("nncf")
    from openvino import Core  # noqa: PLC0415

    from engine.runtime import quantising  # noqa: PLC0415
    from engine.runtime.converting import export  # noqa: PLC0415
    from engine.runtime.parts import cut, folded  # noqa: PLC0415

    assert nncf
    monkeypatch.setattr(quantising, "THOROUGH", False)
    whole = quantising.convolutions
    monkeypatch.setattr(quantising, "convolutions", lambda model: whole(model)[-6:])
    plain = tmp_path / "plain"
    plain.mkdir()
    for part in cut(folded(load_network(weights_of(TINY, tmp_path)))):
        export(part, plain)
    asked: list[Path] = []
    sizes: list[int] = []

    def judge(folder: Path, precision: str) -> Agreement:
        assert precision == "int8"
        asked.append(folder)
        sizes.append((folder / "pose.bin").stat().st_size)
        return replace(NO_DIFFERENCE, jumped=0.0 if len(asked) == 2 or len(asked) == holds else 0.5)

    calibration, _ = gather([pictures], TINY.side)
    left = quantising.quantise(plain, tmp_path / "int8", calibration, judge, lambda doing, done: None)
    assert (left, len(asked)) == (1, 3)
    # The pose's weights were rounded last, and stay so where that holds.
    assert sizes[0] == sizes[1] > 1.3 * sizes[2]
    assert (asked[0] / "pose.bin").stat().st_size == sizes[-1 if holds == 3 else 0]
    pose = Core().read_model(asked[0] / "pose.xml")
    assert small_weights(pose) == (holds == 3)
    openvino.unround(pose)  # for a processor that has no products of them
    assert not small_weights(pose)
    layers = quantising.convolutions(Core().read_model(asked[0] / "spatial.xml"))
    spared = [node for node in layers if node.input_value(1).get_node().get_type_name() == "Constant"]
    assert len(spared) == 1
    assert len(layers) == 6


@given(st.integers(0, 40), st.integers(1, 60))
def test_as_few_layers_as_can_be_are_left_and_no_number_is_tried_twice(most: int, needed: int) -> None:
    quantising = pytest.importorskip("engine.runtime.quantising")
    tried: list[int] = []

    def holds(left: int) -> bool:
        tried.append(left)
        return left >= needed

    found = quantising.fewest(holds, most)
    steps = [n for n in (1, 2, 3, 4, 6, 9, 13, 19, 28) if n <= most]
    assert found == (needed if steps and needed <= steps[-1] else steps[-1] if steps else 0)
    assert len(set(tried)) == len(tried) <= 13
    assert all(1 <= left <= most for left in tried)


def small_weights(model: Any) -> bool:
    """Whether a model has constants of one byte."""
    constants = (node for node in model.get_ops() if node.get_type_name() == "Constant")
    return any(node.get_element_type().get_type_name() in ("u8", "i8") for node in constants)


class FakeOracle:
    """Judges by precision, which its `load` hands through; there is nothing to export."""

    network, calibration = torch.nn.Identity(), None
    description = Description(TINY, "0" * 64, "fp32")
    holds: tuple[str, ...] = ()

    def __init__(self, *arguments: object) -> None:
        pass

    def judge(self, precision: str) -> Agreement:
        return replace(NO_DIFFERENCE, jumped=0.0 if precision in self.holds else 0.5)


@pytest.fixture
def converting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    from engine.runtime import converting  # noqa: PLC0415

    monkeypatch.setattr(converting, "Oracle", FakeOracle)
    monkeypatch.setattr(converting, "folded", lambda network: network)
    monkeypatch.setattr(converting, "cut", lambda network: [])
    monkeypatch.setattr(OpenVino, "load", lambda self, folder: Description.read(folder).precision)
    return converting


def test_the_first_precision_that_holds_is_written_and_says_why(
    converting: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "find_spec", lambda name: None)
    monkeypatch.setattr(FakeOracle, "holds", ("fp32",))
    converting.convert(tmp_path / "x", tmp_path, ("int8", "bf16", "fp32"), [], tell_nobody)
    made = Description.read(tmp_path)
    assert made.precision == "fp32"
    assert "nncf is not installed" in made.reason
    assert "no bf16: it moves 50.0% of the heatmaps' peaks" in made.reason


def test_where_no_precision_holds_nothing_is_written(converting: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="no fp32: it moves 50"):
        converting.convert(tmp_path / "x", tmp_path, ("bf16", "fp32"), [], tell_nobody)
    assert not list(tmp_path.iterdir())


def test_the_precision_follows_the_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def fastest(*features: str) -> tuple[str, ...]:
        monkeypatch.setattr(openvino, "instructions", lambda: frozenset(features))
        return openvino.fast_precisions()

    assert fastest("avx2") == ("fp32",)
    assert fastest("avx2", "avx_vnni") == ("int8", "fp32")
    assert fastest("avx512f", "avx512_vnni", "avx512_bf16") == ("int8", "fp32")
    assert fastest("avx512_vnni", "amx_int8", "amx_bf16") == ("int8", "bf16", "fp32")
    fastest("avx2")
    line = OpenVino("bf16").missing_to_build()
    assert line is not None
    assert "AMX" in line
    # What was compiled last is what runs.
    assert OpenVino("fp32").identity() == OpenVino().identity()


def test_what_is_missing_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "find_spec", lambda name: None)
    for line in (OpenVino().missing(), OpenVino("int8").missing_to_build()):
        assert line is not None
        assert "pip install" in line
        assert "\n" not in line


def test_a_damaged_model_is_told_and_not_run(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="compile it again"):
        OpenVino().load(tmp_path)
    Description(TINY, "0" * 64, "fp32").write(tmp_path)
    with pytest.raises(EgoposeError, match="compile it again"):
        OpenVino().load(tmp_path)
    (tmp_path / "spatial.xml").write_text("<net")
    with pytest.raises(EgoposeError, match="compile it again"):
        OpenVino().load(tmp_path)


def test_a_description_comes_back_as_it_was_written(tmp_path: Path) -> None:
    whole = Description(REMEMBERING, "ab" * 32, "int8", 3, "no bf16", replace(NO_DIFFERENCE, mpjpe_mm=50.0))
    whole.write(tmp_path)
    assert Description.read(tmp_path) == whole
    text = json.loads((tmp_path / DESCRIPTION).read_text())
    for broken in (text | {"format": "2"}, text | {"surplus": 1}, text | {"config": {}}, [], "x"):
        (tmp_path / DESCRIPTION).write_text(json.dumps(broken))
        with pytest.raises(EgoposeError, match="compile it again"):
            Description.read(tmp_path)
