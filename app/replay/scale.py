"""Where times lie on the timeline. Pure functions, no Qt."""

from __future__ import annotations

from dataclasses import dataclass

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True, slots=True)
class Scale:
    """From media time to pixels and back, over the width between two margins."""

    left: float
    width: float
    start_ns: int
    duration_ns: int

    def x(self, media_ns: int) -> float:
        """Pixels; times beyond either end lie at that end."""
        if self.duration_ns <= 0:
            return self.left
        share = (media_ns - self.start_ns) / self.duration_ns
        return self.left + min(max(share, 0.0), 1.0) * self.width

    def time_ns(self, x: float) -> int:
        """Media time; pixels beyond either end are taken as that end."""
        if self.width <= 0:
            return self.start_ns
        share = min(max((x - self.left) / self.width, 0.0), 1.0)
        return self.start_ns + round(share * self.duration_ns)


def tick_step_s(duration_s: float, width: float, apart: float) -> float:
    """Seconds between labelled ticks that lie at least `apart` pixels from each other."""
    least = duration_s * apart / max(width, 1.0)
    return next((float(step) for step in _STEPS_S if step >= least), 3600.0 * (int(least / 3600) + 1))


def slots(width: float, each: float) -> int:
    """How many thumbnails of a width fit side by side, at least one."""
    return max(1, int(width // max(each, 1.0)))


def clock(seconds: float, digits: int = 2) -> str:
    """0:07.32, 1:02:03.40."""
    hundredths = round(max(seconds, 0.0) * 10**digits)
    whole, part = divmod(hundredths, 10**digits)
    hours, minutes = whole // 3600, whole // 60 % 60
    text = f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    return f"{text}.{part:0{digits}}" if digits else text
