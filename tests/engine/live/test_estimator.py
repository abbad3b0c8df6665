"""From frames to poses: gaps, sizes, and the way back to the picture's pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.formats import load_camera
from engine.live.estimator import GAP_NS, PoseEstimator
from engine.runtime.runtime import Result, Runtime
from engine.types import Frame, ImageArray


class Watched(Runtime):
    """A runtime that says the peak is at the canonical centre, and counts."""

    network, description, side, actions = "watched", "watched", 64, ()

    def __init__(self) -> None:
        self.resets = 0
        self.pictures: list[ImageArray] = []

    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        self.pictures.append(picture)
        uv = np.full((15, 2), 0.5, np.float32)
        uv[1] = (2.0, 2.0)
        nothing = np.zeros((15, 3), np.float32)
        return Result(nothing, np.zeros((15, 16, 16), np.float32), uv, np.ones(15, np.float32), np.zeros(0, np.float32))

    def reset(self) -> None:
        self.resets += 1


def frame(seq: int, time_ns: int, size: tuple[int, int] = (1280, 1024), source: str = "a") -> Frame:
    return Frame(np.full((size[1], size[0], 3), 200, np.uint8), seq, time_ns, source)


def test_a_gap_a_step_back_and_another_source_reset_the_motion() -> None:
    runtime = Watched()
    estimator = PoseEstimator(runtime, load_camera("sceneego"))
    for seq, (time_ns, source, resets) in enumerate(
        [
            (0, "a", 1),
            (33_000_000, "a", 1),
            (33_000_000 + GAP_NS, "a", 1),
            (34_000_001 + 2 * GAP_NS, "a", 2),
            (5, "a", 3),
            (6, "b", 4),
            (7, "b", 4),
        ]
    ):
        pose = estimator.estimate(frame(seq, time_ns, source=source))
        assert runtime.resets == resets, seq
        assert (pose.seq, pose.capture_ns) == (seq, time_ns)


def test_a_recording_that_begins_anew_resets_the_motion_although_host_time_goes_on() -> None:
    runtime = Watched()
    estimator = PoseEstimator(runtime, load_camera("sceneego"))
    for seq, (device_ns, resets) in enumerate([(0, 1), (40_000_000, 1), (0, 2), (40_000_000, 2), (9_000_000_000, 3)]):
        estimator.estimate(replace(frame(seq, seq * 40_000_000), device_ns=device_ns))
        assert runtime.resets == resets, seq


@pytest.mark.parametrize("size", [(1280, 1024), (640, 512), (1920, 1080), (480, 640), (333, 201)])
def test_the_peak_goes_back_to_the_picture_and_nowhere_where_there_is_no_pixel(size: tuple[int, int]) -> None:
    runtime = Watched()
    camera = load_camera("sceneego")
    estimator = PoseEstimator(runtime, camera)
    pose = estimator.estimate(frame(0, 0, size))
    assert estimator.view is not None
    centre, valid = estimator.view.camera.model.project(np.array([0.0, 0.0, 1.0]))
    assert valid
    assert np.allclose(pose.uv_px[0], centre, atol=1e-3)
    assert np.isnan(pose.uv_px[1]).all()
    assert runtime.pictures[0].shape == (64, 64, 3)
    assert runtime.pictures[0][32, 32].min() > 150
    assert set(pose.stage_ns) == {"canonical view", "network", "overlay"}
