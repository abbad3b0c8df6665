"""CUDA graphs: a whole frame as one launch, the two streams as its parallel branches, what is remembered on the GPU.

    pinned picture ─► picture ─┬─► spatial part ──────────────┬─► memory ─► pose part ─► said ─► pinned answer
                               └─► motion part ─► feature ────┘
                               fork                           join

`Frame` is that work, written so that it can be recorded: it reads and writes the same memory each time, nothing in it
waits for the GPU, and nothing it does depends on a value. The parts are the network's own modules, or engines that
were built of them (`engine/runtime/engines.py`). A `Device` tells where its branches run and how it is recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from engine.network.config import NetworkConfig
from engine.network.network import Memory, PoseNetwork, channels_last, kept_row, remember
from engine.network.weights import load_network
from engine.runtime.parts import MotionPart, PosePart, SpatialPart, folded, traceable
from engine.runtime.runtime import NOTHING, Result, Runtime
from engine.skeleton import JOINT_COUNT
from engine.types import FloatArray, ImageArray

WARM = 3
"""Times that the work is done before it is recorded: libraries choose their kernels and take their memory then."""
_RECORDING = threading.Lock()
"""Held while anything is recorded: torch records one graph at a time."""


class Pieces(NamedTuple):
    """The three parts as what is called with tensors on the device; see `engine/runtime/parts.py`."""

    spatial: Callable[[Tensor], tuple[Tensor, ...]]
    motion: Callable[[Tensor], Tensor] | None
    """None where the motion shares the spatial encoder."""
    pose: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, network: PoseNetwork) -> Pieces:
        """The network's own modules."""
        own = network.motion.encoder is not None
        return cls(SpatialPart(network), MotionPart(network) if own else None, PosePart(network))


class Device(Protocol):
    """Where the work is done: a main branch and one aside."""

    where: torch.device

    def pinned(self, tensor: Tensor) -> Tensor:
        """The same in memory of the host that the device copies from and to by itself."""

    def fork(self) -> None:
        """What is done aside from here on waits for all that was done so far."""

    def aside(self) -> AbstractContextManager[object]:
        """What is done within belongs to the branch aside."""

    def join(self) -> None:
        """What is done from here on waits for the branch aside."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Do the work some times, and return what does all of it again, in the main branch, without waiting for it."""

    def main(self) -> AbstractContextManager[object]:
        """What is done within belongs to the main branch, as what is recorded does."""

    def wait(self) -> None:
        """Until all that was begun in the main branch is done."""


class Cuda:
    """A GPU with a stream for each branch."""

    where = torch.device("cuda")

    def __init__(self, *, capture: bool = True) -> None:
        """`capture=False`: what is recorded is started anew each time, kernel by kernel: not all can be captured."""
        self._capture = capture
        self._main, self._aside = torch.cuda.Stream(), torch.cuda.Stream()

    def pinned(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory()

    def fork(self) -> None:
        self._aside.wait_stream(self._main)

    def aside(self) -> AbstractContextManager[object]:
        return torch.cuda.stream(self._aside)

    def join(self) -> None:
        self._main.wait_stream(self._aside)

    def main(self) -> AbstractContextManager[object]:
        return torch.cuda.stream(self._main)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        with _RECORDING, traceable(), _fastest_kernels():
            # The streams must not begin before what other streams were given, as the copies of the weights.
            torch.cuda.synchronize()
            with self.main():
                for _ in range(WARM):
                    work()
            self.wait()
            if not self._capture:
                return work
            graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile: only what this one does must be fit to be recorded.
            with torch.cuda.graph(graph, stream=self._main, capture_error_mode="thread_local"):
                work()
        return graph.replay

    def wait(self) -> None:
        self._main.synchronize()


@contextmanager
def _fastest_kernels() -> Iterator[None]:
    """While it lasts, each convolution's kernels are tried and the fastest is taken."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@dataclass(frozen=True, slots=True)
class Place:
    """Where something of a frame's answer lies in it."""

    begin: int
    shape: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.begin + prod(self.shape)


class Frame:
    """All that is done for one frame, in memory that stays where it is.

    What crosses between the branches is in that memory alone, so that neither branch takes back what the other reads.
    """

    def __init__(self, pieces: Pieces, config: NetworkConfig, device: Device) -> None:
        self._pieces, self._device, self._config = pieces, device, config
        where = device.where
        shape = (1, config.side, config.side, 3)
        self.picture = torch.zeros(shape, dtype=torch.uint8, device=where)
        self.features = torch.zeros(1, config.window, config.memory_dim, device=where)
        self.valid = torch.zeros(1, config.window, dtype=torch.bool, device=where)
        self.feature = torch.zeros(1, config.motion_dim, device=where)
        """The last frame's motion feature."""
        side = config.heatmap_side
        shapes = ((JOINT_COUNT, 3), (JOINT_COUNT, side, side), (JOINT_COUNT, 2), (JOINT_COUNT,), (len(config.actions),))
        self.places: list[Place] = []
        for each in shapes:
            self.places.append(Place(self.places[-1].end if self.places else 0, each))
        self.said = torch.zeros(self.places[-1].end, device=where)
        """Joints, heatmaps, uv, confidence and actions, one behind the other."""
        self.given = device.pinned(torch.zeros(shape, dtype=torch.uint8))
        self.answer = device.pinned(torch.zeros(self.places[-1].end))

    def run(self, *, motion: bool) -> None:
        """From `given` to `answer`, the memory taken on by a frame; without `motion` the last feature serves again."""
        pieces, device = self._pieces, self._device
        beside = pieces.motion if motion else None
        self.picture.copy_(self.given, non_blocking=True)
        if beside is not None:
            device.fork()
            with device.aside():
                self.feature.copy_(beside(self.picture))
        heatmaps, uv, spread, height, confidence, tokens, *shared = pieces.spatial(self.picture)
        if beside is not None:
            device.join()
        if shared:
            self.feature.copy_(shared[0])
        row = kept_row(self.feature, tokens, uv) if self._config.token_window > 1 else self.feature
        memory = remember(Memory(self.features, self.valid), row)
        self.features.copy_(memory.features)
        self.valid.copy_(memory.valid)
        joints, actions = pieces.pose(tokens, uv, spread, height, self.features, self.valid)
        torch.cat([part.reshape(-1) for part in (joints, heatmaps, uv, confidence, actions)], out=self.said)
        self.answer.copy_(self.said, non_blocking=True)

    def forget(self) -> None:
        """As before the first frame."""
        self.features.zero_()
        self.valid.zero_()
        self.feature.zero_()


class GraphRuntime(Runtime):
    """Runs a frame as it was recorded. What is remembered stays on the device; only the answer comes back."""

    @torch.no_grad()
    def __init__(self, pieces: Pieces, config: NetworkConfig, description: str, device: Device) -> None:
        self.network, self.side, self.actions = config.name, config.side, config.actions
        self.description = description
        self.spares_motion = pieces.motion is not None
        self._device, self._config = device, config
        self._frame = frame = Frame(pieces, config, device)
        self._whole = device.record(lambda: frame.run(motion=True))
        self._spared = device.record(lambda: frame.run(motion=False)) if self.spares_motion else self._whole
        self._given = frame.given.numpy()[0]
        answer = frame.answer.numpy()
        self._parts = [answer[place.begin : place.end].reshape(place.shape) for place in frame.places]
        self._count = 0
        """Frames that are remembered, at most the window."""
        self._moved = False
        """Whether there is a motion feature, as there is after the first frame."""
        self.reset()

    @torch.no_grad()
    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        self._given[...] = picture
        with self._device.main():
            (self._whole if motion or not self._moved else self._spared)()
        self._device.wait()
        self._moved = True
        self._count = min(self._count + 1, self._config.window)
        # Copies: the next frame's are written into the same memory.
        return Result(*(part.copy() for part in self._parts))

    @torch.no_grad()
    def reset(self) -> None:
        with self._device.main():
            self._frame.forget()
        self._device.wait()
        self._count, self._moved = 0, False

    @torch.no_grad()
    def memory(self) -> FloatArray:
        if not self._count:
            return NOTHING
        with self._device.main():
            rows: FloatArray = self._frame.features[0, -self._count :].cpu().numpy().copy()
        return rows

    @torch.no_grad()
    def recall(self, memory: FloatArray) -> None:
        self.reset()
        count = min(len(memory), self._config.window)
        if not count:
            return
        rows = torch.from_numpy(memory[-count:].copy())
        with self._device.main():
            self._frame.features[0, -count:] = rows.to(self._device.where)
            self._frame.valid[0, -count:] = True
            self._frame.feature[0] = self._frame.features[0, -1, : self._config.motion_dim]
        self._device.wait()
        self._count, self._moved = count, True


def graph_of(network: PoseNetwork, device: Device | None = None) -> GraphRuntime:
    """A network as it is written, its batch norms folded away; on the GPU unless another device is given."""
    device = device or Cuda()
    network = channels_last(folded(network)).to(device.where).eval().requires_grad_(False)
    where = torch.cuda.get_device_name() if device.where.type == "cuda" else "CPU"
    return GraphRuntime(Pieces.of(network), network.config, f"PyTorch in CUDA graphs, {where}", device)


def open_graph(weights: Path) -> GraphRuntime:
    """The runtime of a weights file. Raises EgoposeError as `load_network` does."""
    return graph_of(load_network(weights))
