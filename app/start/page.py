"""The start page: three jobs, recent sessions, cameras, and something to try. It draws what its presenter computes."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

from PyQt6.QtCore import Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QPen, QShortcut
from PyQt6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.icons import icon_pixmap
from app.start.cards import CameraCard, Card, JobCard, RowCard, SessionCardButton, muted
from app.start.presenter import StartPresenter, StartScreen
from app.theme import DARK, GAP, Colours, font
from app.translation import tr

WIDEST = 140 * GAP
"""Of what is on the page; a wider window has more air at both sides."""
_COLUMNS = 3
_NAME = 20 * GAP
"""How long the name of a session may be on a button."""
_LOOK_S = 0.1


class StartPage(QWidget):
    """Signals what was chosen; `look` is called at display rate while the page is shown."""

    live = pyqtSignal()
    camera = pyqtSignal()
    """Choose one, connected or on the network."""
    replay = pyqtSignal()
    folder = pyqtSignal()
    calibrate = pyqtSignal()
    opened = pyqtSignal(str)
    """A camera, a session, the demo or the synthetic wearer, as the command line has it."""

    def __init__(self, presenter: StartPresenter, demo: str, parent: QWidget | None = None) -> None:
        """`demo` is the path of the bundled session."""
        super().__init__(parent)
        self.presenter = presenter
        self._colours = DARK
        self._hovered = False
        self._shown = StartScreen()
        self._looked_at = 0.0
        # Arrow keys go from card to card as they lie.
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        self._build(demo)

    def _build(self, demo: str) -> None:
        self.jobs = (
            self._job(
                "job-live", tr("Live"), tr("See yourself as a skeleton, now, through a head-mounted camera"), "L"
            ),
            self._job("job-replay", tr("Replay"), tr("Go through a session, a video or a folder of pictures"), "R"),
            self._job(
                "job-calibrate", tr("Calibrate"), tr("Measure how a fisheye camera sees, with a printed board"), "C"
            ),
        )
        for job, signal in zip(self.jobs, (self.live, self.replay, self.calibrate), strict=True):
            job.clicked.connect(lambda _checked=False, signal=signal: signal.emit())
        self.tries = (
            self._try("demo", tr("Try the demo"), tr("A recorded walk"), "D", demo),
            self._try("synthetic", tr("Synthetic wearer"), tr("A computed person, live"), "S", "synthetic"),
        )
        self.sessions: list[SessionCardButton] = []
        self.cameras: list[CameraCard] = []
        inner = QWidget()
        inner.setMaximumWidth(WIDEST)
        column = QVBoxLayout(inner)
        column.setContentsMargins(4 * GAP, 3 * GAP, 4 * GAP, 3 * GAP)
        column.setSpacing(3 * GAP)
        column.addLayout(self._headline())
        grid = QGridLayout()  # one, so that edges below the jobs are in line with theirs
        grid.setHorizontalSpacing(2 * GAP)
        grid.setVerticalSpacing(3 * GAP)
        for index, job in enumerate(self.jobs):
            grid.addWidget(job, 0, index)
            grid.setColumnStretch(index, 1)
        grid.addLayout(self._sessions_column(), 1, 0, 1, 2)
        grid.addLayout(self._cameras_column(), 1, 2)
        column.addLayout(grid)
        column.addStretch(1)
        ground = QWidget()
        ground.setProperty("ground", True)
        centred = QHBoxLayout(ground)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(inner, 1000)
        centred.addStretch(1)
        self.area = QScrollArea()
        self.area.setProperty("ground", True)
        self.area.setWidget(ground)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(GAP // 2, GAP // 2, GAP // 2, GAP // 2)
        outer.addWidget(self.area)
        self.show_screen(self.presenter.look())  # so that it has words before the first look

    def _headline(self) -> QHBoxLayout:
        self._mark = QLabel()
        self._mark.setFixedSize(5 * GAP, 5 * GAP)
        name = QLabel("egopose")
        name.setFont(font(4, strong=True))
        row = QHBoxLayout()
        row.setSpacing(GAP + GAP // 2)
        row.addWidget(self._mark)
        row.addWidget(name)
        row.addSpacing(GAP)
        row.addWidget(muted(tr("A head-mounted fisheye camera in, a live 3D skeleton out")), 1)
        return row

    def _sessions_column(self) -> QVBoxLayout:
        self._sessions_note = muted("", wrapped=True)
        self._sessions_note.setProperty("place", True)
        self._sessions_note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP + GAP // 2)
        for index in range(_COLUMNS):
            self._grid.setColumnStretch(index, 1)
        tip = tr("Pictures of a folder, as a session (Ctrl+Shift+O)")
        heading = self._heading(tr("Recent sessions"), tr("Open a folder…"), tip, self.folder)
        self._back = QPushButton()
        self._back.setProperty("quiet", True)
        self._back.setToolTip(tr("Put the session that was taken off last on the list again (Ctrl+Z)"))
        self._back.clicked.connect(self._put_back)
        self._back.hide()
        heading.insertWidget(1, self._back)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        undo.activated.connect(self._put_back)
        column = QVBoxLayout()
        column.setSpacing(GAP + GAP // 2)
        column.addLayout(heading)
        column.addWidget(self._sessions_note)
        column.addLayout(self._grid)
        column.addStretch(1)
        return column

    def _cameras_column(self) -> QVBoxLayout:
        self._cameras_note = muted("", wrapped=True)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(GAP)
        tip = tr("With a picture of each, or one on the network (Ctrl+Shift+C)")
        heading = self._heading(tr("Cameras"), tr("Choose…"), tip, self.camera)
        column = QVBoxLayout()
        column.setSpacing(GAP + GAP // 2)
        column.addLayout(heading)
        column.addWidget(self._cameras_note)
        column.addLayout(self._rows)
        column.addSpacing(GAP + GAP // 2)
        column.addWidget(_title(tr("Without a camera")))
        tries = QVBoxLayout()
        tries.setSpacing(GAP)
        for one in self.tries:
            tries.addWidget(one)
        column.addLayout(tries)
        column.addStretch(1)
        return column

    def _bind(self, key: str, card: Card) -> None:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(card.click)
        self._group.addButton(card)

    def _job(self, icon: str, title: str, about: str, key: str) -> JobCard:
        job = JobCard(icon, title, about, key)
        self._bind(key, job)
        return job

    def _try(self, icon: str, title: str, about: str, key: str, spec: str) -> RowCard:
        card = RowCard(icon, title, about, f"{title} ({key})")
        card.clicked.connect(lambda: self.opened.emit(spec))
        self._bind(key, card)
        return card

    @staticmethod
    def _heading(text: str, more: str, tip: str, signal: pyqtBoundSignal) -> QHBoxLayout:
        """Of a group, with another way to what is in it."""
        button = QPushButton(more)
        button.setProperty("quiet", True)
        button.setToolTip(tip)
        button.setAutoDefault(True)
        button.clicked.connect(signal)
        row = QHBoxLayout()
        row.addWidget(_title(text), 1)
        row.addWidget(button)
        return row

    # What is shown

    def enter(self) -> None:
        """The page is shown: look around, and let the keys work at once."""
        self.presenter.enter()
        (self.focusWidget() or self.jobs[0]).setFocus()

    def look(self) -> None:
        """Draw what is known now."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self.show_screen(self.presenter.look())

    def show_screen(self, screen: StartScreen) -> None:
        """Only what has changed is made anew; the focus stays with the same session or camera."""
        before, self._shown = self._shown, screen
        if screen.sessions != before.sessions:
            self._show_sessions(screen)
        if screen.cameras != before.cameras:
            self._show_cameras(screen)
        for label, text in ((self._sessions_note, screen.sessions_note), (self._cameras_note, screen.cameras_note)):
            label.setText(text)
            label.setVisible(bool(text))
        name = self._back.fontMetrics().elidedText(screen.gone, Qt.TextElideMode.ElideMiddle, _NAME)
        self._back.setText(tr("Put “{name}” back", name=name))
        self._back.setVisible(bool(screen.gone))

    def _show_sessions(self, screen: StartScreen) -> None:
        focused = self._after_focused(screen)
        self._drop(self._grid, self.sessions)
        self.sessions = [SessionCardButton(card) for card in screen.sessions]
        for index, button in enumerate(self.sessions):
            self._take(button, button.card.spec)
            button.removed.connect(partial(self._remove, button.card.spec))
            self._grid.addWidget(button, index // _COLUMNS, index % _COLUMNS, Qt.AlignmentFlag.AlignTop)
            button.show()  # what is not shown yet takes no focus
            if button.card.spec == focused:
                button.setFocus()
        self._order()

    def _after_focused(self, screen: StartScreen) -> str | None:
        """The session that has the focus, or what comes in its place where it is gone."""
        specs = [card.spec for card in screen.sessions]
        for place, old in enumerate(self.sessions):
            if old.hasFocus():
                return old.card.spec if old.card.spec in specs else [*specs, None][min(place, len(specs) - 1)]
        return None

    def _remove(self, spec: str) -> None:
        self.presenter.forget(spec)
        self.show_screen(self.presenter.look())
        if not self.sessions:
            self.jobs[0].setFocus()

    def _put_back(self) -> None:
        spec = self.presenter.put_back()
        self.show_screen(self.presenter.look())
        for button in self.sessions:
            if button.card.spec == spec:
                button.setFocus()

    def _show_cameras(self, screen: StartScreen) -> None:
        focused = next((old.row.spec for old in self.cameras if old.hasFocus()), None)
        self._drop(self._rows, self.cameras)
        self.cameras = [CameraCard(row) for row in screen.cameras]
        for card in self.cameras:
            self._take(card, card.row.spec)
            self._rows.addWidget(card)
            if card.row.spec == focused:
                card.show()
                card.setFocus()
        self._order()

    def _take(self, card: Card, spec: str) -> None:
        card.clicked.connect(lambda: self.opened.emit(spec))
        card.set_colours(self._colours)
        self._group.addButton(card)

    def _drop(self, layout: QGridLayout | QVBoxLayout, cards: list[SessionCardButton] | list[CameraCard]) -> None:
        for card in cards:
            self._group.removeButton(card)
            layout.removeWidget(card)
            card.hide()
            card.deleteLater()

    def _order(self) -> None:
        """Tab goes down the page as it is read."""
        chain: list[QWidget] = [*self.jobs, *self.sessions, *self.cameras, *self.tries]
        for one, other in pairwise(chain):
            QWidget.setTabOrder(one, other)

    def set_hovered(self, hovered: bool) -> None:
        """Whether something that can be dropped is over the window."""
        self._hovered = hovered
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self._mark.setPixmap(icon_pixmap("egopose", "", 5 * GAP, self.devicePixelRatioF()))
        for card in (*self.jobs, *self.tries, *self.sessions, *self.cameras):
            card.set_colours(colours)
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colours.ground))
        if self._hovered:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self._colours.accent), 2.0, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), GAP, GAP)
        painter.end()


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(font(1, strong=True))
    return label
