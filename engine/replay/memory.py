"""How far back a network looks, read from its weights file without loading them."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from engine.errors import EgoposeError

MOST = 512
"""No network of this program has a longer window."""


def memory_of(weights: Path) -> int:
    """Frames that a pose depends on, the newest included. Raises EgoposeError where the file does not tell."""
    try:
        with safe_open(weights, "np") as file:
            config = json.loads((file.metadata() or {}).get("config", ""))
        window = int(config.get("window", 32))
    except (OSError, SafetensorError, ValueError, AttributeError, TypeError) as error:
        raise EgoposeError(f"{weights} is not a weights file of this program; choose another one") from error
    return min(max(window, 1), MOST)
