"""The network itself, run once over recorded frames, to hold what is compiled of it against. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.network.weights import load_network
from engine.runtime.agreement import agreement, gather, trace
from engine.runtime.backend import Tell, weights_sha256
from engine.runtime.description import Agreement, Description
from engine.runtime.eager import EagerRuntime
from engine.runtime.runtime import Runtime

ASKED = 0.4
"""How far a build is once the network has been asked."""


class Oracle:
    """A network, frames to calibrate on, and what it says of the frames to check with."""

    def __init__(self, weights: Path, recordings: Sequence[Path], tell: Tell) -> None:
        """Raises EgoposeError for weights or recordings that cannot be used."""
        self.network = load_network(weights)
        self.description = Description(self.network.config, weights_sha256(weights), "fp32")
        """Of what is compiled, as far as it is known from the start."""
        tell("reading the recordings", 0.0)
        self.calibration, self._check = gather(recordings, self.network.config.side)
        eager = EagerRuntime(self.network)
        try:
            self._truth = trace(eager, self._check, lambda done: tell("asking the network itself", ASKED * done))
        finally:
            eager.close()

    def judge(self, runtime: Runtime) -> Agreement:
        """How far a runtime of the same network lies from it; closes the runtime."""
        try:
            return agreement(trace(runtime, self._check), self._truth, self._check)
        finally:
            runtime.close()
