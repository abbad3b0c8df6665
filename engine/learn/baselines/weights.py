"""Weights of the published architecture on disk."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from engine.errors import EgoposeError
from engine.learn.baselines.published import PublishedNetwork
from engine.network.config import NetworkConfig
from engine.network.weights import MAX_BYTES, restored

BASELINE_FORMAT = "egopose-published-1"


def load_published(path: Path) -> PublishedNetwork | None:
    """The network of a weights file, for inference; None where the file is of another format.

    Raises EgoposeError where it says that it is of this one and is not.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != BASELINE_FORMAT:
                return None
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return None
    try:
        network = PublishedNetwork(NetworkConfig.from_json(metadata["config"]))
        network.load_state_dict(restored(state))
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EgoposeError(f"the weights in {path} are not what they say ({reason}); get the file again") from error
    return network.eval().requires_grad_(False)
