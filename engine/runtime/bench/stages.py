"""Where a frame's time goes, part by part, one after the other on one thread."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from calib.remap import CanonicalView
from engine.live.ring import Ring
from engine.network.config import NetworkConfig
from engine.network.network import PoseNetwork
from engine.runtime.bench.report import Stage, Stages
from engine.runtime.bench.timing import each_us
from engine.runtime.parts import MotionPart, PosePart, SpatialPart
from engine.runtime.streaming import Parts, Seen, StreamingRuntime
from engine.types import FloatArray, ImageArray

T = TypeVar("T")
VIEW, ENCODER, MOTION, POSE, READ, OVERLAY, RING = (
    "canonical view", "spatial stream", "motion encoder", "temporal and pose", "read-back", "overlay", "ring push",
)  # fmt: skip
NETWORK = frozenset({ENCODER, MOTION, POSE})


class EagerParts(Parts):
    """The parts as the network is written, so that eager's stages can be told as a compiled runtime's are."""

    def __init__(self, network: PoseNetwork) -> None:
        self._device = network.mean.device
        self._spatial, self._motion, self._pose = SpatialPart(network), MotionPart(network), PosePart(network)

    def _given(self, array: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(array)[None].to(self._device)

    @torch.inference_mode()
    def see(self, picture: ImageArray) -> Seen:
        return Seen(*(tensor.cpu().numpy() for tensor in self._spatial(self._given(picture))))

    @torch.inference_mode()
    def move(self, picture: ImageArray) -> FloatArray:
        feature: FloatArray = self._motion(self._given(picture)).cpu().numpy()
        return feature

    @torch.inference_mode()
    def pose(self, seen: Seen, features: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        given = [torch.from_numpy(part).to(self._device) for part in (seen.tokens, seen.uv, seen.spread, seen.height)]
        joints, actions = self._pose(*given, self._given(features), self._given(valid))
        return joints.cpu().numpy(), actions.cpu().numpy()


class Timed(Parts):
    """The parts of another, each call timed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.took: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Of each stage, (wall, CPU) nanoseconds a frame."""

    def time(self, stage: str, call: Callable[[], T]) -> T:
        """What a call gives, its duration noted."""
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        given = call()
        self.took[stage].append((time.perf_counter_ns() - wall, time.process_time_ns() - cpu))
        return given

    def see(self, picture: ImageArray) -> Seen:
        return self.time(ENCODER, lambda: self._parts.see(picture))

    def move(self, picture: ImageArray) -> FloatArray:
        return self.time(MOTION, lambda: self._parts.move(picture))

    def pose(self, seen: Seen, features: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        return self.time(POSE, lambda: self._parts.pose(seen, features, valid))


def stages_of(
    name: str, parts: Parts, config: NetworkConfig, image: ImageArray, view: CanonicalView, frames: int
) -> Stages:
    """The stages of a frame, by the code that runs live; `image` is the camera's, (H, W, 3) uint8 BGR.

    Read-back is what is left of a frame once its parts and the ring are taken off: its results handed over.
    """
    timed = Timed(parts)
    runtime = StreamingRuntime(timed, config, name, side_by_side=False)
    runtime.run(view.image(image))
    timed.took.clear()
    whole = "whole"
    for _ in range(frames):
        picture = timed.time(VIEW, lambda: view.image(image))
        result = timed.time(whole, partial(runtime.run, picture))
        timed.time(OVERLAY, partial(view.place, result.uv))
    middle = {
        stage: tuple(median(kind) / 1e3 for kind in zip(*took, strict=True)) for stage, took in timed.took.items()
    }
    push = ring_push_us(config)
    parts_of = [middle[stage] for stage in NETWORK & middle.keys()]
    left = [max(0.0, middle[whole][kind] - sum(part[kind] for part in parts_of) - push) for kind in (0, 1)]
    middle |= {RING: (push, push), READ: (left[0], left[1])}
    stages = [
        Stage(stage, *middle[stage]) for stage in (VIEW, ENCODER, MOTION, RING, POSE, READ, OVERLAY) if stage in middle
    ]
    total = sum(stage.cpu_us for stage in stages)
    beside = sum(stage.cpu_us for stage in stages if stage.name not in NETWORK)
    return Stages(name, tuple(stages), beside / max(total, 1e-9))


def ring_push_us(config: NetworkConfig, count: int = 20_000) -> float:
    """CPU microseconds of remembering one frame."""
    ring, row = Ring(config.window, config.memory_dim), np.ones(config.memory_dim, np.float32)
    return each_us(lambda: ring.push(row), count)
