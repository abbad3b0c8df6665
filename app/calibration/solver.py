"""Solves in a process of its own: the picture never waits for it, and it can be ended at once. No Qt."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from calib.calibrate import Result, calibrate_views
from calib.errors import CalibrationError
from calib.follow import Follower
from calib.solve.heldout import Progress
from calib.solve.problem import View
from engine.live.mailbox import Mailbox

log = logging.getLogger(__name__)

_END_S = 1.0
_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Something to be solved."""

    revision: int
    """Of the views; whoever asks compares it with the newest."""
    views: Sequence[View]
    size: tuple[int, int]
    kinds: tuple[str, ...]
    """Of lenses, that compete in a final solve."""
    may_bend: bool
    """Likewise."""
    name: str
    final: bool = False
    """Whether this is the thorough solve before saving; the others are quick, and go on from the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What came of a job."""

    job: Job
    result: Result | None
    error: Exception | None
    seconds: float


class Solver:
    """One thread that feeds one process; the newest job wins over one that has not begun."""

    def __init__(self) -> None:
        self._jobs: Mailbox[Job] = Mailbox()
        self._lock = threading.Lock()
        self._done: Solved | None = None
        self._waiting: Job | None = None
        self._running: Job | None = None
        self._progress: tuple[str, float] = ("", 0.0)
        self._stop, self._cancelled = threading.Event(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        # A daemon: whoever forgets to close must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="calibration solver", daemon=True)
        self._thread.start()

    def request(self, job: Job) -> None:
        """Solve this as soon as what runs is done; a job that waits is replaced."""
        if job.final:
            self.cancel()
        with self._lock:
            self._waiting = job
        self._jobs.put(job)

    def poll(self) -> Solved | None:
        """The newest outcome, once."""
        with self._lock:
            done, self._done = self._done, None
            return done

    @property
    def running(self) -> Job | None:
        """What is being solved."""
        return self._running

    @property
    def progress(self) -> tuple[str, float]:
        """What is being done, and the part of it that is behind."""
        return self._progress

    def cancel(self) -> None:
        """End what runs, and leave what waits; nothing comes of either."""
        with self._lock:
            self._waiting = None
            if self._running is not None:
                self._cancelled.set()
                self._kill()

    def close(self) -> None:
        """End the process and join the thread, within about a second. Idempotent."""
        self._stop.set()
        self._jobs.close(discard=True)
        with self._lock:
            self._kill()
        self._thread.join(_END_S)
        if self._thread.is_alive():
            log.error("the thread %r did not end in time and is left behind", self._thread.name)

    def _run(self) -> None:
        try:
            while (job := self._jobs.take()) is not None and not self._stop.is_set():
                with self._lock:
                    if self._waiting is not job:
                        continue
                    self._waiting = None
                    self._cancelled.clear()
                    self._progress = ("starting", 0.0)
                    self._running = job
                done = self._solve(job)
                with self._lock:
                    self._running = None
                    if not self._cancelled.is_set():
                        self._done = done
        finally:
            self._end_process()

    def _solve(self, job: Job) -> Solved:
        began = time.monotonic()
        try:
            process = self._ready()
            assert process.stdin is not None  # both are pipes
            assert process.stdout is not None
            pickle.dump(job, process.stdin)
            process.stdin.flush()
            # Read from a process that we started and that runs our own code.
            while (answer := pickle.load(process.stdout))[0] == "progress":
                self._progress = answer[1]
            kind, value = answer
            seconds = time.monotonic() - began
            return Solved(job, value, None, seconds) if kind == "result" else Solved(job, None, value, seconds)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            # So it looks from here, too, when the process was killed on purpose.
            self._end_process()
            ended = RuntimeError(f"the solver ended by itself ({type(error).__name__} {error})")
            return Solved(job, None, ended, time.monotonic() - began)

    def _ready(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stop.is_set() or self._cancelled.is_set():
                raise EOFError("stopped")
            if self._process is not None and (self._killed or self._process.poll() is not None):
                self._end(self._process)
                self._process = None
            if self._process is None:
                self._killed = False
                paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
                self._process = subprocess.Popen(
                    [sys.executable, "-c", f"from {__name__} import serve; serve()"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    # The matrices are small: threads of BLAS would only take the cores from the picture.
                    env=os.environ
                    | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                )
            return self._process

    def _kill(self) -> None:
        """Whoever reads from it then sees its end, and clears up. The lock is held."""
        if self._process is not None:
            self._killed = True
            self._process.kill()

    def _end_process(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            self._end(process)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    log.debug("the solver's pipe held a job that nobody wants any more")


def serve() -> None:
    """The process: solve what comes in, until the other end closes."""
    # Ctrl+C goes to the whole group; the window decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers: IO[bytes] = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever else is printed must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(kind: str, value: Any) -> None:
        pickle.dump((kind, value), answers)
        answers.flush()

    follower = Follower()
    while True:
        try:
            job: Job = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            send("result", solve(job, follower, lambda what, part: send("progress", (what, part))))
        except CalibrationError as error:
            send("error", CalibrationError(str(error)))
        except BrokenPipeError:
            return
        except Exception as error:  # told in the window, which words it
            log.exception("solving failed")
            send("error", RuntimeError(f"{type(error).__name__}: {error}"))


def solve(job: Job, follower: Follower, progress: Progress) -> Result:
    """Raises CalibrationError where the views do not give a lens."""
    if not job.final:
        return follower.solve(job.views, job.size, job.name)
    return calibrate_views(job.views, job.size, job.name, job.kinds, job.may_bend, progress=progress)
