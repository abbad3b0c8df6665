"""The plots of a report as SVG, in the page's own colours: series n takes the style class `n0`, `n1`, ..."""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray

from engine.skeleton import BONES, JOINTS

Array = NDArray[np.float64]

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 10.0, 38.0
_ROW = 15.0

_STANDING = (
    (0.0, 0.0), (-0.19, 0.04), (-0.30, 0.34), (-0.36, 0.62), (0.19, 0.04), (0.30, 0.34), (0.36, 0.62), (-0.11, 0.58),
    (-0.13, 1.0), (-0.14, 1.4), (-0.19, 1.5), (0.11, 0.58), (0.13, 1.0), (0.14, 1.4), (0.19, 1.5),
)  # fmt: skip
"""Where the joints of a figure seen from the front stand, metres from the neck; the wearer's right is our left."""
_SCALE = ((0.0, (38, 152, 134)), (0.5, (228, 176, 60)), (1.0, (214, 76, 62)))
"""Of errors, from none to the worst: colours that show on light and dark."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot."""

    label: str
    x: Array
    y: Array
    style: int
    dashed: bool = False
    band: tuple[Array, Array] | None = field(default=None)
    """Lower and upper edge of a band about it."""


def ticks(highest: float, about: int = 5) -> list[float]:
    """Round numbers from 0 up to the first that is not below `highest`."""
    if not highest > 0:
        return [0.0, 1.0]
    rough = highest / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999))
    return [round(step * i, 10) for i in range(int(np.ceil(highest / step - 1e-9)) + 1)]


def line_plot(series: Ordered[Series], x_name: str, y_name: str, *, percent: bool = False, x_top: float = 0.0) -> str:
    """Lines over a common grid; with `percent` the y axis goes from 0 to 100 %."""
    width, height = 520.0, 270.0
    x_ticks = ticks(x_top or max(float(s.x.max()) for s in series))
    tops = [float(np.nanmax(s.y if s.band is None else s.band[1])) for s in series]
    y_ticks = [0.0, 0.25, 0.5, 0.75, 1.0] if percent else ticks(max(tops))
    x_end = x_top or x_ticks[-1]
    x_ticks = [t for t in x_ticks if t <= x_end * 1.0001]

    def px(x: Array | float) -> Array:
        return np.asarray(_LEFT + np.asarray(x) / x_end * (width - _LEFT - _RIGHT))

    def py(y: Array | float) -> Array:
        return np.asarray(height - _BOTTOM - np.asarray(y) / y_ticks[-1] * (height - _TOP - _BOTTOM))

    parts = [_grid(width, height, [(float(px(t)), f"{t:g}") for t in x_ticks], x_name, y_name)]
    for tick in y_ticks:
        label = f"{tick:.0%}" if percent else f"{tick:g}"
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{py(tick):.1f}" y2="{py(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{py(tick) + 3.5:.1f}" text-anchor="end">{label}</text>')
    for s in series:
        inside = s.x <= x_end * 1.0001
        x = s.x[inside]
        if s.band is not None:
            low, high = (edge[inside] for edge in s.band)
            outline = _points(px(np.concatenate([x, x[::-1]])), py(np.concatenate([low, high[::-1]])))
            parts.append(f'<polygon class="band n{s.style}" points="{outline}"/>')
        dash = " dashed" if s.dashed else ""
        parts.append(f'<polyline class="line{dash} n{s.style}" points="{_points(px(x), py(s.y[inside]))}"/>')
    return _svg(width, height, parts, f"{y_name} against {x_name}")


def bar_plot(rows: Ordered[tuple[str, str, Ordered[float]]], unit: str, styles: Ordered[int]) -> str:
    """Horizontal bars: each row has a name, a remark, and a value for each style; NaN draws no bar."""
    width, left = 520.0, 130.0
    values = np.array([row[2] for row in rows], float)
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    per_row = _ROW * len(styles) + 9
    height = per_row * len(rows) + 8
    parts = []
    for i, (name, remark, row) in enumerate(rows):
        y = 4 + i * per_row
        middle = y + _ROW * len(styles) / 2
        parts.append(
            f'<text class="name" x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}'
            f'<tspan class="remark"> {escape(remark)}</tspan></text>'
        )
        for k, (value, style) in enumerate(zip(row, styles, strict=True)):
            if not np.isfinite(value):
                continue
            long = value / top * (width - left - 50)
            at = y + k * _ROW
            parts.append(
                f'<rect class="bar n{style}" x="{left}" y="{at + 1.5:.1f}" width="{max(long, 1):.1f}" '
                f'height="{_ROW - 3}" rx="2"/>'
            )
            parts.append(f'<text class="value" x="{left + long + 5:.1f}" y="{at + 11.5:.1f}">{value:.0f}</text>')
    return _svg(width, height, parts, f"bars, {unit}")


def body_plot(errors: Ordered[float], top: float, title: str) -> str:
    """A figure whose joints are coloured and sized by their errors in mm, `top` being the worst colour."""
    width, height, scale = 300.0, 352.0, 188.0

    def at(joint: int) -> tuple[float, float]:
        x, y = _STANDING[joint]
        return width / 2 + x * scale * 1.15, 36 + y * scale

    parts = [f'<circle class="limb head" cx="{width / 2}" cy="17" r="12"/>']
    for parent, child in BONES:
        (ax, ay), (bx, by) = at(parent), at(child)
        parts.append(f'<line class="limb" x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}"/>')
    for joint, error in enumerate(errors):
        if not np.isfinite(error):
            continue
        x, y = at(joint)
        name = JOINTS[joint].replace("_", " ")
        radius = 4 + 8 * min(error / max(top, 1e-9), 1.0) ** 0.5
        outward = -1 if name.startswith("right") else 1
        anchor = "end" if outward < 0 else "start"
        # The foot stands below its ankle, too near for two numbers side by side.
        down = 12.0 if name.endswith("foot") else -3.0 if name.endswith("ankle") else 4.0
        parts.append(
            f'<circle class="joint" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{error_colour(error / top)}">'
            f"<title>{name}: {error:.1f} mm</title></circle>"
        )
        label = x + outward * (radius + 4)
        if name == "neck":
            label, down, anchor = x, radius + 13, "middle"
        parts.append(
            f'<text class="value" x="{label:.1f}" y="{y + down:.1f}" text-anchor="{anchor}">{error:.0f}</text>'
        )
    return _svg(width, height, parts, title)


def pose_plot(joints_m: Ordered[Array], axes: tuple[int, int], title: str) -> str:
    """(15, 3) poses in one frame, seen along an axis: `axes` are drawn to the right and downward."""
    side = 150.0
    shown = np.stack(joints_m)[:, :, list(axes)]
    known = shown[np.isfinite(shown).all(-1)]
    low, high = known.min(0), known.max(0)
    scale = (side - 20) / max(float((high - low).max()), 1e-3)
    placed = (shown - (low + high) / 2) * scale + side / 2
    parts = []
    for pose, style in zip(placed, ("truth", "ours"), strict=False):
        for parent, child in BONES:
            ends = pose[[parent, child]]
            if np.isfinite(ends).all():
                (ax, ay), (bx, by) = ends
                parts.append(f'<line class="{style}" x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}"/>')
    return _svg(side, side, parts, title)


def error_colour(share: float) -> str:
    """#rrggbb of an error as a share of the worst."""
    share = min(max(share, 0.0), 1.0)
    places = [place for place, _ in _SCALE]
    mixed = [np.interp(share, places, [colour[k] for _, colour in _SCALE]) for k in range(3)]
    return "#" + "".join(f"{round(float(part)):02x}" for part in mixed)


def _grid(width: float, height: float, x_ticks: Ordered[tuple[float, str]], x_name: str, y_name: str) -> str:
    base = height - _BOTTOM
    parts = [
        f'<text class="tick" x="{x:.1f}" y="{base + 16}" text-anchor="middle">{label}</text>' for x, label in x_ticks
    ]
    parts.append(f'<text class="axis" x="{width - _RIGHT}" y="{height - 4}" text-anchor="end">{escape(x_name)}</text>')
    middle = (base + _TOP) / 2
    parts.append(
        f'<text class="axis" transform="translate(11 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_name)}</text>"
    )
    return "".join(parts)


def _points(x: Array, y: Array) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(a) and np.isfinite(b))


def _svg(width: float, height: float, parts: Ordered[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">' + "".join(parts) + "</svg>"
    )
