"""Sessions: what is written comes back, at any point, from whole, cut-off and damaged files."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from calib.calibration import Calibration
from calib.models.kannala_brandt import KannalaBrandt
from engine.capture.opening import open_source
from engine.capture.picture import decode_picture, encode_jpeg
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.session import layout
from engine.session.reader import Session
from engine.session.record import record
from engine.session.scan import scan
from engine.session.source import SessionSource
from engine.session.writer import SessionWriter
from engine.types import Frame, Pose, Truth

CAMERA = Calibration(
    "lens", KannalaBrandt([300.0, 301.0, 320.0, 240.0, 0.1, 0.01, 0.0, 0.0]), (640, 480), 1.2, provenance="made up"
)
INFO = SourceInfo("Fisheye", "camera:usb-1", (80, 60), 30.0, "v4l2", live=True, seekable=False)
START = 7_000_000_000_123
PERIOD = 33_333_333


def image(seq: int, size: tuple[int, int] = (80, 60)) -> np.ndarray:
    return np.random.default_rng(seq).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)


def truth(seq: int) -> Truth:
    rng = np.random.default_rng(seq)
    joints = rng.normal(size=(15, 3)).astype(np.float32)
    joints[seq % 15] = np.nan
    return Truth(joints, rng.random(15) < 0.5, None if seq % 2 else "walk")


def frame(seq: int) -> Frame:
    return Frame(image(seq), seq, START + seq * PERIOD, "camera:usb-1", 5 * seq, "v4l2", truth(seq))


def write(path: Path, seqs: range = range(20), calibration: Calibration | None = CAMERA) -> Path:
    with SessionWriter(path, calibration, info=INFO, quality=80, metadata={"note": "a test"}) as writer:
        for seq in seqs:
            writer.add(frame(seq))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("session") / "whole.mcap")


def read_all(source: Source) -> list[Frame]:
    return list(iter(source.read, None))


def test_what_is_written_comes_back(whole: Path) -> None:
    with Session(whole) as session:
        assert len(session) == 20
        assert session.skipped == ()
        assert session.metadata["note"] == "a test"
        for index in (19, 0, 7, 7, 13):
            found, given_ = session.frame(index), frame(index)
            assert (found.seq, found.capture_ns, found.source_id) == (index, given_.capture_ns, "camera:usb-1")
            assert (found.device_ns, found.device_clock) == (5 * index, "v4l2")
            np.testing.assert_array_equal(found.image, decode_picture(encode_jpeg(given_.image, 80)))
            assert found.truth is not None
            assert given_.truth is not None
            np.testing.assert_array_equal(found.truth.joints_m, given_.truth.joints_m)
            assert found.truth.joints_m.dtype == np.float32
            np.testing.assert_array_equal(found.truth.visible, given_.truth.visible)
            assert found.truth.action == given_.truth.action


def test_the_calibration_comes_back(whole: Path) -> None:
    with Session(whole) as session:
        camera = session.calibration
    assert camera is not None
    assert (camera.name, camera.size, camera.valid_angle, camera.provenance) == ("lens", (640, 480), 1.2, "made up")
    assert camera.model.kind == "kannala_brandt"
    np.testing.assert_array_equal(camera.model.params, CAMERA.model.params)


def test_other_programs_can_read_it(whole: Path) -> None:
    with whole.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == 41
        kinds = {channel.topic: summary.schemas[channel.schema_id].name for channel in summary.channels.values()}
        assert kinds == {
            "/camera/image": "foxglove.CompressedImage",
            "/camera/calibration": "foxglove.CameraCalibration",
            "/wearer/truth": "egopose.Truth",
            "/wearer/pose": "egopose.Pose",
            "/session/event": "foxglove.Log",
        }
        camera = CameraCalibration.FromString(next(reader.iter_messages("/camera/calibration"))[2].data)
        pictures = [CompressedImage.FromString(message.data) for _, _, message in reader.iter_messages("/camera/image")]
    assert list(camera.K) == [300.0, 0.0, 320.0, 0.0, 301.0, 240.0, 0.0, 0.0, 1.0]
    assert list(camera.D) == [0.1, 0.01, 0.0, 0.0]
    assert (camera.width, camera.height, camera.distortion_model) == (640, 480, "kannala_brandt")
    assert len(pictures) == 20
    assert pictures[3].format == "jpeg"
    assert pictures[3].timestamp.ToNanoseconds() == 15


def test_a_cameras_own_jpeg_is_kept_byte_for_byte(tmp_path: Path) -> None:
    jpeg = encode_jpeg(image(1), 60) + b"\0\0"
    with SessionWriter(tmp_path / "s.mcap") as writer:
        writer.add_jpeg(jpeg, seq=4, capture_ns=9)
    with Session(tmp_path / "s.mcap") as session:
        assert session.encoded(0) == jpeg
        found = session.frame(0)
        assert (found.seq, found.capture_ns, found.device_ns, found.device_clock) == (4, 9, None, None)
        assert found.truth is None
        assert session.calibration is None


def test_poses_come_back_without_their_heatmaps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    uv = rng.normal(size=(15, 2)).astype(np.float32)
    uv[3] = np.nan
    pose = Pose(
        2,
        START + 2 * PERIOD,
        rng.normal(size=(15, 3)).astype(np.float32),
        rng.random(15).astype(np.float32),
        uv,
        np.zeros((15, 8, 8), np.float32),
        np.array([0.25, 0.75], np.float32),
        raw_joints_m=rng.normal(size=(15, 3)).astype(np.float32),
    )
    with SessionWriter(tmp_path / "s.mcap") as writer:
        for seq in (1, 2):
            writer.add(frame(seq))
        writer.add_pose(pose)
    with Session(tmp_path / "s.mcap") as session:
        assert session.pose(0) is None
        found = session.pose(1)
    assert found is not None
    assert (found.seq, found.capture_ns) == (pose.seq, pose.capture_ns)
    for name in ("joints_m", "confidence", "uv_px", "action_scores", "raw_joints_m"):
        np.testing.assert_array_equal(getattr(found, name), getattr(pose, name))
    assert found.heatmaps.shape == (15, 0, 0)


def test_a_session_as_a_source(whole: Path) -> None:
    with open_source(str(whole)) as source:
        info = source.info
        assert (info.source_id, info.size, info.fps, info.clock) == ("camera:usb-1", (80, 60), 30.0, "v4l2")
        assert (info.frame_count, info.live, info.seekable) == (20, False, True)
        assert info.calibration is not None
        assert isinstance(source, SessionSource)
        assert source.duration_s == pytest.approx(19 * PERIOD / 1e9)
        frames = read_all(source)
        assert [found.seq for found in frames] == list(range(20))
        assert all(found.truth is not None for found in frames)
        for index in (12, 0, 19):
            source.seek((frames[index].capture_ns - START) / 1e9)
            by_time = source.read()
            source.seek_frame(index)
            by_index = source.read()
            assert by_time is not None
            assert by_index is not None
            assert by_time.seq == by_index.seq == index
        source.close()
        assert source.read() is None


def test_recording_a_source(whole: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mcap"
    assert record(SessionSource(whole), copy, 5).frames == 5
    with Session(copy) as session:
        assert len(session) == 5
        assert session.calibration is not None
        assert session.source_id == "camera:usb-1"
        found = session.truth(4)
        assert found is not None
        np.testing.assert_array_equal(found.joints_m, truth(4).joints_m)
    with pytest.raises(EgoposeError, match="is there already"):
        record(SessionSource(whole), copy)
    assert record(SessionSource(whole), copy, overwrite=True).frames == 20


def test_a_pause_in_the_numbers_stays(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / "s.mcap") as writer:
        for seq in (0, 1, 7):
            writer.add(frame(seq))
    with Session(tmp_path / "s.mcap") as session:
        assert [stamp.seq for stamp in session.stamps] == [0, 1, 7]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_cut_off_session_gives_its_good_part_and_says_how_much(whole: Path, tmp_path: Path, share: float) -> None:
    data = whole.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: int(len(data) * share)])
    with SessionSource(cut) as source:
        frames = read_all(source)
        assert 0 < len(frames) <= 20
        for found in frames:
            np.testing.assert_array_equal(found.image, decode_picture(encode_jpeg(image(found.seq), 80)))
            assert found.truth is not None
        if len(frames) < 20:
            assert any(f"{len(frames)} frames over" in line for line in source.skipped)


def test_every_frame_is_on_file_before_the_session_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    writer = SessionWriter(path)
    for seq in range(3):
        writer.add(Frame(image(seq, (320, 240)), seq, seq, "x"))
        with Session(path) as session:
            assert len(session) == seq + 1
    writer.close()
    writer.close()


def test_the_disk_is_synced_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    synced: list[int] = []
    monkeypatch.setattr("engine.session.writer.time.monotonic_ns", lambda: now[0])
    monkeypatch.setattr("engine.session.writer.os.fsync", lambda number: synced.append(now[0]))
    with SessionWriter(tmp_path / "s.mcap") as writer:
        synced.clear()
        for tenth in range(35):
            now[0] = tenth * 100_000_000
            writer.add(frame(tenth))
        assert synced == [10**9, 2 * 10**9, 3 * 10**9]
    assert len(synced) == 4


def test_a_session_cut_before_its_first_frame(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole.read_bytes()[:400])
    with pytest.raises(EgoposeError, match=r"No frame of .* can be read: the file is cut off at byte 400") as told:
        SessionSource(cut).open()
    assert "\n" not in str(told.value)


def test_a_session_without_frames(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / "s.mcap", CAMERA):
        pass
    with pytest.raises(EgoposeError, match="holds no frames: nothing was recorded"):
        Session(tmp_path / "s.mcap")


@pytest.mark.parametrize("data", [b"", b"\x89MCAP0\r", b"hello" * 100, np.random.default_rng(1).bytes(3000)])
def test_what_is_no_session(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "s.mcap").write_bytes(data)
    with pytest.raises(EgoposeError, match="is not a session"):
        Session(tmp_path / "s.mcap")


def test_no_such_session(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="cannot be opened"):
        Session(tmp_path / "none.mcap")


def test_an_undecodable_picture_in_the_middle_is_skipped_and_named(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path) as writer:
        for seq in range(4):
            jpeg = encode_jpeg(image(seq), 80)
            writer.add_jpeg(jpeg[:-50] if seq == 2 else jpeg, seq=seq, capture_ns=seq)
    with SessionSource(path) as source:
        assert [found.seq for found in read_all(source)] == [0, 1, 3]
        assert source.skipped == ("The picture of frame 2 of s.mcap is cut off.",)
        source.seek_frame(0)
        read_all(source)
        assert len(source.skipped) == 1


def test_a_session_of_undecodable_pictures(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / "s.mcap") as writer:
        writer.add_jpeg(b"no picture", seq=0, capture_ns=0)
    with pytest.raises(EgoposeError, match=r"No frame of .* can be read; the last: The picture of frame 0"):
        SessionSource(tmp_path / "s.mcap").open()


def test_a_flipped_bit_in_a_picture_is_found_by_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with SessionWriter(path) as writer:
        for seq in range(4):
            writer.add(Frame(image(seq, (320, 240)), seq, seq, "x"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with SessionSource(path) as source:
        frames = read_all(source)
        assert len(frames) == 3
        assert len(source.skipped) == 1
        assert "its checksum does not match" in source.skipped[0]


def test_damaged_truth_is_named_and_the_frame_kept(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    joints = [[0.0, 0.0, 0.0]] * 15
    bad = [
        b"{",
        b"[]",
        b"{}",
        b'{"joints_m": [[1, 2]], "visible": []}',
        b"[" * 100_000,
        f'{{"joints_m": {joints}, "visible": {["x"] * 15}}}'.replace("'", '"').encode(),
    ]
    with path.open("wb") as file:
        writer, image_channel, truth_channel = foreign(file, "/camera/image")
        for seq, data in enumerate(bad):
            writer.add_message(image_channel, seq, picture_message(seq), seq, seq)
            writer.add_message(truth_channel, seq, data, seq, seq)
        writer.finish()
    with SessionSource(path) as source:
        frames = read_all(source)
        assert [found.truth for found in frames] == [None] * len(bad)
        assert len(source.skipped) == len(bad)
        assert all("truth of frame" in line for line in source.skipped)


def picture_message(seq: int) -> bytes:
    message = CompressedImage(data=encode_jpeg(image(seq, (16, 12)), 90), format="jpeg")
    return message.SerializeToString()


def foreign(file: io.BufferedIOBase, topic: str, **options: object) -> tuple[Writer, int, int]:
    """An MCAP file of another program: no record of ours, its own topic."""
    writer = Writer(file, **({"compression": CompressionType.NONE} | options))
    writer.start()
    schema = writer.register_schema("foxglove.CompressedImage", "protobuf", layout.protobuf_schema(CompressedImage))
    pictures = writer.register_channel(topic, "protobuf", schema)
    return writer, pictures, writer.register_channel(layout.TRUTH_TOPIC, "json", 0)


@pytest.mark.parametrize(
    "options",
    [
        {"use_chunking": False},
        {"compression": CompressionType.ZSTD},
        {"compression": CompressionType.LZ4},
        {"chunk_size": 1000},
        {"use_statistics": False},
    ],
)
def test_a_foreign_file_with_times_out_of_order(tmp_path: Path, options: dict[str, object]) -> None:
    path = tmp_path / "foreign.mcap"
    times = [30, 10, 20, 50, 40]
    with path.open("wb") as file:
        writer, channel, _ = foreign(file, "/head/fisheye", **options)
        for seq, time in enumerate(times):
            writer.add_message(channel, time, picture_message(seq), time)
        writer.finish()
    with SessionSource(path) as source:
        assert source.info.calibration is None
        frames = read_all(source)
        assert source.skipped == ()
    assert [found.capture_ns for found in frames] == sorted(times)
    assert [found.seq for found in frames] == [0, 1, 2, 3, 4]
    first = decode_picture(encode_jpeg(image(1, (16, 12)), 90))
    np.testing.assert_array_equal(frames[0].image, first)
    assert frames[0].source_id.startswith("file:")


def test_a_foreign_file_without_pictures_says_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "imu.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("sensor_msgs/msg/Imu", "ros2msg", b"")
        writer.add_message(writer.register_channel("/imu", "cdr", schema), 1, b"x", 1)
        writer.finish()
    with pytest.raises(EgoposeError, match=r"it has /imu \(sensor_msgs/msg/Imu, cdr\)"):
        Session(path)


def test_a_chunk_that_unpacks_to_more_than_it_declares_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.mcap"
    with path.open("wb") as file:
        writer, channel, _ = foreign(file, "/camera/image", compression=CompressionType.ZSTD, enable_crcs=False)
        writer.add_message(channel, 1, picture_message(0) + bytes(5_000_000), 1)
        writer.finish()
    data = bytearray(path.read_bytes())
    chunk = data.index(b"zstd") - 4 - 4 - 8  # The declared size stands before the checksum and the name.
    (declared,) = struct.unpack_from("<Q", data, chunk)
    assert declared > 5_000_000
    for size in (1000, 2**62):
        struct.pack_into("<Q", data, chunk, size)
        path.write_bytes(data)
        with path.open("rb") as file:
            found = scan(file, len(data))
        assert len(found.messages) == 0
        assert found.lost


def test_a_lost_record_is_missed_by_the_files_own_count(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    with path.open("wb") as file:
        writer, channel, _ = foreign(file, "/camera/image", chunk_size=100)
        for seq in range(4):
            writer.add_message(channel, seq, picture_message(seq), seq, seq)
        writer.finish()
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        contents = scan(file, len(data))
    data[int(contents.chunks[2]["at"])] = 0x90  # A private record, which every reader passes over.
    path.write_bytes(data)
    with Session(path) as session:
        assert len(session) == 3
        assert session.skipped == ("s.mcap: 1 of 4 messages are missing",)


def test_a_damaged_calibration_does_not_cost_the_frames(tmp_path: Path) -> None:
    path = write(tmp_path / "s.mcap", range(2))
    path.write_bytes(path.read_bytes().replace(b'"kannala_brandt", "params"', b'"kannala_brandd", "params"'))
    with SessionSource(path) as source:
        assert source.info.calibration is None
        assert len(read_all(source)) == 2
        assert any("s.mcap: camera" in line for line in source.skipped)


def test_a_session_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="cannot be written"):
        SessionWriter(tmp_path / "none" / "s.mcap")
    with SessionWriter(tmp_path / "s.mcap") as writer, pytest.raises(EgoposeError, match="cannot be recorded"):
        writer.add(Frame(image(0), 0, -1, "x"))
    with pytest.raises(EgoposeError, match="JPEG quality"):
        SessionWriter(tmp_path / "t.mcap", quality=0)


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SessionWriter(tmp_path / "s.mcap")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.session.writer.os.fsync", full)
    monkeypatch.setattr("engine.session.writer.SYNC_NS", 0)
    with pytest.raises(EgoposeError, match="No space left on device"):
        writer.add(frame(0))
    with pytest.raises(EgoposeError, match="No space left on device"):
        writer.close()
    writer.close()


def small_session(path: Path) -> bytes:
    with SessionWriter(path, CAMERA, info=INFO, overwrite=True) as writer:
        for seq in range(6):
            writer.add(Frame(image(seq, (16, 12)), seq, START + seq * PERIOD, "x", seq, "v4l2", truth(seq)))
    return path.read_bytes()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("fuzz") / "small.mcap"
    return path, small_session(path)


def check(path: Path, data: bytes) -> None:
    """Whatever the file holds: good frames or an EgoposeError."""
    path.write_bytes(data)
    try:
        with SessionSource(path) as source:
            frames = read_all(source)
            source.seek(0.1)
            source.read()
    except EgoposeError:
        return
    assert frames
    for found in frames:
        assert found.image.shape == (12, 16, 3)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damaged_sessions_give_good_frames_or_an_error(fuzzed: tuple[Path, bytes], data: st.DataObject) -> None:
    path, whole = fuzzed
    raw = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    check(path, bytes(raw[:end]))


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 3000), wide=st.sampled_from(["<I", "<Q"]), value=st.sampled_from([0, 1, 2**31, 2**32 - 1]))
def test_absurd_lengths_are_not_believed(fuzzed: tuple[Path, bytes], at: int, wide: str, value: int) -> None:
    path, whole = fuzzed
    raw = bytearray(whole)
    struct.pack_into(wide, raw, at, value if wide == "<I" else value << 31)
    check(path, bytes(raw))
