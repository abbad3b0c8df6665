"""A slower runtime serves while a faster one is made in the background; between two frames it gives it its place.

What is remembered of the motion goes over with it, so that no pose is lost and none begins anew.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

import numpy as np

from engine.errors import EgoposeError
from engine.runtime.artefacts import Cancelled
from engine.runtime.backend import Tell
from engine.runtime.runtime import Result, Runtime
from engine.types import FloatArray, ImageArray

log = logging.getLogger(__name__)

CLOSE_S = 1.0
"""How long closing waits for what is being made to be called off."""


class Better(ABC):
    """A faster runtime of the same weights that has to be made first."""

    title: str
    """What is made, for people: "OpenVINO int8"."""
    reason: str
    """`Runtime.reason` of the runtime once it runs."""

    @abstractmethod
    def make(self, tell: Tell) -> Runtime:
        """Takes up to minutes. Raises EgoposeError where it cannot be made, and Cancelled after `cancel`."""

    @abstractmethod
    def cancel(self) -> None:
        """Let `make` end soon. From any thread; idempotent."""


class Upgrading(Runtime):
    """The runtime that serves, and later the better one. What fails in the background is a notice, never an error."""

    def __init__(self, serving: Runtime, better: Better) -> None:
        self._serving, self._better = serving, better
        self.network, self.side, self.actions = serving.network, serving.side, serving.actions
        self._introduce()
        self._handing_over = threading.Lock()
        self._made: Runtime | None = None
        """The better one, from when it is ready until it serves."""
        self._closed = False
        self._tell("", 0.0)
        self._maker = threading.Thread(target=self._make, name="egopose building", daemon=True)
        self._maker.start()

    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        if self._made is not None:
            self._hand_over()
        return self._serving.run(picture, motion=motion)

    def reset(self) -> None:
        self._serving.reset()

    def memory(self) -> FloatArray:
        return self._serving.memory()

    def recall(self, memory: FloatArray) -> None:
        self._serving.recall(memory)

    def close(self) -> None:
        self._better.cancel()
        with self._handing_over:
            self._closed = True
            made, self._made = self._made, None
        self._maker.join(CLOSE_S)
        if self._maker.is_alive():
            log.error("building %s did not end within %g s; it is left behind", self._better.title, CLOSE_S)
        if made is not None:
            made.close()
        self._serving.close()

    def _introduce(self) -> None:
        """What serves says of itself."""
        serving = self._serving
        self.description, self.reason, self.spares_motion = serving.description, serving.reason, serving.spares_motion

    def _tell(self, _doing: str, done: float) -> None:
        self.building = f"building {self._better.title}, {100 * done:.0f} %"

    def _hand_over(self) -> None:
        with self._handing_over:
            made, self._made = self._made, None
        if made is None:
            return
        try:
            made.recall(self._serving.memory())
        except Exception as error:
            self._failed(error)
            made.close()
            return
        before, self._serving = self._serving, made
        self._introduce()
        before.close()
        log.info("%s runs now in place of %s", made.description, before.description)

    def _failed(self, error: Exception) -> None:
        """What serves goes on, and says why."""
        if not isinstance(error, EgoposeError):
            log.error("building %s failed", self._better.title, exc_info=error)
        why = " ".join(str(error).split()) or type(error).__name__
        self.notice = f"{self._better.title} could not be built ({why}); {self._serving.description} goes on"

    def _make(self) -> None:
        """On a thread of its own."""
        made: Runtime | None = None
        try:
            made = self._better.make(self._tell)
            made.reason = self._better.reason
            # What a library does on its first run must not hold up a frame.
            made.run(np.zeros((self.side, self.side, 3), np.uint8))
            made.reset()
        except Cancelled:
            return
        except Exception as error:  # a machine that cannot build goes on with what it has
            self._failed(error)
            if made is not None:
                made.close()
            return
        finally:
            self.building = ""
        with self._handing_over:
            if not self._closed:
                self._made = made
                return
        made.close()
