"""Somebody who is handed everything that passes a pipeline: the recorder, an output."""

from __future__ import annotations

from typing import Protocol

from engine.types import Event, Frame, Pose


class Tap(Protocol):
    """Called on the pipeline's threads, which wait for it: each method must return at once and raise nothing."""

    def frame(self, frame: Frame) -> None:
        """A frame that the source gave; called for every one, also for those that get no pose."""

    def pose(self, pose: Pose) -> None:
        """The pose of a frame that was handed over before."""

    def event(self, event: Event) -> None:
        """Something that happened to the stream."""
