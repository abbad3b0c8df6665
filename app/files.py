"""Files as the window takes them: from dialogs, and dropped onto it."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QEvent, QMimeData, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QFileDialog, QWidget

from app.translation import tr

_OPENED = "(*.mcap *.mp4 *.avi *.mov *.mkv *.webm *.m4v *.png *.jpg *.jpeg *.bmp *.tif *.tiff)"


class Files(QObject):
    """Asks for files and folders, and takes those that are dropped onto `window`."""

    chosen = pyqtSignal(str)
    """A path that is to be opened."""
    hovered = pyqtSignal(bool)
    """Whether something that can be opened is held over the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def choose_file(self) -> None:
        """By a dialog."""
        dialog = QFileDialog(self._window, tr("Open a session, a video or an image"), "", file_filters())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._open_from(dialog)

    def choose_folder(self) -> None:
        """By a dialog."""
        dialog = QFileDialog(self._window, tr("Open a folder of images or a session"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open_from(dialog)

    def _open_from(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.chosen)
        dialog.open()

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QDropEvent):  # which one that enters is too
            path = dropped_path(event.mimeData())
            if isinstance(event, QDragEnterEvent):
                if path is not None:
                    event.acceptProposedAction()
                    self.hovered.emit(True)
            elif event.type() == QEvent.Type.Drop:
                self.hovered.emit(False)
                if path is not None:
                    event.acceptProposedAction()
                    self.chosen.emit(str(path))
        elif event is not None and event.type() == QEvent.Type.DragLeave:
            self.hovered.emit(False)
        return False


def file_filters() -> str:
    """As a file dialog takes them."""
    kinds = ((tr("What egopose opens"), _OPENED), (tr("Sessions"), "(*.mcap)"), (tr("All files"), "(*)"))
    return ";;".join(f"{name} {endings}" for name, endings in kinds)


def dropped_path(data: QMimeData | None) -> Path | None:
    """The one local file or folder that is dragged; None for anything else."""
    if data is None or not data.hasUrls() or len(data.urls()) != 1 or not data.urls()[0].isLocalFile():
        return None
    return Path(data.urls()[0].toLocalFile())
