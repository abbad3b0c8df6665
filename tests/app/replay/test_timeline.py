"""The timeline's lanes: two networks' errors, the joints' rows, the worst frames, gaps and what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPointF
from PyQt6.QtWidgets import QApplication

from app.replay.lanes import HEADER, JOINT_ROWS, dashed
from app.replay.strips import worst_frames
from app.replay.timeline import Timeline
from app.theme import DARK, LIGHT, Colours
from engine.replay.reel import Reel
from engine.replay.track import Track
from engine.skeleton import JOINT_COUNT, JOINTS
from engine.types import Event, EventKind
from tests.app.qt import bgr, count, pixels

SECOND = 1_000_000_000
NAMES = ("small", "base")


def filled(frames: int, scale: float = 1.0) -> Track:
    track = Track(frames)
    mean = scale * (40 + 20 * np.sin(np.linspace(0, 20, frames)))
    mean[frames // 2] = 300
    track.errors_mm[:] = mean[:, None] * np.linspace(0.5, 1.5, JOINT_COUNT)
    track.mpjpe_mm[:] = mean
    track.known[:], track.confidence[:] = True, 0.8
    return track


def reel_of(frames: int, *, gap: bool = False) -> Reel:
    times = np.arange(frames, dtype=np.int64) * SECOND // 30
    if gap:
        times[frames // 3 :] += frames * SECOND // 60
    return Reel(times, (Event(EventKind.MARK, int(times[frames // 4]), "look here"),), True)


@pytest.fixture
def timeline(app: QApplication) -> Timeline:
    return Timeline()


def show(timeline: Timeline, reel: Reel, track: Track, second: Track | None = None) -> np.ndarray:
    timeline.show_recording(reel, track, None)
    timeline.show_second(second, NAMES)
    timeline.resize(900, timeline.sizeHint().height())
    return pixels(timeline)


@pytest.mark.parametrize("frames", [2, 90, 3000, 108_000])
@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_any_length_can_be_painted(timeline: Timeline, frames: int, colours: Colours) -> None:
    timeline.set_colours(colours)
    timeline.show_by_joint(True)
    painted = show(timeline, reel_of(frames, gap=frames > 30), filled(frames), filled(frames, 0.6))
    assert count(painted, colours.text) > 100  # the first one's line
    assert count(painted, colours.warning) > 20  # the worst frames


def test_second_network_has_a_line_of_its_own(timeline: Timeline) -> None:
    reel, track = reel_of(300), filled(300)
    alone = show(timeline, reel, track)
    both = show(timeline, reel, track, filled(300, 0.5))
    below = slice(timeline.height() - 40, None)
    assert count(both[below], DARK.accent) > count(alone[below], DARK.accent) + 100


def test_each_joint_has_a_row(timeline: Timeline) -> None:
    """A joint that is far off for a while is bright there, in its row alone."""
    track = filled(300)
    track.errors_mm[:] = 5
    wrist = JOINTS.index("left_wrist")
    track.errors_mm[100:200, wrist] = 400
    low = timeline.sizeHint().height()
    timeline.show_by_joint(True)
    painted = show(timeline, reel_of(300), track)
    assert timeline.height() > low
    bright = np.abs(painted.astype(int) - bgr(DARK.warning)).max(-1) < 12
    bright[: -4 * JOINT_COUNT - 10] = False
    rows, columns = np.nonzero(bright)
    assert 3 <= np.ptp(rows) + 1 <= 4
    assert columns.min() == pytest.approx(timeline.x_of(100), abs=4)
    assert columns.max() == pytest.approx(timeline.x_of(200), abs=4)
    words = timeline._error_words(150, float(rows.mean()))
    assert words == ["left wrist", "small: 400 mm"]
    assert JOINT_ROWS.count(wrist) == 1


def test_line_and_rows_stop_at_a_gap(timeline: Timeline) -> None:
    reel = reel_of(120, gap=True)
    timeline.show_by_joint(True)
    painted = show(timeline, reel, filled(120))
    ((begin, end),) = reel.gaps
    left, right = round(timeline.scale.x(begin)) + 3, round(timeline.scale.x(end)) - 3
    assert right - left > 100
    inside = painted[-4 * JOINT_COUNT - 8 - 4 - 38 :, left:right]
    assert count(inside, DARK.text) == 0
    assert (inside[-50] == bgr(DARK.raised)).all()


def test_what_is_under_the_pointer_is_said(timeline: Timeline) -> None:
    reel = reel_of(120, gap=True)
    show(timeline, reel, filled(120), filled(120, 0.5))
    ((begin, end),) = reel.gaps
    timeline._hover(39, QPointF(timeline.scale.x((begin + end) // 2), 30))
    said = timeline._card.words.text().splitlines()
    timeline._card.hide()
    assert said[1].startswith("small: ")
    assert said[2].startswith("base: ")
    assert f"gap of {(end - begin) / 1e9:.1f} s" in said
    timeline._hover(30, QPointF(timeline.x_of(30), 30))
    said = timeline._card.words.text().splitlines()
    timeline._card.hide()
    assert "look here" in said


def test_worst_frames_lie_apart_over_the_whole_recording() -> None:
    reel, track = reel_of(108_000), filled(108_000)
    found = worst_frames(reel, track)
    assert found[0] == 54_000
    assert len(found) == 8
    assert min(abs(a - b) for i, a in enumerate(found) for b in found[:i]) > 1800


def test_last_frame_that_is_found_is_drawn(timeline: Timeline) -> None:
    """Though the lanes are drawn anew every few frames alone."""
    reel, whole, track = reel_of(62), filled(62), Track(62)
    track.errors_mm[:60], track.mpjpe_mm[:60] = whole.errors_mm[:60], whole.mpjpe_mm[:60]
    track.known[:60], track.confidence[:60] = True, 0.8
    begun = show(timeline, reel, track)
    for kept, known in ((track.errors_mm, whole.errors_mm), (track.mpjpe_mm, whole.mpjpe_mm)):
        kept[:] = known
    track.known[:], track.confidence[:] = True, 0.8
    end = slice(round(timeline.x_of(60)), None)
    assert count(pixels(timeline)[:, end], DARK.text) > count(begun[:, end], DARK.text) + 5


def test_playhead_and_range_never_lie_over_words(timeline: Timeline) -> None:
    """What flags and hatches mean, and whose line is whose, is read wherever the playhead is."""
    show(timeline, reel_of(120, gap=True), filled(120), filled(120, 0.5))
    rows = timeline._rows
    assert rows.ruler > 0
    words = *range(rows.ruler), *range(rows.errors_top, rows.errors_top + HEADER)
    painted = []
    for position, marked in ((0, None), (119, (0, 119)), (60, (20, 100))):
        timeline.show_moment(position, marked)
        painted.append(pixels(timeline)[list(words)])
    assert count(painted[0], DARK.muted) > 50
    for other in painted[1:]:
        np.testing.assert_array_equal(other, painted[0])


def test_a_recording_without_flags_and_gaps_explains_none(timeline: Timeline) -> None:
    times = np.arange(50, dtype=np.int64) * SECOND // 30
    show(timeline, Reel(times, (), True), filled(50))
    assert timeline._rows.ruler == 0


@given(
    st.lists(st.floats(0.5, 30), min_size=1, max_size=40),
    st.floats(1, 12),
    st.floats(1, 12),
    st.floats(-50, 50),
)
def test_dashes_lie_on_the_line_and_cover_what_they_should(
    steps: list[float], on: float, off: float, start: float
) -> None:
    x = start + np.concatenate([[0.0], np.cumsum(steps)])
    y = np.sin(np.arange(len(x)))
    found = dashed(np.stack([x[:-1], y[:-1], x[1:], y[1:]], -1), on, off)
    assert (found[:, 2] > found[:, 0]).all()
    np.testing.assert_allclose(found[:, 1], np.interp(found[:, 0], x, y), atol=1e-6)
    np.testing.assert_allclose(found[:, 3], np.interp(found[:, 2], x, y), atol=1e-6)
    places = np.linspace(x[0], x[-1], 500)
    within = ((places[:, None] > found[:, 0]) & (places[:, None] < found[:, 2])).any(axis=1)
    phase = places % (on + off)
    clear = (np.abs(phase - on) > 1e-6) & (phase > 1e-6) & (np.abs(phase - on - off) > 1e-6)
    clear &= np.abs(places[:, None] - x).min(axis=1) > 1e-9
    np.testing.assert_array_equal(within[clear], (phase < on)[clear])
