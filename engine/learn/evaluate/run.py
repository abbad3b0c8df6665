"""One network on some data, from its weights file to its figures."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence as Ordered
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from engine.learn.baselines.weights import load_published
from engine.learn.data.sequence import Sequence
from engine.learn.evaluate.predict import Network, Predictions, Streamer, Tick, windowed
from engine.learn.evaluate.score import Result, Scores, against, score
from engine.learn.evaluate.sliding import SlidingRuntime
from engine.network.weights import load_network
from engine.runtime.choice import open_runtime
from engine.runtime.eager import EagerRuntime
from engine.runtime.runtime import Runtime


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """A network, what it said, and how good that is."""

    name: str
    """As it was asked for; unique among those that are compared."""
    weights: Path
    note: str
    """What the weights say of where they come from."""
    size: str
    parameters: int
    runtime: str
    actions: tuple[str, ...]
    scores: Scores
    result: Result
    predictions: list[Predictions]
    reason: str = ""
    """Why this runtime, for people; "" where nobody chose."""

    def record(self) -> dict[str, Any]:
        """What report.json holds of it; null where a figure is not to be had."""
        described: dict[str, Any] = {
            "name": self.name,
            "weights": str(self.weights),
            "note": self.note,
            "size": self.size,
        }
        described |= {"parameters": self.parameters, "runtime": self.runtime, "runtime_reason": self.reason}
        return described | _plain(dataclasses.asdict(self.scores))


def evaluate(
    name: str,
    weights: Path,
    sequences: Ordered[Sequence],
    runtime: str = "eager",
    *,
    windows: bool = True,
    tick: Tick = lambda n: None,
) -> Evaluated:
    """Stream every sequence, and where `windows` is set run it in windows as well.

    `runtime`, one of `engine.runtime.choice.choices`, streams; windows are run by the network itself. `tick` is told
    of each frame that is done, twice where it is done twice. Raises EgoposeError as `load` does, and where a picture
    cannot be read.
    """
    network, streaming = load(weights, runtime)
    try:
        streamer = Streamer(streaming)
        predictions = [streamer.run(sequence, tick) for sequence in sequences]
        length = network.config.window
        over = (length, [windowed(network, s, length, tick) for s in sequences]) if windows else None
        scores, result = score(sequences, predictions, streaming.actions, over)
    finally:
        streaming.close()
    return Evaluated(
        name=name,
        weights=weights,
        note=weights_note(weights),
        size=network.config.name,
        parameters=sum(p.numel() for p in network.parameters()),
        runtime=streaming.description,
        reason=streaming.reason,
        actions=streaming.actions,
        scores=scores,
        result=result,
        predictions=predictions,
    )


def load(weights: Path, runtime: str = "eager") -> tuple[Network, Runtime]:
    """The network of a weights file, ours or the published one, and what runs it as if live.

    Raises EgoposeError as `load_network` and `open_runtime` do.
    """
    published = load_published(weights)
    if published is not None:
        return published, SlidingRuntime(published)
    network = load_network(weights)
    return network, EagerRuntime(network) if runtime == "eager" else open_runtime(weights, runtime)


def weights_note(weights: Path) -> str:
    """The line on where weights come from; "" where they say nothing."""
    with safe_open(weights, framework="pt") as file:
        note: str = (file.metadata() or {}).get("note", "")
    return note


def report_json(data: Ordered[str], networks: Ordered[Evaluated], notes: Ordered[str]) -> str:
    """What report.json holds: `data` and `notes` are for people."""
    records = [network.record() for network in networks]
    for network, record in zip(networks[1:], records[1:], strict=True):
        apart = dataclasses.asdict(against(networks[0].result, network.result))
        record["mpjpe_against_first"] = _plain(apart)
    whole = {"data": list(data), "notes": list(notes), "networks": records}
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Numbers rounded to what can be meant, NaN and infinity as None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
