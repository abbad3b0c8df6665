"""The choices of outputs, kept in a file between runs. Of the WebSocket's token the hash alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from engine.cameras import write_atomically
from engine.errors import EgoposeError
from engine.motion.outputs.choice import DEFAULTS, OutputChoice, OutputKind

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 16
_VERSION = 1
_HASH_DIGITS = 64


def outputs_path() -> Path:
    """The file they are kept in."""
    return Path(user_config_dir("egopose")) / "outputs.json"


def load_outputs() -> dict[OutputKind, OutputChoice]:
    """Those that were saved; the defaults, off, for whatever is missing or makes no sense, which the log tells."""
    path = outputs_path()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("version") != _VERSION:
            raise ValueError("it is of another version")
        return {kind: _read(record.get(kind.value), default) for kind, default in DEFAULTS.items()}
    except FileNotFoundError:
        return dict(DEFAULTS)
    except (OSError, ValueError, TypeError, LookupError, EgoposeError) as error:
        log.warning("the outputs in %s cannot be read (%s); all are off", path, error)
        return dict(DEFAULTS)


def _read(record: Any, default: OutputChoice) -> OutputChoice:
    if record is None:
        return default
    address, rate, token = record["address"], record["rate_hz"], record.get("token_hash", "")
    if not (isinstance(address, str) and isinstance(token, str) and len(token) in (0, _HASH_DIGITS)):
        raise ValueError(f"{default.kind} makes no sense")
    choice = replace(default, address=default.address.parsed(address), token_hash=token).with_rate(float(rate))
    return replace(choice, on=record.get("on") is True)


def save_outputs(choices: Mapping[OutputKind, OutputChoice]) -> None:
    """Keep them. Raises EgoposeError where that cannot be done."""
    record: dict[str, Any] = {"version": _VERSION}
    for kind, choice in choices.items():
        record[kind.value] = {"on": choice.on, "address": str(choice.address), "rate_hz": choice.rate_hz}
        if choice.token_hash:
            record[kind.value]["token_hash"] = choice.token_hash
    try:
        write_atomically(outputs_path(), (json.dumps(record, indent=2) + "\n").encode())
    except EgoposeError as error:
        raise EgoposeError(f"the choice holds until the program ends: {error}") from error
