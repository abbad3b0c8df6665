"""A benchmark's figures as tables of words, for a terminal and for a page in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.runtime.bench.report import Cost, NetworkReport, Report

NOTHING = "–"  # noqa: RUF001 an en dash is what is meant


STAGE_NOTES = (
    "canonical view: the camera's picture resampled to the network's; spatial stream, motion encoder, temporal and "
    "pose: the network",
    "ring push: a frame's features remembered; read-back: the results handed over; overlay: the joints' pixels in the "
    "camera's picture",
)
"""What is not plain from a stage's name."""


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
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    parts = [machine.processor, cores, " ".join(machine.extensions)]
    parts += [machine.gpu or "no GPU", f"{machine.memory_gb:.0f} GB", machine.system]
    return " · ".join(part for part in parts if part)


def run_line(report: Report) -> str:
    """How it was measured, in a line."""
    versions = ", ".join(f"{name} {value}" for name, value in report.machine.versions.items())
    busy = f"; {report.machine.load:g} processes wanted a core before" if math.isfinite(report.machine.load) else ""
    if math.isfinite(report.others):
        busy += f", others took {report.others:.0%} of the cores meanwhile"
    quick = " (quick)" if report.quick else ""
    return f"egopose {report.egopose}, {report.when}{quick}, {report.rounds} rounds; {versions}{busy}"


def legend(report: Report) -> list[str]:
    """What the figures mean, a line each."""
    lines = [
        "All that is compared was measured in turn, within one run. Times are of one frame, medians over the rounds; a "
        "ratio is the median of the rounds' own ratios, so it is not quite the ratio of the times beside it.",
        "CPU ms: processor time of all threads together; where others use the cores too it tells more than wall ms.",
        "window: the published way of running, both ResNets over all T frames for each new one, in eager PyTorch. less "
        "CPU: how many times less CPU time than it.",
        "of the peak: the network's multiplications a second of CPU time, on one thread, as a share of what the same "
        "library reaches in large convolutions of the same precision (the last table).",
        "threads: at most so many run at a time: one for each of the network's streams.",
        "compiled for timing alone: its speed is that of any such network, its accuracy was not checked.",
    ]
    if any(entry.gpu_ms is not None for network in report.networks for entry in network.entries):
        lines.append(
            "On a GPU ratios are of wall time: the processor only waits. faster: how many times less than the window. "
            "GPU ms: from before to after a frame by the GPU's clock, the host's part included. launches: kernels and "
            "graphs that the host starts for a frame."
        )
    return lines


def grids(report: Report) -> list[Grid]:
    """All tables."""
    found = [grid for network in report.networks for grid in _of_network(network)]
    return [*found, _peaks(report)]


def markdown(report: Report) -> str:
    """The page that `egopose bench --page` writes."""
    lines = [
        "# Benchmarks", "",
        "Written by `egopose bench --page BENCHMARKS.md`, not by hand.", "",
        *(f"- {line}" for line in legend(report)), "",
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
    header = ["", "CPU ms", "wall ms", "frames/s by wall", "less CPU", "of the peak", "threads"]
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
        f"{parallel.name}: two streams side by side take {parallel.ratio:.2f} of their wall time one after the other "
        f"({parallel.side_by_side_ms:.1f} against {parallel.in_turn_ms:.1f} ms in the median)"
        for parallel in network.parallel
    ]
    title = (
        f"{network.network}: {network.weights}, {network.side} px, T = {network.window}, {network.gmac:.2f} * 10^9 "
        f"multiplications a frame ({network.window_gmac:.0f} by the window)"
    )
    return Grid(title, tuple(header), tuple(rows), tuple(notes))


def _stages(network: NetworkReport) -> Grid:
    names = list(dict.fromkeys(stage.name for each in network.stages for stage in each.stages))
    spent = [{stage.name: stage.cpu_us for stage in each.stages} for each in network.stages]
    rows = [(name, *(f"{each[name]:.1f}" if name in each else NOTHING for each in spent)) for name in names]
    rows.append(("all beside the network", *(_percent(each.beside_network) for each in network.stages)))
    header = ("CPU microseconds a frame", *(each.name for each in network.stages))
    return Grid(f"{network.network}: stages, one after the other on one thread", header, tuple(rows), STAGE_NOTES)


def _capped(network: NetworkReport) -> Grid:
    rows, notes = [], []
    for each in network.capped:
        rows.append((f"{each.name}, {each.cap}", *_cost(each.cost), _percent(each.peak_share)))
        if not each.held:
            notes.append(f"{each.name}: the cap did not hold: {', '.join(each.kernels)}")
    kernels = sorted({kernel for each in network.capped if each.held for kernel in each.kernels})
    notes += [f"in a process of its own whose libraries know no more than {network.capped[0].cap}"]
    notes += [f"kernels: {', '.join(kernels)}"] if kernels else []
    header = ("", "CPU ms", "wall ms", "of the peak there")
    return Grid(f"{network.network}: as a laptop runs it", header, tuple(rows), tuple(notes))


def _peaks(report: Report) -> Grid:
    rows = tuple((f"{peak.library} {peak.precision}", f"{peak.gmac_per_s:.0f}") for peak in report.peaks)
    notes = tuple(f"remembering a frame of {name}: {us:.2f} µs of CPU time" for name, us in report.ring_push_us.items())
    on_gpu = " or the whole GPU" if report.machine.gpu else ""
    return Grid(
        "This machine's convolutions at best", ("", f"10^9 multiplications a second, one thread{on_gpu}"), rows, notes
    )


def _cost(cost: Cost) -> tuple[str, str]:
    return _number(cost.cpu_ms, 1 if cost.cpu_ms >= 10 else 2), _number(cost.wall_ms, 1 if cost.wall_ms >= 10 else 2)


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _times(value: float | None) -> str:
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.0f}×" if value >= 10 else f"{value:.1f}×"  # noqa: RUF001


def _percent(share: float | None) -> str:
    return NOTHING if share is None or not math.isfinite(share) else f"{share:.0%}"
