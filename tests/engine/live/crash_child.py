"""Records until it is killed: `python -m tests.engine.live.crash_child PATH`.

Every frame that was handed to the recorder is told on stdout with its time, so that whoever kills
this knows what must be in the file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from engine.live.recorder import Recorder
from engine.types import Frame, Pose
from tests.engine.live.disks import RoomyDisk
from tests.engine.session.test_session import CAMERA, INFO

FPS = 60
EMPTY = np.zeros((0, 0, 3), np.uint8)
PICTURE = b"\xff\xd8" + bytes(30_000) + b"\xff\xd9"
"""No JPEG inside, since nobody looks: a third of a chunk, so that chunks are cut by time and by size."""


def joints(seq: int) -> np.ndarray:
    """(15, 3) that tell the number."""
    return np.arange(45, dtype=np.float32).reshape(15, 3) + seq


def main(path: Path) -> None:
    """Record for ever."""
    recorder = Recorder(path, INFO, CAMERA, disk=RoomyDisk())
    recorder.start()
    ones, uv, none = np.ones(15, np.float32), np.zeros((15, 2), np.float32), np.zeros(0, np.float32)
    due = time.monotonic()
    seq = 0
    while True:
        now = time.monotonic_ns()
        recorder.frame(Frame(EMPTY, seq, now, "x", encoded=PICTURE + seq.to_bytes(4, "little")))
        recorder.pose(Pose(seq, now, joints(seq), ones, uv, none, none))
        sys.stdout.write(f"{seq} {now}\n")
        sys.stdout.flush()
        seq += 1
        due += 1 / FPS
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
