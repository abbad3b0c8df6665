"""The banner: one line on what happened and what to do next, in place and never in the way."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.labels import restyle
from app.presenter import Notice
from app.theme import GAP, font
from app.translation import tr
from app.wording import sentence


class Banner(QFrame):
    """Hidden until it has something to say."""

    retry = pyqtSignal()
    dismissed = pyqtSignal(object)
    chosen = pyqtSignal(object, str)
    """The notice, and which of its choices."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notice: Notice | None = None
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setFont(font())
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._retry = QPushButton(tr("Try again"))
        self._retry.clicked.connect(self.retry)
        self.choices: list[QPushButton] = []
        self._close = QPushButton("✕")
        self._close.setProperty("quiet", True)
        self._close.setToolTip(tr("Dismiss (Esc)"))
        self._close.setAccessibleName(tr("Dismiss"))
        self._close.clicked.connect(self.dismiss)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(2 * GAP, GAP, GAP, GAP)
        row.setSpacing(2 * GAP)
        row.addWidget(self._text, 1)
        row.addWidget(self._retry)
        row.addWidget(self._close)
        self.hide()

    @property
    def notice(self) -> Notice | None:
        return self._notice

    def show_notice(self, notice: Notice | None) -> None:
        if notice == self._notice:
            return
        self._notice = notice
        if notice is not None:
            self._text.setText(sentence(notice.text))
            self._retry.setVisible(notice.retry)
            self._offer(notice)
            restyle(self, "banner", notice.tone)
        self.setVisible(notice is not None)

    def _offer(self, notice: Notice) -> None:
        """A button for each choice, before the one that dismisses."""
        if tuple(button.text() for button in self.choices) == notice.choices:
            return
        for button in self.choices:
            self._row.removeWidget(button)
            button.deleteLater()
        self.choices = [QPushButton(choice) for choice in notice.choices]
        for button in self.choices:
            button.clicked.connect(partial(self._choose, button))
            self._row.insertWidget(self._row.count() - 1, button)

    def _choose(self, button: QPushButton) -> None:
        if self._notice is not None:
            self.chosen.emit(self._notice, button.text())

    def dismiss(self) -> None:
        if self._notice is not None:
            self.dismissed.emit(self._notice)
