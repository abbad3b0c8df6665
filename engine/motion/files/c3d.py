"""C3D, which programs for motion analysis read (https://www.c3d.org). Written by ezc3d.

The 15 joints as points in millimetres, in the world of `engine.motion.world`: y up, which POINT:Y_SCREEN says too. C3D
knows one rate for all frames, so uneven clips are resampled; the points in a gap are invalid, as the format has it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import EgoposeError
from engine.motion.clip import Clip, Tell, resampled
from engine.skeleton import JOINTS

MOST_FRAMES = 65_535
"""What the format's frame numbers can count."""


def write_c3d(clip: Clip, path: Path, tell: Tell) -> None:
    """Write it. Raises EgoposeError where ezc3d is not installed, or the clip is too long."""
    try:
        import ezc3d  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise EgoposeError('C3D is written by ezc3d, which is not installed: pip install -e ".[motion]"') from error
    tell(0.0)
    even = resampled(clip)
    if len(even) > MOST_FRAMES:
        raise EgoposeError(f"{len(even)} frames are more than C3D can count ({MOST_FRAMES}); give a shorter --range")
    points = np.ones((4, len(JOINTS), len(even)))
    points[:3] = 1000 * even.joints_m().transpose(2, 1, 0)
    points[:3, :, ~even.known] = np.nan
    made = ezc3d.c3d()
    made["parameters"]["POINT"]["RATE"]["value"] = [1 / even.interval_s]
    made["parameters"]["POINT"]["LABELS"]["value"] = list(JOINTS)
    made["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    made.add_parameter("POINT", "X_SCREEN", "+X")
    made.add_parameter("POINT", "Y_SCREEN", "+Y")
    made["data"]["points"] = points
    made.write(str(path))
