"""The replay's pages: the bundled session, and a made one with all that a timeline can show."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.replay.presenter import ReplayPresenter
from app.replay.voices import RECORDED
from app.screenshots.studio import Studio, show_section
from app.settings import Settings
from app.view_page import FIGURES_S
from calib.cv import cv2
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.capture.seekable import SeekableSource
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.session.writer import SessionWriter
from engine.types import Event, EventKind, Frame, Pose, StreamState

_BEGIN, _FRAMES, _GAP = 300, 54, range(20, 36)


def replay(studio: Studio) -> None:
    """The bundled session, paused, its truth beside the pose and a range marked."""
    shown = _opened(studio, DEMO_SESSION)
    _mark(shown, 200, 420)
    studio.window.replay.truth_action.setChecked(True)
    _rest(studio, shown, 300)


def compare(studio: Studio) -> None:
    """The network beside what was recorded: two pictures, two errors, a gap, a mark, lost frames, the worst ones."""
    shown = _compared(studio)
    _rest(studio, shown, shown.feed.position)


def joint_by_joint(studio: Studio) -> None:
    """Both over one picture, the errors joint by joint, and a range that is played over and over."""
    shown = _compared(studio)
    window = studio.window
    window.replaying.beside.setChecked(False)
    window.replay.by_joint.setChecked(True)
    studio.leave.append(lambda: window.replay.by_joint.setChecked(False))
    _mark(shown, 8, 30)
    shown.set_loop(True)
    _rest(studio, shown, 14)


def video(studio: Studio) -> None:
    """What has no truth, no calibration and no events, with a long name, at its end."""
    folder = tempfile.TemporaryDirectory()
    studio.leave.append(studio.window.presenter.close)
    path = Path(folder.name) / "2026-03-10 17.30.02 walking down the stairs of the new building, both hands full"
    path.mkdir()
    for number, moment in enumerate(studio.moments[:8]):
        cv2.imwrite(str(path / f"{number:03d}.png"), moment.frame.image)
    shown = _opened(studio, path)
    studio.leave += [studio.window.close, folder.cleanup]
    show_section(studio, "Replay")
    _rest(studio, shown, len(shown.feed.reel) - 1)


def _opened(studio: Studio, path: Path) -> ReplayPresenter:
    """A replay, paused."""
    window = studio.window
    window.run()
    window.open(str(path))
    studio.wait_for(lambda: window.replay.replay is not None)
    shown = window.replay.replay
    assert shown is not None  # just waited for
    shown.feed.play.pause()
    return shown


def _compared(studio: Studio) -> ReplayPresenter:
    """The made session, all its poses found by the network and by those that were recorded."""
    folder = tempfile.TemporaryDirectory()
    studio.leave.append(studio.window.presenter.close)
    shown = _opened(studio, _made(Path(folder.name) / "stairs.mcap"))
    studio.leave += [studio.window.close, folder.cleanup]
    show_section(studio, "Replay")
    studio.window.replaying.set_voice(RECORDED, second=True)
    shown.analyse()
    track = shown.feed.track_of(RECORDED)
    studio.wait_for(lambda: bool(shown.feed.track.known.all() and track.known.all()) and shown.feed.analysed is None)
    shown.next_worst()
    studio.wait_for(lambda: shown.feed.posed == shown.feed.position)
    return shown


def _made(path: Path) -> Path:
    """A part of the bundled session with something of everything; its poses are the network's, strongly filtered."""
    with open_source(str(DEMO_SESSION)) as source, SessionWriter(path, source.info.calibration) as writer:
        for number, (frame, pose) in enumerate(_filtered()):
            if number in _GAP:
                continue
            writer.add(frame)
            writer.add_pose(pose)
            if number in _EVENTS:
                kind, words = _EVENTS[number]
                writer.add_event(Event(kind, frame.capture_ns, words))
    return path


@cache
def _filtered() -> tuple[tuple[Frame, Pose], ...]:
    """A part of the bundled session, and poses as they would be recorded with a strong filter."""
    made: list[tuple[Frame, Pose]] = []
    with open_source(str(DEMO_SESSION)) as source:
        assert isinstance(source, SeekableSource)  # it is a session
        source.seek_frame(_BEGIN)
        estimator, motion = Settings().estimator_maker()(source), MotionStage(MotionSettings(smoothing=0.95))
        while len(made) < _FRAMES and (frame := source.read()) is not None:
            made.append((frame, motion.apply(frame, estimator.estimate(frame))))
        estimator.close()
    return tuple(made)


_EVENTS = {9: (EventKind.MARK, "left knee?"), 46: (EventKind.DROP, "3 frames were lost")}


def _mark(shown: ReplayPresenter, first: int, last: int) -> None:
    for index, mark in ((first, shown.mark_in), (last, shown.mark_out)):
        shown.go_to(index)
        mark()


def _rest(studio: Studio, shown: ReplayPresenter, index: int) -> None:
    """Go to a frame, and wait until the window has drawn it, figures too."""
    shown.go_to(index)

    def rests() -> bool:
        """A pose of before the jump may be there for a moment."""
        now = shown.feed.snapshot()
        return now.figures.state is StreamState.PAUSED and shown.feed.position == index and now.pose is not None

    studio.wait_for(_lasting(rests, 4 * FIGURES_S))


def _lasting(condition: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """Whether it has held for so long."""
    since = [time.monotonic()]

    def lasts() -> bool:
        if not condition():
            since[0] = time.monotonic()
        return time.monotonic() - since[0] > seconds

    return lasts
