"""A recorded session's motion as a file: the poses that were recorded, or those that a network finds now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import EgoposeError
from engine.motion.clip import Clip, Tell, grounded, make_clip
from engine.motion.files import NEEDS_EVEN_TIMES, check_name, write_clip
from engine.motion.settings import MotionSettings
from engine.session.reader import Session
from engine.types import Frame, Pose

Estimate = Callable[[Frame], Pose]
"""The pose in a frame, given those before it: `Estimator.estimate`."""

_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class MotionExport:
    """What came of it."""

    path: Path
    frames: int
    """With a pose."""
    seconds: float
    gaps_s: tuple[tuple[float, float], ...]
    """Begin, in seconds from the first pose, and length of each gap."""
    resampled: bool
    """Whether the file's frames lie at even times, and the poses did not."""
    error_mm: float
    """Mean distance of the skeleton's joints from the points."""
    lost: tuple[str, ...]
    """One line for each frame or part that could not be read."""

    def told(self) -> list[str]:
        """Lines for people."""
        lines = [f"{self.frames} poses over {self.seconds:.1f} s; {self.error_mm:.1f} mm from joints to skeleton"]
        if self.resampled:
            lines.append("the frames were not evenly spaced and are resampled")
        lines += [f"no pose for {length:.2f} s at {begin:.2f} s" for begin, length in self.gaps_s]
        return lines


def export_motion(
    session: Session,
    out: Path,
    where: range,
    settings: MotionSettings,
    *,
    estimate: Estimate | None = None,
    ground: bool = False,
    tell: Tell = lambda share: None,
) -> MotionExport:
    """Write the motion of the frames `where` to a .bvh, .csv, .npz or .c3d file, whole or not at all.

    Takes the recorded poses, or where `estimate` is given what that finds; `ground` puts the feet on the floor. `tell`
    is told how much is done; what it raises ends the work. Raises EgoposeError where no pose is there or the file
    cannot be written.
    """
    kind = check_name(out)
    if estimate is None and not session.pose_count:
        raise EgoposeError(f"{session.path.name} holds no poses: have the network find them (--rerun)")
    reading, fitting = (0.2, 0.6) if estimate is None else (0.8, 0.15)
    lost: list[str] = []
    poses = list(_poses(session, where, estimate, lost, lambda share: tell(reading * share)))
    clip = make_clip(poses, settings, lambda share: tell(reading + fitting * share))
    if ground:
        clip = grounded(clip)
    done = reading + fitting
    write_clip(clip, out, lambda share: tell(done + (1 - done) * share))
    tell(1.0)
    return _told(clip, out, kind in NEEDS_EVEN_TIMES, [*lost, *session.skipped])


def _poses(session: Session, where: range, estimate: Estimate | None, lost: list[str], tell: Tell) -> Iterator[Pose]:
    for done, index in enumerate(where):
        tell(done / len(where))
        if estimate is None:
            pose = session.pose(index)
        else:
            try:
                pose = estimate(session.frame(index))
            except EgoposeError as error:
                lost.append(str(error))
                continue
        if pose is not None:
            # Heatmaps would fill the memory.
            yield replace(pose, heatmaps=_NOTHING)


def _told(clip: Clip, out: Path, even: bool, lost: list[str]) -> MotionExport:
    seconds = float(clip.times_ns[-1] - clip.times_ns[0]) / 1e9
    error_mm = 1000 * float(np.nanmean(clip.error_m()))
    gaps = tuple(clip.gaps_s)
    return MotionExport(out, len(clip), seconds, gaps, even and not clip.even, error_mm, tuple(dict.fromkeys(lost)))
