"""Windows, gaps, and the split that scores every frame once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.canonical import canonical_bearings
from calib.formats import load_camera
from engine.learn.data.sequence import Sequence, clips_of, inside
from tests.learn.data.making import SIDE, centroid, shard


@pytest.fixture(scope="module")
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    return shard(tmp_path_factory.mktemp("data") / "a.npz")


def with_clips(sequence: Sequence, lengths: list[int]) -> Sequence:
    """The same frames in clips of other lengths; their sum may be less."""
    count = sum(lengths)
    fields = ("joints_m", "uv", "visible", "action", "time_s", "subject")
    cut = {name: np.resize(getattr(sequence, name), (count, *getattr(sequence, name).shape[1:])) for name in fields}
    return replace(sequence, clip=np.repeat(np.arange(len(lengths)), lengths).astype(np.int32), **cut)


def test_windows_never_cross_a_gap(sequence: Sequence) -> None:
    assert sequence.windows(1, 1).tolist() == list(range(12))
    assert sequence.windows(3, 1).tolist() == [0, 1, 4, 5, 8, 9]
    assert sequence.windows(2, 2).tolist() == [0, 2, 4, 6, 8, 10]
    assert sequence.windows(5, 1).tolist() == []
    assert sequence.windows(13, 1).tolist() == []


def test_windows_of_known_poses_leave_out_what_is_not(sequence: Sequence) -> None:
    joints = sequence.joints_m.copy()
    joints[5, 3] = np.nan
    holed = replace(sequence, joints_m=joints)
    assert holed.windows(2, 1).tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert holed.windows(2, 1, known=True).tolist() == [0, 1, 2, 6, 8, 9, 10]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 20))
def test_every_frame_is_scored_exactly_once(sequence: Sequence, lengths: list[int], length: int) -> None:
    cut = with_clips(sequence, lengths)
    scored = np.zeros(len(cut), int)
    for span in cut.cover(length):
        assert span.start <= span.scored < span.stop
        assert span.stop - span.start <= length
        assert len(set(cut.clip[span.start : span.stop])) == 1
        stretch = lengths[cut.clip[span.start]]
        assert span.stop - span.start == min(length, stretch)
        scored[span.scored : span.stop] += 1
    assert (scored == 1).all()


def test_a_missing_number_and_a_long_step_are_gaps() -> None:
    time_s = np.array([0, 1, 2, 3, 4, 5, 7.6, 8.6, 8.6, 9.6]) / 25
    assert clips_of(time_s).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 2, 2]
    assert clips_of(np.arange(5) / 25, np.array([3, 4, 6, 7, 8])).tolist() == [0, 0, 1, 1, 1]
    # A clock that trembles by a third makes no gap.
    assert clips_of(np.array([0, 1.3, 2, 3.3, 4.0])).tolist() == [0, 0, 0, 0, 0]
    assert clips_of(np.zeros(0)).tolist() == []
    assert clips_of(np.zeros(1)).tolist() == [0]


def test_a_picture_comes_at_any_side_with_the_joint_in_its_place(sequence: Sequence) -> None:
    for side in (SIDE // 2, SIDE, 2 * SIDE):
        picture = sequence.picture(5, side)
        assert picture.shape == (side, side, 3)
        assert np.abs(centroid(picture) - sequence.uv[5, 3]).max() < 0.5 / SIDE


def test_what_lies_outside_the_picture_or_the_view_is_not_inside() -> None:
    camera = load_camera("sceneego")
    # The picture is cut above and below the circle: 1024 rows, the centre at 527.5.
    corners = np.array([[[0.5, 0.5], [0.5, 0.999], [0.999, 0.5], [0.9, 0.9], [np.nan, 0.5], [0.5, 0.001]]], np.float32)
    assert inside(corners, camera)[0].tolist() == [True, False, True, False, False, True]
    pixels, _ = camera.model.project(canonical_bearings(corners[0, 1]))
    assert pixels[1] > camera.size[1]


def test_arrays_that_do_not_fit_each_other_are_refused(sequence: Sequence) -> None:
    with pytest.raises(ValueError, match="visible of a is"):
        replace(sequence, visible=sequence.visible[:3])


def test_a_sequence_is_named_after_its_file(tmp_path: Path) -> None:
    read = shard(tmp_path / "train-1-00000.npz")
    assert (read.name, read.data_set, set(read.subject)) == ("train-1-00000", "wearer", {"14"})
    assert "14_01" in read.pictures.name(2)
