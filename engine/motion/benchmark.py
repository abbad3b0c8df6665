"""What filter and fit are worth on a session whose truth is known: jitter, lag, error and time.

`python -m engine.motion.benchmark [SESSION] [--network NAME]` runs the network over the session (the bundled one), and
then filter and fit at several strengths over what it found.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.learn.metrics import accelerations, mpjpe_mm
from engine.motion.filter import OneEuro
from engine.motion.fit import Fitter
from engine.motion.profile import Profile, measured
from engine.motion.settings import DEFAULT_SMOOTHING
from engine.motion.world import Array, to_camera, to_world

STRENGTHS = (0.0, 0.25, DEFAULT_SMOOTHING, 0.75, 1.0)
_SHIFTS = np.arange(-2.0, 6.0, 0.05)
"""In frames."""


@dataclass(frozen=True, slots=True)
class Row:
    """One strength of the filter, with or without the fit behind it."""

    smoothing: float
    fitted: bool
    jitter: float
    """Mean acceleration of the joints, m/s^2."""
    mpjpe_mm: float
    lag_by_error: float
    """Frames: the shift at which the error against the truth is least."""
    lag_by_correlation: float
    """Frames: the shift at which the joints' velocities correlate most with the truth's."""
    told_ms: float
    """The filter's own estimate of its lag, in the mean."""
    fit_mm: float
    """Mean distance of the fit from the points; NaN without one."""
    cpu_ms: float
    """Processor time of filter and fit, a frame."""


def jitter(joints_m: NDArray[Any], times_s: Array) -> float:
    """(T, 15, 3) at (T,) seconds to the mean length of the joints' accelerations, m/s^2."""
    found = accelerations(joints_m, times_s, np.zeros(len(times_s)))
    return float(np.nanmean(np.linalg.norm(found, axis=-1)))


def lag_by_error(joints_m: NDArray[Any], truth_m: NDArray[Any]) -> float:
    """Frames by which (T, 15, 3) lie behind the truth: where shifting it makes the mean distance least."""
    return float(_SHIFTS[np.argmin([np.nanmean(_distance(now, then)) for now, then in _shifted(joints_m, truth_m)])])


def lag_by_correlation(joints_m: NDArray[Any], truth_m: NDArray[Any]) -> float:
    """The same of the velocities: where they correlate most."""
    pairs = _shifted(np.diff(joints_m, axis=0), np.diff(truth_m, axis=0))
    found = [np.nansum(a * b) / np.sqrt(np.nansum(a * a) * np.nansum(b * b)) for a, b in pairs]
    return float(_SHIFTS[np.argmax(found)])


def rows(
    joints_m: NDArray[Any], truth_m: NDArray[Any], times_ns: NDArray[np.int64], strengths: Sequence[float] = STRENGTHS
) -> Iterator[Row]:
    """One for each strength without and with the fit. Joints and truth (T, 15, 3) metres, camera frame, even times."""
    profile = measured(joints_m, greatest_spread=np.inf)
    for strength in strengths:
        for fitted in (False, True):
            yield _row(joints_m, truth_m, times_ns, strength, profile if fitted else None)


def _row(
    joints_m: NDArray[Any], truth_m: NDArray[Any], times_ns: NDArray[np.int64], strength: float, profile: Profile | None
) -> Row:
    one, fitter = OneEuro(strength), None if profile is None else Fitter(profile.skeleton())
    found, lags, errors = [], [], []
    began = time.thread_time()
    for points, now in zip(joints_m, times_ns, strict=True):
        result = one.update(points, int(now))
        lags.append(one.lag_ns)
        if fitter is not None and (body := fitter.fit(to_world(result))) is not None:
            result = to_camera(body.joints_m)
            errors.append(float(np.nanmean(body.error_m)))
        found.append(result)
    cpu_ms = 1000 * (time.thread_time() - began) / len(found)
    shown = np.array(found)
    return Row(
        smoothing=strength,
        fitted=fitter is not None,
        jitter=jitter(shown, (times_ns - times_ns[0]) / 1e9),
        mpjpe_mm=mpjpe_mm(shown, truth_m),
        lag_by_error=lag_by_error(shown, truth_m),
        lag_by_correlation=lag_by_correlation(shown, truth_m),
        told_ms=float(np.mean(lags)) / 1e6,
        fit_mm=1000 * float(np.mean(errors)) if errors else float("nan"),
        cpu_ms=cpu_ms,
    )


def _distance(a: Array, b: Array) -> Array:
    return np.asarray(np.linalg.norm(a - b, axis=-1))


def _shifted(values: NDArray[Any], reference: NDArray[Any]) -> Iterator[tuple[Array, Array]]:
    """The values, and the reference so many frames earlier, over the frames that every shift leaves."""
    margin = int(np.ceil(np.abs(_SHIFTS).max())) + 1
    at = np.arange(margin, len(values) - margin)
    for shift in _SHIFTS:
        whole = int(np.floor(shift))
        part = shift - whole
        yield values[at], (1 - part) * reference[at - whole] + part * reference[at - whole - 1]


def _found(session: Path, network: str) -> tuple[Array, Array, NDArray[np.int64]]:
    """Joints, truth and times of a session, by the network as it is without filter."""
    from calib.formats import load_camera  # noqa: PLC0415
    from engine.assets import bundled_weights  # noqa: PLC0415
    from engine.live.estimator import PoseEstimator  # noqa: PLC0415
    from engine.runtime.eager import EagerRuntime  # noqa: PLC0415
    from engine.session.source import SessionSource  # noqa: PLC0415

    joints, truth, times = [], [], []
    with SessionSource(session) as source:
        camera = source.info.calibration or load_camera("sceneego")
        estimator = PoseEstimator(EagerRuntime.from_file(bundled_weights(network)), camera)
        while (frame := source.read()) is not None:
            joints.append(estimator.estimate(frame).joints_m)
            truth.append(np.full((15, 3), np.nan) if frame.truth is None else frame.truth.joints_m)
            times.append(frame.capture_ns)
        estimator.close()
    return np.array(joints, np.float64), np.array(truth, np.float64), np.array(times, np.int64)


def main() -> None:
    """Measure, and print a table."""
    from engine.assets import DEMO_SESSION  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m engine.motion.benchmark", description=__doc__)
    parser.add_argument("session", nargs="?", type=Path, default=DEMO_SESSION, help="with truth (default: the demo)")
    parser.add_argument("--network", default="small", help="(default: %(default)s)")
    arguments = parser.parse_args()
    joints, truth, times = _found(arguments.session, arguments.network)
    own = jitter(truth, (times - times[0]) / 1e9)
    print(f"{len(joints)} frames, {np.median(np.diff(times)) / 1e6:.0f} ms apart; jitter of the truth {own:.2f} m/s^2")
    print("strength  fit   jitter m/s^2 (share)  MPJPE mm  lag, frames: error  correlation  told ms  fit mm  CPU ms")
    first = None
    for row in rows(joints, truth, times):
        first = first or row
        share = row.jitter / first.jitter
        print(
            f"{row.smoothing:8.2f}  {'yes' if row.fitted else 'no ':3}  {row.jitter:12.2f}  ({share:5.3f})  "
            f"{row.mpjpe_mm:8.1f}  {row.lag_by_error:18.2f}  {row.lag_by_correlation:11.2f}  {row.told_ms:7.1f}  "
            f"{row.fit_mm:6.1f}  {row.cpu_ms:6.2f}"
        )


if __name__ == "__main__":
    main()
