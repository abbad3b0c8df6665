"""What was cut off is made whole, what cannot be is named, and the original is never lost on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from engine.errors import EgoposeError
from engine.session.index import read_index
from engine.session.reader import Session
from engine.session.recover import recover
from engine.session.unfinished import free_path, hold, part_path, unfinished, whole_path
from engine.session.writer import SessionWriter
from engine.types import Event, EventKind, Frame, Pose
from tests.engine.session.test_session import CAMERA, INFO, START, foreign, image, picture_message, truth

NOTHING = np.zeros(0, np.float32)


def pose(seq: int) -> Pose:
    rng = np.random.default_rng(seq)
    joints, confidence, uv = (rng.random(shape).astype(np.float32) for shape in ((15, 3), 15, (15, 2)))
    return Pose(seq, START + seq, joints, confidence, uv, np.zeros((15, 0, 0), np.float32), NOTHING)


def cut_off(path: Path, share: float = 1.0, frames: int = 12) -> Path:
    """A recording that was never finished, or the first part of one; a chunk for every frame."""
    writer = SessionWriter(path, CAMERA, info=INFO)
    for seq in range(frames):
        writer.add(Frame(image(seq, (320, 240)), seq, START + seq, "x", seq, "v4l2", truth(seq)))
        writer.add_pose(pose(seq))
    writer.add_event(Event(EventKind.MARK, START, "here"))
    writer._cut_ns = 0
    writer.tick()
    writer.abandon()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_a_recording_that_was_cut_off_is_whole_again(tmp_path: Path) -> None:
    part = cut_off(part_path(tmp_path / "walk.mcap"))
    with Session(part) as session:
        before = [session.encoded(index) for index in range(12)]
        assert not session.whole
    shares: list[float] = []
    done = recover(part, progress=shares.append)
    assert done.path == tmp_path / "walk.mcap"
    assert (done.frames, done.poses, done.messages, done.kept) == (12, 12, 38, None)
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mcap"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with Session(done.path) as session:
        assert session.whole
        assert session.skipped == ()
        assert [session.encoded(index) for index in range(12)] == before
        assert session.events == (Event(EventKind.MARK, START, "here"),)
        assert session.calibration is not None
        assert session.metadata["source_name"] == "Fisheye"
        for seq in (0, 11):
            found, recorded = session.pose(seq), truth(seq)
            assert found is not None
            np.testing.assert_array_equal(found.joints_m, pose(seq).joints_m)
            assert session.frame(seq).truth is not None
            assert session.frame(seq).truth.action == recorded.action  # type: ignore[union-attr]
    with done.path.open("rb") as file:
        assert read_index(file, done.path.stat().st_size) is not None
        file.seek(0)
        assert len(list(make_reader(file, validate_crcs=True).iter_messages())) == 38


@pytest.mark.parametrize("share", [0.3, 0.62, 0.97])
def test_a_torn_file_keeps_its_good_part_and_says_what_it_lost(tmp_path: Path, share: float) -> None:
    path = cut_off(tmp_path / "s.mcap", share)
    with Session(path) as session:
        good = len(session)
    done = recover(path)
    assert 0 < done.frames == good < 12
    assert any("cut off at byte" in line for line in done.lost)
    assert done.kept is None
    assert [path.name for path in tmp_path.iterdir()] == ["s.mcap"]
    with Session(path) as session:
        assert session.whole


def test_damage_within_a_file_keeps_the_original(tmp_path: Path) -> None:
    path = cut_off(tmp_path / "s.mcap")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    done = recover(path)
    assert done.frames == 11
    assert any("checksum" in line and "messages are lost" in line for line in done.lost)
    assert done.kept == tmp_path / "s.mcap.damaged"
    assert done.kept.read_bytes() == data


def test_out_leaves_the_original(tmp_path: Path) -> None:
    path = cut_off(tmp_path / "s.mcap", 0.5)
    data = path.read_bytes()
    done = recover(path, tmp_path / "new.mcap")
    assert done.kept == path
    assert path.read_bytes() == data
    with pytest.raises(EgoposeError, match="is there already"):
        recover(path, tmp_path / "new.mcap")


def test_a_whole_session_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path) as writer:
        writer.add(Frame(image(0), 0, 0, "x"))
    data = path.read_bytes()
    assert recover(path).was_whole
    assert path.read_bytes() == data


def test_another_programs_file_with_all_its_topics(tmp_path: Path) -> None:
    path = tmp_path / "foreign.mcap"
    with path.open("wb") as file:
        writer, channel, _ = foreign(file, "/head", compression=CompressionType.ZSTD, chunk_size=1000)
        writer.add_attachment(1, 1, "note", "text/plain", b"kept")
        imu = writer.register_channel("/imu", "cdr", writer.register_schema("Imu", "ros2msg", b"abc"))
        for seq in range(10):
            writer.add_message(channel, seq, picture_message(seq), seq, seq)
            writer.add_message(imu, seq, bytes([seq]), seq, seq)
        writer.finish()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    done = recover(path)
    assert 0 < done.frames < 10
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        values = [(schema.name, message.data) for schema, _, message in reader.iter_messages("/imu") if schema]
        assert values == [("Imu", bytes([seq])) for seq in range(len(values))]
        assert len(values) >= done.frames - 1
        assert [a.data for a in reader.iter_attachments() if a.name == "note"] == [b"kept"]


@pytest.mark.parametrize("data", [b"", b"no session at all"])
def test_what_cannot_be_recovered_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "s.mcap"
    path.write_bytes(data)
    with pytest.raises(EgoposeError, match="is not a session"):
        recover(path)
    assert path.read_bytes() == data
    with pytest.raises(EgoposeError, match="cannot be opened"):
        recover(tmp_path / "none.mcap")
    path.write_bytes(cut_off(tmp_path / "t.mcap").read_bytes()[:300])
    with pytest.raises(EgoposeError, match=r"Nothing of .* can be recovered"):
        recover(path)


def test_an_interrupted_or_full_disk_leaves_the_original_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut_off(tmp_path / "s.mcap", 0.8)
    data = path.read_bytes()

    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover(path, progress=interrupt)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.session.recover.os.fsync", full)
    with pytest.raises(EgoposeError, match="No space left"):
        recover(path)
    monkeypatch.setattr("engine.session.recover.shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(EgoposeError, match=r"Recovering s.mcap takes .* free some space"):
        recover(path)
    assert path.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["s.mcap"]


def test_what_is_being_recorded_is_neither_offered_nor_touched(tmp_path: Path) -> None:
    part = part_path(tmp_path / "now.mcap")
    with SessionWriter(part) as writer:
        hold(writer.file)
        writer.add(Frame(image(0, (320, 240)), 0, 0, "x"))
        assert unfinished(tmp_path) == []
        with pytest.raises(EgoposeError, match="is being recorded"):
            recover(part)
    assert unfinished(tmp_path) == [part]
    assert unfinished(tmp_path / "none") == []


def test_names_of_recordings(tmp_path: Path) -> None:
    wish = tmp_path / "egopose-2026.01.02.mcap"
    assert part_path(wish).name == "egopose-2026.01.02.part.mcap"
    assert whole_path(part_path(wish)) == wish
    assert whole_path(wish) == wish
    assert free_path(wish) == wish
    part_path(wish).touch()
    assert free_path(wish).name == "egopose-2026.01.02-2.mcap"


def test_a_file_without_chunks_or_checksums(tmp_path: Path) -> None:
    path = tmp_path / "flat.mcap"
    with path.open("wb") as file:
        writer = Writer(file, use_chunking=False, enable_crcs=False, compression=CompressionType.NONE)
        writer.start()
        channel = writer.register_channel("/x", "json", 0)
        for seq in range(5):
            writer.add_message(channel, seq, b"{}", seq, seq)
    assert recover(path).messages == 5
