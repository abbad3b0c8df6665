"""`egopose info`, `export`, `recover` and `record` as a user runs them."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from app.cli import main
from app.sessions.names import recording_name, size_text, time_text
from engine.capture.picture import decode_picture, encode_jpeg
from engine.session.reader import Session
from engine.session.writer import Pictures, SessionWriter
from engine.types import Event, EventKind, Frame, Pose
from tests.engine.session.test_session import CAMERA, INFO

FPS = 10
COUNT = 30


def picture(seq: int) -> np.ndarray:
    return np.full((48, 64, 3), 40 + 5 * seq, np.uint8)


def pose(seq: int, ns: int) -> Pose:
    """A skeleton whose joints all lie on one spot, so that the overlay is a dot there."""
    uv = np.full((15, 2), 30, np.float32)
    heat, none = np.zeros((15, 0, 0), np.float32), np.zeros(0, np.float32)
    return Pose(seq, ns, np.ones((15, 3), np.float32), np.ones(15, np.float32), uv, heat, none)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "walk.mcap"
    write(path)
    return path


def write(path: Path, pictures: Pictures = Pictures.JPEG, poses: bool = True) -> None:
    made_by = {"network": "small", "smoothing": "0.5", "profile": "ada"}
    with SessionWriter(path, CAMERA, info=INFO, metadata=made_by, pictures=pictures) as writer:
        for seq in range(COUNT):
            ns = 10**12 + seq * 10**9 // FPS
            jpeg = encode_jpeg(picture(seq), 90)
            writer.add(Frame(picture(seq), seq, ns, "x", seq * 100, "v4l2", encoded=jpeg))
            if poses and seq % 2 == 0:
                writer.add_pose(pose(seq, ns))
        writer.add_event(Event(EventKind.GAP, 10**12 + 10**9, "nothing for 2.0 s", 2 * 10**9))
        writer.add_event(Event(EventKind.MARK, 10**12 + 2 * 10**9, "mark [1]"))


def test_info_for_programs(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(session), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["frames"], record["seconds"], record["fps"], record["longest_step_s"]) == (30, 2.9, 10.0, 0.1)
    assert (record["poses"], record["truth"], record["whole"], record["size"]) == (15, 0, True, [64, 48])
    assert (record["source"], record["source_id"], record["clock"]) == ("Fisheye", "camera:usb-1", "v4l2")
    assert record["camera"]["model"] == "kannala_brandt"
    assert record["bytes"] == session.stat().st_size
    assert record["events"] == [
        {"kind": "gap", "seconds": 1.0, "text": "nothing for 2.0 s", "duration_s": 2.0},
        {"kind": "mark", "seconds": 2.0, "text": "mark [1]", "duration_s": 0.0},
    ]


def test_info_for_people(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(session)]) == 0
    out = capsys.readouterr().out
    for text in ("30 frames, 10.0 a second", "64 x 48 pictures", "15 (50 % of the frames)", "kannala_brandt"):
        assert text in out
    assert "nothing for 2.0 s (2.0 s)" in out
    assert "small, smoothing 0.5, bones of ada" in out
    assert "mark [1]" in out  # and not taken for markup


def test_info_of_a_torn_session(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(session.read_bytes()[:-2000])
    assert main(["info", str(torn)]) == 0
    out = capsys.readouterr().out
    assert "egopose recover" in out
    assert "frames over" in out


@pytest.mark.parametrize("command", [["info"], ["recover"], ["export", "--images", "pictures"]])
def test_what_is_no_session_is_one_line(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.mcap").write_bytes(b"nothing")
    for name in ("x.mcap", "none.mcap"):
        assert main([command[0], str(tmp_path / name), *command[1:]]) == 2
        error = capsys.readouterr().err
        assert error.startswith("egopose: ")
        assert error.count("\n") == 1
        assert name in error


def test_pictures_are_exported_byte_for_byte_with_their_times(session: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    assert main(["export", str(session), "--images", str(folder), "--range", "1-1.4"]) == 0
    with (folder / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["seq"]) for row in rows] == [10, 11, 12, 13, 14]
    assert [int(row["capture_ns"]) for row in rows] == [10**12 + seq * 10**8 for seq in range(10, 15)]
    assert rows[2]["device_ns"] == "1200"
    assert (folder / rows[1]["file"]).read_bytes() == encode_jpeg(picture(11), 90)
    assert len(list(folder.iterdir())) == 6
    assert main(["export", str(session), "--images", str(folder)]) == 2


@pytest.mark.parametrize("pictures", list(Pictures))
def test_a_video_keeps_the_times(pictures: Pictures, tmp_path: Path) -> None:
    path, out = tmp_path / "s.mcap", tmp_path / "out.mp4"
    write(path, pictures)
    assert main(["export", str(path), "--mp4", str(out), "--range", "-1.95"]) == 0
    with av.open(str(out)) as video:
        frames = list(video.decode(video=0))
    assert len(frames) == 20
    assert [round(1000 * (frame.time or 0)) for frame in frames] == list(range(0, 2000, 100))
    means = [float(frame.to_ndarray(format="bgr24").mean()) for frame in frames]
    # A step is 5, and H.264 twice over costs more: the order tells that none is missing.
    assert all(0 < after - before < 10 for before, after in pairwise(means))
    assert abs(means[0] - 40) < 10
    assert [entry.name for entry in tmp_path.iterdir() if "part" in entry.name] == []


def test_the_recorded_skeleton_is_drawn_where_it_was_recorded(session: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    assert main(["export", str(session), "--images", str(folder), "--overlay", "--range", "-0.15"]) == 0
    with_pose, without = (decode_picture((folder / f"frame_{seq:07d}.jpg").read_bytes()) for seq in (0, 1))
    assert np.abs(with_pose[30, 30].astype(int) - 40).max() > 60
    assert np.abs(with_pose[5, 5].astype(int) - 40).max() < 6
    assert np.abs(without.astype(int) - 45).max() < 6


def test_without_recorded_poses_the_network_can_be_asked(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.mcap"
    write(path, poses=False)
    assert main(["export", str(path), "--mp4", str(tmp_path / "o.mp4"), "--overlay"]) == 2
    assert "--rerun" in capsys.readouterr().err
    assert not (tmp_path / "o.mp4").exists()
    words = ["--rerun", "--network", str(tiny_weights), "--range", "-0.3"]
    assert main(["export", str(path), "--images", str(tmp_path / "p"), *words]) == 0
    assert len(list((tmp_path / "p").glob("*.jpg"))) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mp4", "out.avi"], "ends in .mp4"),
        (["--mp4", "o.mp4", "--range", "5-2"], "ends before it begins"),
        (["--mp4", "o.mp4", "--range", "soon"], "is no range of time"),
        (["--mp4", "o.mp4", "--range", "1:00-"], "it is 2.9 s long"),
        (["--mp4", "/nowhere/o.mp4"], "/nowhere"),
        ([], "--mp4"),
    ],
)
def test_wrong_orders_are_one_line(
    session: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [
        str(tmp_path / word) if word.endswith(("o.mp4", "out.avi")) and "/" not in word else word for word in words
    ]
    assert main(["export", str(session), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_unreadable_frames_are_left_out_and_named(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path) as writer:
        for seq in range(4):
            jpeg = encode_jpeg(picture(seq), 90)
            writer.add_jpeg(jpeg[:-50] if seq == 2 else jpeg, seq=seq, capture_ns=seq)
    assert main(["export", str(path), "--images", str(tmp_path / "p")]) == 0
    said = capsys.readouterr()
    assert "3 frames" in said.out
    assert "The picture of frame 2 of s.mcap is cut off" in said.err


def test_recovering(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torn = tmp_path / "walk.part.mcap"
    data = session.read_bytes()
    torn.write_bytes(data[: int(len(data) * 0.6)])
    assert main(["recover", str(torn)]) == 0
    out = capsys.readouterr().out
    assert "recovered:" in out
    assert "walk.mcap" in out
    assert "lost: " in out
    assert [entry.name for entry in tmp_path.iterdir()] == ["walk.mcap"]
    assert main(["recover", str(tmp_path / "walk.mcap")]) == 0
    assert "Nothing had to be done" in capsys.readouterr().out


def test_recording_without_a_window(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded session stands in for the camera, at its own pace."""
    out = tmp_path / "new" / "copy.mcap"
    assert main(["record", str(session), "--out", str(out), "--seconds", "0.55"]) == 0
    assert "recorded:" in capsys.readouterr().out
    with Session(out) as copy:
        assert 2 <= len(copy) <= 8
        assert copy.encoded(1) == encode_jpeg(picture(1), 90)
        assert copy.calibration is not None
        assert copy.source_id == "camera:usb-1"
    assert main(["record", "--out", "x.mp4"]) == 2
    assert main(["record", "--seconds", "-1"]) == 2
    assert main(["record", str(tmp_path / "none.mcap"), "--out", str(tmp_path / "y.mcap")]) == 2
    assert not (tmp_path / "y.mcap").exists()


def test_words_for_sizes_and_times() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 99_940, 99_960, 1e6, 12.34e9, 5e15)] == [
        "0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "1.0 MB", "12.3 GB", "5000 TB",
    ]  # fmt: skip
    assert [time_text(s) for s in (0, 7.9, 60, 754, 3723)] == ["0:00", "0:07", "1:00", "12:34", "1:02:03"]
    assert recording_name().startswith("egopose-20")
    assert recording_name().endswith(".mcap")
