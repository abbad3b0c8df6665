"""The doctor in the window: looks on a thread of its own, and shows what it found, to be copied as text."""

from __future__ import annotations

import threading

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from app.doctor.checks import examine
from app.doctor.findings import Finding, plain_text, summary
from app.doctor.page import page
from app.theme import DARK, GAP, Colours, font
from app.translation import tr

_POLL_MS = 100


class _Looking:
    """The look under way. It cannot be stopped in the middle; when nobody waits for it any more it just ends."""

    def __init__(self) -> None:
        self.findings: list[Finding] | None = None
        self._thread = threading.Thread(target=self._run, name="egopose doctor", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.findings = examine()


class DoctorDialog(QDialog):
    """Beside the window, not before it: what is live goes on."""

    def __init__(self, parent: QWidget | None = None, colours: Colours = DARK) -> None:
        super().__init__(parent)
        self._colours = colours
        self._found: list[Finding] = []
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Check this machine"))
        self.resize(90 * GAP, 70 * GAP)
        self.headline = QLabel(tr("Looking at packages, graphics, cameras and disk …"))
        self.headline.setFont(font(1, strong=True))
        self.headline.setWordWrap(True)
        self.text = QTextBrowser()
        self.text.setFont(font())
        self.text.setAccessibleName(tr("What was found"))
        self.copy = QPushButton(tr("Copy as text"))
        self.copy.setEnabled(False)
        self.copy.clicked.connect(self._copy)
        leave = QPushButton(tr("Close"))
        leave.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.copy)
        row.addWidget(leave)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        column.setSpacing(2 * GAP)
        column.addWidget(self.headline)
        column.addWidget(self.text, 1)
        column.addLayout(row)
        self._looking = _Looking()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._poll)
        self._timer.start(_POLL_MS)

    def show_findings(self, findings: list[Finding]) -> None:
        """What was found, and a way to take it along."""
        self._timer.stop()
        self._found = findings
        self.headline.setText(summary(findings))
        self.text.setHtml(page(findings, self._colours))
        self.copy.setEnabled(True)

    def set_colours(self, colours: Colours) -> None:
        """Draw in these from now on."""
        self._colours = colours
        if self._found:
            self.text.setHtml(page(self._found, colours))

    def _poll(self) -> None:
        if self._looking.findings is not None:
            self.show_findings(self._looking.findings)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(plain_text(self._found))


def show_doctor(window: QWidget, colours: Colours) -> None:
    """Open it, or bring it to the front where it is open."""
    present = window.findChild(DoctorDialog)
    dialog = present if isinstance(present, DoctorDialog) else DoctorDialog(window, colours)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
