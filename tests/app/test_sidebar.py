"""The sidebar: tabs by click and key, folding, and who is asked to look."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QLabel

from app.icons import icon_pixmap
from app.main_window import MainWindow
from app.presenter import Phase, Screen
from app.sidebar import WIDTH, Section, Sidebar
from app.theme import DARK, LIGHT, Colours
from engine.types import Snapshot
from tests.app import fake
from tests.app.qt import bgr, pixels


class Noted(Section):
    """Keeps what it was handed."""

    title, icon = "Noted", "section-view"

    def __init__(self) -> None:
        super().__init__()
        self.body.addWidget(QLabel("a row"))
        self.looks: list[Snapshot | None] = []
        self.colours: Colours | None = None

    def look(self, snapshot: Snapshot | None) -> None:
        self.looks.append(snapshot)

    def set_colours(self, colours: Colours) -> None:
        self.colours = colours


@pytest.fixture
def sidebar(app: QApplication) -> Sidebar:
    made = Sidebar()
    for _ in range(2):
        made.add(Noted())
    made.show()
    return made


def test_only_the_shown_section_looks(sidebar: Sidebar) -> None:
    first, second = sidebar.sections
    assert isinstance(first, Noted)
    assert isinstance(second, Noted)
    sidebar.look(None)
    QTest.mouseClick(sidebar.tabs[1], Qt.MouseButton.LeftButton)
    snapshot = fake.snapshot_at()
    sidebar.look(snapshot)
    QTest.mouseClick(sidebar.tabs[1], Qt.MouseButton.LeftButton)
    assert sidebar.current is None
    sidebar.look(snapshot)
    assert (first.looks, second.looks) == ([None], [snapshot])


def test_a_tab_again_folds_its_section_away(sidebar: Sidebar) -> None:
    told: list[bool] = []
    sidebar.unfolded.connect(told.append)
    wide = sidebar.sizeHint().width()
    sidebar.tabs[0].click()
    assert [tab.isChecked() for tab in sidebar.tabs] == [False, False]
    assert wide - sidebar.sizeHint().width() >= WIDTH
    sidebar.tabs[1].click()
    assert [tab.isChecked() for tab in sidebar.tabs] == [False, True]
    assert sidebar.sections[1].isVisible()
    assert sidebar.sizeHint().width() == wide
    assert told == [False, True]


def test_every_section_has_the_colours(sidebar: Sidebar) -> None:
    sidebar.set_colours(LIGHT)
    assert all(isinstance(one, Noted) and one.colours is LIGHT for one in sidebar.sections)


def test_keys_and_menu_show_and_fold(window: MainWindow) -> None:
    window.draw(Screen(Phase.PICTURE, "x", fake.snapshot_at(), fake.canonical_view()), at_once=True)
    assert window.view.sidebar.current is window.view.panel
    QTest.keyClick(window, Qt.Key.Key_P)
    assert window.view.sidebar.current is None
    assert not window.actions_.panel.isChecked()
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert window.view.sidebar.current is window.view.panel
    assert window.actions_.panel.isChecked()


def test_icons_have_the_colour_they_are_asked_for(app: QApplication) -> None:
    label = QLabel()
    label.setFixedSize(44, 44)
    for colours in (DARK, LIGHT):
        label.setStyleSheet(f"background: {colours.surface}")
        label.setPixmap(icon_pixmap("section-view", colours.accent, 44))
        assert (abs(pixels(label).astype(int) - bgr(colours.accent)).max(-1) <= 2).sum() > 30
