"""int8 for TensorRT: what the ONNX models say is rounded is what was chosen, and they say nearly what they said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.runtime.agreement import gather
from engine.runtime.backend import tell_nobody
from engine.runtime.description import Agreement
from engine.runtime.parts import cut, export_onnx, folded
from tests.engine.runtime.networks import TINY, make, recording
from tests.engine.runtime.test_openvino import NO_DIFFERENCE

onnx = pytest.importorskip("onnx")
rounding = pytest.importorskip("engine.runtime.rounding")


def said(model: Path, picture: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """What a part says, by a reader that is not ours."""
    import onnxruntime  # noqa: PLC0415

    found: list[np.ndarray[Any, Any]] = onnxruntime.InferenceSession(str(model)).run(None, {"picture": picture})
    return found


def rounded_convolutions(model: Any) -> dict[str, bool]:
    """By name, whether a convolution's picture and weights both come from a dequantiser, or a pool behind one."""
    maker = {output: node for node in model.graph.node for output in node.output}

    def rounded(given: str) -> bool:
        node = maker.get(given)
        return node is not None and (
            node.op_type == "DequantizeLinear" or (node.op_type == "MaxPool" and rounded(node.input[0]))
        )

    return {node.name: all(map(rounded, node.input[:2])) for node in model.graph.node if node.op_type == "Conv"}


def test_the_streams_are_rounded_but_for_the_layers_that_cost_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.runtime import quantising  # noqa: PLC0415

    spatial, pose = models = export_onnx(cut(folded(make(TINY))), tmp_path)
    calibration, check = gather([recording(tmp_path / "pictures")], TINY.side)
    before, untouched = said(spatial, check.pictures[0][:1]), pose.read_bytes()
    monkeypatch.setattr(quantising, "THOROUGH", False)
    monkeypatch.setattr(rounding, "THOROUGH", False)
    whole = quantising.convolutions
    monkeypatch.setattr(quantising, "convolutions", lambda model: whole(model)[-6:])
    asked: list[Path] = []

    def judge(folder: Path, precision: str) -> Agreement:
        assert {path.name for path in folder.glob("*.xml")} == {"spatial.xml", "pose.xml"}
        asked.append(folder)
        return replace(NO_DIFFERENCE, jumped=0.0 if len(asked) == 2 else 0.5)

    monkeypatch.setattr(rounding, "judging", lambda oracle: judge)
    left = rounding.rounding(SimpleNamespace(calibration=calibration), tell_nobody)(models)
    assert (left, len(asked)) == (1, 2)
    assert pose.read_bytes() == untouched
    model = onnx.load(str(spatial))
    onnx.checker.check_model(model)
    found = rounded_convolutions(model)
    assert len(found) > 20
    assert list(found.values()).count(False) == 1
    # TensorRT takes symmetric quantisers of signed bytes alone.
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    zeros = [constants[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert zeros
    assert all(zero.dtype == np.int8 and not zero.any() for zero in zeros)
    for ours, theirs in zip(said(spatial, check.pictures[0][:1]), before, strict=True):
        assert ours.shape == theirs.shape
        assert 0.0 < np.abs(ours - theirs).max() < 0.1 * max(1.0, np.abs(theirs).max())


def test_what_lies_behind_the_convolutions_is_not_rounded() -> None:
    def node(kind: str, name: str, given: list[str]) -> Any:
        return onnx.helper.make_node(kind, given, [f"{name} out"], name)

    nodes = [
        node("Cast", "cast", ["picture"]), node("Constant", "weights", []),
        node("Conv", "first", ["cast out", "weights out"]), node("Relu", "between", ["first out"]),
        node("Conv", "last", ["between out", "weights out"]), node("Relu", "aside", ["first out"]),
        node("Sigmoid", "heat", ["last out"]), node("Constant", "one", []), node("Add", "sum", ["heat out", "one out"]),
    ]  # fmt: skip
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "some", [], []))
    assert rounding.behind(model) == ["aside", "heat", "sum"]
