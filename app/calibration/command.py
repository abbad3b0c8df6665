"""The commands `egopose calibrate`, `egopose board` and `egopose convert`."""

from __future__ import annotations

import argparse
import sys
from math import degrees
from pathlib import Path

from calib.formats import FORMATS, Format, load_camera, save_camera
from calib.targets.board import SYNTAX, parse_board
from engine.errors import EgoposeError

OWN = "own"
_SUFFIXES = {".json": OWN, ".yml": "opencv", ".yaml": "ros", ".txt": "ocamcalib", ".cameramodel": "mrcal"}


def add_calibrate(command: argparse.ArgumentParser) -> None:
    """Options of `egopose calibrate`, but those of the window."""
    command.add_argument("--images", metavar="DIR", help="a folder of pictures, a video or a session; no window then")
    command.add_argument("--board", help=f"the board in the pictures: {SYNTAX}")
    command.add_argument("--model", default="auto", help="auto, kb4, ucm, eucm, ds, ... (default: %(default)s)")
    command.add_argument("--out", type=Path, help="camera file to write (with --images)")
    command.add_argument("--report", type=Path, metavar="DIR", help="folder for report.json, report.txt and pictures")
    command.set_defaults(command=run_calibrate)


def add_board(command: argparse.ArgumentParser) -> None:
    """Options of `egopose board`."""
    command.add_argument("board", help=f"which board: {SYNTAX}")
    command.add_argument("--out", type=Path, required=True, help="a .pdf or .svg file, to be printed at 100 %%")
    command.set_defaults(command=run_board)


def add_convert(command: argparse.ArgumentParser) -> None:
    """Options of `egopose convert`."""
    command.add_argument("camera", metavar="IN", help="a camera file of any format this program reads, or a name")
    command.add_argument("out", metavar="OUT", type=Path, help="the file to write")
    command.add_argument(
        "--to",
        choices=(OWN, *(form for form in FORMATS if form != "egopose")),
        help="format to write (default: by OUT's suffix: " + ", ".join(f"{s} {f}" for s, f in _SUFFIXES.items()) + ")",
    )
    command.add_argument(
        "--model", help="lens model to turn it into: kb4, ucm, eucm, ds, ... (default: as it is, or close)"
    )
    command.set_defaults(command=run_convert)


def run_calibrate(arguments: argparse.Namespace) -> int:
    """`egopose calibrate`."""
    if arguments.images is None:
        if arguments.out is not None or arguments.report is not None:
            raise EgoposeError("--out and --report belong to --images; add --images DIR, or leave them away")
        return _open_window(arguments)
    if arguments.board is None:
        raise EgoposeError("--images needs the board that is in them; add for instance --board 9x6:25mm")
    if arguments.out is None:
        raise EgoposeError("--images needs a file for the camera; add --out camera.json")
    from app.calibration.headless import calibrate_headless  # noqa: PLC0415

    board = parse_board(arguments.board)
    report = calibrate_headless(arguments.images, board, arguments.model, arguments.out, arguments.report)
    print(report.summary())
    written = f"written: {arguments.out}"
    print(written if arguments.report is None else f"{written}; the report is in {arguments.report}")
    return 0


def _open_window(arguments: argparse.Namespace) -> int:
    from app.calibration.models import model_kinds  # noqa: PLC0415
    from app.live_feed import LiveFeed  # noqa: PLC0415
    from app.run import check_display, run_window  # noqa: PLC0415
    from app.settings import Settings  # noqa: PLC0415

    board = None if arguments.board is None else parse_board(arguments.board)
    model_kinds(arguments.model)
    check_display()
    settings = Settings()
    return run_window(
        lambda chosen: LiveFeed(chosen, settings),
        None,
        theme=arguments.theme,
        seconds=arguments.seconds,
        screenshot=arguments.screenshot,
        begin=lambda window: window.calibrate(board),
    )


def run_convert(arguments: argparse.Namespace) -> int:
    """`egopose convert`."""
    from app.calibration.models import AUTO, model_kinds  # noqa: PLC0415
    from calib.convert import convert_for  # noqa: PLC0415

    out: Path = arguments.out
    named: str | None = arguments.to or _SUFFIXES.get(out.suffix.lower())
    if named is None:
        raise EgoposeError(f"the suffix of {out} tells no format; add --to, for instance --to {OWN}")
    form: Format = next((form for form in FORMATS if form == named), "egopose")
    if arguments.model == AUTO:
        raise EgoposeError("a conversion needs one model; give --model kb4, or leave it away")
    kind = None if arguments.model is None else model_kinds(arguments.model)[0]
    if out.is_dir():
        raise EgoposeError(f"{out} is a folder; give the name of a file, for instance {out / 'camera.json'}")
    camera = load_camera(arguments.camera)
    found = convert_for(camera, form, kind)
    save_camera(found.calibration, out, form)
    lens = found.calibration.model.kind
    print(f"written: {out} ({named}, {lens} lens, trusted to {degrees(found.calibration.valid_angle):.0f} degrees)")
    if found.calibration is camera:
        print("the lens is the same: nothing is lost")
    else:
        print(f"at most {found.worst:.2g} px, {found.rms:.2g} px RMS, from the {camera.model.kind} lens it was")
    if found.warning:
        print(f"egopose: warning: {found.warning}", file=sys.stderr)
    return 0


def run_board(arguments: argparse.Namespace) -> int:
    """`egopose board`."""
    write_board(arguments.board, arguments.out)
    print(f"written: {arguments.out}; print it at 100 %, measure a square, and glue it onto something flat and stiff")
    return 0


def write_board(text: str, out: Path) -> None:
    """A printable page, PDF or SVG by the file's suffix. Raises EgoposeError or CalibrationError."""
    from calib.targets.printing import board_pdf, board_svg  # noqa: PLC0415
    from engine.cameras import write_atomically  # noqa: PLC0415

    board = parse_board(text)
    suffix = out.suffix.lower()
    if suffix not in (".pdf", ".svg"):
        raise EgoposeError(f"{out} is neither a .pdf nor an .svg file; give --out a name that ends in one of these")
    write_atomically(out, board_pdf(board) if suffix == ".pdf" else board_svg(board).encode())
