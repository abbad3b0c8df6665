"""What CUDA graphs record, on a device that records on the processor: operators and memory, as a graph does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from engine.network.config import NetworkConfig
from engine.runtime.cuda_graphs import Cuda, GraphRuntime, Pieces, graph_of
from engine.runtime.eager import EagerRuntime
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, TINY, make
from tests.engine.runtime.test_openvino import assert_same

BARE = replace(REMEMBERING, name="bare", actions=(), window=4)
OWN = replace(OWN_ENCODER, window=4)
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "item", "equal", "is_nonzero", "_assert_async")
"""Operators whose result the host waits for: a graph cannot hold them."""


class Tape(TorchDispatchMode):
    """Every operator that is run, with the very tensors it was given: what a graph holds, its kernels and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, Any, dict[str, Any], Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert not any(wait in str(func) for wait in WAITS), f"{func} waits for the device"
        out = func(*args, **(kwargs or {}))
        self.steps.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        """Run the operators again: what one of them made is taken from this time, all else from where it lay."""
        made: dict[int, torch.Tensor] = {}

        def now(value: Any) -> Any:
            return made.get(id(value), value) if isinstance(value, torch.Tensor) else value

        for func, args, kwargs, out in self.steps:
            again = func(*tree_map(now, args), **tree_map(now, kwargs))
            for old, new in zip(tensors(out), tensors(again), strict=True):
                made[id(old)] = new


def tensors(value: Any) -> list[torch.Tensor]:
    """Those in what an operator gives."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [each for each in value if isinstance(each, torch.Tensor)] if isinstance(value, (tuple, list)) else []


class Recorder:
    """A device that notes what it is told, and replays tapes."""

    where = torch.device("cpu")

    def __init__(self) -> None:
        self.told: list[str] = []
        self.tapes: list[Tape] = []

    def pinned(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def fork(self) -> None:
        self.told.append("fork")

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.told.append("aside")
        yield
        self.told.append("back")

    def join(self) -> None:
        self.told.append("join")

    def main(self) -> AbstractContextManager[object]:
        return nullcontext()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        work()
        self.told.append("record")
        tape = Tape()
        with tape:
            work()
        self.tapes.append(tape)
        return tape.replay

    def wait(self) -> None:
        pass


@pytest.mark.parametrize("config", [BARE, OWN], ids=lambda c: c.name)
def test_what_is_recorded_says_what_eager_says(config: NetworkConfig) -> None:
    network = make(config)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8)
    graph = graph_of(network, Recorder())
    assert (graph.network, graph.side, graph.actions) == (config.name, config.side, config.actions)
    assert graph.spares_motion == (config.motion == "resnet50")
    # Longer than the window of 4; with spared motion, a reset, and a memory that comes from another runtime.
    assert_same(graph, EagerRuntime(network), pictures, reset_at=6, recall_at=7)


def test_another_runtime_goes_on_from_what_a_graph_remembers() -> None:
    network = make(OWN)
    pictures = np.random.default_rng(1).integers(0, 256, (7, 64, 64, 3), np.uint8)
    graph, eager, whole = graph_of(network, Recorder()), EagerRuntime(network), EagerRuntime(network)
    try:
        for picture in pictures[:5]:
            graph.run(picture)
            whole.run(picture)
        assert graph.memory().shape == (4, network.config.memory_dim)
        eager.recall(graph.memory())
        for picture in pictures[5:]:
            ours, theirs = (runtime.run(picture, motion=False) for runtime in (eager, whole))
            assert np.allclose(ours.joints_m, theirs.joints_m, atol=1e-4)
        graph.reset()
        assert graph.memory().size == 0
    finally:
        eager.close()
        whole.close()


def test_the_motion_stream_is_a_branch_that_is_joined_before_it_is_read() -> None:
    device = Recorder()
    graph_of(make(OWN), device)
    branch = ["fork", "aside", "back", "join"]
    # Warm and recorded with the branch; warm and recorded without it, where motion is spared.
    assert device.told == [*branch, "record", *branch, "record"]
    whole, spared = (len(tape.steps) for tape in device.tapes)
    assert whole - spared > 100  # a ResNet-50
    shared = Recorder()
    graph_of(make(TINY), shared)
    assert shared.told == ["record"]


def test_the_branches_share_no_memory_but_what_stays() -> None:
    """Else one branch could take back what the other still reads: the allocator knows one stream a block."""
    aside: set[int] = set()
    beside: set[int] = set()

    class Watching(Recorder):
        inside = False

        @contextmanager
        def aside(self) -> Iterator[None]:
            self.inside = True
            yield
            self.inside = False

    device = Watching()
    network = make(OWN)
    pieces = Pieces.of(network)

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            side, other = (aside, beside) if device.inside else (beside, aside)
            read = {t.untyped_storage().data_ptr() for t in tensors([*args, *(kwargs or {}).values()])}
            assert not (read - lasting) & other, f"{func} reads what the other branch made"
            side.update({t.untyped_storage().data_ptr() for t in tensors(out)} - lasting)
            kept.append(out)  # so that no address is used twice
            return out

    runtime = GraphRuntime(pieces, network.config, "", device)
    frame = runtime._frame
    kept: list[Any] = []
    stays = [frame.picture, frame.features, frame.valid, frame.feature, frame.said, frame.given, frame.answer]
    stays += [*network.parameters(), *network.buffers()]
    lasting = {tensor.untyped_storage().data_ptr() for tensor in stays} | {0}  # 0: of what has no elements
    with torch.no_grad(), Watch():
        frame.run(motion=True)
    assert aside
    assert beside


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU and a torch built for CUDA")
@pytest.mark.parametrize("config", [REMEMBERING, OWN_ENCODER], ids=lambda c: c.name)
@pytest.mark.parametrize("capture", [True, False])
def test_on_a_gpu_graphs_say_what_eager_says(config: NetworkConfig, capture: bool) -> None:
    network = make(config)
    pictures = np.random.default_rng(0).integers(0, 256, (13, 64, 64, 3), np.uint8)
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False  # exact, so that a branch that is not waited for shows
    try:
        graph = graph_of(network, Cuda(capture=capture))
        assert_same(graph, EagerRuntime(network), pictures, reset_at=9, recall_at=11)
    finally:
        torch.backends.cudnn.allow_tf32 = before
