"""Ends what holds files, devices and threads, all at once, so that closing takes as long as the slowest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

CLOSE_S = 1.9
"""How long closing the window may take in all."""


def close_together(closers: Mapping[str, Callable[[], None]], seconds: float = CLOSE_S) -> None:
    """Call each on a thread of its own, and return when all have returned or the time is over.

    What is left then is named in the log; its thread does not keep the program alive. What a closer raises goes to
    `threading.excepthook`, and the others go on.
    """
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=close, name=f"close {name}", daemon=True) for name, close in closers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.error("%r has not ended in time; it is left behind", thread.name)
