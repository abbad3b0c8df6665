"""Plots are well-formed, and show what they were given."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from engine.learn.evaluate import plots


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("top", [0.3, 1, 7, 48, 101.6, 999, 12345])
def test_ticks_are_round_and_reach_the_top(top: float) -> None:
    found = plots.ticks(top)
    assert found[0] == 0
    assert found[-1] >= top
    assert found[-2] < top
    assert 3 <= len(found) <= 8
    assert plots.ticks(0) == plots.ticks(float("nan")) == [0, 1]


def test_a_line_rises_where_its_numbers_do() -> None:
    x = np.array([0.0, 5, 10])
    svg = parsed(plots.line_plot([plots.Series("a & b", x, np.array([0.0, 0.5, 1.0]), 2)], "x", "<y>", percent=True))
    (line,) = [e for e in svg.iter("polyline") if e.get("class") == "line n2"]
    points = np.array([[float(v) for v in pair.split(",")] for pair in (line.get("points") or "").split()])
    assert (np.diff(points[:, 0]) > 0).all()
    assert (np.diff(points[:, 1]) < 0).all()
    assert {"0%", "100%", "<y>"} <= {e.text for e in svg.iter("text")}


def test_bars_are_as_long_as_their_numbers() -> None:
    rows = [("walk", "7", [100.0, 50.0]), ("<sit>", "3", [float("nan"), 25.0])]
    svg = parsed(plots.bar_plot(rows, "mm", [0, 1]))
    bars = [(e.get("class"), float(e.get("width") or 0)) for e in svg.iter("rect")]
    assert [name for name, _ in bars] == ["bar n0", "bar n1", "bar n1"]
    assert bars[0][1] == pytest.approx(2 * bars[1][1], rel=0.01)
    assert bars[0][1] == pytest.approx(4 * bars[2][1], rel=0.01)


def test_the_body_shows_each_joints_error_in_its_colour() -> None:
    errors = [float(10 * j) for j in range(15)]
    errors[4] = float("nan")
    svg = parsed(plots.body_plot(errors, 140.0, "errors"))
    circles = [e for e in svg.iter("circle") if e.get("class") == "joint"]
    assert len(circles) == 14
    titles = [title.text for circle in circles for title in circle.iter("title")]
    assert titles[3] == "right wrist: 30.0 mm"
    assert circles[0].get("fill") == plots.error_colour(0.0) == "#269886"
    assert circles[-1].get("fill") == plots.error_colour(1.0) == plots.error_colour(7.0)


def test_a_pose_is_drawn_as_far_as_it_is_known() -> None:
    pose = np.random.default_rng(0).normal(0, 1, (15, 3))
    holed = pose.copy()
    holed[3] = np.nan
    svg = parsed(plots.pose_plot([holed, pose], (0, 2), "front"))
    lines = [e.get("class") for e in svg.iter("line")]
    assert lines.count("truth") == 13
    assert lines.count("ours") == 14
