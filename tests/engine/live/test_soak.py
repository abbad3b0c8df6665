"""Two minutes of live view: ages bounded, memory flat. Run with `pytest -m soak`."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from engine.live.pipeline import Pipeline
from tests.engine.live.fakes import FakeEstimator, FakeSource

SECONDS = 120
MIB = 1 << 20


def resident_bytes() -> int:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 2)
def test_ages_stay_bounded_and_memory_flat() -> None:
    """A 60 fps source on an inference of 45 ms, looked at by a display that is slow on purpose."""
    pipeline = Pipeline(FakeSource(fps=60, side=512), lambda source: FakeEstimator(0.045))
    pipeline.start()
    pause = threading.Event()
    memory, ages = [], []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        pause.wait(0.4)
        figures = pipeline.snapshot().figures
        if figures.processed > 100:
            ages.append(figures.age_ms.p95)
            memory.append(resident_bytes())
    pipeline.stop()
    print(f"age p95 {max(ages):.1f} ms at most; resident {memory[0] / MIB:.1f} to {memory[-1] / MIB:.1f} MiB")
    assert max(ages) <= 65
    assert memory[-1] - memory[0] < 4 * MIB
