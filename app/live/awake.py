"""Keeps the screen on."""

from __future__ import annotations

import logging

from app.background import Background

log = logging.getLogger(__name__)


class Awake(Background):
    """While it is on, neither screen saver nor sleep: on a thread of its own, since the desktop may not answer."""

    def __init__(self) -> None:
        super().__init__("awake")

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
