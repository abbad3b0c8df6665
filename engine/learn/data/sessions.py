"""The project's own sessions, with truth, as sequences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from calib.calibration import Calibration
from calib.formats import load_camera
from engine.errors import EgoposeError
from engine.learn.data.findings import Findings
from engine.learn.data.sequence import UNKNOWN_ACTION, Pictures, Sequence, clips_of, projected
from engine.learn.wearer.motion import ACTIONS
from engine.session.reader import Session
from engine.types import ImageArray

DATA_SET = "session"
DEFAULT_CAMERA = "sceneego"


@dataclass
class SessionPictures(Pictures):
    """The pictures of a session."""

    path: Path
    camera: Calibration
    _session: Session | None = field(default=None, repr=False)

    def raw(self, index: int) -> ImageArray:
        if self._session is None:
            self._session = Session(self.path)
        return self._session.frame(index).image

    def name(self, index: int) -> str:
        return f"{self.path.name} frame {index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return SessionPictures, (self.path, self.camera)

    def __del__(self) -> None:
        if self._session is not None:
            self._session.close()


def recognise(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".mcap"


def in_split(path: Path, split: str) -> bool:
    """A session says nothing of splits."""
    return True


def read(path: Path, findings: Findings) -> Sequence | None:
    """One session; None where it cannot be used. Frames without truth are unknown."""
    try:
        with Session(path) as session:
            truths = [session.truth(i) for i in range(len(session))]
            stamps, camera = session.stamps, session.calibration
            for line in session.skipped:
                findings.note(path, line)
    except EgoposeError as error:
        findings.error(path, str(error))
        return None
    if all(truth is None for truth in truths):
        findings.error(path, "holds no truth: record it from the synthetic wearer, or choose another session")
        return None
    if camera is None:
        camera = replace(load_camera(DEFAULT_CAMERA), assumed=True)
        findings.note(path, f"carries no calibration; the {DEFAULT_CAMERA} camera is assumed")
    unknown = np.full((15, 3), np.nan, np.float32)
    joints = np.stack([unknown if truth is None else truth.joints_m for truth in truths])
    time_s = np.array([stamp.capture_ns for stamp in stamps]) / 1e9
    return Sequence(
        name=path.stem,
        data_set=DATA_SET,
        pictures=SessionPictures(path, camera),
        joints_m=joints,
        uv=projected(joints),
        visible=np.stack([np.zeros(15, np.bool_) if truth is None else truth.visible for truth in truths]),
        hidden_known=True,
        action=np.array([_action(None if truth is None else truth.action) for truth in truths], np.int16),
        time_s=time_s - time_s[0],
        clip=clips_of(time_s, np.array([stamp.seq for stamp in stamps])),
        subject=np.full(len(truths), path.stem),
    )


def _action(name: str | None) -> int:
    return ACTIONS.index(name) if name in ACTIONS else UNKNOWN_ACTION
