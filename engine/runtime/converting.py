"""From weights to OpenVINO models, in the fastest precision that still says what the network says. Needs torch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from openvino import Core, Model, PartialShape, Type, save_model
from openvino.frontend import FrontEndManager
from openvino.passes import ConstantFolding, Manager

from engine.errors import EgoposeError
from engine.runtime.agreement import fault
from engine.runtime.backend import Tell
from engine.runtime.description import Agreement
from engine.runtime.openvino import OpenVino
from engine.runtime.oracle import ASKED, Oracle
from engine.runtime.parts import Part, cut, folded, traceable
from engine.runtime.streaming import POSE

Judge = Callable[[Path, str], Agreement]
"""How far the models in a folder, run in a precision, lie from the network."""
TYPES = {torch.uint8: Type.u8, torch.bool: Type.boolean, torch.float32: Type.f32}


def convert(weights: Path, folder: Path, precisions: Sequence[str], recordings: Sequence[Path], tell: Tell) -> None:
    """Write the models of the first of `precisions` that holds, and their description, into an empty folder.

    Raises EgoposeError for weights or recordings that cannot be used, and where no precision holds.
    """
    oracle = Oracle(weights, recordings, tell)
    known, judge = oracle.description, judging(oracle)
    with tempfile.TemporaryDirectory(prefix="egopose-compile-") as name:
        plain = Path(name) / "plain"
        plain.mkdir()
        tell("exporting the network", ASKED)
        for part in cut(folded(oracle.network).cpu()):
            export(part, plain)
        reasons: list[str] = []
        for precision in precisions:
            made, left = plain, 0
            if precision == "int8":
                if find_spec("nncf") is None:
                    reasons.append('no int8: nncf is not installed (pip install -e ".[compile]")')
                    continue
                from engine.runtime.quantising import quantise  # noqa: PLC0415

                made = Path(name) / "int8"
                left = quantise(plain, made, oracle.calibration, judge, tell)
            tell(f"checking {precision}", 0.95)
            found = judge(made, precision)
            if not (wrong := fault(found)):
                for model in sorted(made.glob("*.xml")) + sorted(made.glob("*.bin")):
                    shutil.copy(model, folder)
                replace(known, precision=precision, left=left, reason="; ".join(reasons), agreement=found).write(folder)
                tell("compiled", 1.0)
                return
            reasons.append(f"no {precision}: {wrong}")
    raise EgoposeError(
        f"{weights} cannot be compiled ({'; '.join(reasons)}); choose another --precision, or run it eager"
    )


def judging(oracle: Oracle) -> Judge:
    """How far models lie from this network. Writes their description beside them."""

    def judge(models: Path, precision: str) -> Agreement:
        replace(oracle.description, precision=precision).write(models)
        return oracle.judge(OpenVino().load(models))

    return judge


def export(part: Part, folder: Path) -> None:
    """Write a part as NAME.xml and NAME.bin, in fp32 and for one picture.

    By the frontend itself: the package's `convert_model` does no more, and reports its use to its maker.
    """
    frontend = FrontEndManager().load_by_framework("pytorch")
    with traceable(), torch.no_grad():
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

        # Owns the weights that the model refers to, so it must live until they are written.
        decoder = TorchScriptPythonDecoder(part.module, example_input=tuple(part.inputs.values()))
        model: Model = frontend.convert(frontend.load(decoder))
    for port, (name, example) in zip(model.inputs, part.inputs.items(), strict=True):
        port.get_node().set_partial_shape(PartialShape(list(example.shape)))
        port.get_node().set_element_type(TYPES[example.dtype])
        port.tensor.set_names({name})
    model.validate_nodes_and_infer_types()
    for port, name in zip(model.outputs, part.outputs, strict=True):
        port.tensor.set_names({name})
    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)
    save_model(model, folder / f"{part.name}.xml", compress_to_fp16=False)


def copy_pose(plain: Path, folder: Path) -> None:
    """The pose part beside models of low precision: computed in fp32, kept in half the space."""
    save_model(Core().read_model(plain / f"{POSE}.xml"), folder / f"{POSE}.xml", compress_to_fp16=True)
