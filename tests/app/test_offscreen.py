"""The window as arrays."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication

from app.offscreen import OffscreenWindow
from app.theme import DARK, LIGHT
from tests.app import fake
from tests.app.qt import bgr, count


@pytest.mark.parametrize(("theme", "colours"), [("dark", DARK), ("light", LIGHT)])
def test_paints_the_window_of_a_snapshot(app: QApplication, theme: str, colours: object) -> None:
    window = OffscreenWindow((1280, 800), theme)
    first = window.paint(fake.flat_snapshot(fake.pose_at(0.0)), fake.canonical_view(), title="demo")
    second = window.paint(fake.flat_snapshot(fake.pose_at(0.4)), fake.canonical_view(), title="demo")
    empty = window.paint(fake.flat_snapshot(None), None)
    window.close()
    assert first.shape == (800, 1280, 3)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert not np.array_equal(first, second)
    picture = slice(30, 740), slice(0, 540)
    assert count(first[picture], DARK.left) > 50  # on the picture the colours are those of the dark theme
    assert count(empty[picture], DARK.left) == 0
    assert count(empty, "#3c3c3c", 0) > 100_000  # the grey picture itself
    surface = bgr(DARK.surface if theme == "dark" else LIGHT.surface)
    assert (first[795, 5] == surface).all()
    assert colours is (DARK if theme == "dark" else LIGHT)


def test_same_snapshot_gives_the_same_picture(app: QApplication) -> None:
    window = OffscreenWindow((960, 600), "dark")
    snapshot = fake.flat_snapshot(fake.pose_at(0.4))
    first = window.paint(snapshot, fake.canonical_view())
    strip_rows = 600 - 60  # the age's history grows
    assert np.array_equal(first[:strip_rows], window.paint(snapshot, fake.canonical_view())[:strip_rows])
    window.close()
