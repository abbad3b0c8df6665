"""A pose as the WebSocket sends it: one JSON document, whose fields README.md explains."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.motion.kinematics import BONE_NAMES
from engine.skeleton import JOINTS
from engine.types import Pose

VERSION = 1
_FORMAT = "egopose"
_DIGITS_M, _DIGITS_TURN, _DIGITS_SURE = 5, 6, 3


def document(pose: Pose) -> dict[str, Any] | None:
    """What is sent of a pose; None of one without a body. Numbers that are not known are null."""
    body = pose.body
    if body is None:
        return None
    joints, places = _rounded(body.joints_m, _DIGITS_M), _rounded(body.positions_m, _DIGITS_M)
    turns, sure = _rounded(body.rotations, _DIGITS_TURN), _rounded(pose.confidence, _DIGITS_SURE)
    return {
        "format": _FORMAT,
        "version": VERSION,
        "seq": pose.seq,
        "time": {
            "capture_ns": pose.capture_ns,
            # Both clocks are read now: one that is set does not make the motion jump by more than it was set.
            "unix": round(time.time() - (time.monotonic_ns() - pose.capture_ns) / 1e9, 6),
            "filter_lag_ms": round(pose.lag_ns / 1e6, 3),
        },
        "joints": {
            name: {"position": place, "confidence": one}
            for name, place, one in zip(JOINTS, joints, sure, strict=True)
        },
        "bones": {
            name: {"position": place, "rotation": turn}
            for name, place, turn in zip(BONE_NAMES, places, turns, strict=True)
        },
    }  # fmt: skip


def encoded(pose: Pose) -> str | None:
    """The document as text."""
    made = document(pose)
    return None if made is None else json.dumps(made, separators=(",", ":"), allow_nan=False)


def _rounded(values: Any, digits: int) -> Any:
    """Nested lists; 1e-16 is 0, and what is not finite is None."""
    numbers = np.round(np.asarray(values, np.float64), digits) + 0.0
    if np.isfinite(numbers).all():
        return numbers.tolist()
    known: NDArray[Any] = numbers.astype(object)
    known[~np.isfinite(numbers)] = None
    return known.tolist()
