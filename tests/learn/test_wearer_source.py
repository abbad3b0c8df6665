"""The synthetic wearer as a source of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.capture.synthetic import SyntheticWearer
from engine.errors import EgoposeError
from engine.learn.wearer.motion import ACTIONS
from tests.learn.test_wearer_bvh import person_bvh


@pytest.mark.usefixtures("opengl")
def test_frames_with_truth() -> None:
    with SyntheticWearer(seed=2, size=(160, 128), fps=15, frames=3) as source:
        info = source.info
        frames = list(iter(source.read, None))
        assert source.read() is None
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert [frame.capture_ns for frame in frames] == [0, 66_666_667, 133_333_333]
    assert (info.size, info.fps, info.live, info.frame_count) == ((160, 128), 15, False, 3)
    assert info.calibration is not None
    assert info.calibration.size == (160, 128)
    for frame in frames:
        assert frame.image.shape == (128, 160, 3)
        assert frame.source_id == info.source_id
        truth = frame.truth
        assert truth is not None
        assert truth.joints_m.shape == (15, 3)
        assert truth.action in ACTIONS
        pixels, valid = info.calibration.model.project(truth.joints_m.astype(np.float64))
        assert valid[truth.visible].all()
        assert ((pixels >= -0.5) & (pixels < np.array([159.5, 127.5])))[truth.visible].all()
        assert truth.visible.any()
    assert source.skipped == ()


@pytest.mark.usefixtures("opengl")
def test_the_same_seed_gives_the_same_frames() -> None:
    def first(seed: int) -> list[np.ndarray]:
        with SyntheticWearer(seed=seed, size=(80, 64), frames=2) as source:
            return [frame.image for frame in iter(source.read, None)]

    a, b, c = first(1), first(1), first(9)
    np.testing.assert_array_equal(a, b)
    assert (a[0] != c[0]).any()


@pytest.mark.usefixtures("opengl")
def test_reopened_it_begins_anew() -> None:
    source = SyntheticWearer(seed=1, size=(80, 64))
    source.open()
    first = source.read()
    source.close()
    source.close()
    assert source.read() is None
    source.open()
    again = source.read()
    source.close()
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.image, again.image)


@pytest.mark.usefixtures("opengl")
def test_motion_from_a_file(tmp_path: Path) -> None:
    rows = np.zeros((4, 60))
    rows[:, 1] = 84
    (tmp_path / "still.bvh").write_text(person_bvh(rows, dt=1 / 30))
    with SyntheticWearer(bvh=tmp_path / "still.bvh", size=(80, 64), fps=30) as source:
        # The file is short: after its end another take of it follows.
        frames = [source.read() for _ in range(6)]
    assert all(frame is not None for frame in frames)
    truth = frames[0].truth  # type: ignore[union-attr]
    assert truth is not None
    # In a T pose the wrists are at shoulder height, one to each side.
    shoulders, wrists = truth.joints_m[[1, 4]], truth.joints_m[[3, 6]]
    assert wrists[0, 0] > shoulders[0, 0] + 0.35
    assert wrists[1, 0] < shoulders[1, 0] - 0.35


@pytest.mark.usefixtures("opengl")
def test_a_demo_looks_good() -> None:
    with SyntheticWearer(look="demo", size=(160, 128), frames=1) as source:
        frame = source.read()
    assert frame is not None
    blue, _, red = frame.image.astype(float).reshape(-1, 3).mean(axis=0)
    assert frame.image.mean() > 50
    assert red > blue  # a floor of wood in sunlight


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"fps": 0}, "frames a second"),
        ({"size": (8, 8)}, "8x8"),
        ({"size": (100_000, 100_000)}, "100000x100000"),
        ({"motion": "fly"}, "it can: stand, gesture"),
        ({"motion": "still", "bvh": Path("a.bvh")}, "leave one of them away"),
        ({"camera": "no_such_camera"}, "no_such_camera"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict, message: str) -> None:
    with pytest.raises(EgoposeError, match=message):
        SyntheticWearer(**settings)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match=r"none\.bvh"):
        SyntheticWearer(bvh=tmp_path / "none.bvh").open()
