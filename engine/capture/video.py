"""A video file as a source, in any container and codec that FFmpeg reads."""

from __future__ import annotations

import heapq
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from engine.capture.seekable import SeekableSource
from engine.capture.source import SourceInfo
from engine.capture.video_file import declared_end, gives_frame, open_video, upright
from engine.errors import EgoposeError
from engine.types import Frame

_FALLBACK_RATE = Fraction(30)
# A demuxer may land after the frame that was asked for; each further try starts earlier, in seconds.
_SEEK_BACK = (0, 2, 10, 60)


class VideoFile(SeekableSource):
    """Frames of a video file, upright, with the file's own times.

    `device_ns` is the presentation time stamp in ns, `capture_ns` the same from 0 at the
    first frame; a variable frame rate is kept. The display matrix (rotation and mirroring,
    as phones write it) is applied exactly. What cannot be decoded is skipped and named,
    and its numbers stay unused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._skipped: dict[str, None] = {}
        self._container: InputContainer | None = None
        self._stream: VideoStream
        self._duration_s: float | None = None
        self._info = SourceInfo(
            name=path.name,
            source_id=f"file:{path.resolve()}",
            size=None,
            fps=None,
            clock="file",
            live=False,
            seekable=True,
        )
        self._reset()

    def _reset(self) -> None:
        """Forget the position."""
        self._pictures: Iterator[VideoFrame] = iter(())
        self._ahead: Frame | None = None
        self._awaited: list[int] = []
        """Times of packets that have given no picture yet, a heap."""
        self._next_seq = 0
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._ordered = True
        """False once the file's clock has started anew: from there on a time does not tell a frame."""

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def duration_s(self) -> float | None:
        return self._duration_s

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(self._skipped)

    def times_ns(self) -> NDArray[np.int64]:
        """Reads all packets, once."""
        with self._lock:
            times = self._index() if self._container is not None else []
            base = self._base if times else Fraction(1)
            exact = [_ns(pts - self._start, base) for pts in times]
        return np.array(exact, np.int64) if exact else super().times_ns()

    def open(self) -> None:
        """Open the file and decode its first frame. Raises EgoposeError where it is no video."""
        with self._lock:
            self._close()
            self._skipped = {}
            self._times: list[int] | None = None
            self._start = 0
            self._started = False
            self._reopen()
            self._base = self._stream.time_base or Fraction(1, 90_000)
            self._rate = self._stream.average_rate or self._stream.guessed_rate or _FALLBACK_RATE
            self._ahead = self._read()
            if self._ahead is None:
                self._close()
                raise EgoposeError(f"No picture of {self._path} can be decoded: the video is damaged or empty.")
            self._describe(self._ahead)

    def read(self) -> Frame | None:
        with self._lock:
            frame, self._ahead = self._ahead, None
            return frame or self._read()

    def seek(self, seconds: float) -> None:
        with self._lock:
            if self._container is None:
                return
            times = self._index()
            if times:
                # Half a tick on, so that the time of a frame, rounded to ns, finds that frame.
                target = self._start + Fraction(max(seconds, 0.0)) / self._base + Fraction(1, 2)
                self._seek_index(max(bisect_right(times, target) - 1, 0))
            else:
                self._read_up_to(int(max(seconds, 0.0) * self._rate + 1e-6))

    def seek_frame(self, index: int) -> None:
        with self._lock:
            if self._container is None:
                return
            times = self._index()
            if times:
                self._seek_index(min(max(index, 0), len(times) - 1))
            else:
                self._read_up_to(max(index, 0))

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = None
        self._reset()

    def _describe(self, first: Frame) -> None:
        """What is known without reading all of the file."""
        count = len(self._stream.index_entries) if self._has_full_index() else self._stream.frames
        size = (first.image.shape[1], first.image.shape[0])
        self._info = replace(self._info, size=size, fps=float(self._rate), frame_count=count or None)
        end = declared_end(self._container, self._stream) if self._container else None
        last = None if end is None else float(end - self._start * self._base - 1 / self._rate)
        self._duration_s = None if last is None else max(last, 0.0)

    def _reopen(self) -> None:
        self._close()
        self._container, self._stream = open_video(self._path)
        self._pictures = self._decoded(self._container)

    def _read(self) -> Frame | None:
        for picture in self._pictures:
            if not self._started:
                self._start = min([picture.pts or 0, *self._awaited])
                self._started = True
            seq = self._number(picture.pts)
            if seq is None:
                continue
            pts = self._timed(picture)
            if picture.is_corrupt:
                self._index()
                self._skip(f"frame {seq} is damaged")
                continue
            try:
                image = upright(picture)
            except (av.FFmpegError, ValueError, MemoryError) as error:
                self._skip(f"frame {seq} cannot be converted ({error})")
                continue
            return Frame(
                image=image,
                seq=seq,
                capture_ns=_ns(pts - self._start, self._base),
                source_id=self._info.source_id,
                device_ns=_ns(pts, self._base),
                device_clock="file",
            )
        if self._container is not None:
            self._name_lost(len(self._times) - self._next_seq if self._times else len(self._awaited))
            self._awaited = []
            self._check_complete(self._container)
        return None

    def _decoded(self, container: InputContainer) -> Iterator[VideoFrame]:
        """Pictures from the container's position on; the times of their packets go to `_awaited`."""
        packets = container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._skip(f"reading ended early ({error.strerror})")
                return
            if packet is None:
                return
            if packet.dts is not None:
                self._ordered &= self._last_dts is None or packet.dts >= self._last_dts
                self._last_dts = packet.dts
            if not self._ordered:
                self._awaited = []
            elif packet.pts is not None and gives_frame(packet):
                heapq.heappush(self._awaited, packet.pts)
            try:
                pictures = packet.decode()
            except (av.FFmpegError, MemoryError) as error:
                # Where packets have times, the picture that stays out tells of the loss. After damage
                # decoders give pictures out of order, so that only the index tells their numbers.
                self._index()
                if packet.size and (packet.pts is None or not self._ordered):
                    self._skip(f"frame {self._next_seq} cannot be decoded ({error})")
                    self._next_seq += 1
                continue
            for picture in pictures:
                if isinstance(picture, VideoFrame):
                    yield picture

    def _number(self, pts: int | None) -> int | None:
        """The number of a picture; those due before it are lost and named. None where it comes too late for that."""
        lost = 0
        while self._awaited and pts is not None and self._awaited[0] <= pts:
            lost += heapq.heappop(self._awaited) != pts
        times = self._index() if lost else self._times
        if times and pts is not None:
            lost = bisect_left(times, pts) - self._next_seq
            if lost < 0:
                return None
        self._name_lost(lost)
        self._next_seq += 1
        return self._next_seq - 1

    def _name_lost(self, count: int) -> None:
        if count > 0:
            first, last = self._next_seq, self._next_seq + count - 1
            which = f"frame {first}" if count == 1 else f"frames {first} to {last}"
            self._skip(f"{which} cannot be decoded")
            self._next_seq += count

    def _timed(self, picture: VideoFrame) -> int:
        """The picture's time in units of `_base`; one period after the last where it has none."""
        pts = picture.pts
        if pts is None or (self._last_pts is not None and pts <= self._last_pts):
            pts = 0 if self._last_pts is None else self._last_pts + max(round(1 / (self._rate * self._base)), 1)
        self._last_pts = pts
        return pts

    def _check_complete(self, container: InputContainer) -> None:
        """At the end: name what the file promises and does not hold."""
        if self._last_pts is None:
            return
        if self._has_full_index():
            last = self._stream.index_entries[-1].timestamp
            short = self._last_dts is not None and self._last_dts < last
        elif self._stream.frames:
            short = self._next_seq < self._stream.frames
        else:
            end = declared_end(container, self._stream)
            short = end is not None and end - self._last_pts * self._base > Fraction(1, 10) + 2 / self._rate
        if short:
            self._skip(f"the file is cut off after frame {self._next_seq - 1}: the rest is missing")

    def _has_full_index(self) -> bool:
        return "mp4" in self._stream.container.format.name and len(self._stream.index_entries) > 0

    def _index(self) -> list[int]:
        """Times of all frames in order, read once and without decoding; empty where they cannot be told from it."""
        if self._times is None:
            container, stream = open_video(self._path)
            times: set[int] = set()
            last_dts: int | None = None
            with closing(container):
                packets = container.demux(stream)
                while True:
                    try:
                        packet = next(packets, None)
                    except av.FFmpegError:
                        break  # The reading of frames meets the same damage and names it.
                    if packet is None:
                        break
                    if packet.pts is not None and gives_frame(packet):
                        times.add(packet.pts)
                    if packet.dts is not None:
                        if last_dts is not None and packet.dts < last_dts:
                            times.clear()  # The clock starts anew: a time does not tell a frame.
                            break
                        last_dts = packet.dts
            self._times = sorted(times)
            if times:
                self._info = replace(self._info, frame_count=len(times))
                self._duration_s = float((self._times[-1] - self._times[0]) * self._base)
        return self._times

    def _seek_index(self, index: int) -> None:
        times = self._index()
        for back in _SEEK_BACK:
            start = times[index] - round(back / self._base)
            if start <= times[0] or not self._restart(start):
                break
            if self._skip_to(index, from_start=False):
                return
        self._reopen()
        self._skip_to(index, from_start=True)

    def _restart(self, pts: int) -> bool:
        """Continue from the key frame at or before `pts`; False where the container cannot be positioned."""
        assert self._container is not None
        try:
            self._container.seek(pts, stream=self._stream, backward=True)
        except av.FFmpegError:
            return False
        self._reset()
        self._pictures = self._decoded(self._container)
        return True

    def _skip_to(self, index: int, *, from_start: bool) -> bool:
        """Decode up to the frame at `index`; False where decoding began too late for that."""
        target = self._index()[index]
        first = None
        for count, picture in enumerate(self._pictures):
            if picture.pts is not None and picture.pts >= target:
                first = picture
                if picture.pts > target and count == 0 and not from_start:
                    return False
                break
        if first is None and not from_start:
            return False
        # What went by unseen, or was due before the key frame, is no loss.
        self._awaited = [time for time in self._awaited if time >= target]
        heapq.heapify(self._awaited)
        self._next_seq = index
        if first is not None:
            self._pictures = chain([first], self._pictures)
        return True

    def _read_up_to(self, index: int) -> None:
        """Position a file without times: by reading from its start."""
        self._reopen()
        frame = self._read()
        while frame is not None and frame.seq < index:
            self._ahead = frame
            frame = self._read()
        self._ahead = frame or self._ahead

    def _skip(self, line: str) -> None:
        self._skipped[line] = None  # A part met again after a seek is counted once.


def _ns(pts: int, base: Fraction) -> int:
    return pts * base.numerator * 1_000_000_000 // base.denominator
