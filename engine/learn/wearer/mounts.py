"""Where a camera can sit on a head: the mounts that data is made for, by name or by the user's own measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import EgoposeError
from engine.learn.wearer.scene import Look, Mount

_ASIDE_M = 0.008
_TURN_DEG = 2.5
_OWN_SPREAD_CM = 2.0
_OWN_SPREAD_DEG = 3.0


@dataclass(frozen=True, slots=True)
class MountRange:
    """How the camera of one kind of rig sits, and how much that varies from person to person."""

    ahead_m: tuple[float, float]
    """From the foremost point of the head forward, least and most."""
    below_m: tuple[float, float]
    """From the crown down, least and most; negative above it."""
    tilt_deg: tuple[float, float]
    """Of the optical axis from straight down forward: mean and standard deviation."""

    def draw(self, rng: np.random.Generator) -> Mount:
        """One person's."""
        ahead, below = rng.uniform(*self.ahead_m), rng.uniform(*self.below_m)
        forward, left, about = np.radians([rng.normal(*self.tilt_deg), *rng.normal(0, _TURN_DEG, 2)])
        return Mount(
            float(ahead), float(below), float(rng.normal(0, _ASIDE_M)), (float(forward), float(left), float(about))
        )


BOOM = MountRange((0.10, 0.20), (0.09, 0.17), (10.0, 4.0))
HELMET = MountRange((0.08, 0.28), (-0.07, 0.12), (17.0, 6.0))
MOUNTS = {
    "glasses": MountRange((0.01, 0.04), (0.09, 0.14), (14.0, 5.0)),
    "forehead": MountRange((0.02, 0.06), (0.02, 0.08), (15.0, 6.0)),
    "cap": MountRange((0.06, 0.12), (0.0, 0.07), (10.0, 5.0)),
    "boom": BOOM,
    "helmet": HELMET,
}
"""From glasses to a helmet with a boom; the data sets' own rigs are between the last two."""

_HELMETS = 0.25


def sample_mount(rng: np.random.Generator, look: Look = "varied", mount: MountRange | None = None) -> Mount:
    """A mount out of a range; without one, a hand's width before the face, and on a quarter of the heads a helmet's."""
    if look == "demo":
        return Mount(0.14, 0.10, 0.0, (np.radians(12.0), 0.0, 0.0))
    return (mount or (HELMET if rng.random() < _HELMETS else BOOM)).draw(rng)


def parse_mount(text: str) -> MountRange:
    """A mount by name, or "AHEAD,BELOW,TILT" in centimetres and degrees, each of which is then varied a little.

    Raises EgoposeError for anything else.
    """
    if text in MOUNTS:
        return MOUNTS[text]
    try:
        ahead, below, tilt = (float(word) for word in text.split(","))
    except ValueError as error:
        raise EgoposeError(
            f"{text!r} is no mount: give {', '.join(MOUNTS)}, or centimetres before the face, centimetres below the "
            "crown and degrees forward from straight down, such as 14,10,12"
        ) from error
    if not (0 <= ahead <= 40 and -20 <= below <= 25 and -30 <= tilt <= 60):
        raise EgoposeError(
            f"no camera is mounted at {text}: it sits 0 to 40 cm before the face, -20 to 25 cm below the crown, "
            "and looks -30 to 60 degrees forward"
        )
    around = _OWN_SPREAD_CM
    return MountRange(
        (max(0.0, ahead - around) / 100, (ahead + around) / 100),
        ((below - around) / 100, (below + around) / 100),
        (tilt, _OWN_SPREAD_DEG),
    )
