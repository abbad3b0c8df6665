"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Sequence as Ordered
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from engine.learn.data.sequence import Sequence
from engine.learn.evaluate import plots
from engine.learn.evaluate.run import Evaluated
from engine.learn.evaluate.score import Error, Result, Scores, against
from engine.learn.evaluate.worst import Shown, middling, picked, shown
from engine.skeleton import JOINTS

WORST, MIDDLING = 8, 4
_TEMPLATE = "report.html"
_MOST_BINS = 120
_PCK_TOP = 0.08
_FEWEST_A_BIN = 3
_NOTHING = "\N{EN DASH}"
"""In place of a figure that is not to be had."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of figures: a cell for each network."""

    name: str
    unit: str
    cells: list[str]
    remarks: list[str]
    changes: list[str]
    """How much more or less than the first network's; "" for the first itself, and where more is better."""
    best: int | None
    """Which network is best at it; None where there is one alone, or a tie, or no better and worse."""


def page(data: Ordered[str], networks: Ordered[Evaluated], sequences: Ordered[Sequence], notes: Ordered[str]) -> str:
    """The whole page. Raises EgoposeError where a picture of the worst frames cannot be read."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mm"] = lambda value: _text(value, "{:.1f}")
    first = networks[0].scores
    return environment.get_template(_TEMPLATE).render(
        data=data,
        notes=notes,
        networks=networks,
        frames=first.frames,
        scored=first.scored,
        clips=first.clips,
        rows=table(networks),
        plots={name: Markup(svg) for name, svg in drawings(networks).items()},
        bodies=[[Markup(svg) for svg in bodies(network, worst_joint(networks))] for network in networks],
        galleries=[(network.name, gallery(network, sequences)) for network in networks],
        groups=[group for group in (grouped(networks, *g) for g in GROUPS) if group is not None],
        hidden_known=first.hidden_known,
    )


def table(networks: Ordered[Evaluated]) -> list[Row]:
    """The figures side by side."""
    scores = [network.scores for network in networks]
    rows = []
    for name, unit, of in (
        ("MPJPE", "mm", lambda s: s.mpjpe),
        ("PA-MPJPE", "mm", lambda s: s.pa),
        ("BA-MPJPE", "mm", lambda s: s.ba),
    ):
        spans = [f"{_text(of(s).low)} to {_text(of(s).high)}" if math.isfinite(of(s).low) else "" for s in scores]
        rows.append(_row(name, unit, [of(s).mean for s in scores], "{:.1f}", remarks=spans))
    if len(networks) > 1:
        rows.insert(1, _pairs(networks))
    rows += [
        _row("MPJPE, median frame", "mm", [s.mpjpe.median for s in scores], "{:.1f}"),
        *(_row(f"MPJPE, {part}", "mm", [s.parts[part].mpjpe for s in scores], "{:.1f}") for part in scores[0].parts),
        _row("2D error, median", "% of the side", [100 * s.uv_median for s in scores], "{:.2f}"),
        *(
            _row(f"Visible joints within {float(at):.0%} of the side", "%", [100 * s.pck[at] for s in scores],
                 "{:.1f}", higher=True)
            for at in scores[0].pck
        ),
        _row("Jitter", "mm/s²", [s.jitter.predicted for s in scores], "{:,.0f}",
             remarks=[f"truth {_text(s.jitter.truth, '{:,.0f}')}" for s in scores]),
        _row("Acceleration error", "mm/s²", [s.jitter.error for s in scores], "{:,.0f}"),
    ]  # fmt: skip
    if any(s.action for s in scores):
        top1 = [100 * s.action.top1 if s.action else math.nan for s in scores]
        chance = [f"always {s.action.commonest}: {s.action.chance:.0%}" if s.action else "" for s in scores]
        rows.append(_row("Action, top-1", "%", top1, "{:.1f}", remarks=chance, higher=True))
    latency = [s.latency_ms["all"] for s in scores]
    spread = [f"95th percentile {_text(each['p95'])}" for each in latency]
    rows.append(_row("Latency a frame, median", "ms", [each["p50"] for each in latency], "{:.1f}", remarks=spread))
    if all(s.windowed for s in scores):
        windowed = [s.windowed for s in scores if s.windowed]
        apart = [f"at most {w.difference_mm:.2g} mm apart in {w.compared} frames" for w in windowed]
        rows.append(_row("MPJPE in windows", "mm", [w.mpjpe for w in windowed], "{:.1f}", remarks=apart))
    rows.append(_row("MPJPE of always the mean pose", "mm", [s.mean_pose.mpjpe for s in scores], "{:.1f}"))
    return [row for row in rows if any(cell != _NOTHING for cell in row.cells)]


def _pairs(networks: Ordered[Evaluated]) -> Row:
    """How far the others' MPJPE lies from the first one's, frame by frame."""
    apart = [against(networks[0].result, network.result) for network in networks[1:]]
    spans = [f"{_text(a.low, '{:+.1f}')} to {_text(a.high, '{:+.1f}')}" if math.isfinite(a.low) else "" for a in apart]
    cells = ["", *(_text(a.mean, "{:+.1f}") for a in apart)]
    return Row(f"MPJPE against {networks[0].name}", "mm", cells, ["", *spans], [""] * len(networks), None)


def _row(
    name: str, unit: str, values: list[float], form: str, *, remarks: list[str] | None = None, higher: bool = False
) -> Row:
    cells = [_text(value, form) for value in values]
    first = values[0]
    changes = [
        _text(value / first - 1, "{:+.0%}") if first > 0 and cell != cells[0] and not higher else ""
        for value, cell in zip(values, cells, strict=True)
    ]
    changes = ["" if change in ("+0%", "-0%", _NOTHING) else change for change in changes]
    best = None
    if len(set(cells)) > 1:
        ranked = [(-math.inf if higher else math.inf) if math.isnan(value) else value for value in values]
        best = ranked.index(max(ranked) if higher else min(ranked))
    return Row(name, unit, cells, remarks or [""] * len(values), changes, best)


def _text(value: float, form: str = "{:.1f}") -> str:
    return form.format(value) if math.isfinite(value) else _NOTHING


def drawings(networks: Ordered[Evaluated]) -> dict[str, str]:
    """The plots that show all networks together, by name; those without anything to show are left out."""
    styles = range(len(networks))
    found = {"cdf": _cdf(networks)}
    time = _over_time(networks)
    if time is not None:
        found["time"] = time
    scores = [network.scores for network in networks]
    if scores[0].actions:
        rows = [
            (name, f"{error.frames}", [s.actions[name].mpjpe for s in scores])
            for name, error in scores[0].actions.items()
        ]
        rows.sort(key=lambda row: row[2][0])
        found["actions"] = plots.bar_plot(rows, "mm", styles)
    visibility = [
        (name, f"{kind.joints}", [s.visibility[name].mpjpe for s in scores])
        for name, kind in scores[0].visibility.items()
        if kind.joints
    ]
    found["visibility"] = plots.bar_plot(visibility, "mm", styles)
    found["pck"] = _pck(networks)
    return found


def _pck(networks: Ordered[Evaluated]) -> str:
    """Share of the visible joints whose peak lies within so much of the side; a peak out of the picture never does."""
    at = np.linspace(0, _PCK_TOP, 101)
    series = []
    for style, network in enumerate(networks):
        off = network.result.uv_off[network.result.visible]
        share = (off[:, None] <= at).mean(0) if len(off) else np.zeros(len(at))
        series.append(plots.Series(network.name, at * 100, share, style))
    return plots.line_plot(series, "2D error, % of the side", "visible joints", percent=True, x_top=_PCK_TOP * 100)


def _cdf(networks: Ordered[Evaluated]) -> str:
    series, tops = [], []
    for style, network in enumerate(networks):
        for errors, dashed in ((network.result.frame_errors, False), (row_means(network.result), True)):
            known = np.sort(errors[np.isfinite(errors)])
            if not len(known):
                continue
            tops.append(float(np.percentile(known, 98)))
            share = np.arange(1, len(known) + 1) / len(known)
            keep = np.unique(np.linspace(0, len(known) - 1, 200).astype(int))
            x = np.concatenate([[0.0], known[keep]])
            series.append(plots.Series(network.name, x, np.concatenate([[0.0], share[keep]]), style, dashed))
    return plots.line_plot(series, "error of a frame, mm", "frames with less", percent=True, x_top=max(tops))


def row_means(result: Result) -> NDArray[np.float64]:
    """(N,) mean PA errors, mm."""
    return np.asarray(result.pa.mean(1))


def _over_time(networks: Ordered[Evaluated]) -> str | None:
    """Mean error against the time since the stretch began, with the middle half of the frames about it."""
    since = networks[0].result.since_s
    longest = float(since.max())
    if longest <= 0:
        return None
    edges = np.linspace(0, longest * (1 + 1e-9), min(_MOST_BINS, max(2, len(np.unique(since.round(3))))) + 1)
    place = np.clip(np.digitize(since, edges) - 1, 0, len(edges) - 2)
    series = []
    for style, network in enumerate(networks):
        errors = network.result.frame_errors
        bins = [errors[(place == b) & np.isfinite(errors)] for b in range(len(edges) - 1)]
        some = min(_FEWEST_A_BIN, max(map(len, bins)))
        kept = [(b, values) for b, values in enumerate(bins) if len(values) >= max(some, 1)]
        if len(kept) < 2:
            return None
        x = np.array([(edges[b] + edges[b + 1]) / 2 for b, _ in kept])
        band = tuple(np.array([np.percentile(values, q) for _, values in kept]) for q in (25, 75))
        y = np.array([values.mean() for _, values in kept])
        series.append(plots.Series(network.name, x, y, style, band=(band[0], band[1])))
    return plots.line_plot(series, "seconds since the clip began", "MPJPE, mm", x_top=float(series[0].x[-1]))


def worst_joint(networks: Ordered[Evaluated]) -> float:
    """The largest mean error of a joint, mm."""
    return max(float(np.nanmax([e.mpjpe for e in network.scores.joints.values()])) for network in networks)


def bodies(network: Evaluated, top: float) -> list[str]:
    """The figure with MPJPE and the one with PA-MPJPE."""
    errors = [network.scores.joints[name] for name in JOINTS]
    return [
        plots.body_plot([e.mpjpe for e in errors], top, f"MPJPE by joint, {network.name}"),
        plots.body_plot([e.pa for e in errors], top, f"PA-MPJPE by joint, {network.name}"),
    ]


Card = tuple[Shown, Markup, Markup]


def gallery(network: Evaluated, sequences: Ordered[Sequence]) -> list[tuple[str, list[Card]]]:
    """The worst frames and some middling ones, each with its views from the front and from the side."""
    chosen = {"The worst": picked(network.result, WORST), "About the median": middling(network.result, MIDDLING)}
    return [(name, [_card(shown(network.result, sequences, row)) for row in rows]) for name, rows in chosen.items()]


def _card(frame: Shown) -> Card:
    poses = [frame.truth, frame.predicted]
    front = plots.pose_plot(poses, (0, 2), "from the front")
    return frame, Markup(front), Markup(plots.pose_plot(poses, (1, 2), "from the side"))


def _of_data_sets(scores: Scores) -> dict[str, Error]:
    return scores.data_sets


def _of_subjects(scores: Scores) -> dict[str, Error]:
    return scores.subjects


GROUPS: tuple[tuple[str, Callable[[Scores], dict[str, Error]]], ...] = (
    ("Data sets", _of_data_sets),
    ("People", _of_subjects),
    ("Sequences", lambda scores: scores.sequences),
    ("Actions", lambda scores: scores.actions),
    ("Joints", lambda scores: scores.joints),
)


def grouped(networks: Ordered[Evaluated], name: str, of: Callable[[Scores], dict[str, Error]]) -> dict[str, Any] | None:
    """A table of errors by group; None where there are not two groups."""
    groups = [of(network.scores) for network in networks]
    if len(groups[0]) < 2:
        return None
    rows = [(label.replace("_", " "), error.frames, [g[label] for g in groups]) for label, error in groups[0].items()]
    return {"name": name, "rows": rows}
