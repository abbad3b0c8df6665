"""A device's clock on the host's: offset and skew, estimated while frames arrive.

A frame arrives late by its transport, never early, so the true line lies under every point
(device time, arrival) and touches the quickest ones: the lower convex hull's edge over the mean
device time is the line that keeps under all points with the least sum of distances (Moon, Skelly
and Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BUCKET_NS = 250_000_000
"""Of the points in each such time of the device, the earliest is kept."""
BUCKETS = 120
"""How many are kept: half a minute."""
SKEW_AFTER_NS = 4_000_000_000
"""Until so much is seen, the skew is taken as none: jitter would make it wild."""
MOST_SKEW = 1e-3
"""Quartz keeps 1e-4; more than this is jitter."""
AHEAD_NS = 60_000_000
"""A frame that is earlier than the quickest one by more than this: the device's clock leapt forward."""
WARM_BUCKETS = 4
"""Before so many, an early frame says no more than that those before it were late, as the first ones are."""
BEHIND_NS = 250_000_000
"""Frames that are all later than this for `BEHIND_BUCKETS` long: the device's clock leapt back."""
BEHIND_BUCKETS = 3
SILENCE_NS = 2_000_000_000
"""After so long without a frame its clock may have been set anew: it is looked at afresh, without a word."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A device's time on the host's clock."""

    host_ns: int
    """When the frame was taken, at the latest when it arrived."""
    violation: str = ""
    """What the device's clock did that clocks do not, "" where it went on as it should."""


class DeviceClock:
    """The map from one device's clock to the host's. Used from one thread."""

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._kept: deque[tuple[int, int]] = deque(maxlen=BUCKETS)
        self._bucket: tuple[int, int] | None = None
        """The earliest point of the bucket that is being filled."""
        self._bucket_ends = 0
        self._late_buckets = 0
        self._line: tuple[int, int, float] | None = None
        """(device ns, host ns, host ns a device ns less one): a point on the line, and its slope."""
        self._last: tuple[int, int] | None = None

    @property
    def skew_ppm(self) -> float | None:
        """How much faster the host's clock runs than the device's, in millionths; None while not known."""
        if self._line is None or len(self._kept) < 2 or self._kept[-1][0] - self._kept[0][0] < SKEW_AFTER_NS:
            return None
        return self._line[2] * 1e6

    @property
    def offset_ns(self) -> int | None:
        """Host time less device time at the last frame, the least transport included; None before the first."""
        if self._last is None:
            return None
        return self._on_line(self._last[0]) - self._last[0]

    def read(self, device_ns: int, arrival_ns: int) -> Reading:
        """Take in a frame's device time and its arrival, and give the device time on the host's clock."""
        violation = self._violation(device_ns, arrival_ns)
        if violation:
            self._restart()
        self._last = device_ns, arrival_ns
        self._keep(device_ns, arrival_ns)
        return Reading(min(self._on_line(device_ns), arrival_ns), violation)

    def _violation(self, device_ns: int, arrival_ns: int) -> str:
        if self._last is None:
            return ""
        if device_ns <= self._last[0]:
            back = (self._last[0] - device_ns) / 1e6
            return f"the device's clock went back by {back:.1f} ms" if back else "the device's clock stood still"
        if arrival_ns - self._last[1] > SILENCE_NS:
            self._restart()
            return ""
        early = self._on_line(device_ns) - arrival_ns
        if early > AHEAD_NS and len(self._kept) >= WARM_BUCKETS:
            return f"the device's clock leapt forward by {early / 1e6:.0f} ms"
        if self._late_buckets >= BEHIND_BUCKETS:
            return f"the device's clock fell back by {-early / 1e6:.0f} ms, or its frames take longer"
        return ""

    def _keep(self, device_ns: int, arrival_ns: int) -> None:
        if self._line is None:
            self._line = device_ns, arrival_ns, 0.0
        if self._bucket is None:
            self._bucket_ends = device_ns + BUCKET_NS
            self._bucket = device_ns, arrival_ns
        elif device_ns >= self._bucket_ends:
            self._close_bucket(self._bucket)
            self._bucket_ends = device_ns + BUCKET_NS
            self._bucket = device_ns, arrival_ns
        elif arrival_ns - device_ns < self._bucket[1] - self._bucket[0]:
            self._bucket = device_ns, arrival_ns
        if arrival_ns < self._on_line(device_ns):
            # Quicker than any before: the line goes through it until the next bucket is closed.
            self._line = device_ns, arrival_ns, self._line[2]

    def _close_bucket(self, earliest: tuple[int, int]) -> None:
        late = earliest[1] - self._on_line(earliest[0])
        self._late_buckets = self._late_buckets + 1 if late > BEHIND_NS else 0
        self._kept.append(earliest)
        self._line = fitted_line(list(self._kept))

    def _on_line(self, device_ns: int) -> int:
        assert self._line is not None  # there is one from the first frame on
        device, host, slope = self._line
        return host + (device_ns - device) + round((device_ns - device) * slope)


def fitted_line(points: list[tuple[int, int]]) -> tuple[int, int, float]:
    """(device ns, host ns, slope less one) of the line under all points, in the order of their device time.

    Exact where two points on both sides of the middle were not delayed.
    """
    first, last = points[0][0], points[-1][0]
    slope = 0.0
    if last - first >= SKEW_AFTER_NS:
        hull = lower_hull(points)
        middle = sum(device for device, _ in points) / len(points)
        right = next(i for i in range(1, len(hull)) if hull[i][0] >= middle)
        (x0, y0), (x1, y1) = hull[right - 1], hull[right]
        slope = min(max(((y1 - y0) - (x1 - x0)) / (x1 - x0), -MOST_SKEW), MOST_SKEW)
    # Whatever the slope is, no point may lie under the line.
    at, host = min(points, key=lambda point: (point[1] - point[0]) - (point[0] - first) * slope)
    return at, host, slope


def lower_hull(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The lower convex hull of points in the order of their x, in whole numbers and so exact (Andrew 1979)."""
    hull: list[tuple[int, int]] = []
    for x, y in points:
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull
