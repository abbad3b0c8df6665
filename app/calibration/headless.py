"""`egopose calibrate --images`: from pictures to a camera file and a report, without a window."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from rich.progress import TimeElapsedColumn

from app.calibration.gather import Gathered, gather
from app.calibration.models import model_kinds
from app.calibration.report import Report, check_sure
from app.progress import progress_bar
from calib.calibrate import calibrate_views
from calib.formats import save_camera
from calib.targets.board import Board, BoardKind
from engine.errors import EgoposeError

_LOOKING = 0.4
"""The part of the bar that goes to finding the board."""


def calibrate_headless(images: str, board: Board, model: str, out: Path, folder: Path | None) -> Report:
    """Calibrate from a folder, a video or a session; write the camera, and into `folder` the report.

    Raises EgoposeError or CalibrationError; what can be checked is checked before the work.
    """
    began = time.monotonic()
    kinds = model_kinds(model)
    _check_writable(out)
    if folder is not None:
        check_folder(folder)
    with progress_bar(TimeElapsedColumn()) as bar:
        task = bar.add_task("looking for the board", total=1.0)
        found = gather(images, board, lambda what, part: bar.update(task, description=what, completed=_LOOKING * part))
        result = calibrate_views(
            [one.view(board) for one in found.views],
            found.size,
            out.stem,
            kinds,
            board.kind is not BoardKind.CIRCLES,
            progress=lambda what, part: bar.update(task, description=what, completed=_LOOKING + part - _LOOKING * part),
        )
        report = Report(board, result, tuple(found.dropped), time.monotonic() - began)
        check_sure(result, images)
        save_camera(result.calibration, out, residuals=result.figures)
        if folder is not None:
            bar.update(task, description="drawing the report")
            _write_report(report, found, folder, began)
    return report


def _write_report(report: Report, found: Gathered, folder: Path, began: float) -> None:
    from app.calibration.figures import write_figures  # noqa: PLC0415  Qt is for pictures alone here
    from engine.cameras import write_atomically  # noqa: PLC0415

    write_figures(report, found.picture, folder)
    report = Report(report.board, report.result, report.dropped, time.monotonic() - began)
    record = json.dumps(report.record(), indent=2, allow_nan=False) + "\n"
    write_atomically(folder / "report.json", record.encode())
    write_atomically(folder / "report.txt", report.text().encode())


def _check_writable(out: Path) -> None:
    """Before minutes of work, not after. Raises EgoposeError."""
    if out.is_dir():
        raise EgoposeError(f"{out} is a folder; give --out the name of a file, for instance {out / 'camera.json'}")
    try:
        with tempfile.NamedTemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise EgoposeError(f"cannot write {out} ({error.strerror}); choose another --out") from error


def check_folder(folder: Path) -> None:
    """Make a folder that can be written. Raises EgoposeError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EgoposeError(f"cannot write into {folder} ({error.strerror}); choose another --report") from error
