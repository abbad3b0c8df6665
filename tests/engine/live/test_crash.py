"""`kill -9` while recording: the file opens, at most a second is missing, poses and calibration are intact."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EgoposeError
from engine.session.reader import Session
from engine.session.recover import recover
from engine.session.unfinished import part_path
from tests.engine.live.crash_child import PICTURE, joints
from tests.engine.session.test_session import CAMERA

ROOT = Path(__file__).parents[3]
ALLOWED_NS = 1_000_000_000


def crash(path: Path, seconds: float) -> list[tuple[int, int]]:
    """Record, kill so many seconds after the first frame; number and time of each frame that was handed over."""
    command = [sys.executable, "-m", "tests.engine.live.crash_child", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(seconds)
        child.kill()
        told = (first + child.stdout.read()).splitlines(keepends=True)
    return [(int(seq), int(ns)) for seq, ns in (line.split() for line in told if line.endswith("\n"))]


def check(path: Path, given: list[tuple[int, int]]) -> int:
    """What the file must hold; how many nanoseconds are missing at its end."""
    part = part_path(path)
    with Session(part) as session:
        count = len(session)
        assert [stamp.seq for stamp in session.stamps] == list(range(count))
        # Frames that the child recorded, but had not told of yet, may be there too.
        for (seq, ns), stamp in zip(given, session.stamps, strict=False):
            assert (seq, ns) == (stamp.seq, stamp.capture_ns)
        missing = max(given[-1][1] - session.stamps[-1].capture_ns, 0)
        assert missing <= ALLOWED_NS
        poses = [session.pose(index) for index in range(count)]
        # A pose may be missing where its frame is the last.
        assert None not in poses[:-1]
        for seq, pose in enumerate(poses):
            if pose is not None:
                np.testing.assert_array_equal(pose.joints_m, joints(seq))
        assert all(session.encoded(seq) == PICTURE + seq.to_bytes(4, "little") for seq in range(count))
        assert session.calibration is not None
        np.testing.assert_array_equal(session.calibration.model.params, CAMERA.model.params)
    done = recover(part)
    assert (done.path, done.frames, done.kept) == (path, count, None)
    return missing


@pytest.mark.parametrize("seconds", [1.1, 1.5])
def test_a_killed_recording_is_there(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "s.mcap"
    check(path, crash(path, seconds))


def test_killed_at_once_the_file_is_a_session_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    crash(path, 0.0)
    if part_path(path).exists():
        try:
            Session(part_path(path)).close()
        except EgoposeError as error:
            assert "No frame of" in str(error) or "is not a session" in str(error)  # noqa: PT017  both ways are right


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_random_moments(tmp_path: Path) -> None:
    rng = random.Random(20)
    missing = []
    for number in range(100):
        path = tmp_path / f"{number}.mcap"
        given = crash(path, rng.uniform(0.7, 4.0))
        missing.append(check(path, given))
        path.unlink()
    print(f"missing at the end: {max(missing) / 1e6:.0f} ms at most, {np.median(missing) / 1e6:.0f} ms in the median")
