"""What the program says of itself."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QMessageBox, QWidget

from app.translation import tr


def show_about(window: QWidget) -> None:
    """A box that does not block."""
    box = QMessageBox(window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(tr("About egopose"))
    box.setIconPixmap(window.windowIcon().pixmap(64, 64))
    box.setText(f"<b>egopose {program_version()}</b>")
    box.setInformativeText(
        tr(
            "Turns a head-mounted, downward-looking fisheye camera into a live 3D skeleton of its wearer. "
            "Free software under the GNU General Public License, version 3 or later."
        )
    )
    box.setStandardButtons(QMessageBox.StandardButton.Ok)
    for button in box.buttons():
        button.setIcon(QIcon())  # some desktops' do not go with the theme
    box.open()


def program_version() -> str:
    """As installed; "" in a plain checkout."""
    try:
        return version("egopose")
    except PackageNotFoundError:
        return ""
