"""Replaying as the window has it: the row, the menu with its keys, and the truth beside the skeleton."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu

from app.body import Style, ghost
from app.feed import Feed
from app.fisheye_view import FisheyeView
from app.presenter import Phase, Screen
from app.replay.bar import ReplayBar
from app.replay.feed import ReplayFeed
from app.replay.presenter import JUMP_S, ReplayPresenter
from app.replay.thumbnails import Thumbnails
from app.replay.voices import voice_name
from app.shown import joint_word
from app.theme import Colours
from app.translation import tr
from engine.skeleton import JOINT_COUNT
from engine.types import FloatArray

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from calib.remap import CanonicalView


_NOTHING: tuple[object, ...] = (None, None, False, None)


class ReplayControls(QObject):
    """Ties replays to a window: made after its menus, asked at every look, closed with it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.replay: ReplayPresenter | None = None
        self._thumbnails: Thumbnails | None = None
        self._others: tuple[object, ...] = _NOTHING
        self._sizes = window.view.splitter.sizes()
        self.bar = ReplayBar()
        self.bar.hide()
        self.bar.pressed.connect(self._press)
        self.bar.speed_chosen.connect(self._do(lambda replay, speed: replay.feed.play.set_speed(speed)))
        self.bar.timeline.sought.connect(self._do(lambda replay, index: replay.go_to(index)))
        window.view.below.addWidget(self.bar)
        self.section = window.replaying
        self.second = FisheyeView()
        self.second.setAccessibleName(tr("The same picture with the second network's skeleton over it"))
        self.second.hide()
        window.view.splitter.insertWidget(1, self.second)
        window.view.panel.changed.connect(self.second.set_shown)
        self._build_menu()

    def look(self, feed: Feed | None, screen: Screen) -> None:
        """Show how the replay goes; the row is there for what can be positioned alone."""
        shown = feed if isinstance(feed, ReplayFeed) and screen.phase is Phase.PICTURE else None
        if shown is not (self.replay.feed if self.replay is not None else None):
            self._follow(shown)
        if shown is None or self.replay is None:
            return
        timeline = self.bar.timeline
        timeline.show_recording(shown.reel, shown.track, self._thumbnails)
        timeline.show_second(shown.second_track, (voice_name(shown.voice), voice_name(shown.second)))
        self.bar.show_screen(self.replay.look())
        self._show_others(self.replay, screen)

    def _follow(self, feed: ReplayFeed | None) -> None:
        self.close()
        self.replay = ReplayPresenter(feed) if feed is not None else None
        if feed is not None:
            self._thumbnails = Thumbnails(feed.recording, len(feed.reel))
            self.section.follow(self.replay)
        self.bar.setVisible(feed is not None)
        self._enable()

    def _enable(self) -> None:
        replay = self.replay
        for action in self.menu.actions():
            action.setEnabled(replay is not None)
        has_truth = replay is not None and replay.feed.reel.has_truth
        for part in (self.truth_action, self.by_joint, self.bar.buttons["worst"]):
            part.setEnabled(has_truth)

    def _show_others(self, replay: ReplayPresenter, screen: Screen) -> None:
        """The truth, and what the second network says of the very frame that is shown."""
        frame = screen.snapshot.frame if screen.snapshot is not None else None
        truth = frame.truth if frame is not None and self.truth_action.isChecked() else None
        second = replay.second_pose(frame)
        apart = second is not None and self.section.beside.isChecked()
        shown = truth, second, apart, frame
        if all(one is other for one, other in zip(shown, self._others, strict=True)):
            return
        self._others = shown
        view = self._window.view
        beside = replay.feed.second is not None and self.section.beside.isChecked()
        self._show_apart((voice_name(replay.feed.voice), voice_name(replay.feed.second)) if beside else None)
        if apart:
            self.second.show_picture(frame, second, screen.view)
        besides = [] if truth is None or screen.view is None else [(seen_px(truth.joints_m, screen.view), False)]
        self.second.show_besides(tuple(besides))
        if second is not None and not apart:
            besides.append((second.uv_px, True))
        view.picture.show_besides(tuple(besides))
        ghosts = [] if truth is None else [ghost(truth.joints_m, tr("truth"))]
        if second is not None:
            ghosts.append(ghost(second.joints_m, voice_name(replay.feed.second), Style.DASHED))
        view.skeleton.show_ghosts(tuple(ghosts))

    def _show_apart(self, names: tuple[str, str] | None) -> None:
        """Two pictures of one width with these names, and a third of the room for the 3D view; None for one picture."""
        picture, splitter = self._window.view.picture, self._window.view.splitter
        name, second = names or ("", "")
        picture.set_caption(name)
        self.second.set_caption(second)
        if (names is None) == self.second.isHidden():
            return
        sizes = splitter.sizes()
        if names is not None:
            self._sizes = sizes
            sizes = [sum(sizes) * share // 100 for share in (35, 35, 30)]
        else:
            sizes = self._sizes
        self.second.setVisible(names is not None)
        splitter.setSizes(sizes)

    def close(self) -> None:
        """Let the thumbnails and the replay go."""
        if self._thumbnails is not None:
            self._thumbnails.close()
        self.bar.timeline.show_recording(None, None, None)
        self._thumbnails = self.replay = None
        self.section.follow(None)
        if self._others is not _NOTHING:
            self._others = _NOTHING
            self._window.view.picture.show_besides(())
            self._window.view.skeleton.show_ghosts(())
        self.second.show_picture(None, None, None)
        self._show_apart(None)

    def set_colours(self, colours: Colours) -> None:
        self.bar.set_colours(colours)
        self.second.set_colours(colours)

    def _do(self, call: Callable[..., None]) -> Callable[..., None]:
        """What is called with the replay, where there is one."""

        def called(*values: object) -> None:
            if self.replay is not None:
                call(self.replay, *values)

        return called

    def _press(self, name: str) -> None:
        if self.replay is not None:
            _PRESSED[name](self.replay)

    def _build_menu(self) -> None:
        bar = self._window.menuBar()
        assert bar is not None  # a QMainWindow makes one
        self.menu = QMenu(tr("Re&play"), bar)
        bar.insertMenu(bar.actions()[-1], self.menu)
        for text, key, name in (
            (tr("&Play or pause"), "Space", "play"),
            (tr("One frame &on"), ".", "step-forward"),
            (tr("One frame &back"), ",", "step-back"),
            (tr("&Forward 5 s"), "Ctrl+Right", "forward"),
            (tr("Back&ward 5 s"), "Ctrl+Left", "backward"),
            (tr("&Next mark or gap"), "Ctrl+Shift+Right", "next"),
            (tr("Pre&vious mark or gap"), "Ctrl+Shift+Left", "previous"),
            (tr("F&irst frame"), "Home", "to-start"),
            (tr("Last f&rame"), "End", "to-end"),
            (tr("Fas&ter"), ">", "faster"),
            (tr("&Slower"), "<", "slower"),
            (tr("Begin the ran&ge here"), "I", "mark-in"),
            (tr("End the rang&e here"), "O", "mark-out"),
            (tr("&Loop"), "L", "loop"),
            (tr("Find &all poses"), "Ctrl+E", "analyse"),
            (tr("Worst frame"), "W", "worst"),
        ):
            self._add(text, key, partial(self._press, name))
        self.truth_action = self._add(tr("Show the tr&uth"), "T", None)
        self.truth_action.setCheckable(True)
        self.truth_action.setChecked(True)
        self.by_joint = self._add(tr("Errors &joint by joint"), "J", None)
        self.by_joint.setCheckable(True)
        self.by_joint.toggled.connect(self.bar.timeline.show_by_joint)
        joints = self.menu.addMenu(tr("&Error of"))
        assert joints is not None  # Qt always gives one
        for joint in (None, *range(JOINT_COUNT)):
            name = tr("all joints") if joint is None else joint_word(joint)
            action = joints.addAction(name)
            assert action is not None  # Qt always gives one
            action.triggered.connect(partial(self.bar.timeline.show_joint, joint))
        self._enable()

    def _add(self, text: str, key: str, call: Callable[[], None] | None) -> QAction:
        action = QAction(text, self._window)
        action.setShortcut(QKeySequence(key))
        if call is not None:
            action.triggered.connect(lambda _on=False: call())
        self._window.addAction(action)
        self.menu.addAction(action)
        return action


def seen_px(joints_m: FloatArray, view: CanonicalView) -> np.ndarray:
    """(15, 3) metres in the camera's frame to (15, 2) pixels of the picture; NaN where the lens does not see."""
    pixels, seen = view.camera.model.project(np.asarray(joints_m, float))
    return np.asarray(np.where(seen[:, None], pixels, np.nan))


_PRESSED: dict[str, Callable[[ReplayPresenter], None]] = {
    "play": lambda replay: replay.feed.toggle(),
    "step-forward": lambda replay: replay.feed.step(1),
    "step-back": lambda replay: replay.feed.step(-1),
    "forward": lambda replay: replay.jump(JUMP_S),
    "backward": lambda replay: replay.jump(-JUMP_S),
    "next": lambda replay: replay.next_stop(1),
    "previous": lambda replay: replay.next_stop(-1),
    "to-start": lambda replay: replay.go_to(0),
    "to-end": lambda replay: replay.go_to(len(replay.feed.reel) - 1),
    "faster": lambda replay: replay.change_speed(1),
    "slower": lambda replay: replay.change_speed(-1),
    "mark-in": lambda replay: replay.mark_in(),
    "mark-out": lambda replay: replay.mark_out(),
    "loop": lambda replay: replay.set_loop(not replay.look().loop),
    "analyse": lambda replay: replay.analyse(),
    "worst": lambda replay: replay.next_worst(),
}
