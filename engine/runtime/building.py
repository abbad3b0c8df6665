"""Artefacts made by a process of their own: `python -m engine.runtime.building BACKEND WEIGHTS FOLDER`.

What makes them keeps Python busy, takes memory, and cannot be interrupted; a process can, and leaves nothing but a
folder that the next build clears away. It is nice to all others, and says how far it is in JSON, a line each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from engine.errors import EgoposeError
from engine.runtime.artefacts import Artefacts, Cancelled, key_of
from engine.runtime.backend import Backend, Tell
from engine.runtime.runtime import Runtime
from engine.runtime.upgrading import Better

NICENESS = 10
MAX_TOLD = 2000
"""Characters that are kept of what a process said when it failed."""


class Built(Better):
    """What a backend makes of weights in another process, loaded into this one."""

    def __init__(self, backend: Backend, weights: Path, artefacts: Artefacts, reason: str) -> None:
        self.title, self.reason = backend.title, reason
        self._backend, self._weights, self._artefacts = backend, weights, artefacts
        self._lock = threading.Lock()
        self._cancelled = False
        self._process: subprocess.Popen[str] | None = None

    def make(self, tell: Tell) -> Runtime:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            with self._lock:
                if self._cancelled:
                    raise Cancelled(self.title)
                self._process = process = self._start(said)
            with process:
                error = _follow(process, tell)
            if self._cancelled:
                raise Cancelled(self.title)
            if error or process.returncode:
                said.seek(0)
                last = said.read()[-MAX_TOLD:].strip().splitlines()
                raise EgoposeError(
                    error or f"the process that builds it ended: {last[-1] if last else 'it said nothing'}"
                )
        folder = self._artefacts.compiled(self._weights, self._backend)
        if folder is None:
            raise EgoposeError("what was built is not there; egopose compile says more")
        return self._backend.load(folder)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()

    def _start(self, said: IO[str]) -> subprocess.Popen[str]:
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-m", __name__, self._backend.name, str(self._weights), str(self._artefacts.root)]
        quiet: dict[str, Any] = {}
        if sys.platform == "win32":
            quiet = {"creationflags": subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW}
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, encoding="utf-8",
            env=os.environ | {"PYTHONPATH": path}, **quiet,
        )  # fmt: skip


def _follow(process: subprocess.Popen[str], tell: Tell) -> str:
    """Pass on how far a build is until it ends; what was wrong with it, "" where nothing was."""
    assert process.stdout is not None
    for line in process.stdout:
        if not line.endswith("\n"):
            break  # it was ended in the middle of a line
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            return str(told["error"])
        tell(str(told["doing"]), float(told["done"]))
    return ""


def main(name: str, weights: Path, root: Path) -> int:
    """Build it, and tell how far it is on what was the standard output; what libraries print goes beside."""
    from engine.runtime.choice import way  # noqa: PLC0415  which knows this module

    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with suppress(AttributeError, OSError):
        os.nice(NICENESS)

    def say(**told: Any) -> None:
        print(json.dumps(told), file=channel, flush=True)

    backend = way(name)
    assert isinstance(backend, Backend)
    try:
        key = key_of(weights, name, backend.identity())
        Artefacts(root).obtain(
            key, partial(backend.build, weights, tell=lambda doing, done: say(doing=doing, done=done))
        )
    except EgoposeError as error:
        say(error=str(error))
        return 2
    except BrokenPipeError:
        return 1  # nobody is there any more
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
