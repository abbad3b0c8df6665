"""What the command line says about filter and fit."""

from __future__ import annotations

import argparse

from engine.errors import EgoposeError
from engine.motion.profile import Profile, from_height, load_profile, profile_names, save_profile
from engine.motion.settings import DEFAULT_SMOOTHING


def add_motion(command: argparse.ArgumentParser) -> None:
    """Options of every command that shows or exports poses."""
    command.add_argument(
        "--smoothing",
        type=float,
        metavar="S",
        help=f"strength of the filter, 0 for none to 1 (default: {DEFAULT_SMOOTHING:g} in the window, none elsewhere)",
    )
    command.add_argument(
        "--profile", metavar="NAME", help="the wearer's profile, whose bone lengths the skeleton keeps"
    )
    command.add_argument(
        "--height",
        type=float,
        metavar="METRES",
        help="the wearer's height: of average proportions, or with --profile of that one's, which is then kept",
    )


def motion_of(arguments: argparse.Namespace) -> tuple[float | None, Profile | None]:
    """Strength of the filter and the wearer's body; None for what was not chosen. Raises EgoposeError."""
    smoothing: float | None = arguments.smoothing
    if smoothing is not None and not 0 <= smoothing <= 1:
        raise EgoposeError(f"--smoothing {smoothing:g} is no strength; give a number from 0 to 1")
    return smoothing, _wearer(arguments.profile, arguments.height)


def _wearer(name: str | None, height_m: float | None) -> Profile | None:
    if name is None:
        return None if height_m is None else from_height(height_m)
    if height_m is None:
        return load_profile(name)
    kept = load_profile(name).of_height(height_m) if name in profile_names() else from_height(height_m, name)
    save_profile(kept)
    return kept
