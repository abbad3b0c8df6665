"""What a network says of a sequence: streamed, as the user runs it, and in windows, as it was trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from calib.calibration import Calibration
from engine.learn.baselines.published import PublishedNetwork
from engine.learn.data.sequence import Sequence, Span
from engine.live.estimator import PoseEstimator
from engine.network.network import PoseNetwork
from engine.runtime.runtime import Runtime
from engine.types import FloatArray, Frame

Network = PoseNetwork | PublishedNetwork
Tick = Callable[[int], None]
"""Told how many frames more are done."""
STAGES = ("canonical view", "network", "overlay")
_BATCH_FRAMES = 48


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Of the N frames of a sequence, streamed."""

    joints_m: FloatArray
    """(N, 15, 3) metres, camera frame."""
    uv: FloatArray
    """(N, 15, 2) canonical coordinates of the heatmaps' peaks; NaN where the picture does not reach."""
    confidence: FloatArray
    """(N, 15)."""
    action_scores: FloatArray
    """(N, A) in the order of the network's actions."""
    stage_ms: FloatArray
    """(N, 3) how long each of STAGES took."""


class Streamer:
    """Gives frames to the estimator of the live program one by one; each stretch of a sequence begins anew."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._estimators: dict[int, tuple[Calibration, PoseEstimator]] = {}

    def run(self, sequence: Sequence, tick: Tick = lambda n: None) -> Predictions:
        """Raises EgoposeError where a picture cannot be read."""
        count = len(sequence)
        joints, uv = np.zeros((count, 15, 3), np.float32), np.zeros((count, 15, 2), np.float32)
        confidence = np.zeros((count, 15), np.float32)
        scores = np.zeros((count, len(self.runtime.actions)), np.float32)
        stage_ms = np.zeros((count, len(STAGES)), np.float32)
        estimator = self._estimator(sequence.pictures.camera)
        for stretch in sequence.stretches():
            # An estimator forgets between its own sources; another one with the same runtime cannot know.
            self.runtime.reset()
            source = f"{sequence.name} from {stretch.start}"
            for i in range(stretch.start, stretch.stop):
                capture_ns = round(sequence.time_s[i] * 1e9)
                pose = estimator.estimate(Frame(sequence.pictures.raw(i), i, capture_ns, source))
                joints[i], confidence[i], scores[i] = pose.joints_m, pose.confidence, pose.action_scores
                assert estimator.view is not None
                uv[i] = estimator.view.from_picture(pose.uv_px.astype(np.float64))
                stage_ms[i] = [pose.stage_ns[stage] / 1e6 for stage in STAGES]
                tick(1)
        return Predictions(joints, uv, confidence, scores, stage_ms)

    def _estimator(self, camera: Calibration) -> PoseEstimator:
        """One for each camera, all with the one runtime."""
        known = self._estimators.setdefault(id(camera), (camera, PoseEstimator(self.runtime, camera)))
        return known[1]


@torch.inference_mode()
def windowed(network: Network, sequence: Sequence, length: int, tick: Tick = lambda n: None) -> FloatArray:
    """(N, 15, 3) metres from `forward_window` over windows of at most `length` frames, each frame scored once.

    Raises EgoposeError where a picture cannot be read.
    """
    joints = np.zeros((len(sequence), 15, 3), np.float32)
    device = network.mean.device
    for spans in _batches(sequence.cover(length)):
        pictures = [[sequence.picture(i, network.config.side) for i in range(s.start, s.stop)] for s in spans]
        out = network.forward_window(torch.from_numpy(np.array(pictures)).to(device)).joints.cpu().numpy()
        for span, found in zip(spans, out, strict=True):
            joints[span.scored : span.stop] = found[span.scored - span.start :]
            tick(span.stop - span.scored)
    return joints


def _batches(spans: list[Span]) -> Iterator[list[Span]]:
    """Spans of the same length together, in their order."""
    waiting = iter(spans)
    held: list[Span] = []
    for span in waiting:
        length = span.stop - span.start
        if held and (held[0].stop - held[0].start != length or (len(held) + 1) * length > _BATCH_FRAMES):
            yield held
            held = []
        held.append(span)
    if held:
        yield held


def same_past(sequence: Sequence, length: int) -> NDArray[np.bool_]:
    """(N,) of which frames the window that scores them holds exactly what the stream remembers.

    That is so where the window begins with the stretch, and for the last frame of a full window.
    """
    same = np.zeros(len(sequence), np.bool_)
    first = {stretch.start for stretch in sequence.stretches()}
    for span in sequence.cover(length):
        if span.start in first:
            same[span.scored : span.stop] = True
        elif span.stop - span.start == length:
            same[span.stop - 1] = True
    return same
