"""The pipeline's figures as the window words them. Pure functions, no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from app.translation import noted, tr
from engine.runtime.choice import TITLES
from engine.runtime.runtime import ASKED_FOR, FASTEST
from engine.types import Figures, Percentiles, Pose, StreamState

UNKNOWN = "–"  # noqa: RUF001 an en dash is what is meant
UNCALIBRATED = noted("⚠ Uncalibrated")
LIKELY = 0.4
"""An action below this probability is shown as a guess among others, not by name."""

_STATES = {
    StreamState.CLOSED: noted("Closed"),
    StreamState.OPENING: noted("Opening"),
    StreamState.STREAMING: noted("Streaming"),
    StreamState.STALLED: noted("Stalled"),
    StreamState.BACKOFF: noted("Waiting to retry"),
    StreamState.PAUSED: noted("Paused"),
    StreamState.ENDED: noted("Ended"),
    StreamState.FAILED: noted("Failed"),
}
STATE_WORDS: tuple[str, ...] = (*_STATES.values(), noted("Nothing open"))


@dataclass(frozen=True, slots=True)
class StripText:
    """What the strip says, a cell each."""

    state: str
    tone: str
    """"good", "warning", "error" or "muted": how the state is coloured."""
    rates: str
    age: str
    skipped: str
    runtime: str
    action: str
    share: float
    """Probability of the action, 0 where there is none."""
    acts: bool = False
    """Whether the network names actions."""


EMPTY = StripText(noted("Nothing open"), "muted", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0.0)
BEGINNING = replace(EMPTY, state=_STATES[StreamState.OPENING])
WIDEST = StripText("Waiting to retry", "muted", "999.9 → 999.9", "9999 / 9999 ms", "9 999 999 (100 %)",
                   UNKNOWN, UNKNOWN, 0.0)  # fmt: skip
"""The longest text of each cell whose width is fixed."""


def without_options(message: str) -> str:
    """A message of the command line for the window, where runtimes are chosen from a list by what they are called."""
    return re.sub(r"--runtime ([a-z-]+)", lambda found: TITLES.get(found[1], found[1]), message)


def state_word(state: StreamState) -> str:
    """What the source is doing."""
    return tr(_STATES[state])


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if isfinite(value) else UNKNOWN


def rates(source_fps: float, pose_fps: float) -> str:
    """Frames in and poses out, a second."""
    return f"{_number(source_fps, 1)} → {_number(pose_fps, 1)}"


def age(percentiles: Percentiles) -> str:
    """Median and 95th percentile in milliseconds."""
    if not isfinite(percentiles.p50):
        return UNKNOWN
    return f"{_number(percentiles.p50, 0)} / {_number(percentiles.p95, 0)} ms"


def skipped(overwritten: int, produced: int) -> str:
    """Frames that a newer one replaced, and their share of all."""
    if not produced:
        return UNKNOWN
    return f"{overwritten:,} ({100 * overwritten / produced:.0f} %)".replace(",", "\u2009")


def sentence(text: str) -> str:
    """Begun with a capital, as what stands alone is: messages of errors are made to follow a colon."""
    return text[:1].upper() + text[1:]


def action(figures: Figures, pose: Pose | None) -> tuple[str, float]:
    """The likeliest action in words and its probability; a guess below LIKELY has a question mark."""
    if pose is None or not figures.actions or len(pose.action_scores) != len(figures.actions):
        return UNKNOWN, 0.0
    if not np.isfinite(pose.action_scores).all():
        return UNKNOWN, 0.0
    best = int(np.argmax(pose.action_scores))
    share = float(pose.action_scores[best])
    name = figures.actions[best].replace("_", " ")
    return f"{sentence(name)}{'' if share >= LIKELY else '?'} {share:.0%}", share


def sparing(figures: Figures) -> str:
    """How often the temporal stream runs, "" where that is on every frame."""
    if figures.motion_every <= 1:
        return ""
    return tr("motion every 2nd frame") if figures.motion_every == 2 else tr("motion every 3rd frame")


def sparing_tip(figures: Figures) -> str:
    """Why the temporal stream is spared, "" where it is not."""
    if figures.motion_every <= 1:
        return ""
    return tr(
        "This computer cannot hold {fps} frames a second: joints are found in each frame that it looks at, the "
        "wearer's motion in one of {n} of them. That ends by itself as soon as there is room.",
        fps=_number(figures.source_fps, 0),
        n=figures.motion_every,
    )


_REASONS = {ASKED_FOR: noted("asked for"), FASTEST: noted("the fastest there is")}


def reason_text(reason: str) -> str:
    """Why it is this runtime: in the user's language where nothing is amiss, else as the engine words what is."""
    known = _REASONS.get(reason)
    return reason if known is None else tr(known)


def reason_tip(figures: Figures) -> str:
    """Why it is this runtime, and what is made to run faster, a line each; "" where nothing runs."""
    why = tr("Why: {reason}", reason=reason_text(figures.reason)) if figures.reason else ""
    meanwhile = tr("Meanwhile: {building}", building=figures.building) if figures.building else ""
    return "\n".join(filter(None, [why, meanwhile]))


def what_runs(figures: Figures) -> str:
    """The network and what runs it; behind it what is made meanwhile, else why nothing faster runs."""
    runtime = figures.runtime
    if runtime and not figures.building and figures.reason not in ("", ASKED_FOR, FASTEST):
        runtime = f"{runtime}: {figures.reason}"
    return " · ".join(filter(None, [figures.network, sparing(figures), runtime, figures.building]))


def delivery_tip(figures: Figures) -> str:
    """What a camera really gives, and how well, a line each."""
    lines = [figures.delivered] if figures.delivered else []
    if figures.motion_every > 1:
        lines.append(sparing_tip(figures))
    if figures.gaps:
        lines.append(tr("{n} gap since the start", "{n} gaps since the start", n=figures.gaps))
    if figures.clock_faults:
        lines.append(
            tr(
                "{n} timestamp that did not hold since the start",
                "{n} timestamps that did not hold since the start",
                n=figures.clock_faults,
            )
        )
    if figures.clock_skew_ppm is not None:
        ppm = f"{figures.clock_skew_ppm:+.1f}"
        lines.append(tr("The computer's clock runs {ppm} ppm faster than the camera's", ppm=ppm))
    return "\n".join(lines)


def window_title(name: str, figures: Figures | None) -> str:
    """The source with what it really gives, and the program."""
    given = f" ({figures.delivered})" if figures is not None and figures.delivered else ""
    return f"{name}{given} – egopose"  # noqa: RUF001


def strip_text(figures: Figures, pose: Pose | None) -> StripText:
    """All cells."""
    tone = {
        StreamState.STREAMING: "good",
        StreamState.STALLED: "warning",
        StreamState.BACKOFF: "warning",
        StreamState.FAILED: "error",
    }.get(figures.state, "muted")
    # What was measured while the picture was live says nothing of now.
    live = figures.silent_s <= 0
    label, share = action(figures, pose) if live else (UNKNOWN, 0.0)
    # A frame that rests has no rate, and its age means nothing.
    timed = live and figures.produced > 0 and figures.state is not StreamState.PAUSED
    return StripText(
        state=state_word(figures.state),
        tone=tone,
        rates=rates(figures.source_fps, figures.pose_fps) if timed else UNKNOWN,
        age=age(figures.age_ms) if timed else UNKNOWN,
        skipped=skipped(figures.overwritten, figures.produced),
        runtime=what_runs(figures) or UNKNOWN,
        action=label,
        share=share,
        acts=bool(figures.actions),
    )
