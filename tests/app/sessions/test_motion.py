"""`egopose export --bvh` and its kin as a user runs them."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np
import pytest

from app.cli import main
from engine.capture.picture import encode_jpeg
from engine.learn.wearer.bvh import load_bvh
from engine.motion.export import export_motion
from engine.motion.kinematics import SOLE
from engine.motion.profile import from_height
from engine.motion.settings import RAW
from engine.motion.world import to_camera
from engine.session.reader import Session
from engine.session.writer import SessionWriter
from engine.types import Frame, Pose
from tests.engine.motion.bodies import SKELETON, reach
from tests.engine.session.test_session import CAMERA, INFO

START, STEP = 10**12, 40_000_000
COUNT = 60
NO_POSE = range(30, 40)


def pose_at(seq: int) -> Pose:
    joints = to_camera(reach(seq / 25)).astype(np.float32)
    none = np.zeros(0, np.float32)
    return Pose(seq, START + seq * STEP, joints, np.ones(15, np.float32), np.zeros((15, 2), np.float32), none, none)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames at 25 a second, ten of which have no pose."""
    path = tmp_path_factory.mktemp("motion") / "walk.mcap"
    image = np.full((48, 64, 3), 90, np.uint8)
    with SessionWriter(path, CAMERA, info=INFO) as writer:
        for seq in range(COUNT):
            writer.add(Frame(image, seq, START + seq * STEP, "x", encoded=encode_jpeg(image, 90)))
            if seq not in NO_POSE:
                writer.add_pose(pose_at(seq))
    return path


def test_a_session_as_bvh_with_its_gap_told(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(session), "--bvh", str(tmp_path / "walk.bvh")]) == 0
    told = capsys.readouterr().out
    assert "50 poses over 2.4 s" in told
    assert "no pose for 0.44 s at 1.16 s" in told
    assert "resampled" in told
    file = load_bvh(tmp_path / "walk.bvh")
    assert (len(file.values), file.dt_s) == (60, 0.04)
    positions, _ = file.forward()
    knee, ankle = (file.names.index(name) for name in ("LeftLowerLeg", "LeftFoot"))
    shins = np.linalg.norm(positions[:, ankle] - positions[:, knee], axis=-1)
    assert shins == pytest.approx(np.full(60, SKELETON.lengths.lower_leg), abs=1e-4)
    wrist = file.names.index("RightHand")
    truth = np.array([reach(seq / 25)[3] for seq in range(COUNT)])
    seen = [seq for seq in range(COUNT) if seq not in NO_POSE]
    assert np.linalg.norm(positions[seen, wrist] - truth[seen], axis=-1).max() < 2e-3


def test_every_format_and_a_range(session: Path, tmp_path: Path) -> None:
    for kind in ("csv", "npz", "c3d"):
        out = tmp_path / f"walk.{kind}"
        assert main(["export", str(session), f"--{kind}", str(out), "--range", "0.4-0.8", "--height", "1.6"]) == 0
    with np.load(tmp_path / "walk.npz") as data:
        assert data["seq"].tolist() == list(range(10, 21))
        shins = np.linalg.norm(data["joints_m"][:, 9] - data["joints_m"][:, 8], axis=-1)
        assert shins == pytest.approx(from_height(1.6).lengths.lower_leg)
    assert len((tmp_path / "walk.csv").read_text().splitlines()) == 12
    assert ezc3d.c3d(str(tmp_path / "walk.c3d"))["data"]["points"].shape == (4, 15, 11)


def test_the_feet_can_be_put_on_the_floor(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.npz"
    assert main(["export", str(session), "--npz", str(out), "--ground"]) == 0
    with np.load(out) as data:
        feet = data["joints_m"][:, [9, 10, 13, 14], 1].min(axis=1)
        assert feet == pytest.approx(np.full(50, SOLE * SKELETON.lengths.foot), abs=0.02)


def test_what_the_network_finds_now(session: Path, tmp_path: Path, tiny_weights: Path) -> None:
    out, words = tmp_path / "now.npz", ["--rerun", "--network", str(tiny_weights), "--range", "-0.4"]
    assert main(["export", str(session), "--npz", str(out), *words]) == 0
    with np.load(out) as data:
        assert data["seq"].tolist() == list(range(11))
        assert np.isfinite(data["joints_m"]).all()


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["export", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_bad_input_is_one_line(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    walk = str(session)
    assert "ends in .bvh" in refused(capsys, walk, "--bvh", str(tmp_path / "walk.mp4"))
    assert "pictures do not have" in refused(capsys, walk, "--images", str(tmp_path / "images"), "--ground")
    assert "leave it away" in refused(capsys, walk, "--bvh", str(tmp_path / "a.bvh"), "--overlay")
    assert "no folder" in refused(capsys, walk, "--bvh", str(tmp_path / "x" / "a.bvh"))
    assert "no pose is known" in refused(capsys, walk, "--bvh", str(tmp_path / "a.bvh"), "--range", "1.24-1.52")
    assert "not allowed with" in refused(capsys, walk, "--bvh", "a.bvh", "--csv", "a.csv")
    assert "from 0 to 1" in refused(capsys, walk, "--bvh", str(tmp_path / "a.bvh"), "--smoothing", "7")
    bare = tmp_path / "bare.mcap"
    image = np.zeros((8, 8, 3), np.uint8)
    with SessionWriter(bare) as writer:
        writer.add(Frame(image, 0, START, "x"))
    assert "--rerun" in refused(capsys, str(bare), "--bvh", str(tmp_path / "a.bvh"))
    assert [path.name for path in tmp_path.iterdir()] == ["bare.mcap"]


class StopError(Exception):
    pass


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.5, 0.79])
def test_an_export_that_is_stopped_leaves_nothing(session: Path, tmp_path: Path, moment: float) -> None:
    shares: list[float] = []

    def tell(share: float) -> None:
        shares.append(share)
        if share >= moment:
            raise StopError

    with Session(session) as opened, pytest.raises(StopError):
        export_motion(opened, tmp_path / "a.bvh", range(len(opened)), RAW, tell=tell)
    assert list(tmp_path.iterdir()) == []
    assert shares == sorted(shares)


def test_progress_runs_from_nothing_to_all(session: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    with Session(session) as opened:
        done = export_motion(opened, tmp_path / "a.csv", range(len(opened)), RAW, tell=shares.append)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)
    assert not done.resampled  # a table has every frame at its own time
    assert done.error_mm < 2
