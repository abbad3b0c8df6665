"""The section as it is seen: rows, plot, copying; and what a recording keeps of it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication, QLabel

from app.diagnostics.plot import HistoryPlot, stage_colour, top_of
from app.diagnostics.presenter import Diagnostics, Sample
from app.diagnostics.section import DiagnosticsSection
from app.main_window import MainWindow
from app.presenter import Phase, Presenter, Screen
from app.theme import DARK
from engine.live.recorder import Recorder
from engine.session.reader import Session
from engine.types import Frame, Percentiles, Snapshot
from tests.app import fake
from tests.app.qt import count, pixels, wait_for

FIGURES = replace(fake.figures(), stages_ms={"network": Percentiles(30, 35, 40)})


def said(section: DiagnosticsSection) -> list[str]:
    return [label.text() for label in section.findChildren(QLabel) if label.isVisibleTo(section) and label.text()]


def test_rows_come_go_and_change(app: QApplication) -> None:
    section = DiagnosticsSection(Diagnostics())
    assert section.empty.isVisibleTo(section)
    assert not section.copy.isVisibleTo(section)
    section.look(Snapshot(FIGURES))
    assert "30.0 / 35.0 / 40.0" in said(section)
    section.look(Snapshot(replace(FIGURES, stages_ms={})))
    assert "30.0 / 35.0 / 40.0" not in said(section)
    assert "Time of each stage, ms" not in said(section)
    section.look(None)
    assert section.empty.isVisibleTo(section)


def test_copied_text_is_the_report(app: QApplication) -> None:
    diagnostics = Diagnostics()
    section = DiagnosticsSection(diagnostics)
    section.look(Snapshot(FIGURES))
    section.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == diagnostics.report(FIGURES).text()


def samples(count: int, gap_at: int | None = None) -> list[Sample]:
    return [
        Sample(second + (10.0 if gap_at is not None and second >= gap_at else 0.0), {"network": 40.0}, 60.0, 80.0)
        for second in range(count)
    ]


def test_plot_stacks_the_stages_and_leaves_gaps_open(app: QApplication) -> None:
    plot = HistoryPlot()
    plot.resize(240, 120)
    plot.set_colours(DARK)
    colour = stage_colour(0, DARK).name()
    assert count(pixels(plot), colour, 3) == 0
    plot.show_samples(samples(121))
    whole = pixels(plot)
    # 40 of 100 ms over the full width.
    assert count(whole, colour, 3) / (whole.shape[0] * whole.shape[1]) == pytest.approx(0.4 * 0.85, abs=0.06)
    plot.show_samples(samples(111, gap_at=50))
    assert count(pixels(plot), colour, 3) < count(whole, colour, 3) * 0.95


@pytest.mark.parametrize(("p95", "top"), [(3.0, 10.0), (80.0, 100.0), (9000.0, 9000.0)])
def test_plot_reaches_to_a_round_number_of_milliseconds(p95: float, top: float) -> None:
    assert top_of([Sample(0, {"network": 2.0}, 2.0, p95)]) == top
    assert top_of([]) == 10.0


def test_window_counts_what_it_shows_and_how_long_it_takes(window: MainWindow) -> None:
    for seq in range(3):
        snapshot = fake.flat_snapshot(fake.pose_at(0.1 * seq, seq))
        window.draw(Screen(Phase.PICTURE, "x", snapshot, fake.canonical_view()), at_once=True)
        pixels(window)
    assert window.view.poses_shown == 3
    report = window.diagnostics.report(replace(fake.figures(), processed=10))
    assert {row.label: row.value for row in report.groups["ways"]}["Poses to the window"] == "10, 7 not shown (70 %)"
    painted = {row.label: row.value for row in report.groups["window"]}
    assert painted["Painting the picture"][0].isdigit()
    assert painted["Painting in 3D"][0].isdigit()


def test_recording_ends_with_the_diagnostics(window: MainWindow) -> None:
    feed = fake.FakeFeed()
    window.presenter = Presenter(lambda _spec: feed)
    window.run()
    window.open("camera:0")
    wait_for(lambda: window.view.left.currentWidget() is window.view.picture)
    window.recording.toggle()
    assert feed.taps
    for seq in range(3):
        feed.taps.frame(Frame(np.full((48, 64, 3), seq, np.uint8), seq, time.monotonic_ns(), "fake:0"))
    window.recording.toggle()
    wait_for(lambda: window.recording.recording.file is not None)
    assert window.recording.recording.file is not None
    with Session(window.recording.recording.file) as session:
        kept = session.diagnostics
    assert kept is not None
    assert (kept["produced"], kept["runtime"], kept["age_ms"]["p95"]) == (4210, "PyTorch eager, CPU", 61.0)


def test_newest_note_is_kept_and_none_is_made_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mcap")
    recorder.start()
    recorder.frame(Frame(np.zeros((48, 64, 3), np.uint8), 0, 1, "x"))
    recorder.note({"age_ms": {"p50": float("nan")}})
    recorder.note({"age_ms": {"p50": float("nan")}, "last": True})
    recorder.stop()
    assert recorder.join(20)
    with Session(recorder.figures().path) as session:
        assert session.diagnostics == {"age_ms": {"p50": None}, "last": True}
    other = Recorder(tmp_path / "b.mcap")
    other.start()
    other.frame(Frame(np.zeros((48, 64, 3), np.uint8), 0, 1, "x"))
    other.stop()
    assert other.join(20)
    with Session(other.figures().path) as session:
        assert session.diagnostics is None
        assert json.dumps(session.metadata)
