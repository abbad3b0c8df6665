"""The banner: one line on what went wrong and what to do next, in place and never in the way."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.presenter import Notice
from app.theme import GAP, font


class Banner(QFrame):
    """Hidden until it has something to say."""

    retry = pyqtSignal()
    dismissed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notice: Notice | None = None
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setFont(font())
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._retry = QPushButton("Try again")
        self._retry.clicked.connect(self.retry)
        self._close = QPushButton("✕")
        self._close.setProperty("quiet", True)
        self._close.setToolTip("Dismiss (Esc)")
        self._close.setAccessibleName("Dismiss")
        self._close.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
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
            self._text.setText(notice.text)
            self._retry.setVisible(notice.retry)
            self.setProperty("banner", notice.tone)
            style = self.style()
            if style is not None:  # a property in the style sheet is looked at again only then
                style.unpolish(self)
                style.polish(self)
        self.setVisible(notice is not None)

    def dismiss(self) -> None:
        if self._notice is not None:
            self.dismissed.emit(self._notice)
