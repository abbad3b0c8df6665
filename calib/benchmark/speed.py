"""How long the steps take on made views."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from calib.benchmark.recovery import drawn
from calib.benchmark.synthetic import Spoiling
from calib.calibrate import calibrate_views
from calib.solve.fit import fit, refine

_VIEWS = 50
_REPEATS = 7


def speeds(seed: int) -> dict[str, float]:
    """Seconds, the median of a few repeats, for 50 views of a made camera."""
    camera, views = drawn(np.random.default_rng([seed, 3]), _VIEWS, Spoiling())
    first = fit(views[: _VIEWS - 1], camera.size)
    return {
        "refine 50 views": _median(lambda: refine(first, views), _REPEATS),
        "fit 50 views": _median(lambda: fit(views, camera.size), _REPEATS),
        "choose a lens from 50 views": _median(lambda: calibrate_views(views, camera.size), 3),
    }


def _median(work: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))
