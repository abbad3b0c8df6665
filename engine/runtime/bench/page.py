"""A benchmark's figures as tables of words, for a terminal and for a page in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.runtime.bench.report import Cost, NetworkReport, Report

NOTHING = "–"  # noqa: RUF001 an en dash is what is meant


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first column is words, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Lines below it."""


def machine_line(report: Report) -> str:
    """What was measured on, in a line."""
    machine = report.machine
    parts = [machine.processor, f"{machine.cores} cores", " ".join(machine.extensions)]
    parts += [machine.gpu or "no GPU", f"{machine.memory_gb:.0f} GB", machine.system]
    return " · ".join(part for part in parts if part)


def run_line(report: Report) -> str:
    """How it was measured, in a line."""
    versions = ", ".join(f"{name} {value}" for name, value in report.machine.versions.items())
    busy = f"; load {report.machine.load:g} at the beginning" if math.isfinite(report.machine.load) else ""
    quick = " (quick)" if report.quick else ""
    return f"egopose {report.egopose}, {report.when}{quick}, {report.rounds} rounds; {versions}{busy}"


def grids(report: Report) -> list[Grid]:
    """All tables."""
    found = [grid for network in report.networks for grid in _of_network(network)]
    return [*found, _peaks(report)]


def markdown(report: Report) -> str:
    """The page that `egopose bench --page` writes."""
    lines = [
        "# Benchmarks", "",
        "Written by `egopose bench --page BENCHMARKS.md`, not by hand. All that is compared was measured in turn "
        "within one run: medians over its rounds. CPU time is that of all threads together; on a machine that does "
        "other things as well it tells more than the clock. The window is the published way of running: both ResNets "
        "over all T frames for each new one. The peak is that of large convolutions through the same library, on one "
        "thread, as the network's share of it.", "",
        f"- Machine: {machine_line(report)}",
        f"- Run: {run_line(report)}",
        f"- Pictures of {report.frame_size[0]} x {report.frame_size[1]}",
    ]  # fmt: skip
    for grid in grids(report):
        lines += ["", f"## {grid.title}", ""]
        lines += [_row(grid.header), _row(["---", *["---:"] * (len(grid.header) - 1)])]
        lines += [_row(row) for row in grid.rows]
        if grid.notes:
            lines += ["", *(f"- {note}" for note in grid.notes)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _of_network(network: NetworkReport) -> Iterator[Grid]:
    yield _entries(network)
    if network.stages:
        yield _stages(network)
    if network.capped:
        yield _capped(network)


def _entries(network: NetworkReport) -> Grid:
    on_gpu = any(entry.gpu_ms is not None for entry in network.entries)
    header = ["", "CPU ms", "wall ms", "frames/s", "less CPU", "of the peak", "threads"]
    rows = []
    for entry in network.entries:
        rate = 1e3 / max(entry.cost.wall_ms, 1e-9)
        row = [entry.name, *_cost(entry.cost), _number(rate, 1 if rate >= 1 else 3)]
        row += [_times(entry.speedup_over_window), _percent(entry.peak_share), str(entry.threads)]
        if on_gpu:
            row += [_number(entry.gpu_ms, 2), NOTHING if entry.launches is None else str(entry.launches)]
        rows.append(tuple(row))
    if on_gpu:
        header[4] = "faster"
        header += ["GPU ms", "launches"]
    notes = [f"{entry.name}: {entry.title}" for entry in network.entries]
    notes += [f"not here: {missing.name}: {missing.reason}" for missing in network.missing]
    notes += [
        f"{parallel.name}: two streams side by side take {parallel.ratio:.2f} of their time one after the other "
        f"({parallel.side_by_side_ms:.1f} against {parallel.in_turn_ms:.1f} ms)"
        for parallel in network.parallel
    ]
    title = (
        f"{network.network}: {network.weights}, {network.side} px, T = {network.window}, {network.gmac:.2f} GMAC "
        f"a frame ({network.window_gmac:.0f} by the window)"
    )
    return Grid(title, tuple(header), tuple(rows), tuple(notes))


def _stages(network: NetworkReport) -> Grid:
    names = list(dict.fromkeys(stage.name for each in network.stages for stage in each.stages))
    spent = [{stage.name: stage.cpu_us for stage in each.stages} for each in network.stages]
    rows = [(name, *(f"{each[name]:.1f}" if name in each else NOTHING for each in spent)) for name in names]
    rows.append(("all beside the network", *(_percent(each.beside_network) for each in network.stages)))
    header = ("CPU microseconds a frame", *(each.name for each in network.stages))
    return Grid(f"{network.network}: stages, one after the other", header, tuple(rows))


def _capped(network: NetworkReport) -> Grid:
    rows, notes = [], []
    for each in network.capped:
        rows.append((f"{each.name}, {each.cap}", *_cost(each.cost), _percent(each.peak_share)))
        if not each.held:
            notes.append(f"{each.name}: the cap did not hold: {', '.join(each.kernels)}")
    kernels = sorted({kernel for each in network.capped if each.held for kernel in each.kernels})
    notes += [f"kernels: {', '.join(kernels)}"] if kernels else []
    header = ("", "CPU ms", "wall ms", "of the peak there")
    return Grid(f"{network.network}: as a laptop runs it", header, tuple(rows), tuple(notes))


def _peaks(report: Report) -> Grid:
    rows = tuple((f"{peak.library} {peak.precision}", f"{peak.gmac_per_s:.0f}") for peak in report.peaks)
    notes = tuple(f"remembering a frame of {name}: {us:.2f} µs" for name, us in report.ring_push_us.items())
    return Grid("This machine's convolutions at best, and what is remembered", ("", "GMAC/s, one thread"), rows, notes)


def _cost(cost: Cost) -> tuple[str, str]:
    return _number(cost.cpu_ms, 1 if cost.cpu_ms >= 10 else 2), _number(cost.wall_ms, 1 if cost.wall_ms >= 10 else 2)


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _times(value: float | None) -> str:
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.0f}×" if value >= 10 else f"{value:.1f}×"  # noqa: RUF001


def _percent(share: float | None) -> str:
    return NOTHING if share is None or not math.isfinite(share) else f"{share:.0%}"
