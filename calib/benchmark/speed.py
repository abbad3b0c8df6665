"""How long the steps take on made views, whatever else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from calib.benchmark.recovery import drawn
from calib.benchmark.synthetic import Spoiling
from calib.calibrate import calibrate_views
from calib.follow import Follower
from calib.solve.fit import fit

_VIEWS = 50
_REPEATS = 7


def speeds(seed: int) -> dict[str, float]:
    """Seconds of one processor, the median of a few repeats, for 50 views of a made camera."""
    camera, views = drawn(np.random.default_rng([seed, 3]), _VIEWS, Spoiling())
    follower = Follower()
    follower.solve(views[: _VIEWS - 1], camera.size)
    return {
        "re-solve 50 views": _median(lambda: follower.solve(views, camera.size), _REPEATS),
        "fit 50 views": _median(lambda: fit(views, camera.size), _REPEATS),
        "choose a lens from 50 views": _median(lambda: calibrate_views(views, camera.size), 3),
    }


def _median(work: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return float(np.median(taken))
