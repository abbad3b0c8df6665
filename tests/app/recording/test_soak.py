"""Live view with recording on and a window slowed on purpose: nothing grows. Run with `pytest -m soak`.

Two minutes, or EGOPOSE_SOAK_SECONDS.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtTest import QTest

from app.main_window import MainWindow
from app.presenter import Presenter, Screen
from calib.calibration import Calibration
from calib.remap import CanonicalView
from engine.capture.picture import encode_jpeg
from engine.capture.source import SourceInfo
from engine.live.estimator import Estimator, Seen
from engine.live.pipeline import Pipeline
from engine.live.tap import Taps
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.session.reader import Session
from engine.types import EventKind, Frame, Pose, Snapshot
from tests.app import fake
from tests.app.qt import wait_for
from tests.engine.live.fakes import FakeSource
from tests.engine.live.test_soak import resident_bytes

SECONDS = float(os.environ.get("EGOPOSE_SOAK_SECONDS", "120"))
WARM_S = min(30.0, SECONDS / 4)
SLOW_S = 0.1
"""How much longer each picture takes to paint than it needs."""
MIB = 1 << 20


class Camera(FakeSource):
    """Gives pictures of its own at 60 a second, with the JPEG they came from."""

    def __init__(self) -> None:
        super().__init__(fps=60)
        self._image = fake.image_at(0.4)
        self._jpeg = encode_jpeg(self._image, 90)

    def read(self) -> Frame | None:
        frame = super().read()
        return None if frame is None else replace(frame, image=self._image.copy(), encoded=self._jpeg)


class Wearer(Estimator):
    """Takes 45 ms for a pose with heatmaps of its own."""

    runtime, network, actions = "fake", "fake", ()

    @property
    def view(self) -> CanonicalView:
        return fake.canonical_view()

    def estimate(self, frame: Frame, seen: Seen | None = None, *, motion: bool = True) -> Pose:
        threading.Event().wait(0.045)
        pose = fake.pose_at(frame.seq / 60, frame.seq)
        return replace(pose, capture_ns=frame.capture_ns, heatmaps=pose.heatmaps.copy())


class Feed:
    """A real pipeline as the window has it."""

    title, source_id, assumed_camera, recordable = "Camera", "fake:0", False, True

    def __init__(self) -> None:
        self.source = Camera()
        self.stage = MotionStage(MotionSettings())
        self.pipeline = Pipeline(self.source, lambda source: Wearer(), motion=self.stage)

    def start(self) -> None:
        self.pipeline.start()

    def snapshot(self) -> Snapshot:
        return self.pipeline.snapshot()

    def stop(self) -> None:
        self.pipeline.stop()

    @property
    def taps(self) -> Taps:
        return self.pipeline.taps

    def origin(self) -> tuple[SourceInfo, Calibration | None]:
        return self.source.info, fake.canonical_view().camera

    @property
    def motion(self) -> MotionSettings:
        return self.stage.settings

    @property
    def view(self) -> CanonicalView | None:
        return self.pipeline.view


def handles() -> int:
    """Open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> int:
    """All threads, also those that are not Python's."""
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 2 + 120)
def test_nothing_grows(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    window.presenter = Presenter(lambda spec: feed)
    draw = window.draw

    def slowly(screen: Screen, *, at_once: bool = False) -> None:
        draw(screen, at_once=at_once)
        time.sleep(SLOW_S)

    monkeypatch.setattr(window, "draw", slowly)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    window.recording.toggle()
    wait_for(lambda: window.recording.recording.active)
    memory: list[int] = []
    counts: list[tuple[int, int]] = []
    began = time.monotonic()
    marked = 0
    while (now := time.monotonic() - began) < SECONDS:
        QTest.qWait(500)
        if now >= WARM_S:
            memory.append(resident_bytes())
            counts.append((threads(), handles()))
        if now >= 5 * marked:
            window.recording.mark()
            marked += 1
    figures = feed.snapshot().figures
    window.recording.toggle()
    wait_for(lambda: window.recording.recording.file is not None, 30)
    path = window.recording.recording.file
    assert path is not None
    tenth = max(1, len(memory) // 10)
    before, after = np.median(memory[:tenth]), np.median(memory[-tenth:])
    with Session(path) as session:
        frames, poses, marks = len(session), session.pose_count, session.events
        print(
            f"{SECONDS:.0f} s: resident {before / MIB:.1f} to {after / MIB:.1f} MiB "
            f"({100 * (after / before - 1):+.2f} %), threads and handles {counts[0]} to {counts[-1]}; "
            f"{frames} frames, {poses} poses, {path.stat().st_size / MIB:.0f} MiB, "
            f"age p95 {figures.age_ms.p95:.0f} ms"
        )
        seqs = [stamp.seq for stamp in session.stamps]
    assert abs(after / before - 1) <= 0.02
    assert max(count[0] for count in counts) <= counts[0][0]
    assert max(count[1] for count in counts) <= counts[0][1]
    assert seqs == list(range(seqs[0], seqs[0] + frames))
    assert sum(event.kind is EventKind.MARK for event in marks) == marked
    assert not any(event.kind is EventKind.DROP for event in marks)
