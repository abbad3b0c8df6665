"""The command line: one function for each of egopose's commands, or the module that has it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.bench import add_bench
from app.calibration.command import add_board, add_calibrate, add_convert
from app.cameras import add_cameras
from app.compile import add_compile
from app.datasets import add_datasets
from app.doctor.command import add_doctor
from app.evaluate import add_evaluate
from app.motion import add_motion, motion_of
from app.outputs.command import add_send, begin_sending, sent
from app.runtimes import add_runtime, make_ready
from app.screenshots.command import add_screenshots
from app.sessions.command import add_export, add_info, add_record, add_recover
from app.settings import DEFAULT_NETWORK, Settings
from calib.errors import CalibrationError
from calib.formats import load_camera
from engine.errors import EgoposeError
from engine.runtime.choice import AUTO

if TYPE_CHECKING:
    from app.main_window import MainWindow

USAGE_STATUS = 2
INTERRUPTED_STATUS = 130


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise EgoposeError(f"{message}; see {self.prog} --help")


def entry() -> NoReturn:
    """The program: `main`, and the end of the process.

    A thread that could not be stopped in time (torch takes seconds to import, and nothing
    interrupts that) has been named in the log and holds nothing open: it does not delay the end.
    """
    status = main()
    if any(thread is not threading.main_thread() for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; its exit status. Anything a user can cause ends with status 2 and one line."""
    logging.basicConfig(level=logging.WARNING, format="egopose: %(message)s")
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
            words.insert(0, "start")
        arguments = parser(words).parse_args(words)
        command: Callable[[argparse.Namespace], int] = arguments.command
        return command(arguments)
    except (EgoposeError, CalibrationError) as error:
        print(f"egopose: {error}", file=sys.stderr)
        return USAGE_STATUS
    except KeyboardInterrupt:
        print("egopose: interrupted", file=sys.stderr)
        return INTERRUPTED_STATUS
    except BrokenPipeError:
        # Whoever read our output has left; Python must not complain again while it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser(words: Sequence[str]) -> Parser:
    """The command line's grammar, as far as these words need it."""
    top = Parser(prog="egopose", description="A live 3D skeleton from a head-mounted fisheye camera.")
    top.add_argument("--version", action="version", version=f"egopose {version('egopose')}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    start = commands.add_parser("start", help="open the window on its start page; what happens without a command")
    add_shown(start)
    start.set_defaults(command=run_start)

    live = commands.add_parser("live", help="show a connected camera")
    live.add_argument(
        "source",
        nargs="?",
        default="camera:0",
        help="camera:0 or another one that `egopose cameras` lists, http://, rtsp:// or udp:// address, realsense, "
        "synthetic (default: %(default)s)",
    )
    add_shown(live)
    add_booth(live)
    live.add_argument("--headless", action="store_true", help="no window: only --send, until Ctrl+C or --seconds")
    live.set_defaults(command=run_live)

    replay = commands.add_parser("replay", help="show a recorded session, a video or a folder of pictures")
    replay.add_argument("path", help="a session (.mcap), a video, a folder of pictures or one picture")
    add_shown(replay)
    add_booth(replay)
    replay.add_argument("--loop", action="store_true", help="begin again at the end")
    replay.add_argument("--recorded", action="store_true", help="show the poses that were recorded; no network runs")
    replay.add_argument("--headless", action="store_true", help="no window: every frame, files into --out; or --send")
    replay.add_argument("--out", type=Path, help="folder for poses.npz, overlay.mp4 and report.json (with --headless)")
    replay.set_defaults(command=run_replay)

    add_demo(
        commands.add_parser("demo", help="show the bundled session; without a screen, write a video of the window")
    )

    add_cameras(commands.add_parser("cameras", help="list the connected cameras"))
    add_doctor(commands.add_parser("doctor", help="what this machine has, what is missing, and how to get it"))

    calibrate = commands.add_parser("calibrate", help="calibrate a fisheye camera, in the window or from --images")
    add_calibrate(calibrate)
    add_window(calibrate)
    add_board(commands.add_parser("board", help="write a calibration board to print"))
    add_convert(commands.add_parser("convert", help="write a camera file in another program's format"))

    add_record(commands.add_parser("record", help="record a camera without a window"))
    add_info(commands.add_parser("info", help="tell what a session holds"))
    add_export(commands.add_parser("export", help="write a session as a video or as pictures"))
    add_recover(commands.add_parser("recover", help="make a session whole that was cut off"))

    add_screenshots(commands.add_parser("screenshots", help="pictures of every page of the window, or a clip of it"))

    synth = commands.add_parser("synth", help="make training data, or a session, of the synthetic wearer")
    synth.set_defaults(command=run_synth)
    if words[:1] == ["synth"]:
        from engine.learn.wearer.command import add_arguments as add_synth  # noqa: PLC0415

        add_synth(synth)

    add_datasets(commands.add_parser("datasets", help="look over data to train on or to evaluate with"))

    train = commands.add_parser("train", help="train a network: a recipe, on the synthetic wearer or public data sets")
    train.set_defaults(command=run_train)
    # Importing torch for a parser's sake would cost every other command seconds.
    if words[:1] == ["train"]:
        with needs_extra("train"):
            from engine.learn.training.command import add_arguments  # noqa: PLC0415

        add_arguments(train)

    add_compile(commands.add_parser("compile", help="make a network fast on this machine"))
    add_evaluate(commands.add_parser("evaluate", help="how good networks are on data whose truth is known"))
    add_bench(commands.add_parser("bench", help="how fast networks run on this machine"))
    return top


@contextmanager
def needs_extra(name: str) -> Iterator[None]:
    """A command whose packages only an extra brings. Raises EgoposeError where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise EgoposeError(f'{error.name} is not installed; it comes with: pip install -e ".[{name}]"') from error


def add_demo(command: argparse.ArgumentParser) -> None:
    """Options of `egopose demo`."""
    add_shown(command)
    add_booth(command)
    command.add_argument(
        "--out",
        type=Path,
        default=Path("out/demo"),
        help="folder for what is written without a screen (default: %(default)s)",
    )
    command.add_argument("--headless", action="store_true", help="as if there were no screen")
    command.set_defaults(command=run_demo)


def add_choices(command: argparse.ArgumentParser) -> None:
    """Options of every command that runs the network."""
    command.add_argument(
        "--camera", metavar="FILE", help="camera that took the pictures: sceneego, egopw or a calibration file"
    )
    last = "; in a window, what was chosen there last"
    command.add_argument(
        "--network", help=f"a bundled network or a .safetensors file (default: {DEFAULT_NETWORK}{last})"
    )
    add_runtime(command, default=None, told=f"what runs the network (default: the fastest that is there{last})")
    add_motion(command)


def add_shown(command: argparse.ArgumentParser) -> None:
    """Options of every command that shows live poses."""
    add_choices(command)
    add_window(command)
    add_send(command)


def add_booth(command: argparse.ArgumentParser) -> None:
    """The option of every command that shows one source."""
    command.add_argument(
        "--booth", action="store_true", help="full screen without controls, restarts by itself; F4 twice leaves it"
    )


def add_window(command: argparse.ArgumentParser) -> None:
    """Options of every command that can open the window."""
    command.add_argument(
        "--theme", choices=("system", "dark", "light"), help="(default: what was chosen in the window last)"
    )
    command.add_argument("--seconds", type=float, help="close the window after this many seconds")
    command.add_argument(
        "--screenshot", type=Path, metavar="PNG", help="write a picture of the window before it closes"
    )


def run_start(arguments: argparse.Namespace) -> int:
    """`egopose` alone."""
    return open_window(arguments, None)


def run_live(arguments: argparse.Namespace) -> int:
    """`egopose live`."""
    check_booth(arguments)
    if arguments.headless:
        return run_sending(arguments, arguments.source)
    return open_window(arguments, arguments.source)


def check_booth(arguments: argparse.Namespace) -> None:
    """Raise EgoposeError where a booth is asked for without a window."""
    if arguments.booth and arguments.headless:
        raise EgoposeError("--booth is a window; leave --headless away")


def run_replay(arguments: argparse.Namespace) -> int:
    """`egopose replay`."""
    check_booth(arguments)
    if not arguments.headless:
        if arguments.out is not None:
            raise EgoposeError("--out belongs to --headless; add --headless, or leave --out away for the window")
        return open_window(arguments, arguments.path, loop=arguments.loop)
    if arguments.send:
        if arguments.out is not None:
            raise EgoposeError("--out takes every frame as fast as it goes, --send in its own time; give one of them")
        return run_sending(arguments, arguments.path, loop=arguments.loop)
    if arguments.out is None:
        raise EgoposeError("--headless needs to know where to; add --out DIR for files, or --send OUTPUT")
    from app.headless import replay_headless, summary  # noqa: PLC0415

    report = replay_headless(arguments.path, arguments.out, settings_of(arguments))
    print(summary(report))
    print(f"written: {arguments.out}/poses.npz, overlay.mp4, report.json")
    return 0


def run_demo(arguments: argparse.Namespace) -> int:
    """`egopose demo`."""
    check_booth(arguments)
    from app.run import has_display  # noqa: PLC0415
    from engine.assets import DEMO_SESSION  # noqa: PLC0415

    if not arguments.headless and has_display():
        return open_window(arguments, str(DEMO_SESSION), loop=True)
    if arguments.send:
        return run_sending(arguments, str(DEMO_SESSION), loop=True)
    from app.demo import demo_without_screen  # noqa: PLC0415

    print(demo_without_screen(arguments.out, settings_of(arguments), arguments.theme or "system"))
    return 0


def run_synth(arguments: argparse.Namespace) -> int:
    """`egopose synth`."""
    from engine.learn.wearer.command import main as synth  # noqa: PLC0415

    synth(arguments)
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """`egopose train`."""
    from engine.learn.training.command import main as train  # noqa: PLC0415

    train(arguments)
    return 0


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The user's choices, checked: a missing file is told before anything opens."""
    camera = None if arguments.camera is None else load_camera(arguments.camera)
    smoothing, profile = motion_of(arguments)
    recorded = getattr(arguments, "recorded", False)
    network, runtime = arguments.network or DEFAULT_NETWORK, arguments.runtime or AUTO
    settings = Settings(network, camera, recorded, smoothing, profile, runtime)
    weights = settings.weights()
    if not recorded:
        make_ready(weights, runtime)
    return settings


def shown_settings(arguments: argparse.Namespace) -> Settings:
    """The same of what is looked at while it happens: a faster runtime may be made meanwhile."""
    return replace(settings_of(arguments), upgrades=True)


def run_sending(arguments: argparse.Namespace, spec: str, *, loop: bool = False) -> int:
    """`--headless --send`: the source in its own time, without a window."""
    from app.live_feed import LiveFeed  # noqa: PLC0415
    from app.outputs.command import send_headless  # noqa: PLC0415

    if arguments.screenshot is not None:
        raise EgoposeError("--screenshot needs the window; leave --headless away")
    choices = sent(arguments)
    print(send_headless(LiveFeed(spec, shown_settings(arguments), loop=loop), choices, arguments.seconds))
    return 0


def open_window(arguments: argparse.Namespace, spec: str | None, *, loop: bool = False) -> int:
    """Show the window on a source, or on its start page."""
    from app.live.recalled import recall  # noqa: PLC0415
    from app.opener import FeedOpener  # noqa: PLC0415
    from app.preferences import load_preferences  # noqa: PLC0415
    from app.presenter import Notice  # noqa: PLC0415
    from app.run import check_display, run_window  # noqa: PLC0415
    from engine.capture.opening import open_source  # noqa: PLC0415
    from engine.live.supervisor import supervised  # noqa: PLC0415

    recalled = recall(load_preferences(), arguments.network, arguments.runtime)
    arguments.network, arguments.runtime = recalled.network, recalled.runtime
    settings, sends = shown_settings(arguments), sent(arguments)
    check_display()
    booth = getattr(arguments, "booth", False)
    if booth and spec is not None:
        open_source(spec)  # what makes no sense is told; what is not there yet is waited for
    elif spec is not None:
        with supervised(open_source(spec)):
            # Opened once here, so that what cannot be opened ends the command instead of opening a window.
            pass

    def begin(window: MainWindow) -> None:
        begin_sending(window, sends)
        if recalled.lost:
            window.living.live.tell(Notice(recalled.lost, "warning"))
        if booth:
            window.live.booth.enter()

    return run_window(
        FeedOpener(settings, loop=loop),
        spec,
        theme=arguments.theme,
        seconds=arguments.seconds,
        screenshot=arguments.screenshot,
        begin=begin,
    )


if __name__ == "__main__":
    entry()
