"""Nothing is clipped: the widget tree is walked at the sizes people use."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication
from PyQt6.QtWidgets import QAbstractButton, QApplication, QLabel, QScrollArea, QWidget

from app.labels import ElidedLabel
from app.main_window import MainWindow
from app.opening import refuse
from app.presenter import Notice, Phase, Screen
from app.theme import Theme, ThemeChoice
from app.wording import STATE_WORDS
from engine.types import Percentiles, Snapshot
from tests.app import fake

LONG = Notice(
    "camera 0 cannot be opened (/dev/video0 is busy); close the other program or choose another. " * 3, "error", True
)
LIVE = Screen(Phase.PICTURE, "Fake wearer", fake.flat_snapshot(fake.pose_at(0.4)), fake.canonical_view(), True)
SCREENS = {
    "live": LIVE,
    "empty": Screen(Phase.EMPTY),
    "error": Screen(Phase.EMPTY, notice=LONG),
    "opening": Screen(Phase.OPENING, "a video with a name that is quite long, longer than anybody likes.mp4"),
}


def said(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, (QLabel, QAbstractButton, ElidedLabel)) else ""


def clipped(window: QWidget) -> list[str]:
    """Widgets smaller than what they say, or outside their parents."""
    wrong = []
    for child in window.findChildren(QWidget):
        if not child.isVisible() or not child.size().isValid():
            continue
        hint, name = child.sizeHint(), f"{type(child).__name__} {said(child)!r}"
        if isinstance(child, QLabel) and child.wordWrap():
            if child.heightForWidth(child.width()) > child.height():
                wrong.append(f"{name} needs {child.heightForWidth(child.width())} of {child.height()}")
        elif isinstance(child, (QLabel, QAbstractButton)) and child.text():
            if hint.width() > child.width() or hint.height() > child.height():
                wrong.append(f"{name} needs {hint} of {child.size()}")
        elif isinstance(child, ElidedLabel) and child.height() < hint.height():
            wrong.append(f"{name} is too low")
        parent = child.parentWidget()
        scrolled = isinstance(parent, QWidget) and isinstance(parent.parent(), QScrollArea)
        if (
            parent is not None
            and not scrolled
            and not child.isWindow()
            and not parent.rect().contains(child.geometry())
        ):
            wrong.append(f"{name} at {child.geometry()} leaves {type(parent).__name__} {parent.rect()}")
    return wrong


def elided(window: MainWindow) -> list[str]:
    return [label.text() for label in window.view.strip.findChildren(ElidedLabel) if label.shown_text() != label.text()]


def laid_out(size: tuple[int, int], theme: ThemeChoice, screen: Screen) -> MainWindow:
    window = MainWindow(refuse, Theme(theme))
    window.resize(*size)
    window.show()
    window.draw(screen, at_once=True)
    QCoreApplication.processEvents()
    return window


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS.keys())
@pytest.mark.parametrize("theme", [ThemeChoice.DARK, ThemeChoice.LIGHT])
@pytest.mark.parametrize("size", [(960, 560), (1280, 800), (1920, 1080)])
def test_nothing_is_clipped(app: QApplication, size: tuple[int, int], theme: ThemeChoice, screen: Screen) -> None:
    window = laid_out(size, theme, screen)
    assert (window.width(), window.height()) == size
    assert clipped(window) == []
    if size[0] >= 1280:
        assert elided(window) == []
    window.close()


def test_strip_does_not_jump_while_the_figures_change(app: QApplication) -> None:
    window = laid_out((1280, 800), ThemeChoice.DARK, LIVE)

    def places() -> list[object]:
        return [child.geometry() for child in window.view.strip.findChildren(QWidget)]

    before = places()
    assert LIVE.snapshot is not None
    for figures in (
        replace(fake.figures(), source_fps=240.0, pose_fps=119.9, age_ms=Percentiles(9999, 9999, 9999)),
        replace(fake.figures(), produced=9_999_999, overwritten=9_999_999),
        *(fake.figures(state) for state in type(fake.figures().state)),
    ):
        window.draw(Screen(Phase.PICTURE, "x", Snapshot(figures, LIVE.snapshot.frame), None, False), at_once=True)
        QCoreApplication.processEvents()
        assert places() == before
        assert elided(window) == []
    metrics = window.view.strip.state.value.fontMetrics()
    assert all(metrics.horizontalAdvance(word) <= window.view.strip.state.value.width() for word in STATE_WORDS)
    window.close()


def test_nothing_is_clipped_at_150_percent() -> None:
    """The scale is read when Qt starts, so in a process of its own."""
    code = (
        "from tests.app import test_layout as t; from app.run import application; app = application();"
        "w = t.laid_out((1280, 800), t.ThemeChoice.DARK, t.LIVE);"
        "assert w.devicePixelRatioF() == 1.5; assert w.grab().width() == 1920;"
        "print(t.clipped(w), t.elided(w)); w.close()"
    )
    environment = {**os.environ, "QT_SCALE_FACTOR": "1.5", "QT_QPA_PLATFORM": "offscreen"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[] []"), done.stderr
