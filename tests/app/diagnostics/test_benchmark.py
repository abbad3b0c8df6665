"""The benchmark of the window: every event is timed, each once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.diagnostics.benchmark import Cost

ROOT = Path(__file__).parents[3]


def test_window_is_measured_while_pictures_pass() -> None:
    """In a process of its own: there can be one application only."""
    code = (
        "from app.diagnostics.benchmark import MeasuredApplication, measure;"
        "app = MeasuredApplication(['egopose']); from tests.app.screenshots.test_screenshots import some;"
        "cost = measure(some(), (1000, 600), 0.7);"
        "print(len(cost.took['painting']), len(cost.took['timers']), cost.slowest_ms() > 0,"
        "0 <= cost.gui_share <= cost.share + 0.01)"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    painted, looked, slow, share = done.stdout.split()
    assert int(painted) > 3
    assert int(looked) >= int(painted)
    assert (slow, share) == ("True", "True")


def test_lines_tell_both_clocks() -> None:
    cost = Cost(1.0, 0.2, 0.15, 0.01, {"painting": [(10.0, 5.0), (30.0, 7.0)]})
    clock, processor = cost.lines()[1:3]
    assert clock.split() == ["painting,", "clock", "2", "20.00", "29.00", "29.80", "30.00"]
    assert processor.split()[:4] == ["painting,", "processor", "2", "6.00"]
    assert cost.slowest_ms() == 7.0 - 0.02
    assert "20.0% of a core" in cost.lines()[-1]
    told = json.loads(cost.as_json())
    assert (told["share"], told["gui_share"], told["slots_ms"]["painting"]["p50"]) == (0.2, 0.15, 6.0)
