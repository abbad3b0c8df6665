"""The sidebar: sections behind tabs at the right edge of the window."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.icons import tinted_icon
from app.theme import DARK, GAP, Colours, font
from app.translation import tr
from engine.types import Snapshot

WIDTH = 33 * GAP
"""Of every section, so that the picture does not move when another one is chosen."""
_ICON = 22


class Section(QFrame):
    """One tab's content. What it shows goes into `body`, which scrolls where it is too long."""

    title: str
    """One word, for the tab and the heading; marked by `noted`."""
    icon: str
    """Name of the SVG in assets/icons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(tr(self.title))
        inner = QWidget()
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        self.body.setSpacing(GAP // 2)
        self.area = QScrollArea()
        self.area.setWidget(inner)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        headline = QLabel(tr(self.title))
        headline.setFont(font(1, strong=True))
        headline.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(headline)
        outer.addWidget(self.area)

    def sizeHint(self) -> QSize:
        inner = self.area.widget()
        return QSize(WIDTH, inner.sizeHint().height() if inner is not None else 0)

    def look(self, snapshot: Snapshot | None) -> None:
        """Show what is known now: about four times a second while the section is visible."""

    def set_colours(self, colours: Colours) -> None:
        """Draw in these from now on."""


def heading(text: str) -> QLabel:
    """Above a group of a section's rows."""
    label = QLabel(text)
    label.setFont(font(-1, strong=True))
    label.setProperty("muted", True)
    return label


class Sidebar(QWidget):
    """Tabs in a rail, the chosen section beside it; the chosen tab again folds it away."""

    unfolded = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = DARK
        self.sections: list[Section] = []
        self.tabs: list[QToolButton] = []
        self._stack = QStackedWidget()
        self._stack.setFixedWidth(WIDTH)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        rail = QFrame()
        rail.setProperty("panel", True)
        self._rail = QVBoxLayout(rail)
        self._rail.setContentsMargins(GAP // 2, GAP, GAP // 2, GAP)
        self._rail.setSpacing(GAP // 2)
        self._rail.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        row.addWidget(self._stack)
        row.addWidget(rail)

    def add(self, section: Section) -> None:
        """A further section, below those that are there."""
        number = len(self.sections) + 1
        tab = QToolButton()
        tab.setProperty("tab", True)
        tab.setText(tr(section.title))
        tab.setFont(font(-1))
        tab.setIconSize(QSize(_ICON, _ICON))
        tab.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        tab.setCheckable(True)
        tab.setToolTip(tr("{section} (Alt+{number})", section=tr(section.title), number=number))
        tab.setAccessibleName(tr(section.title))
        tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must leave the arrow keys with the 3D view
        tab.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        tab.clicked.connect(partial(self.toggle, section))
        self._rail.insertWidget(len(self.tabs), tab)
        self.sections.append(section)
        self.tabs.append(tab)
        self._stack.addWidget(section)
        self._mark()

    @property
    def current(self) -> Section | None:
        """The section that is shown; None while it is folded away."""
        shown = self._stack.currentWidget()
        return shown if isinstance(shown, Section) and not self._stack.isHidden() else None

    def show_section(self, section: Section) -> None:
        """Choose a tab."""
        self._stack.setCurrentWidget(section)
        self.unfold(True)

    def toggle(self, section: Section) -> None:
        """Choose a tab, or fold its section away where it is the chosen one."""
        if self.current is section:
            self.unfold(False)
        else:
            self.show_section(section)

    def unfold(self, on: bool) -> None:
        """Show the chosen section, or the tabs alone."""
        if on is self._stack.isHidden():
            self._stack.setVisible(on)
            self.unfolded.emit(on)
        self._mark()

    def look(self, snapshot: Snapshot | None) -> None:
        """Hand the visible section what is known now."""
        if self.current is not None:
            self.current.look(snapshot)

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self._mark()
        for section in self.sections:
            section.set_colours(colours)

    def _mark(self) -> None:
        for section, tab in zip(self.sections, self.tabs, strict=True):
            tab.setChecked(section is self.current)
            tab.setIcon(tinted_icon(section.icon, self._colours, _ICON, self.devicePixelRatioF()))
