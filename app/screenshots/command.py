"""`egopose screenshots --out DIR`, and `--clip FILE`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.errors import EgoposeError

SIZES = ((1280, 800, 1.0), (1920, 1080, 1.0), (1280, 720, 1.5))
"""Width and height in device-independent pixels, and the scale; the last is a screen of 1920 x 1080 at 150 %."""


def add_screenshots(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--out", type=Path, metavar="DIR", help="folder for the pictures")
    command.add_argument("--clip", type=Path, metavar="FILE", help="20 s of the demo instead, as .webp, .gif or .mp4")
    command.add_argument("--theme", choices=("dark", "light"), help="one of the two (default: both; the clip: dark)")
    command.add_argument("--only", nargs="+", metavar="SCENE", default=[], help="some of the pages (default: all)")
    command.set_defaults(command=run_screenshots)


def run_screenshots(arguments: argparse.Namespace) -> int:
    """Pictures or clip."""
    if (arguments.out is None) == (arguments.clip is None):
        raise EgoposeError("say what to make: --out DIR for pictures of every page, or --clip FILE for a clip")
    if arguments.clip is not None:
        from app.screenshots.clip import make_clip  # noqa: PLC0415

        print(make_clip(arguments.clip, arguments.theme or "dark"))
        return 0
    out = arguments.out.resolve()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EgoposeError(f"cannot make the folder {out} ({error.strerror}); choose another --out") from error
    for size in SIZES:
        take_all(out, size, arguments.only, [arguments.theme] if arguments.theme else ["dark", "light"])
    print(f"written: {out}/index.html, {sum(1 for _ in out.glob('*/*.png'))} pictures")
    return 0


def take_all(out: Path, size: tuple[int, int, float], only: list[str], themes: list[str]) -> None:
    """All scenes at one size and scale, which Qt reads when it starts: so in a process of its own.

    It has a home of its own too: what is in the pictures hangs neither on the user's choices nor on the recordings.
    Raises EgoposeError where it fails, with what it said last.
    """
    width, height, scale = size
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": f"{scale:g}", "HOME": home}
        environment = {name: value for name, value in environment.items() if not name.startswith("XDG_")}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        named = f"{width}x{height}" + (f"-{scale:.0%}".rstrip("%") if scale != 1 else "")
        words = [str(out / named), f"{width}x{height}", ",".join(themes), *only]
        done = subprocess.run([sys.executable, "-m", "app.screenshots.worker", *words], env=environment,
                              stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False)  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EgoposeError(f"the pictures at {named} could not be taken: {last.removeprefix('egopose: ')}")
