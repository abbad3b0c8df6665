"""The page of a source that is open: picture left, skeleton right of it, sections at the edge, figures below."""

from __future__ import annotations

import time
from math import nan
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.fisheye_view import FisheyeView
from app.panel import SidePanel
from app.presenter import Phase, Screen
from app.sidebar import Sidebar
from app.skeleton_view import make_skeleton_view
from app.stale import stale_text
from app.strip import Strip
from app.theme import Colours
from app.waiting import Waiting
from app.wording import BEGINNING, EMPTY, delivery_tip, reason_tip, strip_text
from engine.types import Frame, Pose, StreamState

if TYPE_CHECKING:
    from calib.remap import CanonicalView

FIGURES_S = 0.25
"""Seconds between changes of figures, in the strip and in the sidebar: faster cannot be read."""


class ViewPage(QWidget):
    """Draws what the presenter computes. `below` is the row under picture and 3D view, empty unless it is filled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[Frame | None, Pose | None, CanonicalView | None] = (None, None, None)
        self._posed: Pose | None = None
        self._figures_at = 0.0
        self.poses_shown = 0
        """Of the source that is open."""
        self.picture = FisheyeView()
        self.waiting = Waiting()
        self.left = QStackedWidget()
        self.left.addWidget(self.waiting)
        self.left.addWidget(self.picture)
        self.skeleton = make_skeleton_view()
        self.panel = SidePanel()
        self.sidebar = Sidebar()
        self.sidebar.add(self.panel)
        self.strip = Strip()
        self.below = QVBoxLayout()
        self._arrange()
        self.panel.changed.connect(self.picture.set_shown)
        self.panel.changed.connect(self.skeleton.set_shown)
        self.skeleton.joint_clicked.connect(self.panel.toggle_trail)

    def _arrange(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.skeleton)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(3)
        self.splitter.setSizes([660, 436])
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        views = QVBoxLayout()
        views.setSpacing(1)
        views.addWidget(self.splitter, 1)
        views.addLayout(self.below)
        middle = QHBoxLayout()
        middle.setSpacing(1)
        middle.addLayout(views, 1)
        middle.addWidget(self.sidebar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addLayout(middle, 1)
        column.addWidget(self.strip)

    def draw(self, screen: Screen, *, at_once: bool = False) -> None:
        """Show a screen; only what has changed is painted again. `at_once` does not wait with the figures."""
        self.left.setCurrentWidget(self.picture if screen.phase is Phase.PICTURE else self.waiting)
        self.waiting.show_name(screen.name, screen.waiting)
        snapshot = screen.snapshot
        frame, pose = (snapshot.frame, snapshot.pose) if snapshot is not None else (None, None)
        new = frame, pose, screen.view
        if any(one is not other for one, other in zip(new, self._drawn, strict=True)):
            self._drawn = new
            self.picture.show_picture(*new)
        stale = stale_text(snapshot.figures) if snapshot is not None and not screen.frozen else None
        self.picture.set_stale(stale)
        self.skeleton.show_frame(frame if stale is None else None)
        self._show_pose(pose if stale is None else None)
        now = time.monotonic()
        if at_once or now - self._figures_at >= FIGURES_S:
            self._figures_at = now
            self._draw_strip(screen)
            self.sidebar.look(snapshot)

    def _show_pose(self, pose: Pose | None) -> None:
        """In 3D; none while the picture is not live."""
        if pose is not self._posed:
            self._posed = pose
            self.poses_shown += pose is not None
            self.skeleton.show_pose(pose)

    def begin(self) -> None:
        """Another source: what was counted and remembered of the last one says nothing of it."""
        self.poses_shown = 0
        self.strip.spark.clear()

    def _draw_strip(self, screen: Screen) -> None:
        snapshot = screen.snapshot
        if snapshot is not None:
            text = strip_text(snapshot.figures, snapshot.pose)
            self.strip.set_delivery(delivery_tip(snapshot.figures))
            self.strip.set_reason(reason_tip(snapshot.figures))
        else:
            text = BEGINNING if screen.phase is Phase.OPENING else EMPTY
        known = screen.view is not None
        self.strip.set_text(text, calibrated=not screen.assumed_camera if known else None)
        timed = snapshot is not None and snapshot.figures.state is not StreamState.PAUSED
        age = snapshot.figures.age_ms if snapshot is not None and timed else None
        self.strip.add_age(age.p50 if age is not None else nan, age.p95 if age is not None else nan)

    def set_colours(self, colours: Colours) -> None:
        for part in (self.picture, self.waiting, self.skeleton, self.sidebar, self.strip):
            part.set_colours(colours)
