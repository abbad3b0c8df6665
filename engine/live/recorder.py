"""Records what passes a pipeline, on a thread of its own: the live view never waits for the disk.

Stopping drains what waits by a deadline. However the recording ends, the file can be read: a
disk that fails or fills up leaves all that was written before.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from calib.calibration import Calibration
from engine.capture.source import SourceInfo
from engine.errors import EgoposeError
from engine.live.intake import Intake, Item
from engine.session.unfinished import free_path, hold, part_path, settle, sync_folder
from engine.session.writer import DEFAULT_QUALITY, Disk, FrameError, Pictures, SessionWriter
from engine.types import Event, EventKind, Frame, ImageArray, Pose

log = logging.getLogger(__name__)

DRAIN_S = 1.0
"""How long stopping may take to write what waits; the index and the last sync come after it."""
_IDLE_S = 0.1
NOTE_NS = 5_000_000_000
"""Time between the diagnostics that are written while the recording goes on."""
_LOOK_NS = 1_000_000_000
"""Time between looks at the room that is left."""
_NO_PICTURE: ImageArray = np.zeros((0, 0, 3), np.uint8)
_NO_HEAT = np.zeros((0, 0, 0), np.float32)
MIB = 1 << 20


class RecorderState(StrEnum):
    """What a recorder is doing."""

    RECORDING = "recording"
    FINISHING = "finishing"
    """Stopped, and writing what waits."""
    DONE = "done"
    """The file is whole."""
    FAILED = "failed"
    """The file could not be made, or not be finished: what it holds can be read and recovered."""


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """How a recording is made."""

    pictures: Pictures = Pictures.JPEG
    quality: int = DEFAULT_QUALITY
    """Of JPEGs that are encoded here."""
    queue_bytes: int = 256 * MIB
    """What may wait for the disk."""
    warn_bytes: int = 2048 * MIB
    """With less room than this on the disk, the recording warns."""
    stop_bytes: int = 256 * MIB
    """With less room than this, it ends."""


@dataclass(frozen=True, slots=True)
class RecorderFigures:
    """How a recording goes."""

    state: RecorderState
    path: Path
    """Of the file as it is now; until it is whole it has another name."""
    seconds: float
    """From the first frame to the last."""
    frames: int
    poses: int
    marks: int
    dropped: int
    """Frames that were lost on the way into the file."""
    bytes: int
    """Of the file."""
    waiting_bytes: int
    message: str = ""
    """One line for the user: a warning while it goes on, afterwards why it ended by itself."""
    cpu_s: float = 0.0
    """Processor time of the recorder's thread."""


class Recorder:
    """A tap that writes a session. `start` once, then hand it over as a tap; `stop`, then `join`.

    Every method returns at once but `join`. `path` is a wish: where it is taken, a number is added. `metadata` goes
    into the session's own record.
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo | None = None,
        calibration: Calibration | None = None,
        settings: RecorderSettings | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._wish, self._info, self._calibration = path, info, calibration
        self._metadata = dict(metadata or {})
        self._settings = settings or RecorderSettings()
        self._disk = disk or Disk()
        self._intake = Intake(self._settings.queue_bytes)
        self._deadline_ns: int | None = None
        self._stopped = threading.Event()
        self._figures = RecorderFigures(RecorderState.RECORDING, path, 0.0, 0, 0, 0, 0, 0, 0)
        self._span: tuple[int, int] | None = None
        self._looked_ns = 0
        self._room: tuple[int, int] | None = None
        self._marks = self._refused = 0
        self._note: Mapping[str, object] | None = None
        self._noted_ns = time.monotonic_ns()
        self._thread = threading.Thread(target=self._run, name="egopose recorder", daemon=True)

    def start(self) -> None:
        """Make the file and begin; where that fails, `figures` tells."""
        self._thread.start()

    def frame(self, frame: Frame) -> None:
        """See `Tap`. A picture that its camera has encoded is kept as it came, and not held decoded."""
        if self._settings.pictures is Pictures.JPEG and frame.encoded is not None:
            self._intake.put_frame(replace(frame, image=_NO_PICTURE), len(frame.encoded))
        else:
            self._intake.put_frame(replace(frame, encoded=None), frame.image.nbytes)

    def pose(self, pose: Pose) -> None:
        """See `Tap`."""
        self._intake.put_pose(replace(pose, heatmaps=_NO_HEAT))

    def event(self, event: Event) -> None:
        """See `Tap`."""
        self._intake.put_event(event)

    def mark(self, text: str = "") -> None:
        """Mark this moment; without a text it is numbered."""
        self._marks += 1
        self._intake.put_event(Event(EventKind.MARK, time.monotonic_ns(), text or f"mark {self._marks}"))

    def note(self, values: Mapping[str, object]) -> None:
        """What the program has measured of itself up to now: written every few seconds, and once more at the end."""
        self._note = values

    def figures(self) -> RecorderFigures:
        """How it goes. From any thread."""
        now = self._figures
        stopping = now.state is RecorderState.RECORDING and self._deadline_ns is not None
        return replace(
            now,
            state=RecorderState.FINISHING if stopping else now.state,
            dropped=self._intake.dropped + self._refused,
            waiting_bytes=self._intake.bytes,
        )

    def stop(self, drain_s: float = DRAIN_S) -> None:
        """Take in nothing more, and finish once what waits is written or so many seconds have passed. Idempotent."""
        if self._deadline_ns is None:
            self._deadline_ns = time.monotonic_ns() + round(drain_s * 1e9)
        self._intake.close()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False, and a line in the log, where it has not come in time."""
        if not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("the thread %r is still writing %s; it is left behind", self._thread.name, self._figures.path)
            return False
        return True

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread.is_alive()

    def _run(self) -> None:
        writer = None
        try:
            writer = self._open()
            self._write_all(writer)
            self._finish(writer)
        except (EgoposeError, OSError) as error:
            self._fail(writer, str(error))
        except Exception as error:
            log.exception("the recorder failed")
            self._fail(writer, f"The recorder failed ({type(error).__name__}: {error}); the log has the details.")

    def _open(self) -> SessionWriter:
        folder = self._wish.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            room = self._disk.free_bytes(folder)
            self._wish = free_path(self._wish)
        except OSError as error:
            raise EgoposeError(
                f"Nothing can be recorded in {folder} ({error.strerror}): choose another folder."
            ) from error
        if room < self._settings.stop_bytes:
            raise EgoposeError(
                f"Nothing can be recorded in {folder}: it has room for {room / 1e6:.0f} MB, which is too little; "
                "free some space or choose another folder."
            )
        part = part_path(self._wish)
        s = self._settings
        writer = SessionWriter(
            part,
            self._calibration,
            info=self._info,
            metadata=self._metadata,
            pictures=s.pictures,
            quality=s.quality,
            disk=self._disk,
        )
        with suppress(OSError):  # A file system without locks: the recording only cannot be told from one cut off.
            hold(writer.file)
        with suppress(OSError):  # One that syncs no folders: it has its own way.
            sync_folder(folder)
        self._tell(path=part)
        return writer

    def _write_all(self, writer: SessionWriter) -> None:
        while not self._intake.finished:
            if self._deadline_ns is not None and time.monotonic_ns() > self._deadline_ns:
                self._intake.discard()
            taken = self._intake.take(_IDLE_S)
            if taken is None:
                writer.tick()
            else:
                item, size = taken
                self._write(writer, item)
                self._intake.done(size)
            if time.monotonic_ns() - self._noted_ns >= NOTE_NS:
                self._write_note(writer)
            self._look_at_room(writer)
            self._tell(bytes=writer.size, cpu_s=time.thread_time())

    def _write_note(self, writer: SessionWriter) -> None:
        note, self._note = self._note, None
        self._noted_ns = time.monotonic_ns()
        if note is not None:
            writer.add_diagnostics(note, self._noted_ns)

    def _write(self, writer: SessionWriter, item: Item) -> None:
        try:
            self._add(writer, item)
        except FrameError as error:
            if not self._refused:
                log.error("%s", error)
                self._tell(message=str(error))
                writer.add_event(Event(EventKind.DROP, max(item.capture_ns, 0), str(error)))
            self._refused += isinstance(item, Frame)

    def _add(self, writer: SessionWriter, item: Item) -> None:
        if isinstance(item, Frame):
            writer.add(item)
            first, last = self._span or (item.capture_ns, item.capture_ns)
            self._span = min(first, item.capture_ns), max(last, item.capture_ns)
            self._tell(frames=writer.frames, seconds=(self._span[1] - self._span[0]) / 1e9)
        elif isinstance(item, Pose):
            writer.add_pose(item)
            self._tell(poses=self._figures.poses + 1)
        else:
            writer.add_event(item)
            self._tell(marks=self._figures.marks + (item.kind is EventKind.MARK))

    def _look_at_room(self, writer: SessionWriter) -> None:
        """Warn, and end the recording, before the disk is full."""
        now = time.monotonic_ns()
        if now - self._looked_ns < _LOOK_NS or self._deadline_ns is not None:
            return
        self._looked_ns = now
        try:
            room = self._disk.free_bytes(writer.path.parent)
        except OSError:
            return  # A disk that is gone is told by the next write.
        began_ns, began_size = self._room = self._room or (now, writer.size)
        rate = (writer.size - began_size) * 1e9 / max(now - began_ns, 1)
        if room < self._settings.stop_bytes:
            self._tell(message=f"The recording has ended: the disk is nearly full ({room / 1e6:.0f} MB are left).")
            self.stop()
        elif room < self._settings.warn_bytes:
            minutes = (room - self._settings.stop_bytes) / rate / 60 if rate > 0 else 0.0
            left = f", enough for {minutes:.0f} min" if minutes >= 1 else ""
            self._tell(message=f"The disk is filling up: {room / 1e6:.0f} MB are left{left}.")
        elif self._figures.message:
            self._tell(message="")

    def _finish(self, writer: SessionWriter) -> None:
        self._tell(state=RecorderState.FINISHING)
        self._write_note(writer)
        writer.close()
        size = writer.path.stat().st_size
        if writer.frames == 0:
            writer.path.unlink()
            raise EgoposeError("Nothing was recorded: no picture came in the meantime.")
        settle(writer.path, self._wish)
        warned = self._figures.message if self._figures.message.startswith("The recording has ended") else ""
        self._tell(state=RecorderState.DONE, path=self._wish, bytes=size, message=warned, cpu_s=time.thread_time())

    def _fail(self, writer: SessionWriter | None, message: str) -> None:
        self._intake.close()
        self._intake.discard()
        if writer is not None:
            with suppress(EgoposeError, OSError):
                writer.abandon()
            if writer.frames and writer.path.exists():
                message += f" {self._figures.frames} frames before it are in {writer.path}."
        self._tell(state=RecorderState.FAILED, message=message, cpu_s=time.thread_time())

    def _tell(self, **changes: object) -> None:
        self._figures = replace(self._figures, **changes)  # type: ignore[arg-type]
