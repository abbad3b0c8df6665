"""`egopose synth`: pictures of the synthetic wearer with exact truth, as training shards or as a session."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from calib.canonical import CANONICAL
from calib.formats import load_camera
from engine.capture.synthetic import SyntheticWearer
from engine.errors import EgoposeError
from engine.learn.wearer.body import SPLITS
from engine.learn.wearer.mounts import MOUNTS, parse_mount
from engine.learn.wearer.shards import Rig, make_shards
from engine.session.writer import Pictures, SessionWriter

FPS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of data to be made."""
    parser.add_argument("out", type=Path, help="a folder for training shards, or a session (.mcap)")
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--count", type=int, metavar="N", help="pictures in all, for shards")
    amount.add_argument("--seconds", type=float, metavar="S", help="length, for a session")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same data (default: %(default)s)")
    parser.add_argument(
        "--bvh", type=Path, metavar="DIR", help="real motion, BVH files; without it all motion is made in code"
    )
    parser.add_argument("--camera", metavar="FILE", help="the camera the data is for (default: the whole fisheye view)")
    parser.add_argument(
        "--mount",
        metavar="M",
        help=f"how it sits on the head: {', '.join(MOUNTS)}, or AHEAD,BELOW,TILT: centimetres before the face, "
        "centimetres below the crown, degrees forward (default: heads of all kinds)",
    )
    shards = parser.add_argument_group("shards")
    shards.add_argument("--split", choices=list(SPLITS), default="train", help="nobody is in two of them")
    shards.add_argument("--clip-frames", type=int, default=1, metavar="T", help="consecutive frames of each clip")
    shards.add_argument("--side", type=int, default=192, metavar="PX", help="of the pictures (default: %(default)s)")
    shards.add_argument("--part", default="0/1", metavar="I/N", help="write every N-th shard from the I-th")
    session = parser.add_argument_group("session")
    session.add_argument("--fps", type=float, default=FPS, help="frames a second (default: %(default)g)")
    session.add_argument("--look", choices=("varied", "demo"), default="varied", help="demo: one person, a sunlit room")
    session.add_argument("--h264", action="store_true", help="as a video: less space, with traces of compression")
    session.add_argument("--size", metavar="WxH", help="of the pictures (default: half the camera's)")


def main(arguments: argparse.Namespace) -> None:
    """Make what the command line asks for. Raises EgoposeError."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    session = arguments.out.suffix.lower() == ".mcap"
    if session != (arguments.seconds is not None):
        raise EgoposeError("a session (.mcap) is made with --seconds, a folder of shards with --count")
    steps = session_steps(arguments) if session else shard_steps(arguments)
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(str(arguments.out), total=None)
        for done, everything in steps:
            progress.update(task, completed=done, total=everything)
    print(f"written: {arguments.out}")


def shard_steps(arguments: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Write shards; (pictures done, pictures in all)."""
    i, _, n = arguments.part.partition("/")
    if not (i.isdecimal() and n.isdecimal() and int(i) < int(n)):
        raise EgoposeError(f"--part {arguments.part} is not I/N with I from 0 to N - 1")
    if min(arguments.count, arguments.clip_frames) < 1 or arguments.seed < 0 or not 32 <= arguments.side <= 2048:
        raise EgoposeError("counts are 1 or more, the seed 0 or more, the side 32 to 2048")
    camera = CANONICAL if arguments.camera is None else load_camera(arguments.camera)
    rig = Rig(camera, None if arguments.mount is None else parse_mount(arguments.mount))
    return make_shards(
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        bvh=arguments.bvh,
        split=arguments.split,
        frames=arguments.clip_frames,
        side=arguments.side,
        part=(int(i), int(n)),
        rig=rig,
    )


def session_steps(arguments: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Write a session; (frames done, frames in all)."""
    if not 0 < arguments.seconds <= 24 * 3600:
        raise EgoposeError(f"a session of {arguments.seconds:g} s cannot be made: give up to a day")
    frames = max(1, round(arguments.seconds * arguments.fps))
    source = SyntheticWearer(
        arguments.seed,
        None if arguments.size is None else parse_size(arguments.size),
        arguments.fps,
        frames,
        camera=arguments.camera or "sceneego",
        bvh=arguments.bvh,
        mount=None if arguments.mount is None else parse_mount(arguments.mount),
        look=arguments.look,
    )
    pictures = Pictures.H264 if arguments.h264 else Pictures.JPEG
    with source, SessionWriter(arguments.out, source.info.calibration, info=source.info, pictures=pictures) as writer:
        while (frame := source.read()) is not None:
            writer.add(frame)
            yield writer.frames, frames


def parse_size(text: str) -> tuple[int, int]:
    """ "WxH" to (W, H). Raises EgoposeError."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise EgoposeError(f"{text!r} is no size: write for instance 640x512")
    return int(width), int(height)
