"""`egopose replay --headless` as a user runs it: files in, files out, and one line for what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from app.cli import main
from calib.cv import cv2
from engine.motion.profile import from_height
from engine.session.writer import SessionWriter
from engine.types import Frame
from tests.app import fake

BONES_MM = "mpjpe_mm"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five smooth random pictures of an odd size."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(5):
        coarse = rng.integers(0, 256, (9, 11, 3), np.uint8)
        cv2.imwrite(str(folder / f"img_{index:06d}.jpg"), cv2.resize(coarse, (333, 251), interpolation=cv2.INTER_CUBIC))
    return folder


def replay(path: Path, out: Path, weights: Path, *more: str) -> int:
    return main(["replay", str(path), "--headless", "--out", str(out), "--network", str(weights), *more])


def test_the_contract(pictures: Path, tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert replay(pictures, out, tiny_weights) == 0
    with np.load(out / "poses.npz", allow_pickle=False) as poses:
        assert poses["seq"].tolist() == [0, 1, 2, 3, 4]
        assert (np.diff(poses["capture_ns"]) > 0).all()
        assert poses["joints_m"].shape == (5, 15, 3)
        assert poses["uv_px"].shape == (5, 15, 2)
        assert poses["confidence"].shape == (5, 15)
        assert np.isfinite(poses["joints_m"]).all()
        uv = poses["uv_px"][np.isfinite(poses["uv_px"]).all(-1)]
        assert len(uv)
        assert ((uv >= -0.5) & (uv <= [332.5, 250.5])).all()
    report = json.loads((out / "report.json").read_text())
    assert report["frames"] == 5
    assert report["fps"] > 0
    assert {"p50", "p95", "p99"} == set(report["age_ms"])
    assert {"canonical view", "network"} <= set(report["stages_ms"])
    assert report[BONES_MM] is None
    assert report["network"] == "tiny"
    assert "PyTorch" in report["runtime"]
    assert report["camera_assumed"] is True
    with av.open(str(out / "overlay.mp4")) as video:
        frames = list(video.decode(video=0))
    assert len(frames) == 5
    assert (frames[0].width, frames[0].height) == (334, 252)
    assert "was assumed" in capsys.readouterr().out


def test_replaying_twice_gives_the_same_bytes(pictures: Path, tmp_path: Path, tiny_weights: Path) -> None:
    for name in ("a", "b"):
        assert replay(pictures, tmp_path / name, tiny_weights) == 0
    first, second = (np.load(tmp_path / name / "poses.npz") for name in ("a", "b"))
    assert all(first[key].tobytes() == second[key].tobytes() for key in first.files)


def test_a_camera_that_was_given_is_not_assumed(pictures: Path, tmp_path: Path, tiny_weights: Path) -> None:
    assert replay(pictures, tmp_path / "o", tiny_weights, "--camera", "egopw") == 0
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["camera_assumed"] is False
    assert "egopw" in report["camera"].lower()


def test_a_broken_picture_is_skipped_counted_and_named(
    pictures: Path, tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "img_000002.jpg").write_bytes(b"\xff\xd8 not a picture")
    assert replay(pictures, tmp_path / "o", tiny_weights) == 0
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["frames"] == 4
    assert len(report["skipped"]) == 1
    assert "img_000002.jpg" in report["skipped"][0]
    assert np.load(tmp_path / "o" / "poses.npz")["seq"].tolist() == [0, 1, 3, 4]
    assert "img_000002.jpg" in capsys.readouterr().out


def test_reports_stay_on_the_raw_network_unless_filter_or_fit_are_asked_for(
    pictures: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    joints = {}
    for name, words in {"raw": (), "steady": ("--smoothing", "0.9"), "fit": ("--height", "1.6")}.items():
        assert replay(pictures, tmp_path / name, tiny_weights, *words) == 0
        joints[name] = np.load(tmp_path / name / "poses.npz")["joints_m"]
    reports = {name: json.loads((tmp_path / name / "report.json").read_text()) for name in joints}
    assert [reports[name]["smoothing"] for name in ("raw", "steady", "fit")] == [0, 0.9, 0]
    assert [reports[name]["profile"] for name in ("raw", "fit")] == [None, "wearer"]
    np.testing.assert_array_equal(joints["raw"][0], joints["steady"][0])  # the first is where it is seen
    assert np.linalg.norm(np.diff(joints["steady"], axis=0)) < 0.7 * np.linalg.norm(np.diff(joints["raw"], axis=0))
    shins = np.linalg.norm(joints["fit"][:, 9] - joints["fit"][:, 8], axis=-1)
    assert shins == pytest.approx(from_height(1.6).lengths.lower_leg, abs=1e-4)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("egopose: ")
    return lines[0]


def test_bad_input_is_one_line_and_status_2(
    pictures: Path, tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--headless", "--out", str(tmp_path / "o"))
    network = ("--network", str(tiny_weights))
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "video.mp4"
    text.write_text("this is no video\n" * 100)
    session = tmp_path / "cut.mcap"
    session.write_bytes(b"\x89MCAP0\r\n\x01\x02")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(tiny_weights.read_bytes()[:5000])
    broken = tmp_path / "camera.json"
    broken.write_text('{"size": [1280')
    file = tmp_path / "file"
    file.write_text("")
    assert "nowhere.mp4" in refused(capsys, "replay", str(tmp_path / "nowhere.mp4"), *out, *network)
    assert "empty" in refused(capsys, "replay", str(empty), *out, *network)
    assert "video.mp4" in refused(capsys, "replay", str(text), *out, *network)
    assert "cut.mcap" in refused(capsys, "replay", str(session), *out, *network)
    assert "damaged" in refused(capsys, "replay", str(pictures), *out, "--network", str(damaged))
    assert "no network is named" in refused(capsys, "replay", str(pictures), *out, "--network", "giant")
    assert "camera.json" in refused(capsys, "replay", str(pictures), *out, *network, "--camera", str(broken))
    assert "--out" in refused(capsys, "replay", str(pictures), "--headless", *network)
    assert "cannot make" in refused(capsys, "replay", str(pictures), "--headless", "--out", str(file / "x"), *network)
    for words in (("--smoothing", "2"), ("--smoothing", "nan")):
        assert "from 0 to 1" in refused(capsys, "replay", str(pictures), *out, *network, *words)
    assert "a person's" in refused(capsys, "replay", str(pictures), *out, *network, "--height", "175")
    assert "no profile" in refused(capsys, "replay", str(pictures), *out, *network, "--profile", "nobody")
    assert "--help" in refused(capsys, "replay")
    assert "--help" in refused(capsys, "dance")
    assert "no camera" in refused(capsys, "replay", "camera:97", *out, *network).lower()


def test_no_frame_that_can_be_read_is_an_error(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"\xff\xd8\xff")
    assert "a.jpg" in refused(
        capsys, "replay", str(folder), "--headless", "--out", str(tmp_path / "o"), "--network", str(tiny_weights)
    )


def test_recorded_poses_instead_of_the_networks(tmp_path: Path, tiny_weights: Path) -> None:
    with SessionWriter(tmp_path / "s.mcap") as writer:
        for seq in range(3):
            frame = Frame(np.full((48, 64, 3), 60, np.uint8), seq, seq * 10**8, "x")
            writer.add(frame)
            writer.add_pose(replace(fake.pose_at(0.4, seq), capture_ns=frame.capture_ns))
    assert replay(tmp_path / "s.mcap", tmp_path / "o", tiny_weights, "--recorded") == 0
    with np.load(tmp_path / "o" / "poses.npz", allow_pickle=False) as poses:
        assert np.array_equal(poses["joints_m"], np.stack([fake.joints_at(0.4)] * 3))
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["runtime"] == "as recorded"
