"""Where the program begins: says so in one line where a package is missing that nothing works without."""

from __future__ import annotations

import sys
from typing import NoReturn


def entry() -> NoReturn:
    """See `app.cli.entry`."""
    try:
        from app.cli import entry as begin  # noqa: PLC0415  what fails here is told
    except ImportError as error:
        why = " ".join(str(error).split())
        print(
            f"egopose: a package is missing or broken ({why}); set up anew: make clean, then make demo, "
            f"or: {sys.executable} -m pip install -e .",
            file=sys.stderr,
        )
        sys.exit(1 if sys.argv[1:2] == ["doctor"] else 2)
    begin()
