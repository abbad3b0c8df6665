"""The values that travel through the program: frame, event, pose, figures, snapshot. All frozen.

Coordinates: joints are metres in the camera's frame (x to image right, y to image
down, z along the optical axis away from the camera). Picture coordinates are pixels,
the centre of the top-left pixel at (0, 0), as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.motion.kinematics import BodyMotion

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is known of the wearer in a frame, for sources that know it."""

    joints_m: FloatArray
    """(15, 3) metres, camera frame; NaN where a joint is not known."""
    visible: NDArray[np.bool_]
    """(15,) whether the joint is inside the picture and not hidden."""
    action: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture as a source gave it."""

    image: ImageArray
    """(H, W, 3) uint8, BGR."""
    seq: int
    """Position in the source, from 0, counting frames that were skipped or dropped."""
    capture_ns: int
    """Host monotonic clock right after the grab and before decoding; of a supervised source with a device clock, the
    device's time on the host's clock, which is free of the transport's jitter. Recorded: the recorded time."""
    source_id: str
    device_ns: int | None = None
    """The device's (or the file's) own timestamp."""
    device_clock: str | None = None
    """Name of the clock that `device_ns` was read from."""
    truth: Truth | None = None
    encoded: bytes | None = None
    """The camera's own JPEG bytes of `image`, where it gives them: recorded as they came."""


class EventKind(StrEnum):
    """What can happen to a stream besides frames."""

    STATE = "state"
    """The source changed its state."""
    GAP = "gap"
    """Frames are missing between two that are there."""
    CLOCK = "clock"
    """A timestamp did not hold: it went backwards, or jumped."""
    MARK = "mark"
    """The user marked this moment."""
    DROP = "drop"
    """Frames were lost on the way into the recording."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a moment of a stream."""

    kind: EventKind
    capture_ns: int
    """When it was noticed, on the clock of `Frame.capture_ns`; of a gap, the first frame after it."""
    text: str
    """One line for people."""
    duration_ns: int = 0
    """Of a gap: the time between the frames on both sides of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """The skeleton of the wearer in one frame."""

    seq: int
    capture_ns: int
    joints_m: FloatArray
    """(15, 3) metres, camera frame; after filter and fit where those are on."""
    confidence: FloatArray
    """(15,) in 0..1, how surely the joint was seen."""
    uv_px: FloatArray
    """(15, 2) heatmap peaks in pixels of the source picture; NaN where the peak has no pixel there."""
    heatmaps: FloatArray
    """(15, h, w) in 0..1, in the canonical view."""
    action_scores: FloatArray
    """(A,) probabilities in the order of `Figures.actions`; empty where the network has no action head."""
    stage_ns: Mapping[str, int] = field(default_factory=dict)
    """How long each stage took for this frame."""
    raw_joints_m: FloatArray | None = None
    """(15, 3) as the network found them, camera frame; None where `joints_m` are just that."""
    body: BodyMotion | None = None
    """The same as joint rotations of a skeleton whose bones keep their lengths; None where nothing was fitted."""
    lag_ns: int = 0
    """Estimate of how far the filter lets moving joints lag behind."""


class StreamState(StrEnum):
    """What a source is doing, in the words the window shows."""

    CLOSED = "closed"
    OPENING = "opening"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKOFF = "waiting to retry"
    PAUSED = "paused"
    """A recording that is held."""
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a duration, in milliseconds; NaN before the first measurement."""

    p50: float
    p95: float
    p99: float


NOT_MEASURED = Percentiles(nan, nan, nan)


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What the pipeline measured of itself, over the last few seconds unless said."""

    state: StreamState
    message: str
    """One line for the user where the state needs one, else empty."""
    source_fps: float
    pose_fps: float
    age_ms: Percentiles
    """From the grab of a frame to its finished pose; of a recorded frame, from its hand-over."""
    stages_ms: Mapping[str, Percentiles]
    """How long each stage took."""
    produced: int
    """Frames the source gave since the start."""
    processed: int
    """Frames that have a pose, since the start."""
    overwritten: int
    """Frames that a newer one replaced before they were looked at, since the start."""
    runtime: str
    """For people: what runs the network, for instance "PyTorch eager, CPU"."""
    network: str
    """For people: which network runs, for instance "small"."""
    actions: tuple[str, ...] = ()
    """Names that belong to `Pose.action_scores`."""
    silent_s: float = 0.0
    """Seconds since the source's last new picture, while it is not streaming; 0 while it is."""
    delivered: str = ""
    """For people: what a camera really gives, for instance "MJPG 1280 x 720 at 30 fps"."""
    gaps: int = 0
    """How often frames were missing between two that are there, since the start."""
    clock_faults: int = 0
    """How often a timestamp did not hold, since the start."""
    motion_every: int = 1
    """The temporal stream runs on every so-manieth frame: 1 unless the machine is too slow for the source."""
    filter_lag_ms: Percentiles = NOT_MEASURED
    """How far the filter lets moving joints lag behind: see `Pose.lag_ns`."""
    clock_skew_ppm: float | None = None
    """How much faster the host's clock runs than the device's, in millionths; None where not known."""
    reason: str = ""
    """For people: why this runtime and not a faster one, for instance "no NVIDIA GPU"."""
    building: str = ""
    """For people: what is being made meanwhile to run faster, and how far it is."""
    notice: str = ""
    """One line that the user is to know once, and that stops nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What the window draws: a frame, the pose that belongs to it, and figures."""

    figures: Figures
    frame: Frame | None = None
    pose: Pose | None = None
    """None until a pose is known; else `pose.seq == frame.seq` always."""
