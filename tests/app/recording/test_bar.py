"""The recording's bar: nothing is clipped, and nothing moves while it counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QCoreApplication
from PyQt6.QtWidgets import QApplication

from app.recording.presenter import Recording, RecordingScreen
from app.theme import ThemeChoice
from tests.app.test_layout import LIVE, clipped, laid_out

RUNNING = RecordingScreen(Recording.RUNNING, time="0:07", size="1.2 MB")
SCREENS = {
    "idle": RecordingScreen(),
    "ready": RecordingScreen(possible=True),
    "running": RUNNING,
    "widest": replace(RUNNING, time="12:34:56", size="99.9 GB", lost="99999 lost"),
    "finishing": RecordingScreen(Recording.FINISHING, time="12:34:56", size="99.9 GB", lost="99999 lost"),
}


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS.keys())
@pytest.mark.parametrize("theme", [ThemeChoice.DARK, ThemeChoice.LIGHT])
def test_nothing_is_clipped(app: QApplication, theme: ThemeChoice, screen: RecordingScreen) -> None:
    window = laid_out((960, 560), theme, LIVE)
    window.recording.bar.show_screen(screen)
    QCoreApplication.processEvents()
    assert clipped(window) == []
    window.close()


def test_nothing_moves_while_it_counts(app: QApplication) -> None:
    window = laid_out((960, 560), ThemeChoice.DARK, LIVE)
    bar = window.recording.bar
    bar.show_screen(RUNNING)
    QCoreApplication.processEvents()
    before = [part.geometry() for part in (bar.dot, bar.time, bar.size_, bar.mark, bar.button)]
    for time, size in (("0:08", "9.9 MB"), ("9:59", "888 kB"), ("1:11", "88.8 GB")):
        bar.show_screen(replace(RUNNING, time=time, size=size))
        QCoreApplication.processEvents()
        assert [part.geometry() for part in (bar.dot, bar.time, bar.size_, bar.mark, bar.button)] == before
    window.close()
