"""What is chosen for a pose's way from the network to whoever sees it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.motion.profile import Profile

DEFAULT_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """One value, exchanged as a whole while the pipeline runs."""

    smoothing: float = DEFAULT_SMOOTHING
    """Strength of the filter: 0 for none, 1 for the strongest."""
    profile: Profile | None = None
    """The wearer's body, whose bone lengths the skeleton then keeps; None to leave the joints where they are."""


RAW = MotionSettings(smoothing=0.0)
"""The joints as the network finds them."""
