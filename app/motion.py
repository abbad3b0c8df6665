"""What the command line says about filter and fit."""

from __future__ import annotations

import argparse

from engine.errors import EgoposeError
from engine.motion.profile import Profile, from_height, load_profile
from engine.motion.settings import DEFAULT_SMOOTHING


def add_motion(command: argparse.ArgumentParser) -> None:
    """Options of every command that shows or exports poses."""
    command.add_argument(
        "--smoothing",
        type=float,
        metavar="S",
        help=f"strength of the filter, 0 for none to 1 (default: {DEFAULT_SMOOTHING:g} in the window, none elsewhere)",
    )
    wearer = command.add_mutually_exclusive_group()
    wearer.add_argument("--profile", metavar="NAME", help="the wearer's profile, whose bone lengths the skeleton keeps")
    wearer.add_argument(
        "--height", type=float, metavar="METRES", help="in place of a profile: the wearer's height, average proportions"
    )


def motion_of(arguments: argparse.Namespace) -> tuple[float | None, Profile | None]:
    """Strength of the filter and the wearer's body; None for what was not chosen. Raises EgoposeError."""
    smoothing: float | None = arguments.smoothing
    if smoothing is not None and not 0 <= smoothing <= 1:
        raise EgoposeError(f"--smoothing {smoothing:g} is no strength; give a number from 0 to 1")
    if arguments.profile is not None:
        return smoothing, load_profile(arguments.profile)
    return smoothing, None if arguments.height is None else from_height(arguments.height)
