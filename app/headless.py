"""`egopose replay PATH --headless --out DIR`: every frame, no window, files that others can build on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from rich.progress import MofNCompleteColumn, TimeRemainingColumn

from app.progress import progress_bar
from app.runtimes import runs_on
from app.settings import Settings
from calib.cv import cv2
from engine.capture.opening import open_source
from engine.capture.source import Source
from engine.errors import EgoposeError
from engine.live.mailbox import Mailbox
from engine.live.overlay import draw_overlay
from engine.live.pipeline import Estimate, Pipeline
from engine.motion.settings import RAW, MotionSettings
from engine.motion.stage import MotionStage
from engine.types import ImageArray, Pose

MILLISECONDS = Fraction(1, 1000)


class VideoWriter:
    """An H.264 file whose pictures keep their times. All have the first one's size, letter-boxed where needed."""

    def __init__(self, path: Path, fps: float = 30.0) -> None:
        """Raises EgoposeError where the file cannot be made."""
        try:
            self._container = av.open(str(path), "w")
        except OSError as error:
            raise EgoposeError(f"cannot write {path} ({error.strerror}); choose another --out") from error
        self._rate = Fraction(max(1.0, min(fps, 240.0))).limit_denominator(1001)
        self._stream: Any = None
        self._size = (0, 0)
        self._first_ns = 0
        self._last_pts = -1

    def add(self, image: ImageArray, time_ns: int) -> None:
        """One more picture, (H, W, 3) BGR."""
        if self._stream is None:
            self._begin(image, time_ns)
        picture = av.VideoFrame.from_ndarray(boxed(image, self._size), format="bgr24")
        pts = max(self._last_pts + 1, round((time_ns - self._first_ns) / 1e6))
        picture.pts, picture.time_base, self._last_pts = pts, MILLISECONDS, pts
        self._container.mux(self._stream.encode(picture))

    def _begin(self, image: ImageArray, time_ns: int) -> None:
        height, width = image.shape[:2]
        self._size = (width + width % 2, height + height % 2)
        self._stream = self._container.add_stream(
            "libx264", rate=self._rate, options={"preset": "veryfast", "crf": "20"}
        )
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = MILLISECONDS
        self._stream.codec_context.thread_count = 1
        self._first_ns = time_ns

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def boxed(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """The picture scaled uniformly and centred in (width, height), black around it."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    # A single missing row or column is padding, not a reason to resample.
    inner = (
        image
        if abs(scale - 1) < 2 / max(size)
        else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )
    inner = inner[:height, :width]
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return canvas


class Record:
    """The poses of a replay, gathered frame by frame."""

    def __init__(self, raw: bool = False) -> None:
        """`raw` takes the joints as the network found them, whatever filter and fit made of them."""
        self._raw = raw
        self.poses: list[Pose] = []
        self.truths: list[np.ndarray | None] = []
        self._first_ns = self._last_ns = 0

    def add(self, estimate: Estimate) -> None:
        """One more pose; its heatmaps are not kept, they would fill the memory."""
        self._last_ns = time.monotonic_ns()
        if not self.poses:
            self._first_ns = self._last_ns
        frame, pose = estimate.frame, estimate.pose
        joints = pose.raw_joints_m if self._raw and pose.raw_joints_m is not None else pose.joints_m
        self.poses.append(Pose(pose.seq, pose.capture_ns, joints, pose.confidence, pose.uv_px, _NOTHING, _NOTHING))
        self.truths.append(None if frame.truth is None else frame.truth.joints_m)

    def arrays(self) -> dict[str, np.ndarray]:
        """What poses.npz holds."""
        count = len(self.poses)
        return {
            "seq": np.array([p.seq for p in self.poses], np.int64),
            "capture_ns": np.array([p.capture_ns for p in self.poses], np.int64),
            "joints_m": np.array([p.joints_m for p in self.poses], np.float32).reshape(count, 15, 3),
            "uv_px": np.array([p.uv_px for p in self.poses], np.float32).reshape(count, 15, 2),
            "confidence": np.array([p.confidence for p in self.poses], np.float32).reshape(count, 15),
        }

    def fps(self) -> float:
        """Frames a second from the first pose to the last; 0 of one."""
        span = self._last_ns - self._first_ns
        return (len(self.poses) - 1) * 1e9 / span if span > 0 else 0.0

    def errors_mm(self) -> tuple[float, float] | None:
        """MPJPE and PA-MPJPE over the frames whose truth is known; None where there is none."""
        pairs = [(p.joints_m, t) for p, t in zip(self.poses, self.truths, strict=True) if t is not None]
        if not pairs:
            return None
        from engine.learn.metrics import mpjpe_mm, pa_mpjpe_mm  # noqa: PLC0415

        predicted, truth = (np.array(part, np.float64) for part in zip(*pairs, strict=True))
        return mpjpe_mm(predicted, truth), pa_mpjpe_mm(predicted, truth)


_NOTHING = np.zeros(0, np.float32)


def replay_headless(spec: str, out: Path, settings: Settings) -> dict[str, Any]:
    """Replay every frame and write poses.npz, overlay.mp4 and report.json into `out`; the report.

    Raises EgoposeError for a source, weights or folder that cannot be used, and where no frame could be read.
    """
    source = open_source(spec)
    make_folder(out)
    record = Record()
    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    motion = None if settings.reported_motion == RAW else MotionStage(settings.reported_motion)
    pipeline = Pipeline(source, settings.estimator_maker(spec), lossless=True, outbox=outbox, motion=motion)
    with VideoWriter(out / "overlay.mp4") as video, replaying(source, pipeline, outbox) as estimates:
        for estimate in estimates:
            record.add(estimate)
            if estimate.view is not None:
                video.add(draw_overlay(estimate.frame.image, estimate.pose, estimate.view), estimate.frame.capture_ns)
    if not record.poses:
        raise EgoposeError(f"no frame of {spec} could be read{_because(source)}; choose another source")
    report = make_report(spec, source, pipeline, record, settings.reported_motion)
    write_results(out, record, report)
    return report


def make_folder(out: Path) -> None:
    """Make the folder of --out. Raises EgoposeError where that cannot be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EgoposeError(f"cannot make the folder {out} ({error.strerror}); choose another --out") from error


def write_results(out: Path, record: Record, report: Mapping[str, Any]) -> None:
    """Write poses.npz and report.json."""
    np.savez(out / "poses.npz", **record.arrays())  # type: ignore[arg-type]
    (out / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


@contextmanager
def replaying(source: Source, pipeline: Pipeline, outbox: Mailbox[Estimate]) -> Iterator[Iterator[Estimate]]:
    """Run a lossless pipeline and give its estimates, with a bar on the terminal.

    Leaving it ends the pipeline in order, also after Ctrl+C; what went wrong in it is raised.
    """
    with progress_bar(MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("replaying", total=None)

        def estimates() -> Iterator[Estimate]:
            while (estimate := outbox.take()) is not None:
                yield estimate
                bar.update(task, advance=1, total=source.info.frame_count)

        pipeline.start()
        try:
            yield estimates()
            pipeline.wait()
        finally:
            pipeline.stop()


def make_report(
    spec: str, source: Source, pipeline: Pipeline, record: Record, motion: MotionSettings
) -> dict[str, Any]:
    """What report.json holds; numbers that are not known are null. `motion` is what the recorded poses went through."""
    figures = pipeline.snapshot().figures
    view = pipeline.view
    errors = record.errors_mm()
    return {
        "source": spec,
        "frames": len(record.poses),
        "skipped": list(source.skipped),
        "fps": round(record.fps(), 2),
        "age_ms": _rounded(asdict(figures.age_ms)),
        "stages_ms": {name: _rounded(asdict(stage)) for name, stage in figures.stages_ms.items()},
        "mpjpe_mm": None if errors is None else round(errors[0], 2),
        "pa_mpjpe_mm": None if errors is None else round(errors[1], 2),
        "runtime": figures.runtime,
        "runtime_reason": figures.reason,
        "network": figures.network,
        "smoothing": motion.smoothing,
        "profile": None if motion.profile is None else motion.profile.name,
        "camera": None if view is None else view.camera.name,
        "camera_assumed": None if view is None else view.camera.assumed,
        "picture_size": None if view is None else list(view.size),
    }


def _because(source: Source) -> str:
    return f" ({source.skipped[0]})" if source.skipped else ""


def _rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: round(value, 3) if np.isfinite(value) else None for name, value in values.items()}


def summary(report: Mapping[str, Any]) -> str:
    """The report in a few lines for people."""
    age = report["age_ms"]
    lines = [
        f"{report['frames']} frames, {report['fps']:.1f} a second",
        runs_on(report["network"], report["runtime"], report["runtime_reason"]),
        f"age of a pose {age['p50']:.1f} ms in the median, {age['p95']:.1f} ms at the 95th percentile",
    ]
    if report["mpjpe_mm"] is not None:
        lines.append(
            f"error against the truth: MPJPE {report['mpjpe_mm']:.1f} mm, PA-MPJPE {report['pa_mpjpe_mm']:.1f} mm"
        )
    if report["camera_assumed"]:
        lines.append(f"the camera is not calibrated: {report['camera']} was assumed; give --camera FILE")
    lines += [f"skipped: {line}" for line in report["skipped"]]
    return "\n".join(lines)
