"""What the window has done on a thread of its own: begun at once, asked to end, waited for."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """A thread that does `_run`. It does not keep the program alive, and is never ended by force."""

    def __init__(self, name: str) -> None:
        """Begins: what `_run` needs is set before."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"egopose {name}", daemon=True)
        self._thread.start()

    @abstractmethod
    def _run(self) -> None:
        """Done on the thread; what can last looks at `_stop`."""

    def stop(self) -> None:
        """Ask it to end, without waiting."""
        self._stop.set()

    @property
    def running(self) -> bool:
        """Whether it has not come to its end."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it has come."""
        self._thread.join(seconds)
        return not self.running
