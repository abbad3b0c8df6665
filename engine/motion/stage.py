"""The stage of the pipeline behind the network: filter and fit, as the settings of the moment have it."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from engine.motion.filter import OneEuro
from engine.motion.settings import RAW, MotionSettings
from engine.types import Frame, Pose


class MotionStage:
    """Makes of each pose the one that is shown, recorded and sent. Used from one thread but for `settings`."""

    def __init__(self, settings: MotionSettings = RAW) -> None:
        self.settings = settings
        """Exchanged as a whole, from any thread; holds from the next pose on."""
        self._filter = OneEuro(settings.smoothing)

    def apply(self, frame: Frame, pose: Pose) -> Pose:
        """The pose of a frame after filter and fit; itself where both are off.

        A recorded pose that was filtered already is taken as the network found it.
        """
        settings = self.settings
        if settings == RAW:
            self._filter.reset()
            return pose
        began = time.monotonic_ns()
        raw = pose.joints_m if pose.raw_joints_m is None else pose.raw_joints_m
        self._filter.smoothing = settings.smoothing
        joints = self._filter.update(raw, media_ns(frame)).astype(np.float32)
        stages = {**pose.stage_ns, "motion": time.monotonic_ns() - began}
        return replace(pose, joints_m=joints, raw_joints_m=raw, lag_ns=self._filter.lag_ns, stage_ns=stages)


def media_ns(frame: Frame) -> int:
    """When the frame was taken: of a recording that is played, in its own time, however fast it is played."""
    return frame.device_ns if frame.device_ns is not None and frame.device_clock == "file" else frame.capture_ns
