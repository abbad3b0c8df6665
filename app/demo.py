"""`make demo` without a screen: the bundled session through the same pipeline, the window painted offscreen."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from app.headless import Record, VideoWriter, make_folder, make_report, replaying, summary, write_results
from app.offscreen import OffscreenWindow
from app.settings import Settings
from calib.cv import cv2
from engine.assets import DEMO_SESSION
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.live.mailbox import Mailbox
from engine.live.pipeline import Estimate, Pipeline
from engine.motion.settings import RAW
from engine.motion.stage import MotionStage
from engine.types import ImageArray, Snapshot

WINDOW_SIZE = (1280, 800)
PICTURE_AT = 0.4
"""Which part of the session the PNG shows."""


def demo_without_screen(out: Path, settings: Settings, theme: str) -> str:
    """Write demo.mp4, demo.png, poses.npz and report.json into `out`; what to tell the user.

    Raises EgoposeError where the folder or the session cannot be used.
    """
    source = open_source(str(DEMO_SESSION))
    make_folder(out)
    record = Record(raw=settings.reported_motion == RAW)
    outbox: Mailbox[Estimate] = Mailbox(lossless=True)
    motion = MotionStage(settings.shown_motion)
    pipeline = Pipeline(source, settings.estimator_maker(), lossless=True, outbox=outbox, motion=motion)
    window = OffscreenWindow(WINDOW_SIZE, "dark" if theme == "system" else theme)
    shown: ImageArray | None = None
    with VideoWriter(out / "demo.mp4") as video, closing(window), replaying(source, pipeline, outbox) as estimates:
        for estimate in estimates:
            record.add(estimate)
            figures = pipeline.snapshot().figures
            snapshot = Snapshot(figures, estimate.frame, estimate.pose)
            picture = window.paint(snapshot, estimate.view, title=source.info.name)
            video.add(picture, estimate.frame.capture_ns)
            if shown is None or len(record.poses) <= PICTURE_AT * (source.info.frame_count or 0):
                shown = picture
    if shown is None:
        raise EgoposeError(f"no frame of {DEMO_SESSION} could be read; get the program's files again")
    cv2.imwrite(str(out / "demo.png"), shown)
    report = make_report(str(DEMO_SESSION), source, pipeline, record, settings.reported_motion)
    write_results(out, record, report)
    return f"{summary(report)}\nno screen: what the window would show is in {out}/demo.mp4 and {out}/demo.png"
