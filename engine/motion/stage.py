"""The stage of the pipeline behind the network: filter and fit, as the settings of the moment have it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import EgoposeError
from engine.motion.filter import OneEuro, broken
from engine.motion.kinematics import BodyMotion, KinematicSkeleton
from engine.motion.profile import DEFAULT_HEIGHT_M, LEAST_POSES, Profile, from_height, measured
from engine.motion.settings import MotionSettings
from engine.motion.world import CAMERA_HEIGHT_M, to_camera, to_world
from engine.types import FloatArray, Frame, Pose

if TYPE_CHECKING:
    from engine.motion.fit import Fitter


class MotionStage:
    """Makes of each pose the one that is shown, recorded and sent. Used from one thread but for `settings`."""

    def __init__(self, settings: MotionSettings) -> None:
        self.settings = settings
        """Exchanged as a whole, from any thread; holds from the next pose on."""
        self._filter = OneEuro(settings.smoothing)
        self._fitting = _Fitting()
        self._time_ns: int | None = None

    def apply(self, frame: Frame, pose: Pose) -> Pose:
        """The pose of a frame after filter and fit, with the body.

        Without smoothing and profile the joints stay as they are. With either, a recorded pose that was filtered
        already is taken as the network found it.
        """
        return self.advance(media_ns(frame), pose)

    def reset(self) -> None:
        """Forget the past: what comes next begins anew."""
        self._filter.reset()
        self._fitting.reset()
        self._time_ns = None

    def pass_by(self, time_ns: int, pose: Pose) -> None:
        """Let the filter see a pose that is not shown, and the fit not, which takes longer and forgets sooner."""
        self._filtered(self.settings, time_ns, pose)

    def advance(self, time_ns: int, pose: Pose) -> Pose:
        """The same as `apply`, of a pose whose frame was taken then."""
        settings, began = self.settings, time.monotonic_ns()
        joints, raw = self._filtered(settings, time_ns, pose)
        changed = raw is not joints
        filtered = time.monotonic_ns()
        body = self._fitting.fit(joints, pose, settings.profile)
        if body is not None and settings.profile is not None:
            joints = to_camera(body.joints_m, settings.profile.camera_height_m).astype(np.float32)
        return replace(
            pose,
            joints_m=joints,
            raw_joints_m=raw if changed else pose.raw_joints_m,
            body=body,
            lag_ns=self._filter.lag_ns if changed else 0,
            stage_ns={**pose.stage_ns, "filter": filtered - began, "fit": time.monotonic_ns() - filtered},
        )

    def _filtered(self, settings: MotionSettings, time_ns: int, pose: Pose) -> tuple[FloatArray, FloatArray]:
        """(15, 3) joints to go on with, and those that the network found: the same object where nothing is changed."""
        if broken(self._time_ns, time_ns):
            self._fitting.reset()
        self._time_ns = time_ns
        if settings.smoothing <= 0 and settings.profile is None:
            return pose.joints_m, pose.joints_m
        raw = pose.raw_joints_m if pose.raw_joints_m is not None else pose.joints_m
        self._filter.smoothing = settings.smoothing
        return self._filter.update(raw, time_ns).astype(np.float32), raw


class _Fitting:
    """The fitter of the profile that is chosen, or of the lengths that the poses themselves have."""

    def __init__(self) -> None:
        self._fitter: Fitter | None = None
        self._profile: Profile | None = None
        self._seen: list[FloatArray] = []

    def reset(self) -> None:
        if self._fitter is not None:
            self._fitter.reset()

    def fit(self, joints: FloatArray, pose: Pose, profile: Profile | None) -> BodyMotion | None:
        from engine.motion.fit import Fitter  # noqa: PLC0415

        if self._fitter is None or self._profile is not profile:
            self._profile, self._seen = profile, []
            self._fitter = Fitter((profile or from_height(DEFAULT_HEIGHT_M)).skeleton())
        if profile is None:
            self._measure(joints, self._fitter)
        height = CAMERA_HEIGHT_M if profile is None else profile.camera_height_m
        return self._fitter.fit(to_world(joints, height), pose.seq, pose.capture_ns)

    def _measure(self, joints: FloatArray, fitter: Fitter) -> None:
        """Each time that twice as many poses were seen, up to `_ENOUGH`, take the skeleton's lengths from them."""
        if len(self._seen) >= _ENOUGH:
            return
        self._seen.append(joints)
        if len(self._seen) in _MEASURED_AT:
            # Poses that tell nothing leave the lengths as they are; the error of the fit shows it.
            with suppress(EgoposeError):
                fitter.skeleton = KinematicSkeleton(measured(np.array(self._seen)).lengths)


_MEASURED_AT = tuple(LEAST_POSES << doubling for doubling in range(5))
_ENOUGH = _MEASURED_AT[-1]


def media_ns(frame: Frame) -> int:
    """When the frame was taken: of a recording that is played, in its own time, however fast it is played."""
    return frame.device_ns if frame.device_ns is not None and frame.device_clock == "file" else frame.capture_ns
