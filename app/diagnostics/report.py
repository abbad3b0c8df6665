"""The diagnostics as values: what is measured, in groups of rows. Pure functions, no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from app.diagnostics.machine import MIB, Machine
from app.translation import noted, tr
from app.wording import UNKNOWN, state_word
from engine.types import Figures, Percentiles

GROUPS = {
    "source": noted("Source"),
    "age": noted("Age of what is shown, ms"),
    "stages": noted("Time of each stage, ms"),
    "ways": noted("What came through"),
    "window": noted("Window, ms"),
    "machine": noted("Machine"),
}
STAGES = {
    "canonical view": noted("Canonical view"),
    "network": noted("Network"),
    "overlay": noted("Overlay"),
    "filter": noted("Filter"),
    "fit": noted("Fit"),
}
"""Of `Figures.stages_ms`; others are named as they come."""


@dataclass(frozen=True, slots=True)
class Way:
    """Something that hands items on, and what became of them."""

    name: str
    given: int
    lost: int
    what: str
    """What happened to the lost ones, in a word: "skipped", "dropped"."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    label: str
    value: str
    stage: str = ""
    """The stage that it speaks of, "" for none: it has its colour in the plot."""


@dataclass(frozen=True, slots=True)
class Report:
    """All lines, in groups by their key in GROUPS."""

    groups: Mapping[str, tuple[Row, ...]]

    def text(self) -> str:
        """To paste into a message."""
        lines = []
        for key, rows in self.groups.items():
            width = max(len(row.label) for row in rows)
            lines += [tr(GROUPS[key]), *(f"  {row.label:<{width}}  {row.value}" for row in rows), ""]
        return "\n".join(lines).rstrip() + "\n"


def three(percentiles: Percentiles) -> str:
    """Median, 95th and 99th percentile in milliseconds."""
    values = (percentiles.p50, percentiles.p95, percentiles.p99)
    return " / ".join(f"{value:.1f}" if isfinite(value) else UNKNOWN for value in values)


def percent(share: float) -> str:
    """Of a share, 0..1."""
    return f"{share:.0%}".replace("%", " %") if isfinite(share) else UNKNOWN


def number(value: int) -> str:
    """With thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009")


def report(
    figures: Figures, machine: Machine, window: Mapping[str, Percentiles] | None = None, ways: Sequence[Way] = ()
) -> Report:
    """What is known now. `window` is how long the window's own work takes, `ways` what else takes frames or poses."""
    all_ways = (
        Way(tr("Frames to the network"), figures.produced, figures.overwritten, tr("skipped")),
        *ways,
    )
    groups = {
        "source": _source(figures),
        "age": (Row(tr("p50 / p95 / p99"), three(figures.age_ms)), *_filter_lag(figures)),
        "stages": tuple(Row(tr(STAGES.get(name, name)), three(p), name) for name, p in figures.stages_ms.items()),
        "ways": tuple(Row(way.name, _way(way)) for way in all_ways),
        "window": tuple(Row(name, three(p)) for name, p in (window or {}).items()),
        "machine": _machine(machine),
    }
    return Report({key: rows for key, rows in groups.items() if rows})


def _filter_lag(figures: Figures) -> tuple[Row, ...]:
    """What the filter adds to the age of moving joints."""
    lag = figures.filter_lag_ms
    return (Row(tr("and the filter's lag"), three(lag)),) if isfinite(lag.p50) else ()


def _source(figures: Figures) -> tuple[Row, ...]:
    rows = [
        Row(tr("State"), state_word(figures.state)),
        Row(tr("Frames in, a second"), f"{figures.source_fps:.1f}"),
        Row(tr("Poses out, a second"), f"{figures.pose_fps:.1f}"),
        Row(
            tr("Motion stream"),
            tr("on every frame")
            if figures.motion_every == 1
            else tr("on every frame", "on one frame of {n}", n=figures.motion_every),
        ),
    ]
    if figures.delivered:
        rows.append(Row(tr("Camera gives"), figures.delivered))
    skew = figures.clock_skew_ppm
    rows.append(Row(tr("Clock skew"), tr("{ppm} ppm", ppm=f"{skew:+.1f}") if skew is not None else UNKNOWN))
    rows.append(Row(tr("Gaps, clock faults"), f"{number(figures.gaps)}, {number(figures.clock_faults)}"))
    rows += [Row(tr("Network"), figures.network or UNKNOWN), Row(tr("Runs on"), figures.runtime or UNKNOWN)]
    if figures.reason:
        rows.append(Row(tr("Because"), figures.reason))
    return tuple(rows)


def _way(way: Way) -> str:
    share = way.lost / way.given if way.given else 0.0
    lost = tr("{count} {what} ({share})", count=number(way.lost), what=way.what, share=percent(share))
    return f"{number(way.given)}, {lost}" if way.lost else number(way.given)


def _machine(machine: Machine) -> tuple[Row, ...]:
    if not machine.memory_total_bytes:
        return ()
    rows = [
        Row(tr("This program"), tr("{cores} cores, {memory} MiB", cores=f"{machine.cores:.2f}",
                                   memory=number(machine.memory_bytes // MIB))),
        Row(tr("All programs"), tr("{load} of {n} core", "{load} of {n} cores", n=machine.core_count,
                                   load=percent(machine.load))),
        Row(tr("Memory free"), tr("{free} of {all} MiB", free=number(machine.memory_free_bytes // MIB),
                                  all=number(machine.memory_total_bytes // MIB))),
    ]  # fmt: skip
    gpu = machine.gpu
    if gpu is None:
        rows.append(Row(tr("GPU"), tr("none that can be asked")))
    else:
        used = tr("{used} of {all} MiB", used=number(gpu.used_bytes // MIB), all=number(gpu.total_bytes // MIB))
        rows.append(Row(tr("GPU"), f"{gpu.name}, {percent(gpu.load)}, {used}"))
    return tuple(rows)


def record(figures: Figures, machine: Machine, window: Mapping[str, Percentiles] | None = None) -> dict[str, Any]:
    """The same as numbers, for the session and for programs; milliseconds, bytes, shares."""
    return {
        "state": figures.state.value,
        "source_fps": figures.source_fps,
        "pose_fps": figures.pose_fps,
        "age_ms": asdict(figures.age_ms),
        "filter_lag_ms": asdict(figures.filter_lag_ms),
        "stages_ms": {name: asdict(stage) for name, stage in figures.stages_ms.items()},
        "window_ms": {name: asdict(part) for name, part in (window or {}).items()},
        "produced": figures.produced,
        "processed": figures.processed,
        "overwritten": figures.overwritten,
        "motion_every": figures.motion_every,
        "gaps": figures.gaps,
        "clock_faults": figures.clock_faults,
        "clock_skew_ppm": figures.clock_skew_ppm,
        "delivered": figures.delivered,
        "network": figures.network,
        "runtime": figures.runtime,
        "reason": figures.reason,
        "machine": asdict(machine),
    }
