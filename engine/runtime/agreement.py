"""Whether a compiled network still says what the network says, on recorded frames. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calib.formats import load_camera
from calib.remap import CanonicalView
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.runtime.description import Agreement
from engine.runtime.runtime import Runtime
from engine.skeleton import JOINT_COUNT
from engine.types import FloatArray, ImageArray

BLOCK = 50
"""Frames in a row. Every other block is for calibration, the others are for the check: neighbours look alike."""
MIN_BLOCK = 8
CALIBRATION_STEP = 4
MAX_FRAMES = 6000
"""Of each recording, from its beginning."""
MAX_BLOCKS = 24
"""Of all recordings together."""
JUMP_PX = 4.0
WITHIN = 0.01
"""What the error against the truth may change by, and how many joints may jump: one of a hundred."""
DEFAULT_CAMERA = "sceneego"
UNKNOWN: FloatArray = np.full((JOINT_COUNT, 3), np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Canonical views of recorded frames in blocks, each of frames in a row, the motion beginning anew with each."""

    pictures: tuple[ImageArray, ...]
    """(n, side, side, 3) uint8 BGR of each block."""
    truth: tuple[FloatArray, ...]
    """(n, 15, 3) metres, camera frame, of each block; NaN where not known."""

    def __len__(self) -> int:
        return sum(len(block) for block in self.pictures)

    def thinned(self, step: int) -> list[ImageArray]:
        """Every so manieth picture, (1, side, side, 3)."""
        return [block[i : i + 1] for block in self.pictures for i in range(0, len(block), step)]


def gather(recordings: Sequence[Path], side: int) -> tuple[Recorded, Recorded]:
    """Frames to calibrate on, and others to check with; of long recordings, blocks spread over all their length.

    Raises EgoposeError for a recording that cannot be read, and where there are too few frames for both.
    """
    most = max(2, MAX_BLOCKS // max(1, len(recordings)))
    blocks = [block for path in recordings for block in _blocks(path, side, most)]
    if len(blocks) < 2:
        names = ", ".join(str(path) for path in recordings) or "no recording"
        raise EgoposeError(f"too few frames in {names} to compile with; give --frames a recording of some seconds")
    pictures, truth = zip(*blocks, strict=True)
    return Recorded(pictures[::2], truth[::2]), Recorded(pictures[1::2], truth[1::2])


def _blocks(path: Path, side: int, most: int) -> list[tuple[ImageArray, FloatArray]]:
    """At most so many blocks of a recording."""
    found: list[tuple[ImageArray, FloatArray]] = []
    with open_source(str(path)) as source:
        count = min(source.info.frame_count or MAX_FRAMES, MAX_FRAMES)
        length = max(MIN_BLOCK, min(BLOCK, count // 2))
        step = max(1, -(-(count // length) // most))
        camera = source.info.calibration or load_camera(DEFAULT_CAMERA)
        view: CanonicalView | None = None
        block: list[tuple[ImageArray, FloatArray]] = []
        for i in range(count):
            frame = source.read()
            if frame is None or len(found) == most:
                break
            if (i // length) % step:
                continue
            size = frame.image.shape[1], frame.image.shape[0]
            if view is None or view.size != size:
                view = CanonicalView(camera, size, side)
            block.append((view.image(frame.image), UNKNOWN if frame.truth is None else frame.truth.joints_m))
            if len(block) == length:
                pictures, truth = zip(*block, strict=True)
                found.append((np.array(pictures), np.array(truth, np.float32)))
                block.clear()
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a runtime said of N frames."""

    joints_m: FloatArray
    """(N, 15, 3) metres, camera frame."""
    peaks_px: FloatArray
    """(N, 15, 2) the cells where the heatmaps are highest, in pixels of the canonical view."""
    cpu_ms: float
    """Of the processor, a frame."""


def trace(runtime: Runtime, recorded: Recorded, tell: Callable[[float], None] = lambda done: None) -> Trace:
    """Stream recorded frames through a runtime; `tell` is told how far that is, 0..1."""
    joints, peaks = [], []
    spent = 0
    for pictures in recorded.pictures:
        runtime.reset()
        for picture in pictures:
            began = time.process_time_ns()
            result = runtime.run(picture)
            spent += time.process_time_ns() - began
            joints.append(result.joints_m)
            side = result.heatmaps.shape[-1]
            highest = result.heatmaps.reshape(len(result.heatmaps), -1).argmax(-1)
            peaks.append(np.stack([highest % side, highest // side], -1) * (runtime.side / side))
        tell(len(joints) / len(recorded))
    return Trace(np.array(joints), np.array(peaks, np.float32), spent / 1e6 / max(1, len(joints)))


def agreement(ours: Trace, network: Trace, recorded: Recorded) -> Agreement:
    """How far a compiled network's trace lies from that of the network itself."""
    truth = np.concatenate(recorded.truth)
    known = np.isfinite(truth).all(-1)
    moved = np.linalg.norm(ours.joints_m - network.joints_m, axis=-1)
    jumped = np.linalg.norm(ours.peaks_px - network.peaks_px, axis=-1) > JUMP_PX

    def error_mm(trace: Trace) -> float | None:
        errors = np.linalg.norm(trace.joints_m - truth, axis=-1)[known]
        return float(errors.mean() * 1e3) if len(errors) else None

    return Agreement(
        frames=len(truth),
        mpjpe_mm=error_mm(ours),
        eager_mpjpe_mm=error_mm(network),
        moved_mm=float(moved.mean() * 1e3),
        moved_share=float(moved.mean() / np.linalg.norm(network.joints_m, axis=-1).mean()),
        jumped=float(jumped.mean()),
        cpu_ms=ours.cpu_ms,
        eager_cpu_ms=network.cpu_ms,
    )


def fault(found: Agreement, within: float = WITHIN) -> str:
    """Why a compiled network is not good enough, for people; "" where it is.

    Its error against the truth must be the network's own within that share; where no truth is known, its joints must
    lie where the network has them, to within the share of their distance from the camera.
    """
    change = found.mpjpe_change
    if change is not None and not change < within:
        return f"it changes the MPJPE by {change:.1%}"
    if change is None and not found.moved_share < within:
        return f"it moves the joints by {found.moved_share:.1%} of their distance"
    if not found.jumped < within:
        return f"it moves {found.jumped:.1%} of the heatmaps' peaks by over {JUMP_PX:g} px"
    return ""
