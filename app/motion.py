"""What the command line says about the filter."""

from __future__ import annotations

import argparse

from engine.errors import EgoposeError
from engine.motion.settings import DEFAULT_SMOOTHING, MotionSettings


def add_motion(command: argparse.ArgumentParser) -> None:
    """Options of every command that shows or exports poses."""
    command.add_argument(
        "--smoothing",
        type=float,
        metavar="S",
        help=f"strength of the filter, 0 for none to 1 (default: {DEFAULT_SMOOTHING:g} in the window, none elsewhere)",
    )


def motion_of(arguments: argparse.Namespace) -> MotionSettings | None:
    """None where nothing was chosen. Raises EgoposeError."""
    smoothing: float | None = arguments.smoothing
    if smoothing is not None and not 0 <= smoothing <= 1:
        raise EgoposeError(f"--smoothing {smoothing:g} is no strength; give a number from 0 to 1")
    return None if smoothing is None else MotionSettings(smoothing)
