"""The table of figures, and the page it stands on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.learn.data.sequence import Sequence
from engine.learn.evaluate.page import page, table
from engine.learn.evaluate.predict import Predictions
from engine.learn.evaluate.run import Evaluated
from engine.learn.evaluate.score import score
from engine.learn.evaluate.worst import overlaid
from tests.learn.data import making


def evaluated(name: str, sequence: Sequence, off_m: float) -> Evaluated:
    """A network that is wrong by so much in every joint, along x."""
    count = len(sequence)
    said = Predictions(
        joints_m=sequence.joints_m + np.array([off_m, 0, 0], np.float32),
        uv=sequence.uv,
        confidence=np.ones((count, 15), np.float32),
        action_scores=np.zeros((count, 0), np.float32),
        stage_ms=np.ones((count, 3), np.float32),
    )
    scores, result = score([sequence], [said], ())
    return Evaluated(name, Path(name), "<b>note</b>", "tiny", 10, "CPU", (), scores, result, [said])


@pytest.fixture
def sequence(tmp_path: Path) -> Sequence:
    return making.shard(tmp_path / "a.npz")


def test_networks_stand_side_by_side(sequence: Sequence) -> None:
    networks = [evaluated("one", sequence, 0.1), evaluated("two", sequence, 0.08), evaluated("three", sequence, 0.2)]
    rows = {row.name: row for row in table(networks)}
    mpjpe = rows["MPJPE"]
    assert mpjpe.cells == ["100.0", "80.0", "200.0"]
    assert mpjpe.changes == ["", "-20%", "+100%"]
    assert mpjpe.best == 1
    assert mpjpe.remarks == ["100.0 to 100.0", "80.0 to 80.0", "200.0 to 200.0"]
    assert rows["MPJPE against one"].cells == ["", "-20.0", "+100.0"]
    assert rows["PA-MPJPE"].best is None
    # What none of them has is no row.
    assert "Action, top-1" not in rows
    assert "MPJPE in windows" not in rows


def test_one_network_is_not_compared(sequence: Sequence) -> None:
    (row, *_) = table([evaluated("one", sequence, 0.1)])
    assert (row.cells, row.changes, row.best) == (["100.0"], [""], None)


def test_the_page_takes_names_as_they_are(sequence: Sequence) -> None:
    strange = replace(sequence, subject=np.array(["<script>", "b"] * 6))
    text = page(["<data>"], [evaluated("a&b", strange, 0.1)], [strange], ["left <out>"])
    for raw in ("<script>", "<data>", "<out>", "<b>note"):
        assert raw not in text
    assert "&lt;script&gt;" in text
    assert "a&amp;b" in text


def test_an_overlay_draws_the_truth_under_the_prediction() -> None:
    pose = making.poses(1)[0].astype(float)
    picture = np.zeros((300, 300, 3), np.uint8)
    truth = overlaid(picture, pose, np.full((15, 3), np.nan))
    both = overlaid(picture, pose, pose)
    assert truth.max() > 200
    assert np.ptp(truth, axis=-1).max() == 0
    assert (np.ptp(both, axis=-1) > 60).sum() > 300
    assert not picture.any()
    # A joint far outside draws towards it and does not fail.
    pose[3] = (50.0, 0.0, -0.001)
    assert overlaid(picture, pose, pose).any()
