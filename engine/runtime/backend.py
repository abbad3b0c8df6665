"""A way to run a network that needs making something first: what it lacks here, what it makes, how that is loaded."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import EgoposeError
from engine.runtime.runtime import Runtime

Tell = Callable[[str, float], None]
"""Told what is being done, for people, and how far all of it is, 0..1."""


def tell_nobody(_doing: str, _done: float) -> None:
    """The `Tell` of those who do not look."""


class Backend(ABC):
    """One way to run networks. Importing the module of one imports nothing heavy, and nothing that may be missing."""

    name: str
    """As `--runtime` and the folders of artefacts have it, for instance "openvino"."""

    @property
    def title(self) -> str:
        """What it makes, for people: "OpenVINO int8"."""
        return self.name

    @abstractmethod
    def missing(self) -> str | None:
        """None where this machine can run it; else one line: what is missing, and how to get it. Takes no time."""

    def missing_to_build(self) -> str | None:
        """The same of `build`, which may need more than `load`."""
        return self.missing()

    def missing_to_build_best(self) -> str | None:
        """The same of an artefact as fast as this machine can have: none other is made without being asked for."""
        return self.missing_to_build()

    @abstractmethod
    def identity(self) -> Mapping[str, str]:
        """All that an artefact depends on besides the weights: versions, precision, device. Takes no time.

        An artefact whose identity is another one must be built again.
        """

    @abstractmethod
    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        """Make the artefact of a weights file in an empty folder. Takes seconds to minutes, on any thread.

        Raises EgoposeError where it cannot be made here.
        """

    @abstractmethod
    def load(self, folder: Path) -> Runtime:
        """The runtime of an artefact that this backend made, of the same identity.

        Raises EgoposeError where the artefact is damaged; the caller must know that it belongs to the weights.
        """


def weights_sha256(path: Path) -> str:
    """What names weights wherever they lie: the SHA-256 of their file, in hex. Raises EgoposeError where unreadable."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EgoposeError(f"cannot read the weights {path} ({error.strerror}); check the file") from error
