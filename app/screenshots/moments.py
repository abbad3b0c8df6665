"""Moments of the bundled session, with the poses of the bundled network: what pictures and clip show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from app.settings import Settings
from calib.remap import CanonicalView
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.live.estimator import Estimator
from engine.live.meter import percentiles_ms
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.types import Figures, Frame, Percentiles, Pose, Snapshot, StreamState

FPS = 30.0
NAME = "Fisheye 190"
"""Of the camera that a moment is said to be of."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame of the session, what the network makes of it, and where it saw it."""

    frame: Frame
    pose: Pose
    view: CanonicalView
    figures: Figures

    @property
    def snapshot(self) -> Snapshot:
        """As the window draws it."""
        return Snapshot(self.figures, self.frame, self.pose)


def moments(begin: int, count: int, settings: Settings | None = None) -> Iterator[Moment]:
    """Frames of the bundled session from one on, in their order. Raises EgoposeError where it cannot be read.

    The figures are those of this very run, but for the rates, which are the session's own: nothing paces it here.
    """
    with open_source(str(DEMO_SESSION)) as source:
        estimator, motion = (settings or Settings()).estimator_maker()(source), MotionStage(MotionSettings())
        try:
            durations: dict[str, list[int]] = {}
            for number in range(begin + count):
                frame = source.read()
                if frame is None:
                    return
                if number < begin:
                    continue
                pose = motion.apply(frame, estimator.estimate(frame))
                if number > begin:  # the first one makes what the others find made
                    for name, took in pose.stage_ns.items():
                        durations.setdefault(name, []).append(took)
                assert estimator.view is not None  # after the first frame
                yield Moment(frame, pose, estimator.view, _figures(estimator, durations, number - begin + 1))
        finally:
            estimator.close()


def _figures(estimator: Estimator, durations: dict[str, list[int]], count: int) -> Figures:
    stages = {name: percentiles_ms(values[-256:]) for name, values in durations.items()}
    totals = [sum(of_frame) for of_frame in zip(*durations.values(), strict=True)] if durations else []
    return Figures(
        state=StreamState.STREAMING,
        message="",
        source_fps=FPS,
        pose_fps=min(FPS, 1e9 * len(totals) / max(sum(totals), 1)) if totals else 0.0,
        age_ms=percentiles_ms(totals[-256:]),
        stages_ms=stages,
        produced=count,
        processed=count,
        overwritten=0,
        runtime=estimator.runtime,
        network=estimator.network,
        actions=estimator.actions,
        reason=estimator.reason,
    )


def lost(moment: Moment, seconds: float) -> Snapshot:
    """The same, when the camera has sent nothing for a while."""
    text = f"{NAME} does not answer; it is opened again as soon as it is back: check its cable"
    figures = replace(moment.figures, state=StreamState.BACKOFF, silent_s=seconds, message=text)
    return Snapshot(figures, moment.frame, moment.pose)


def pictureless(state: StreamState, message: str = "") -> Snapshot:
    """Of a source that has given no picture yet, or cannot be used."""
    unknown = Percentiles(float("nan"), float("nan"), float("nan"))
    return Snapshot(Figures(state, message, 0.0, 0.0, unknown, {}, 0, 0, 0, "", ""))


def stays(moment: Moment, seconds: float) -> Iterator[Snapshot]:
    """The wearer stands as in this moment for so long, the head trembling a little."""
    for number in range(round(seconds * FPS)):
        later = round(number * 1e9 / FPS)
        frame = replace(
            moment.frame, seq=moment.frame.seq + number, capture_ns=moment.frame.capture_ns + later, device_ns=None
        )
        joints = moment.pose.joints_m + np.float32(0.001 * np.sin(number))
        pose = replace(moment.pose, seq=frame.seq, capture_ns=frame.capture_ns, joints_m=joints, raw_joints_m=None)
        yield Snapshot(moment.figures, frame, pose)
