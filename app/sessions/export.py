"""`egopose export`: a session as a video or as a folder of pictures, with the skeleton drawn on them if asked."""

from __future__ import annotations

import csv
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import MofNCompleteColumn, TimeRemainingColumn

from app.headless import VideoWriter, make_folder
from app.progress import progress_bar
from engine.capture.picture import encode_jpeg
from engine.errors import EgoposeError
from engine.live.estimator import Estimator
from engine.live.overlay import draw_overlay, draw_skeleton
from engine.session.reader import Session
from engine.types import Frame, ImageArray, Pose

QUALITY = 95
_TIME = r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)"
_RANGE = re.compile(rf"\s*(?:{_TIME})?\s*-\s*(?:{_TIME})?\s*")

Draw = Callable[[int, Frame], ImageArray]
"""The picture of a frame, given its position, with what is to be drawn on it."""


Tell = Callable[[float], None]
"""Is told how much is done; what it raises ends the work."""


def _silent(share: float) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    frames: int
    lost: tuple[str, ...]
    """One line for each frame or part that could not be read."""


def parse_range(text: str) -> tuple[float, float]:
    """Seconds from the first frame: "10-20", "1:05-", "-0.5". Raises EgoposeError."""
    match = _RANGE.fullmatch(text)
    if match is None or text.strip() == "-":
        raise EgoposeError(f"{text!r} is no range of time: write for instance 10-20, 1:05-1:20 or 30-")
    begin, end = _seconds(match.groups()[:3]), _seconds(match.groups()[3:])
    if begin is not None and end is not None and end < begin:
        raise EgoposeError(f"the range {text} ends before it begins; turn it round")
    return begin or 0.0, float("inf") if end is None else end


def _seconds(parts: tuple[str | None, ...]) -> float | None:
    hours, minutes, seconds = parts
    return None if seconds is None else int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def positions(session: Session, span: tuple[float, float]) -> range:
    """The frames in a span of seconds. Raises EgoposeError where there is none."""
    start = session.stamps[0].capture_ns

    def at(seconds: float) -> float:
        return start + seconds * 1e9

    # Half a microsecond of tolerance: seconds as a float are not exact.
    first = bisect_left(session.stamps, at(span[0]) - 500, key=lambda stamp: stamp.capture_ns)
    last = bisect_right(session.stamps, at(span[1]) + 500, key=lambda stamp: stamp.capture_ns)
    if first >= last:
        raise EgoposeError(f"{session.path.name} has no frame there: it is {session.duration_s:.1f} s long")
    return range(first, last)


def recorded_overlay(session: Session) -> Draw:
    """Draws the poses that were recorded. Raises EgoposeError where there are none."""
    if not session.pose_count:
        raise EgoposeError(f"{session.path.name} holds no poses: add --rerun to have the network find them")

    def draw(index: int, frame: Frame) -> ImageArray:
        pose = session.pose(index)
        return frame.image if pose is None else draw_skeleton(frame.image, pose)

    return draw


def rerun_overlay(estimator: Estimator) -> Draw:
    """Draws what the network finds now, with its heatmaps."""

    def draw(index: int, frame: Frame) -> ImageArray:
        pose: Pose = estimator.estimate(frame)
        return frame.image if estimator.view is None else draw_overlay(frame.image, pose, estimator.view)

    return draw


def export_video(session: Session, out: Path, where: range, draw: Draw | None, tell: Tell = _silent) -> Exported:
    """Write an H.264 file that is there whole or not at all. Raises EgoposeError."""
    if out.suffix.lower() != ".mp4":
        raise EgoposeError(f"{out} is no name for a video: give --mp4 a name that ends in .mp4")
    part = out.with_name(f"{out.stem}.part.mp4")
    lost: list[str] = []
    count = 0
    fps = (len(session) - 1) / session.duration_s if session.duration_s > 0 else 30.0
    try:
        with VideoWriter(part, fps) as video:
            for index, frame in _frames(session, where, lost, "writing the video", tell):
                video.add(frame.image if draw is None else draw(index, frame), frame.capture_ns)
                count += 1
        _some(count, session, lost)
        part.replace(out)
    except OSError as error:
        raise EgoposeError(f"{out} cannot be written ({error.strerror}); free some space or choose another") from error
    finally:
        part.unlink(missing_ok=True)
    return Exported(count, tuple(dict.fromkeys([*lost, *session.skipped])))


def export_images(session: Session, folder: Path, where: range, draw: Draw | None, tell: Tell = _silent) -> Exported:
    """Write every picture as a JPEG, as it was recorded where nothing is drawn on it, and frames.csv with their times.

    Raises EgoposeError where the folder cannot be written, or is not empty.
    """
    make_folder(folder)
    if any(folder.iterdir()):
        raise EgoposeError(f"{folder} is not empty; give --images another folder")
    lost: list[str] = []
    count = 0
    try:
        with (folder / "frames.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["file", "seq", "capture_ns", "device_ns"])
            for index, frame in _frames(session, where, lost, "writing pictures", tell):
                data = frame.encoded if draw is None else None
                if data is None:
                    data = encode_jpeg(frame.image if draw is None else draw(index, frame), QUALITY)
                name = f"frame_{index:07d}.jpg"
                (folder / name).write_bytes(data)
                table.writerow([name, frame.seq, frame.capture_ns, "" if frame.device_ns is None else frame.device_ns])
                count += 1
    except OSError as error:
        raise EgoposeError(
            f"{folder} cannot be written ({error.strerror}); free some space or choose another"
        ) from error
    _some(count, session, lost)
    return Exported(count, tuple(dict.fromkeys([*lost, *session.skipped])))


def _some(count: int, session: Session, lost: list[str]) -> None:
    if not count:
        raise EgoposeError(f"no frame of {session.path} can be read; the last: {lost[-1]}")


def _frames(session: Session, where: range, lost: list[str], what: str, tell: Tell) -> Iterator[tuple[int, Frame]]:
    """Position and frame of those that can be decoded, with a bar on the terminal."""
    with _bar(what, len(where)) as advance:
        for done, index in enumerate(where):
            tell(done / len(where))
            try:
                frame = session.frame(index)
            except EgoposeError as error:
                lost.append(str(error))
            else:
                yield index, frame
            advance()


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    with progress_bar(MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
