"""What a crowd of receivers costs the live picture: `python -m engine.motion.outputs.benchmark`.

The demo session is played as a camera would be, through the network, in turn without the WebSocket and with it and its
receivers, some of which never read. Compared is the age of poses when they are finished, which the window shows. The
receivers run at the lowest priority, standing for other machines.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.assets import DEMO_SESSION, bundled_weights
from engine.capture.opening import open_source
from engine.capture.paced import Paced
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.live.estimator import Estimator
from engine.live.pipeline import Pipeline
from engine.motion.outputs.choice import DEFAULTS, Address, OutputKind
from engine.motion.outputs.hub import Hub
from engine.motion.outputs.output import Phase
from engine.motion.settings import MotionSettings
from engine.motion.stage import MotionStage
from engine.types import Event, Frame, Pose, StreamState

_SETTLE_S = 1.0
_PATIENCE_S = 60.0
_KB = 1024
_DRAWS = 2000


class Ages:
    """A tap that keeps how old poses are when they are finished, in milliseconds."""

    def __init__(self) -> None:
        self._ages: list[float] = []

    def frame(self, frame: Frame) -> None:
        """Of no interest."""

    def event(self, event: Event) -> None:
        """Of no interest."""

    def pose(self, pose: Pose) -> None:
        self._ages.append((time.monotonic_ns() - pose.capture_ns) / 1e6)

    def over(self, seconds: float) -> list[float]:
        """Those of the next while."""
        time.sleep(_SETTLE_S)
        ages: list[float] = []
        self._ages = ages
        time.sleep(seconds)
        self._ages = []
        return ages


@dataclass(frozen=True, slots=True)
class Block:
    """One turn."""

    crowded: bool
    ages_ms: list[float]
    cpu: float
    """Share of a core that this process took."""
    received: float
    """Poses a second that reached all readers together."""
    resident_mb: float


class Crowd:
    """The receivers, in a process of their own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.motion.outputs.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, cwd=Path(__file__).parents[3], start_new_session=True,
        )  # fmt: skip
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, 19)
        # Linux weighs sessions against each other first: only in one of its own it does not take of what is ours.
        with suppress(OSError):
            Path(f"/proc/{self._process.pid}/autogroup").write_text("19")

    def ask(self, line: str) -> int:
        """Tell it something; its answer."""
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """It ends with its stdin."""
        self._process.communicate()


@contextmanager
def playing(make_estimator: Callable[[Source], Estimator]) -> Iterator[Pipeline]:
    """The demo session as a camera that never ends."""
    source = Paced(open_source(str(DEMO_SESSION)), loop=True)
    pipeline = Pipeline(source, make_estimator, motion=MotionStage(MotionSettings()))
    pipeline.start()
    try:
        yield pipeline
    finally:
        pipeline.stop()


def blocks(pipeline: Pipeline, pairs: int, seconds: float, receivers: int, stuck: int) -> Iterator[Block]:
    """Without, with, with, without, and so on, so that what drifts meets both alike."""
    hub, ages, crowd = Hub(), Ages(), Crowd()
    pipeline.taps.add(ages)
    pipeline.taps.add(hub)
    choice = replace(DEFAULTS[OutputKind.WEBSOCKET], address=Address("127.0.0.1", _free_port()))
    try:
        _until(lambda: _processed(pipeline) > 10)
        for crowded in [crowded for pair in range(pairs) for crowded in ((False, True), (True, False))[pair % 2]]:
            hub.choose(replace(choice, on=crowded))
            if crowded:
                _until(lambda: hub.states()[OutputKind.WEBSOCKET].phase in (Phase.WAITING, Phase.SENDING))
                crowd.ask(f"{choice.address.port} {receivers} {stuck}")
            began, cpu = time.monotonic(), time.process_time()
            found = ages.over(seconds)
            took = time.monotonic() - began
            received = crowd.ask("off") / took
            resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
            yield Block(crowded, found, (time.process_time() - cpu) / took, received, resident)
    finally:
        crowd.close()
        hub.close()
        pipeline.taps.remove(ages)


def _processed(pipeline: Pipeline) -> int:
    figures = pipeline.snapshot().figures
    if figures.state is StreamState.FAILED:
        raise EgoposeError(figures.message)
    return figures.processed


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come so far within a minute")
        time.sleep(0.01)


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def network(name: str) -> Callable[[Source], Estimator]:
    """The bundled network: compiled where it is, else by torch."""

    def make(source: Source) -> Estimator:
        from calib.formats import load_camera  # noqa: PLC0415
        from engine.live.estimator import PoseEstimator  # noqa: PLC0415
        from engine.runtime.artefacts import Artefacts  # noqa: PLC0415
        from engine.runtime.eager import EagerRuntime  # noqa: PLC0415
        from engine.runtime.openvino import OpenVino  # noqa: PLC0415

        weights, backend = bundled_weights(name), OpenVino()
        found = None if backend.missing() else Artefacts().compiled(weights, backend)
        runtime = EagerRuntime.from_file(weights) if found is None else backend.load(found)
        return PoseEstimator(runtime, source.info.calibration or load_camera("sceneego"))

    return make


def report(found: list[Block]) -> Iterator[str]:
    """A line each."""
    for crowded in (False, True):
        part = [block for block in found if block.crowded is crowded]
        p50, p95 = np.percentile([age for block in part for age in block.ages_ms], (50, 95))
        rate = sum(len(block.ages_ms) for block in part) / len(part)
        yield (
            f"{'with' if crowded else 'without':8}{len(part)} turns, {rate:.0f} poses each: age p50 {p50:.1f} ms, "
            f"p95 {p95:.1f} ms; processor {np.mean([block.cpu for block in part]):.2f} cores; "
            f"{np.mean([block.received for block in part]):.0f} poses a second received"
        )
    pairs = [
        {one.crowded: one.ages_ms, other.crowded: other.ages_ms}
        for one, other in zip(found[::2], found[1::2], strict=True)
    ]
    rng = np.random.default_rng(0)
    drawn = [_ratio([pairs[pick] for pick in rng.integers(0, len(pairs), len(pairs))]) for _ in range(_DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    yield f"p95 with / without: {_ratio(pairs):.3f}, 95 % interval over the pairs of turns {low:.3f} to {high:.3f}"
    first, last = found[0].resident_mb, found[-1].resident_mb
    yield f"memory at most: {first:.0f} MB after the first turn, {last:.0f} MB at the end"


def _ratio(pairs: list[dict[bool, list[float]]]) -> float:
    """Of the 95th percentile with the crowd to that without, over all turns together."""
    with_crowd, without = (np.percentile(np.concatenate([pair[key] for pair in pairs]), 95) for key in (True, False))
    return float(with_crowd / without)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m engine.motion.outputs.benchmark", description=__doc__)
    parser.add_argument("--receivers", type=int, default=100, help="(default: %(default)s)")
    parser.add_argument("--stuck", type=int, default=10, help="of them, that never read (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=10, help="of turns without and with (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn (default: %(default)s)")
    parser.add_argument("--network", default="small", help="(default: %(default)s)")
    arguments = parser.parse_args(argv)
    with playing(network(arguments.network)) as pipeline:
        found = list(blocks(pipeline, arguments.pairs, arguments.seconds, arguments.receivers, arguments.stuck))
        print(f"{arguments.receivers} receivers, {arguments.stuck} stuck; {pipeline.snapshot().figures.runtime}")
    if hasattr(os, "getloadavg"):
        print("load of the machine (1, 5, 15 min): " + ", ".join(f"{load:.1f}" for load in os.getloadavg()))
    for line in report(found):
        print(line)


if __name__ == "__main__":
    main()
