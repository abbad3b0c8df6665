"""A wearer's body: a name, a height, bone lengths. Kept as one JSON file each in the user's configuration."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_config_dir

from engine.cameras import write_atomically
from engine.errors import EgoposeError
from engine.motion.kinematics import BoneLengths, KinematicSkeleton
from engine.motion.world import Array
from engine.skeleton import JOINTS

PROPORTIONS = BoneLengths(
    hips=0.1287, trunk=0.3275, shoulder=0.1146, upper_arm=0.1546, lower_arm=0.1352,
    upper_leg=0.2327, lower_leg=0.2496, foot=0.0916,
)  # fmt: skip
"""Bone lengths as a share of the body's height: the means over the wearer's 48 bodies (`assets/wearer.npz`, of the Anny
body model, Brégier et al. 2025), whose joints are those that the bundled networks learned. Drillis and Contini 1966, in
Winter, Biomechanics and Motor Control of Human Movement, figure 4.1, have 0.186, 0.146, 0.245 and 0.246 for the limbs,
with the shoulder at the shoulder's top; trunk and shoulders are measured between other points there."""

PEOPLE = BoneLengths(0.059, 0.015, 0.052, 0.012, 0.058, 0.061, 0.037, 0.019)
"""By what share of itself each bone spreads among those 48 bodies once they are scaled to one height."""
NETWORK_SCALE, NETWORK_BONE = 0.05, 0.05
"""By what shares the bundled network is wrong about a body: in its size, and in each bone besides. Its standard
deviations over 14 held-out clips of a second, each of another person who stands or gestures, are 0.034 and 0.051; the
weights before it had 0.041 and 0.054. Over clips of all kinds of motion they are 0.060 and 0.057."""

EYE_SHARE = 0.936
"""Height of the eyes as a share of the body's, Drillis and Contini 1966; a camera on the head is about as high."""

DEFAULT_HEIGHT_M = 1.73
PEOPLE_HEIGHT = 0.06
"""The share by which grown women and men spread about it."""
LEAST_HEIGHT_M, GREATEST_HEIGHT_M = 0.8, 2.5
_LEAST_M, _GREATEST_M = 0.02, 1.5
"""What a bone of a person may measure."""
LEAST_POSES = 15
"""Fewer tell nothing."""
GREATEST_SPREAD = 0.15
"""Of a bone's length, median absolute deviation from the median: more and it is not known."""
FAINT = 0.05
"""Joints below this confidence are most likely out of the picture."""
_AGAIN = "stand still and upright where the camera sees your arms and feet, and try again"
_PAIRS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"))
_MEASURED: tuple[tuple[tuple[tuple[str, ...], str], ...], ...] = (
    ((("left_hip",), "right_hip"),),
    ((("left_hip", "right_hip"), "neck"),),
    tuple((("neck",), f"{side}_shoulder") for side in ("left", "right")),
    *(tuple(((f"{side}_{start}",), f"{side}_{end}") for side in ("left", "right")) for start, end in _PAIRS),
)
"""Of each of the BoneLengths, on each side: the points whose mean is one end, and the other end."""
_MAX_BYTES = 1 << 16
_VERSION = 1
_NAME = re.compile(r"[^\W_][\w .()'-]{0,59}")


@dataclass(frozen=True, slots=True)
class Profile:
    """A wearer's body."""

    name: str
    height_m: float
    lengths: BoneLengths

    @property
    def camera_height_m(self) -> float:
        """Of the camera above the floor while the wearer stands."""
        return EYE_SHARE * self.height_m

    def of_height(self, height_m: float) -> Profile:
        """The same body scaled to another height. Raises EgoposeError where no person is that tall."""
        check_height(height_m)
        return Profile(self.name, height_m, self.lengths.scaled(height_m / self.height_m))

    def skeleton(self) -> KinematicSkeleton:
        """The wearer's bones in rest."""
        return KinematicSkeleton(self.lengths)


def from_height(height_m: float, name: str = "wearer") -> Profile:
    """A body of this height and of average proportions. Raises EgoposeError where no person is that tall."""
    check_height(height_m)
    return Profile(name, height_m, PROPORTIONS.scaled(height_m))


def check_height(height_m: float) -> None:
    """Raises EgoposeError where no person is that tall."""
    if not LEAST_HEIGHT_M <= height_m <= GREATEST_HEIGHT_M:
        raise EgoposeError(
            f"a height of {height_m:g} m is not a person's; give metres, from {LEAST_HEIGHT_M} to {GREATEST_HEIGHT_M}"
        )


def measured(
    joints_m: NDArray[Any],
    confidence: NDArray[Any] | None = None,
    name: str = "wearer",
    height_m: float | None = None,
    greatest_spread: float = GREATEST_SPREAD,
) -> Profile:
    """The body in N poses of a wearer who stands still: medians over the poses, left and right averaged.

    `joints_m` is (N, 15, 3) metres in any frame, `confidence` (N, 15). Where the height is known, all lengths are
    scaled to it; else they tell the height. `greatest_spread` is of a bone's length, the median absolute deviation.
    Raises EgoposeError where too few poses are whole or they differ too much.
    """
    joints = np.asarray(joints_m, np.float64).reshape(-1, len(JOINTS), 3)
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(joints).all(-1))
    if confidence is not None:
        seen &= np.asarray(confidence) >= FAINT
    lengths = BoneLengths(*(_median(joints, seen, pairs, greatest_spread) for pairs in _MEASURED))
    found = Profile(name, sum(astuple(lengths)) / sum(astuple(PROPORTIONS)), lengths)
    if height_m is not None:
        return found.of_height(height_m)
    if not LEAST_HEIGHT_M <= found.height_m <= GREATEST_HEIGHT_M:
        raise EgoposeError(f"the bones measured are those of a body of {found.height_m:.2f} m; {_AGAIN}")
    return found


def likely(found: Profile, height_m: float | None = None) -> Profile:
    """The body that is most likely behind what the bundled network measured, given how people are made.

    Each bone is drawn towards its usual share of the height by how far the network errs about it, and the height
    towards the usual one; a height that is known holds. That is the mean of a normal posterior of the logarithms.
    """
    usual = np.array(astuple(PROPORTIONS))
    logs, spread = np.log(np.array(astuple(found.lengths)) / usual), np.array(astuple(PEOPLE))
    weights = 1 / (spread**2 + NETWORK_BONE**2)
    size = float((weights * logs).sum() / weights.sum())
    doubt = NETWORK_SCALE**2 + 1 / float(weights.sum())
    expected = (size * PEOPLE_HEIGHT**2 + math.log(DEFAULT_HEIGHT_M) * doubt) / (PEOPLE_HEIGHT**2 + doubt)
    height = math.exp(expected) if height_m is None else height_m
    check_height(height)
    bones = height * usual * np.exp(spread**2 * weights * (logs - size))
    return Profile(found.name, height, BoneLengths(*(float(length) for length in bones)))


def _median(
    joints: Array, seen: NDArray[np.bool_], pairs: tuple[tuple[tuple[str, ...], str], ...], greatest_spread: float
) -> float:
    """Metres between two points: the median of each side over the poses, averaged over the sides."""
    found = []
    for ends, other in pairs:
        begin, end = [JOINTS.index(name) for name in ends], JOINTS.index(other)
        whole = seen[:, begin].all(-1) & seen[:, end]
        if whole.sum() < LEAST_POSES:
            continue
        lengths = np.linalg.norm(joints[whole][:, begin].mean(1) - joints[whole][:, end], axis=-1)
        middle = float(np.median(lengths))
        spread = float(np.median(np.abs(lengths - middle))) / max(middle, 1e-9)
        if spread > greatest_spread:
            raise EgoposeError(f"the bone to the {other.replace('_', ' ')} changed by {spread:.0%}; {_AGAIN}")
        found.append(middle)
    if not found:
        raise EgoposeError(f"the {pairs[0][1].replace('_', ' ')} was not seen for long enough; {_AGAIN}")
    return sum(found) / len(found)


def profiles_folder() -> Path:
    """Where profiles are kept: NAME.json."""
    return Path(user_config_dir("egopose")) / "profiles"


def profile_names() -> list[str]:
    """Those that are kept, in the order of the alphabet."""
    try:
        return sorted(path.stem for path in profiles_folder().glob("*.json") if _NAME.fullmatch(path.stem))
    except OSError:
        return []


def save_profile(profile: Profile) -> Path:
    """Keep it under its name, whole or not at all; the file. Raises EgoposeError."""
    path = _path(profile.name)
    record = {"version": _VERSION, "name": profile.name, "height_m": profile.height_m}
    text = json.dumps(record | {"lengths_m": asdict(profile.lengths)}, indent=2, allow_nan=False) + "\n"
    write_atomically(path, text.encode())
    return path


def load_profile(name: str) -> Profile:
    """The profile kept under a name. Raises EgoposeError where there is none, or its file is damaged."""
    path = _path(name)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        return _profile(name, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        known = ", ".join(profile_names())
        hint = f"there are: {known}" if known else "add --height METRES to make one"
        raise EgoposeError(f"there is no profile {name!r}; {hint}") from error
    except OSError as error:
        raise EgoposeError(f"the profile {path} cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise EgoposeError(f"the profile {path} is damaged ({error}); remove it and set the wearer up again") from error


def remove_profile(name: str) -> None:
    """Forget it. Raises EgoposeError where the file cannot be removed."""
    path = _path(name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise EgoposeError(f"the profile {path} cannot be removed ({error.strerror}); check its permissions") from error


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise EgoposeError(f"{name!r} is no name for a profile; use letters, digits and spaces, 60 at most")
    return profiles_folder() / f"{name}.json"


def _profile(name: str, record: Any) -> Profile:
    """Raises ValueError where it is none."""
    if not isinstance(record, dict) or record.get("version") != _VERSION:
        raise ValueError("it is of another version")
    lengths = record.get("lengths_m")
    if not isinstance(lengths, dict):
        raise ValueError("lengths_m is missing")
    names = [field.name for field in fields(BoneLengths)]
    body = BoneLengths(*(_number(lengths.get(part), part, _LEAST_M, _GREATEST_M) for part in names))
    return Profile(name, _number(record.get("height_m"), "height_m", LEAST_HEIGHT_M, GREATEST_HEIGHT_M), body)


def _number(value: Any, what: str, least: float, greatest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} is no number")
    if not least <= value <= greatest:
        raise ValueError(f"{what} is not from {least:g} to {greatest:g} m")
    return float(value)
