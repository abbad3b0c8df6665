"""`egopose export --bvh`, `--csv`, `--npz`, `--c3d`: a session's motion as a file."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from rich.progress import TaskProgressColumn, TimeRemainingColumn

from app.motion import motion_of
from app.progress import progress_bar
from app.runtimes import make_ready, running
from app.sessions.command import MOTION_FILES
from app.settings import Settings
from calib.formats import load_camera
from engine.errors import EgoposeError
from engine.motion.export import export_motion
from engine.session.reader import Session
from engine.session.source import SessionSource


def chosen_file(arguments: argparse.Namespace) -> Path | None:
    """The motion file that was asked for. Raises EgoposeError where its name ends otherwise."""
    for kind in MOTION_FILES:
        out: Path | None = getattr(arguments, kind)
        if out is not None:
            if out.suffix.lower() != f".{kind}":
                raise EgoposeError(f"{out} is no name for it: give --{kind} a name that ends in .{kind}")
            if arguments.overlay:
                raise EgoposeError(f"--overlay draws on pictures, which a .{kind} file has none of; leave it away")
            return out
    if arguments.ground:
        raise EgoposeError("--ground moves a skeleton, which pictures do not have; leave it away")
    return None


def write_motion(arguments: argparse.Namespace, session: Session, where: range, out: Path) -> int:
    """Write the file, and tell what came of it; the exit status."""
    smoothing, profile = motion_of(arguments)
    # Recorded poses went through the filter when they were recorded.
    camera = None if arguments.camera is None else load_camera(arguments.camera)
    settings = Settings(arguments.network, camera, not arguments.rerun, smoothing, profile, arguments.runtime)
    if arguments.rerun:
        make_ready(settings.weights(), arguments.runtime)
    with progress_bar(TaskProgressColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("writing the motion", total=1.0)

        def tell(share: float) -> None:
            bar.update(task, completed=share)

        with ExitStack() as stack:
            estimate, by = None, ""
            if arguments.rerun:
                source = stack.enter_context(SessionSource(arguments.file))
                estimator = stack.enter_context(closing(settings.estimator_maker()(source)))
                estimate = estimator.estimate
                by = running(estimator)
            motion, ground = settings.shown_motion, arguments.ground
            done = export_motion(session, out, where, motion, estimate=estimate, ground=ground, tell=tell)
    print(f"written: {done.path}, " + "\n".join(done.told()))
    if by:
        print(f"egopose: {by}", file=sys.stderr)
    for line in done.lost:
        print(f"egopose: skipped: {line}", file=sys.stderr)
    return 0
