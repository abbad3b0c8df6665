"""Exceptions that nobody caught: logged once each, and told to the window."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from PyQt6.QtCore import QObject, pyqtSignal

log = logging.getLogger(__name__)


class ErrorHook(QObject):
    """Stands in for `sys.excepthook` and `threading.excepthook` between `install` and `remove`.

    Without it an exception in a slot would end the program or, with other packages'
    hooks in place, vanish. `caught` is emitted on the GUI thread.
    """

    caught = pyqtSignal(object)

    def __init__(self, interrupted: Callable[[], None], parent: QObject | None = None) -> None:
        """`interrupted` is called on Ctrl+C."""
        super().__init__(parent)
        self._interrupted = interrupted
        self._seen: set[tuple[type[BaseException], str, int]] = set()
        self._before = sys.excepthook, threading.excepthook
        self.count = 0

    def install(self) -> None:
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self._main
        threading.excepthook = self._thread

    def remove(self) -> None:
        sys.excepthook, threading.excepthook = self._before

    def _main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._interrupted()
        else:
            self._take(kind, error, trace)

    def _thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None and not issubclass(arguments.exc_type, SystemExit):
            self._take(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.count += 1
        last = trace
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        place = (kind, last.tb_frame.f_code.co_filename, last.tb_lineno) if last is not None else (kind, "", 0)
        # A slot that fails at display rate is one fault, not sixty a second.
        if place not in self._seen:
            self._seen.add(place)
            log.error("unexpected error", exc_info=(kind, error, trace))
            self.caught.emit(error)
