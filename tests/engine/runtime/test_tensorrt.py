"""What is said, built and run of TensorRT, with a library that answers as the real one; a GPU is not needed."""

from __future__ import annotations

import ctypes
import gc
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import EgoposeError
from engine.network.config import NetworkConfig
from engine.runtime import engines, tensorrt
from engine.runtime.artefacts import key_of
from engine.runtime.backend import tell_nobody
from engine.runtime.cuda_graphs import Pieces
from engine.runtime.description import Agreement, Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.engines import Engines, build_engines
from engine.runtime.nvidia import CPU_TORCH, NO_GPU, Gpu
from engine.runtime.parts import Part, cut, folded, halved
from engine.runtime.tensorrt import TensorRt
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, TINY, make, weights_of
from tests.engine.runtime.test_openvino import NO_DIFFERENCE, assert_same

LAPTOP, H200, OLD = Gpu("RTX 4060 Laptop", (8, 9)), Gpu("NVIDIA H200", (9, 0)), Gpu("GTX 1080", (6, 1))
DTYPES = {torch.float32: "FLOAT", torch.uint8: "UINT8", torch.bool: "BOOL"}
BARE = replace(REMEMBERING, name="bare", actions=(), window=4)
OWN = replace(OWN_ENCODER, window=4)


# ---- what is said of a machine ----


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes it look as if this machine had a GPU, a torch for it, and these packages."""

    def make(card: Gpu | None, packages: Sequence[str] = (), line: str | None = None) -> None:
        monkeypatch.setattr(tensorrt, "gpu", lambda: card)
        monkeypatch.setattr(tensorrt, "missing_cuda", lambda: line)
        monkeypatch.setattr(tensorrt, "find_spec", lambda name: object() if name in packages else None)

    return make


@pytest.mark.parametrize(
    ("card", "packages", "line", "says"),
    [
        (None, ["tensorrt", "onnx", "onnxscript"], NO_GPU, "no NVIDIA GPU; "),
        (LAPTOP, ["tensorrt", "onnx", "onnxscript"], CPU_TORCH, "this PyTorch is built for the processor alone; "),
        (LAPTOP, ["onnx", "onnxscript"], None, '"egopose[rtx]"'),
        (H200, ["tensorrt_rtx", "onnx", "onnxscript"], None, "TensorRT is not installed; it comes with: pip install"),
        (OLD, ["tensorrt", "onnx", "onnxscript"], None, "GTX 1080 is too old for TensorRT; use --runtime cuda-graphs"),
        (H200, ["tensorrt", "onnx"], None, "onnxscript, which TensorRT is given the network with, is not installed; "),
        (H200, ["tensorrt", "onnx", "onnxscript"], None, None),
        (LAPTOP, ["tensorrt_rtx", "onnx", "onnxscript"], None, None),
    ],
)
def test_what_is_missing_is_one_line(
    machine: Callable[..., None], card: Gpu | None, packages: list[str], line: str | None, says: str | None
) -> None:
    machine(card, packages, line)
    said = TensorRt().missing_to_build()
    if says is None:
        assert said is None
    else:
        assert said is not None
        assert says.replace("egopose[rtx]", ".[rtx]") in said
        assert "\n" not in said


@pytest.mark.parametrize("there", [(), ("nncf",), ("nncf", "onnxruntime")])
def test_int8_says_what_it_needs_besides(machine: Callable[..., None], there: tuple[str, ...]) -> None:
    machine(H200, ["tensorrt", "onnx", "onnxscript", *there])
    said = TensorRt("int8").missing_to_build()
    if len(there) == 2:
        assert said is None
        assert TensorRt("int8").title == "TensorRT int8"
    else:
        assert said is not None
        assert said.startswith(f"{('nncf', 'onnxruntime')[len(there)]}, which int8 needs, is not installed; ")
    assert TensorRt().missing_to_build() is None


def test_rtx_is_not_offered_for_a_card_that_it_does_not_know(machine: Callable[..., None]) -> None:
    machine(H200)
    said = TensorRt().missing()
    assert said is not None
    assert "rtx" not in said


def test_an_engine_belongs_to_one_gpu_and_one_version(
    machine: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"tensorrt": "11.4.0", "tensorrt_rtx": "1.7.1"}
    monkeypatch.setattr(tensorrt, "version", lambda name: versions[name])
    weights = tmp_path / "weights"
    weights.write_bytes(b"some")
    keys = []

    def key(precision: Any = "auto") -> str:
        keys.append(key_of(weights, "tensorrt", TensorRt(precision).identity()).name)
        return keys[-1]

    machine(LAPTOP, ["tensorrt"])
    # What was compiled last is what runs, in whatever precision.
    assert key() == key("int8")
    versions["tensorrt"] = "11.5.0"
    key()
    machine(LAPTOP, ["tensorrt_rtx"])
    key()
    machine(Gpu("RTX 4090", (8, 9)), ["tensorrt_rtx"])
    key()
    weights.write_bytes(b"others")
    key()
    assert len(set(keys)) == len(keys) - 1
    assert TensorRt().title == "TensorRT-RTX fp16"


# ---- the network in fp16 ----


@pytest.mark.parametrize("config", [TINY, OWN_ENCODER], ids=lambda c: c.name)
def test_the_convolutions_of_both_streams_are_fp16_and_what_they_say_is_near(config: NetworkConfig) -> None:
    network = make(config)
    half = halved(folded(network))
    kinds = {name: p.dtype for name, p in half.named_parameters()}
    assert {kind for name, kind in kinds.items() if "encoder" in name or "decoder.s" in name} == {torch.float16}
    behind = ("temporal", "fusion", "head", "spatial.head", "spatial.project", "motion.project")
    assert {kind for name, kind in kinds.items() if name.startswith(behind)} == {torch.float32}
    assert all(p.dtype == torch.float32 for p in network.parameters())  # the network itself is as it was
    picture = torch.randint(0, 256, (1, config.side, config.side, 3), dtype=torch.uint8)
    with torch.no_grad():
        memory = network.empty_memory()
        ours, theirs = half.step(picture, memory)[0], network.step(picture, memory)[0]
    assert ours.joints.dtype == ours.logits.dtype == torch.float32
    assert torch.allclose(ours.joints, theirs.joints, atol=5e-3)
    assert not torch.equal(ours.logits, theirs.logits)


# ---- engines, by a library that runs the parts in torch at the addresses it is given ----


class Tensors:
    """Names, shapes and types of a part's inputs and outputs, as an engine tells them."""

    def __init__(self, part: Part, unused: Sequence[str]) -> None:
        self.part = part
        with torch.no_grad():
            said = part.module(*part.inputs.values())
        said = said if isinstance(said, tuple) else (said,)
        self.of = {n: t for n, t in part.inputs.items() if n not in unused} | dict(zip(part.outputs, said, strict=True))
        # In no order that anybody may rely on.
        self.names = sorted(self.of)
        self.num_io_tensors = len(self.names)

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.of[name].shape)

    def get_tensor_dtype(self, name: str) -> str:
        return f"DataType.{DTYPES[self.of[name].dtype]}"

    def create_execution_context(self) -> Context:
        return Context(self)


class Context:
    """Reads and writes memory by its address."""

    def __init__(self, engine: Tensors) -> None:
        self.engine = engine
        self.addresses: dict[str, int] = {}
        self.fails = False

    def set_tensor_address(self, name: str, address: int) -> bool:
        assert name in self.engine.of, f"{name} is no tensor of this engine"
        assert address
        self.addresses[name] = address
        return True

    def at(self, name: str) -> torch.Tensor:
        like = self.engine.of[name]
        if not like.numel():
            return torch.empty_like(like)
        room = (ctypes.c_char * (prod(like.shape) * like.element_size())).from_address(self.addresses[name])
        return torch.frombuffer(room, dtype=like.dtype).view(like.shape)

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 7
        part = self.engine.part
        given = [self.at(name) if name in self.engine.of else like for name, like in part.inputs.items()]
        said = part.module(*given)
        for name, tensor in zip(part.outputs, said if isinstance(said, tuple) else (said,), strict=True):
            self.at(name).copy_(tensor)
        return not self.fails


class Plain:
    """The processor as a device: what is recorded is done again."""

    where = torch.device("cpu")

    def pinned(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def fork(self) -> None:
        pass

    def aside(self) -> AbstractContextManager[object]:
        return nullcontext()

    def join(self) -> None:
        pass

    def main(self) -> AbstractContextManager[object]:
        return nullcontext()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        work()
        return work

    def wait(self) -> None:
        pass


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Tensors]], None]:
    """Stands in for TensorRT; its engines are the names of parts."""

    def install(parts: dict[str, Tensors]) -> None:
        def logger(level: int) -> None:
            return None

        logger.ERROR = 0  # type: ignore[attr-defined]
        runtime = SimpleNamespace(deserialize_cuda_engine=lambda data: parts.get(data.decode()))
        fake = SimpleNamespace(__name__="fake", Runtime=lambda logger: runtime, Logger=logger)
        monkeypatch.setattr(engines, "trt", lambda: fake)

    return install


def engines_of(config: NetworkConfig, folder: Path, unused: Sequence[str] = ()) -> dict[str, Tensors]:
    """Engine files in a folder, and what they stand for."""
    parts = {part.name: Tensors(part, unused) for part in cut(folded(make(config)))}
    for name in parts:
        (folder / f"{name}.engine").write_bytes(name.encode())
    Description(config, "0" * 64, "fp16").write(folder)
    return parts


@pytest.mark.parametrize("config", [BARE, OWN], ids=lambda c: c.name)
def test_engines_say_what_eager_says(
    config: NetworkConfig, tmp_path: Path, library: Callable[[dict[str, Tensors]], None]
) -> None:
    library(engines_of(config, tmp_path))
    runtime = Engines(tmp_path, Plain(), lambda: 7).runtime()
    assert runtime.description == "TensorRT fp16, GPU"
    pictures = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), np.uint8)
    assert_same(runtime, EagerRuntime(make(config)), pictures, reset_at=2, recall_at=3)


def test_an_input_that_an_engine_lost_is_not_given_to_it(
    tmp_path: Path, library: Callable[[dict[str, Tensors]], None]
) -> None:
    library(engines_of(TINY, tmp_path, unused=["height"]))
    pieces = Engines(tmp_path, Plain(), lambda: 7).pieces()
    parts = Pieces.of(folded(make(TINY)))
    picture = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        for ours, theirs in zip(pieces.spatial(picture), parts.spatial(picture), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)
        seen = parts.spatial(picture)
        asked = (seen[5], *seen[1:4], torch.zeros(1, 8, TINY.memory_dim), torch.zeros(1, 8, dtype=torch.bool))
        assert pieces.pose(*asked)[0].shape == (1, 15, 3)


def test_what_is_no_engine_is_told_and_not_run(tmp_path: Path, library: Callable[[dict[str, Tensors]], None]) -> None:
    parts = engines_of(TINY, tmp_path)
    library(parts)
    (tmp_path / "pose.engine").write_bytes(b"of another version")
    with pytest.raises(EgoposeError, match=r"pose.engine is no engine of this TensorRT and this GPU.*compile it again"):
        Engines(tmp_path, Plain(), lambda: 7)
    (tmp_path / "pose.engine").unlink()
    with pytest.raises(EgoposeError, match="compile it again"):
        Engines(tmp_path, Plain(), lambda: 7)


def test_an_engine_that_does_not_start_is_an_error(
    tmp_path: Path, library: Callable[[dict[str, Tensors]], None]
) -> None:
    library(engines_of(TINY, tmp_path))
    made = Engines(tmp_path, Plain(), lambda: 7)
    made._parts["spatial"]._context.fails = True
    with pytest.raises(RuntimeError, match="did not start"):
        made.runtime()


def test_memory_that_an_engine_does_not_take_is_an_error(
    tmp_path: Path, library: Callable[[dict[str, Tensors]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    library(engines_of(TINY, tmp_path))
    monkeypatch.setattr(Context, "set_tensor_address", lambda self, name, address: False)
    with pytest.raises(RuntimeError, match="TensorRT takes no memory for "):
        Engines(tmp_path, Plain(), lambda: 7)


def test_what_runs_keeps_the_library_and_its_caches_alive(
    tmp_path: Path, library: Callable[[dict[str, Tensors]], None]
) -> None:
    library(engines_of(TINY, tmp_path))
    made = Engines(tmp_path, Plain(), lambda: 7)
    kept, runtime = weakref.ref(made), made.runtime()
    del made
    gc.collect()
    assert kept() is not None
    del runtime
    gc.collect()
    assert kept() is None


# ---- how they are built ----


class FakeOracle:
    """Judges by the precision of what lies in the folder."""

    description = Description(TINY, "0" * 64, "fp32")
    holds: tuple[str, ...] = ()

    def __init__(self, *arguments: object) -> None:
        self.network = make(TINY)

    def judge(self, runtime: str) -> Agreement:
        return replace(NO_DIFFERENCE, jumped=0.0 if runtime in self.holds else 0.5)


class FakeEngines:
    """What is judged is the precision that the folder's description names."""

    def __init__(self, folder: Path) -> None:
        assert {path.name for path in folder.iterdir()} == {"spatial.engine", "pose.engine", "network.json"}
        self.precision = Description.read(folder).precision

    def runtime(self) -> str:
        return self.precision

    def keep(self, folder: Path) -> None:
        (folder / "spatial.cache").write_bytes(self.precision.encode())


@pytest.fixture
def building(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool, torch.dtype]]:
    """Notes each engine that is built: its part, whether it may be shortened, and its convolutions' type."""
    built: list[tuple[str, bool, torch.dtype]] = []
    kinds: list[torch.dtype] = []

    def export(parts: Sequence[Part], folder: Path) -> list[Path]:
        kinds[:] = [next(part.module.network.spatial.encoder.parameters()).dtype for part in parts]  # type: ignore[union-attr]
        return [folder / f"{part.name}.onnx" for part in parts]

    def build(trt: object, model: Path, *, short: bool) -> bytes:
        built.append((model.stem, short, kinds[0]))
        return b"engine"

    monkeypatch.setattr(engines, "Oracle", FakeOracle)
    monkeypatch.setattr(engines, "Engines", FakeEngines)
    monkeypatch.setattr(engines, "export_onnx", export)
    monkeypatch.setattr(engines, "build_engine", build)
    monkeypatch.setattr(engines, "trt", lambda: None)
    return built


def test_the_first_precision_that_holds_is_kept(
    building: list[tuple[str, bool, torch.dtype]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeOracle, "holds", ("fp32",))
    told: list[float] = []
    build_engines(tmp_path / "x", tmp_path, ("fp16", "fp32"), [], lambda doing, done: told.append(done))
    assert building == [
        ("spatial", True, torch.float16), ("pose", False, torch.float16),
        ("spatial", True, torch.float32), ("pose", False, torch.float32),
    ]  # fmt: skip
    assert told == sorted(told)
    assert told[-1] == 1.0
    made = Description.read(tmp_path)
    assert made.precision == "fp32"
    assert made.reason == "no fp16: it moves 50.0% of the heatmaps' peaks by over 4 px"
    assert (tmp_path / "spatial.cache").read_bytes() == b"fp32"


def test_where_no_precision_holds_nothing_is_written(
    building: list[tuple[str, bool, torch.dtype]], tmp_path: Path
) -> None:
    with pytest.raises(EgoposeError, match=r"no fp16: it moves 50.*no fp32: it moves 50.*use --runtime cuda-graphs"):
        build_engines(tmp_path / "x", tmp_path, ("fp16", "fp32"), [], tell_nobody)
    assert not list(tmp_path.iterdir())


def test_int8_is_rounded_before_it_is_built_and_checked_as_every_precision_is(
    building: list[tuple[str, bool, torch.dtype]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounding = pytest.importorskip("engine.runtime.rounding")
    rounded: list[list[str]] = []

    def work(models: Sequence[Path]) -> int:
        assert not building
        rounded.append([model.stem for model in models])
        return 3

    monkeypatch.setattr(rounding, "rounding", lambda oracle, tell: work)
    monkeypatch.setattr(FakeOracle, "holds", ("int8",))
    build_engines(tmp_path / "x", tmp_path, ("int8",), [], tell_nobody)
    assert rounded == [["spatial", "pose"]]
    assert building == [("spatial", True, torch.float32), ("pose", False, torch.float32)]
    made = Description.read(tmp_path)
    assert (made.precision, made.left, made.reason) == ("int8", 3, "")
    assert made.agreement is not None
    building.clear()
    for path in tmp_path.iterdir():
        path.unlink()
    monkeypatch.setattr(FakeOracle, "holds", ())
    with pytest.raises(EgoposeError, match="no int8: it moves 50"):
        build_engines(tmp_path / "x", tmp_path, ("int8",), [], tell_nobody)


@pytest.mark.skipif(TensorRt().missing_to_build() is not None, reason=str(TensorRt().missing_to_build()))
@pytest.mark.parametrize("config", [REMEMBERING, OWN_ENCODER], ids=lambda c: c.name)
def test_on_a_gpu_engines_say_what_eager_says(config: NetworkConfig, tmp_path: Path) -> None:
    # In fp32: weights that were not trained say nothing of what fp16 costs.
    folder = tmp_path / "engines"
    folder.mkdir()
    weights = weights_of(config, tmp_path)
    oracle = engines.Oracle(weights, [tensorrt.DEMO_SESSION], tell_nobody)
    _, found = engines._built(oracle.description, folder, oracle, lambda doing, done: None)
    assert found.moved_mm < 2.0
    pictures = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    ours, theirs = Engines(folder).runtime(), EagerRuntime(make(config))
    for at, picture in enumerate(pictures):
        one, other = (runtime.run(picture, motion=at % 3 > 0) for runtime in (ours, theirs))
        assert np.allclose(one.joints_m, other.joints_m, atol=1e-2), at
    theirs.close()
