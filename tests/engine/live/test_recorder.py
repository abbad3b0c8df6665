"""The recorder: nothing lost on a good disk, and everything told on a bad one."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from engine.capture.picture import encode_jpeg
from engine.live.intake import Intake
from engine.live.pipeline import Pipeline
from engine.live.recorder import Recorder, RecorderFigures, RecorderSettings, RecorderState
from engine.session.reader import Session
from engine.session.recover import recover
from engine.session.unfinished import held, part_path, unfinished
from engine.session.writer import Pictures
from engine.types import Event, EventKind, Frame, Pose
from tests.engine.live.disks import FullDisk, HeldDisk, RoomyDisk
from tests.engine.live.fakes import FakeEstimator, FakeSource
from tests.engine.session.test_session import CAMERA, INFO, image

ROOT = Path(__file__).parents[3]
JPEG = encode_jpeg(image(3, (64, 48)), 90)
BIG = JPEG + bytes(100_000)
"""Takes a chunk of its own."""
EMPTY = np.zeros((0, 0, 3), np.uint8)


def frame(seq: int, encoded: bytes | None = JPEG) -> Frame:
    return Frame(image(seq, (64, 48)), seq, 1000 + 10 * seq, "x", encoded=encoded)


def pose(seq: int) -> Pose:
    uv, heat = np.zeros((15, 2), np.float32), np.ones((15, 64, 64), np.float32)
    return Pose(seq, 1000 + 10 * seq, np.full((15, 3), seq, np.float32), np.ones(15, np.float32), uv, heat, heat[0, 0])


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.002)


def ended(recorder: Recorder) -> RecorderFigures:
    recorder.stop()
    assert recorder.join(20)
    return recorder.figures()


def test_frames_poses_and_events_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "walk.mcap"
    recorder = Recorder(path, INFO, CAMERA, disk=RoomyDisk())
    recorder.start()
    until(lambda: recorder.figures().path == part_path(path))
    for seq in range(20):
        recorder.frame(frame(seq, JPEG if seq % 2 else None))
        recorder.pose(pose(seq))
    recorder.event(Event(EventKind.GAP, 1100, "nothing for 2 s", 2_000_000_000))
    recorder.mark()
    recorder.mark("fell over")
    figures = ended(recorder)
    assert (figures.state, figures.path, figures.message) == (RecorderState.DONE, path, "")
    assert (figures.frames, figures.poses, figures.marks, figures.dropped) == (20, 20, 2, 0)
    assert figures.seconds == pytest.approx(190e-9)
    assert figures.bytes == path.stat().st_size
    assert figures.waiting_bytes == 0
    assert not part_path(path).exists()
    with Session(path) as session:
        assert len(session) == 20
        assert session.encoded(1) == JPEG
        assert session.encoded(2) == encode_jpeg(image(2, (64, 48)), 95)
        assert session.pose(7) is not None
        assert session.calibration is not None
        kinds = [(event.kind, event.text) for event in session.events]
    assert (EventKind.GAP, "nothing for 2 s") in kinds
    assert kinds[-2:] == [(EventKind.MARK, "mark 1"), (EventKind.MARK, "fell over")]


def test_two_recordings_of_one_name(tmp_path: Path) -> None:
    for expected in ("a.mcap", "a-2.mcap", "a-3.mcap"):
        recorder = Recorder(tmp_path / "a.mcap", disk=RoomyDisk())
        recorder.start()
        recorder.frame(frame(0))
        assert ended(recorder).path.name == expected


def test_video(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "v.mcap", settings=RecorderSettings(pictures=Pictures.H264), disk=RoomyDisk())
    recorder.start()
    for seq in range(5):
        recorder.frame(frame(seq))
    assert ended(recorder).frames == 5
    with Session(tmp_path / "v.mcap") as session:
        assert session.pictures == "h264"
        assert session.frame(4).image.shape == (48, 64, 3)


def test_a_frame_that_cannot_be_recorded_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path / "v.mcap", settings=RecorderSettings(pictures=Pictures.H264), disk=RoomyDisk())
    recorder.start()
    with caplog.at_level(logging.CRITICAL):
        for seq in range(6):
            tiny = Frame(np.zeros((4, 4, 3), np.uint8), seq, 1000 + seq, "x")
            recorder.frame(tiny if seq % 3 == 1 else frame(seq))
        figures = ended(recorder)
    assert (figures.state, figures.frames, figures.dropped) == (RecorderState.DONE, 4, 2)
    with Session(tmp_path / "v.mcap") as session:
        (event,) = session.events
    assert event.kind is EventKind.DROP
    assert "frame 1 of 4 x 4 is too small" in event.text


def test_a_disk_that_hangs_loses_frames_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline's thread is never held up; memory is bounded; the loss is an event at the right moment."""
    monkeypatch.setattr("engine.session.writer.SYNC_NS", 0)
    disk = HeldDisk()
    limit = 10 * len(JPEG)
    recorder = Recorder(tmp_path / "s.mcap", settings=RecorderSettings(queue_bytes=limit), disk=disk)
    recorder.start()
    recorder.frame(frame(0))
    assert disk.waiting.wait(20)
    for seq in range(1, 41):
        recorder.frame(frame(seq))
        assert recorder.figures().waiting_bytes <= limit
    taken = 40 - recorder.figures().dropped
    assert 8 <= taken <= 10
    disk.go_on.set()
    until(lambda: recorder.figures().waiting_bytes == 0)
    recorder.frame(frame(41))
    figures = ended(recorder)
    assert (figures.state, figures.frames, figures.dropped) == (RecorderState.DONE, taken + 2, 40 - taken)
    with Session(tmp_path / "s.mcap") as session:
        assert [stamp.seq for stamp in session.stamps] == [*range(taken + 1), 41]
        (event,) = session.events
    assert event.kind is EventKind.DROP
    assert event.text.startswith(f"{40 - taken} frames were not recorded")
    assert (event.capture_ns, event.duration_ns) == (1000 + 410, 10 * (41 - taken))


def test_stopping_gives_up_what_waits_after_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.session.writer.SYNC_NS", 0)
    disk = HeldDisk()
    recorder = Recorder(tmp_path / "s.mcap", disk=disk)
    recorder.start()
    recorder.frame(frame(0))
    assert disk.waiting.wait(20)
    for seq in range(1, 10):
        recorder.frame(frame(seq))
        recorder.pose(pose(seq))
    recorder.stop(drain_s=0.0)
    assert recorder.figures().state is RecorderState.FINISHING
    assert not recorder.join(0.01)
    disk.go_on.set()
    assert recorder.join(20)
    figures = recorder.figures()
    assert (figures.state, figures.frames, figures.dropped) == (RecorderState.DONE, 1, 9)
    with Session(tmp_path / "s.mcap") as session:
        assert session.events[-1].text.startswith("9 frames were not recorded")


def test_a_full_disk_leaves_what_was_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.mcap", INFO, CAMERA, disk=FullDisk(500_000))
    recorder.start()
    for seq in range(10):
        recorder.frame(frame(seq, BIG))
    recorder.join(20)
    figures = ended(recorder)
    assert figures.state is RecorderState.FAILED
    assert "No space left on device" in figures.message
    assert f"frames before it are in {tmp_path / 's.part.mcap'}" in figures.message
    assert unfinished(tmp_path) == [tmp_path / "s.part.mcap"]
    done = recover(tmp_path / "s.part.mcap")
    assert done.frames == 4
    with Session(done.path) as session:
        assert session.calibration is not None
        assert session.encoded(3) == BIG


def test_a_disk_too_full_for_the_index_lets_the_file_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the index is kept in fails as well, and nothing may stay open for that."""
    recorder = Recorder(tmp_path / "s.mcap", disk=FullDisk(500_000))
    with monkeypatch.context() as patch:
        real = tempfile.TemporaryFile
        patch.setattr("engine.session.container.tempfile.TemporaryFile", lambda dir: FailingFile(real(dir=dir)))
        recorder.start()
        for seq in range(10):
            recorder.frame(frame(seq, BIG))
        recorder.join(20)
    assert recorder.figures().state is RecorderState.FAILED
    assert not held(tmp_path / "s.part.mcap")
    assert recover(tmp_path / "s.part.mcap").frames == 4


class FailingFile:
    """A file whose last buffer finds no room when it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> FailingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        raise OSError(28, "No space left on device")

    def write(self, data: bytes) -> int:
        return self._file.write(data)


def test_a_disk_that_fills_up_is_warned_of_and_ends_the_recording_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.live.recorder._LOOK_NS", 0)
    disk = RoomyDisk(100 << 20)
    settings = RecorderSettings(warn_bytes=50 << 20, stop_bytes=10 << 20)
    recorder = Recorder(tmp_path / "s.mcap", settings=settings, disk=disk)
    recorder.start()
    recorder.frame(frame(0, BIG))
    until(lambda: recorder.figures().frames == 1)
    assert recorder.figures().message == ""
    disk.room = 40 << 20
    until(lambda: "The disk is filling up: 42 MB are left" in recorder.figures().message)
    disk.room = 60 << 20
    until(lambda: recorder.figures().message == "")
    disk.room = 9 << 20
    assert recorder.join(20)
    figures = recorder.figures()
    assert figures.state is RecorderState.DONE
    assert "The recording has ended: the disk is nearly full (9 MB are left)" in figures.message
    with Session(tmp_path / "s.mcap") as session:
        assert session.whole
    recorder = Recorder(tmp_path / "t.mcap", settings=settings, disk=disk)
    recorder.start()
    assert "too little" in ended(recorder).message


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recorder = Recorder(tmp_path / "file" / "s.mcap")
    recorder.start()
    figures = ended(recorder)
    assert figures.state is RecorderState.FAILED
    assert "choose another folder" in figures.message


def test_nothing_recorded_leaves_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.mcap", disk=RoomyDisk())
    recorder.start()
    figures = ended(recorder)
    assert figures.state is RecorderState.FAILED
    assert "no picture came" in figures.message
    assert list(tmp_path.iterdir()) == []


def test_recording_a_running_pipeline_from_the_middle(tmp_path: Path) -> None:
    pipeline = Pipeline(FakeSource(fps=300), lambda source: FakeEstimator(0.001))
    pipeline.start()
    until(lambda: pipeline.snapshot().figures.processed > 3)
    recorder = Recorder(tmp_path / "s.mcap", disk=RoomyDisk())
    recorder.start()
    pipeline.taps.add(recorder)
    until(lambda: recorder.figures().poses > 20)
    pipeline.taps.remove(recorder)
    figures = ended(recorder)
    pipeline.stop()
    assert figures.dropped == 0
    with Session(tmp_path / "s.mcap") as session:
        seqs = [stamp.seq for stamp in session.stamps]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert seqs[0] > 0
        assert sum(session.pose(index) is not None for index in range(len(session))) >= 20


def test_what_is_held_is_encoded_or_the_picture_never_both() -> None:
    recorder = Recorder(Path("never.mcap"))
    recorder.frame(frame(0))
    recorder.frame(frame(1, None))
    recorder.pose(pose(0))
    intake = recorder._intake
    items = [taken[0] for _ in range(3) if (taken := intake.take(0)) is not None]
    assert isinstance(items[0], Frame)
    assert isinstance(items[1], Frame)
    assert isinstance(items[2], Pose)
    assert (items[0].image.size, items[0].encoded) == (0, JPEG)
    assert (items[1].image.shape, items[1].encoded) == ((48, 64, 3), None)
    assert items[2].heatmaps.size == 0


def test_the_intake_is_bounded_whatever_comes() -> None:
    intake = Intake(100_000)
    for seq in range(2000):
        intake.put_frame(frame(seq), 5000)
        intake.put_pose(pose(seq))
    assert intake.bytes <= 100_000
    assert intake.dropped + intake.dropped_poses + len(intake._items) == 4000
    for _ in range(20_000):
        intake.put_event(Event(EventKind.MARK, 0, ""))
    assert intake.bytes <= 100_000 + 10_001 * 1024
    intake.close()
    assert not intake.put_frame(frame(0), 1)


LIMITED = """
import resource, sys
from pathlib import Path
from typing import IO
from tests.engine.live.test_recorder import BIG, Recorder, RoomyDisk, ended, frame
recorder = Recorder(Path(sys.argv[1]), disk=RoomyDisk())
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
recorder.start()
for seq in range(10):
    recorder.frame(frame(seq, BIG))
recorder.join(20)
print(ended(recorder).message)
"""


def test_a_file_size_limit_ends_the_recording_not_the_program(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "File too large" in done.stdout
    assert "3 frames before it are in" in done.stdout
    assert recover(part_path(path)).frames == 3
