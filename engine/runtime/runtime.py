"""The one interface of everything that can run a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from engine.types import FloatArray, ImageArray

ASKED_FOR, FASTEST = "asked for", "the fastest there is"
"""Reasons for a runtime that tell nothing of the machine."""
NOTHING: FloatArray = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What the network says of one canonical picture."""

    joints_m: FloatArray
    """(15, 3) metres, camera frame."""
    heatmaps: FloatArray
    """(15, h, h) in 0..1."""
    uv: FloatArray
    """(15, 2) canonical coordinates, 0..1 across the picture."""
    confidence: FloatArray
    """(15,) in 0..1."""
    action_scores: FloatArray
    """(A,) probabilities."""


class Runtime(ABC):
    """Runs a network frame by frame, remembering the motion. Used from one thread."""

    network: str
    """Its name, for people."""
    description: str
    """What runs it and on what, for people."""
    side: int
    """Side of the canonical picture in pixels."""
    actions: tuple[str, ...]
    reason: str = ""
    """Why this one runs and not a faster one, for people: "no NVIDIA GPU"; "" where nobody chose."""
    building: str = ""
    """What is made meanwhile to run faster, for people: "building the TensorRT engine, 40 %"; "" where nothing is."""
    notice: str = ""
    """What the user is to know once, in one line: a faster runtime could not be made; "" where there is nothing."""
    spares_motion: bool = False
    """Whether a frame with `motion=False` costs less: the motion stream has an encoder of its own."""

    @abstractmethod
    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        """(side, side, 3) uint8 BGR, canonical view, the next in time, to a pose.

        With `motion=False` a motion encoder is not run, and the last frame's motion feature is remembered again:
        joints' tokens and time go on at the full rate. Without effect on the first frame after `reset`, and where
        motion comes from the spatial encoder, for nothing.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget the motion, as after a gap in time."""

    def memory(self) -> FloatArray:
        """(n, memory_dim) what is remembered of the last n frames, newest last; (0, 0) of one that cannot tell."""
        return NOTHING

    def recall(self, memory: FloatArray) -> None:
        """Go on from what another runtime of the same weights remembers, in place of the own memory."""
        self.reset()

    def close(self) -> None:  # noqa: B027
        """Release threads and devices; most have none. Idempotent."""
