"""Writing what lies between in and out, on a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path

from app.presenter import one_line
from app.replay.feed import ReplayFeed
from app.replay.voices import RECORDED, open_voice
from app.sessions.export import export_images, export_video
from app.translation import noted, tr
from engine.errors import EgoposeError
from engine.live.overlay import draw_overlay, draw_skeleton
from engine.motion.export import export_motion
from engine.replay.exact import ExactEstimator
from engine.session.cut import cut
from engine.session.reader import Session
from engine.session.source import SessionSource
from engine.types import Frame, ImageArray, Pose

KINDS = {
    "bvh": noted("Motion, BVH"),
    "csv": noted("Motion, table (CSV)"),
    "npz": noted("Motion, NumPy (NPZ)"),
    "c3d": noted("Motion, C3D"),
    "mp4": noted("Video with the skeleton, MP4"),
    "mcap": noted("Session, MCAP"),
    "images": noted("Pictures with the skeleton"),
}


class CancelledError(Exception):
    """The user wants it no more."""


class Export:
    """One export under way; `share`, `said` and `failed` tell how it goes. What is cancelled leaves no file."""

    def __init__(self, feed: ReplayFeed, kind: str, out: Path, where: range) -> None:
        self.share: float = 0.0
        self.said = ""
        """One line for the user once it is over."""
        self.failed = False
        self._feed, self._kind, self._out, self._where = feed, kind, out, where
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="egopose export", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask it to end; `join` waits."""
        self._stop.set()

    def join(self) -> None:
        self._thread.join()

    def _tell(self, share: float) -> None:
        self.share = share
        if self._stop.is_set():
            raise CancelledError

    def _run(self) -> None:
        try:
            with Session(Path(self._feed.spec).expanduser()) as session:
                self.said = self._export(session)
        except CancelledError:
            self.said = tr("Nothing was written.")
        except Exception as error:  # told in place
            self.said, self.failed = one_line(error), True

    def _export(self, session: Session) -> str:
        feed, out, where = self._feed, self._out, self._where
        if self._kind == "mcap":
            return tr("{name}: {n} frames", name=out.name, n=cut(session, out, where, self._tell))
        voice = feed.voice
        recorded = voice == RECORDED
        with SessionSource(session.path) as source:
            estimator = None if recorded else open_voice(feed, voice, source, played=False)
            try:
                if self._kind in ("mp4", "images"):
                    write = export_video if self._kind == "mp4" else export_images
                    done = write(session, out, where, self._draw(session, estimator), self._tell)
                    return tr("{name}: {n} frames", name=out.name, n=done.frames)
                estimate = None if estimator is None else estimator.estimate
                made = export_motion(session, out, where, feed.motion, estimate=estimate, tell=self._tell)
                return f"{out.name}: {made.told()[0]}"
            finally:
                if estimator is not None:
                    estimator.close()

    def _draw(self, session: Session, estimator: ExactEstimator | None):  # type: ignore[no-untyped-def]
        def draw(index: int, frame: Frame) -> ImageArray:
            pose: Pose | None = session.pose(index) if estimator is None else estimator.estimate(frame)
            if pose is None:
                return frame.image
            view = estimator.view if estimator is not None else None
            return draw_skeleton(frame.image, pose) if view is None else draw_overlay(frame.image, pose, view)

        return draw


def check(feed: ReplayFeed) -> None:
    """Raises EgoposeError where it is no session, which alone can be exported."""
    if Path(feed.spec).suffix.lower() != ".mcap":
        raise EgoposeError(tr("only sessions (.mcap) can be exported from the window"))
