"""Measuring several things in turn, so that whatever else the machine does hits them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from engine.runtime.bench.report import Cost

Tick = Callable[[str], None]
"""Told what is measured next."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that is run again and again."""

    name: str
    run: Callable[[], object]
    """One frame, its result read back included."""
    frames: int = 1
    """How many a round."""
    warm: int = 1
    """How many before, in each round, since others have used the caches meanwhile."""


@dataclass(frozen=True, slots=True)
class Round:
    """Of one frame in the mean of a round, in milliseconds."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """All rounds of one subject."""

    rounds: tuple[Round, ...]
    frames: int

    @property
    def cost(self) -> Cost:
        """The medians over the rounds."""
        return Cost(median(r.wall_ms for r in self.rounds), median(r.cpu_ms for r in self.rounds), self.frames)


def measure(subjects: Sequence[Subject], rounds: int, tick: Tick = lambda name: None) -> dict[str, Sampled]:
    """Every subject in every round, each round beginning with another one."""
    found: dict[str, list[Round]] = {subject.name: [] for subject in subjects}
    for at in range(rounds):
        shift = at % len(subjects) if subjects else 0
        for subject in (*subjects[shift:], *subjects[:shift]):
            tick(subject.name)
            found[subject.name].append(one_round(subject))
    return {subject.name: Sampled(tuple(found[subject.name]), rounds * subject.frames) for subject in subjects}


def one_round(subject: Subject) -> Round:
    """Run it warm, then measured."""
    for _ in range(subject.warm):
        subject.run()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for _ in range(subject.frames):
        subject.run()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return Round(wall / subject.frames / 1e6, cpu / subject.frames / 1e6)


def ratio(sampled: Mapping[str, Sampled], over: str, under: str, *, cpu: bool) -> float:
    """The median of the rounds' ratios of two subjects of one run."""
    pairs = zip(sampled[over].rounds, sampled[under].rounds, strict=True)
    if cpu:
        return median(a.cpu_ms / max(b.cpu_ms, 1e-9) for a, b in pairs)
    return median(a.wall_ms / max(b.wall_ms, 1e-9) for a, b in pairs)


def each_us(call: Callable[[], object], count: int) -> float:
    """CPU microseconds of a call too short to be timed alone: the least of five series, which nothing disturbed."""
    series = []
    for _ in range(5):
        began = time.thread_time_ns()
        for _ in range(count):
            call()
        series.append((time.thread_time_ns() - began) / count / 1e3)
    return min(series)
