"""The commands `egopose info`, `export`, `recover` and `record`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.motion import add_motion
from app.runtimes import add_runtime, make_ready, running
from app.sessions.names import default_folder, recording_name, size_text, time_text
from app.settings import Settings
from calib.formats import load_camera
from engine.errors import EgoposeError

MOTION_FILES = {
    "bvh": "write the motion as BVH, for Blender and other animation programs",
    "csv": "write joints and joint rotations as a table",
    "npz": "write them as NumPy arrays",
    "c3d": "write the joints as C3D, for motion analysis",
}
"""By the option, which is the end of the file's name too."""


def add_info(command: argparse.ArgumentParser) -> None:
    """Options of `egopose info`."""
    command.add_argument("file", type=Path, help="a session (.mcap)")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(command=run_info)


def add_export(command: argparse.ArgumentParser) -> None:
    """Options of `egopose export`."""
    command.add_argument("file", type=Path, help="a session (.mcap)")
    into = command.add_mutually_exclusive_group(required=True)
    into.add_argument("--mp4", type=Path, metavar="OUT", help="write a video")
    into.add_argument("--images", type=Path, metavar="DIR", help="write every picture, as it was recorded")
    for kind, what in MOTION_FILES.items():
        into.add_argument(f"--{kind}", type=Path, metavar="OUT", help=what)
    command.add_argument("--range", metavar="FROM-TO", help="seconds or m:ss from the first frame: 10-20, 1:05-, -30")
    command.add_argument("--overlay", action="store_true", help="draw the recorded skeleton on the pictures")
    command.add_argument("--rerun", action="store_true", help="take what the network finds now")
    command.add_argument("--camera", metavar="FILE", help="camera that took the pictures (with --rerun)")
    command.add_argument("--network", default="small", help="for --rerun (default: %(default)s)")
    add_runtime(command, told="for --rerun: what runs the network (default: the fastest that is there)")
    command.add_argument("--ground", action="store_true", help="of a motion file: keep the lowest foot on the floor")
    add_motion(command)
    command.set_defaults(command=run_export)


def add_recover(command: argparse.ArgumentParser) -> None:
    """Options of `egopose recover`."""
    command.add_argument("file", type=Path, help="a session (.mcap) that was cut off or damaged")
    command.add_argument("--out", type=Path, help="write the whole session here, and leave the original as it is")
    command.set_defaults(command=run_recover)


def add_record(command: argparse.ArgumentParser) -> None:
    """Options of `egopose record`."""
    command.add_argument("source", nargs="?", default="camera:0", help="as for `egopose live` (default: %(default)s)")
    command.add_argument("--out", type=Path, help=f"session to write (default: a new one in {default_folder()})")
    command.add_argument("--seconds", type=float, help="how long (default: until Ctrl+C, or the source's end)")
    command.add_argument("--h264", action="store_true", help="as a video: encoded anew, half the space or less")
    command.set_defaults(command=run_record)


def run_info(arguments: argparse.Namespace) -> int:
    """`egopose info`."""
    from rich.console import Console  # noqa: PLC0415

    from app.sessions.info import describe, show  # noqa: PLC0415

    record = describe(arguments.file)
    if arguments.json:
        print(json.dumps(record, indent=2, allow_nan=False))
    else:
        show(record, Console(highlight=False))
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """`egopose export`."""
    from app.sessions.export import (  # noqa: PLC0415
        export_images,
        export_video,
        parse_range,
        positions,
        recorded_overlay,
        rerun_overlay,
    )
    from app.sessions.motion import chosen_file, write_motion  # noqa: PLC0415
    from engine.session.reader import Session  # noqa: PLC0415
    from engine.session.source import SessionSource  # noqa: PLC0415

    span = parse_range(arguments.range) if arguments.range is not None else (0.0, float("inf"))
    motion = chosen_file(arguments)
    with Session(arguments.file) as session:
        where = positions(session, span)
        if motion is not None:
            return write_motion(arguments, session, where, motion)
        draw = None
        if arguments.rerun:
            camera = None if arguments.camera is None else load_camera(arguments.camera)
            settings = Settings(arguments.network, camera, runtime=arguments.runtime)
            make_ready(settings.weights(), arguments.runtime)
            with SessionSource(arguments.file) as source:
                estimator = settings.estimator_maker()(source)
            print(f"egopose: {running(estimator)}", file=sys.stderr)
            draw = rerun_overlay(estimator)
        elif arguments.overlay:
            draw = recorded_overlay(session)
        out: Path = arguments.mp4 or arguments.images
        done = (export_video if arguments.mp4 else export_images)(session, out, where, draw)
    print(f"written: {out}, {done.frames} frames")
    for line in done.lost:
        print(f"egopose: skipped: {line}", file=sys.stderr)
    return 0


def run_recover(arguments: argparse.Namespace) -> int:
    """`egopose recover`."""
    from rich.progress import TaskProgressColumn, TimeRemainingColumn  # noqa: PLC0415

    from app.progress import progress_bar  # noqa: PLC0415
    from engine.session.recover import recover  # noqa: PLC0415

    with progress_bar(TaskProgressColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("recovering", total=1.0)
        done = recover(arguments.file, arguments.out, lambda share: bar.update(task, completed=share))
    if done.was_whole:
        print(f"{done.path} is whole: {done.frames} frames over {time_text(done.seconds)}. Nothing had to be done.")
        return 0
    print(f"recovered: {done.path}, {done.frames} frames over {time_text(done.seconds)}, {done.poses} poses")
    for line in done.lost:
        print(f"lost: {line}")
    if done.kept is not None:
        print(f"the original is still there: {done.kept}")
    return 0


def run_record(arguments: argparse.Namespace) -> int:
    """`egopose record`."""
    from app.sessions.record import record_headless  # noqa: PLC0415

    if arguments.seconds is not None and not arguments.seconds > 0:
        raise EgoposeError(f"{arguments.seconds:g} s cannot be recorded; give --seconds a number above 0")
    out: Path = arguments.out or default_folder() / recording_name()
    if out.suffix != ".mcap":
        raise EgoposeError(f"{out} is no name for a session: give --out a name that ends in .mcap")
    figures = record_headless(arguments.source, out, arguments.seconds, h264=arguments.h264)
    dropped = f", {figures.dropped} frames lost" if figures.dropped else ""
    size = size_text(figures.bytes)
    print(f"recorded: {figures.path}, {figures.frames} frames over {time_text(figures.seconds)}, {size}{dropped}")
    if figures.message:
        print(f"egopose: {figures.message}", file=sys.stderr)
    return 0
