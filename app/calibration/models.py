"""The lens models that can be asked for, by the names people use. No Qt."""

from __future__ import annotations

from calib.solve.heldout import CANDIDATES
from calib.solve.lens import starters
from engine.errors import EgoposeError

AUTO = "auto"
_ALIASES = {
    "kb4": "kannala_brandt",
    "kb": "kannala_brandt",
    "kb5": "kannala_brandt5",
    "kb6": "kannala_brandt6",
    "fisheye": "kannala_brandt",
    "ds": "double_sphere",
    "omni": "mei",
    "radtan": "radial_tangential",
    "scaramuzza": "scaramuzza6",
    "ocam": "scaramuzza6",
}
LABELS = {
    AUTO: "Best of all models",
    "kannala_brandt": "Kannala-Brandt",
    "ucm": "Unified (UCM)",
    "eucm": "Extended unified (EUCM)",
    "double_sphere": "Double sphere",
    "mei": "Mei",
    "scaramuzza6": "Scaramuzza polynomial",
    "radial_tangential": "Radial-tangential",
}
"""For people, in the order they are offered."""


def model_kinds(name: str) -> tuple[str, ...]:
    """The kinds that compete for `auto`, or the one that a name stands for. Raises EgoposeError."""
    word = name.strip().lower()
    if word == AUTO:
        return CANDIDATES
    kind = _ALIASES.get(word, word)
    if kind not in starters():
        known = ", ".join((AUTO, "kb4", *starters()))
        raise EgoposeError(f"no lens model is named {name[:40]}; use one of {known}")
    return (kind,)
