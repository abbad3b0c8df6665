"""Keeps the screen on."""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)


class Awake:
    """While it is on, neither screen saver nor sleep: on a thread of its own, since the desktop may not answer."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="egopose awake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the screen go off again. Returns at once."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            from wakepy import keep  # noqa: PLC0415  of use in the booth alone
        except ImportError:
            log.warning('to keep the screen on, install what does it: pip install -e ".[booth]"')
            return
        with keep.presenting(on_fail="pass") as mode:
            if not mode.active:
                log.warning("the screen cannot be kept on here; switch its screen saver off")
            self._stop.wait()
