"""Video files: orientation, times, seeking, and every kind of damage."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.capture.opening import open_source
from engine.capture.video import VideoFile
from engine.errors import EgoposeError
from engine.types import Frame

SIZE = (96, 64)


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A grey that steps from frame to frame, with a red corner that tells which way is up."""
    image = np.full((size[1], size[0], 3), 40 + 20 * (index % 10), np.uint8)
    image[: size[1] // 3, : size[0] // 3] = (0, 0, 250)
    image[-8:, -16:] = np.random.default_rng(index).integers(0, 255, (8, 16, 3))
    return image


def write(
    path: Path,
    count: int = 40,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    times_ms: Sequence[int] | None = None,
    rotation: int = 0,
    matrix: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    with av.open(str(path), "w", options=container or {}) as output:
        stream = output.add_stream(codec, rate=30, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix is not None:
            stream.set_display_matrix(list(matrix))
        if times_ms is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index, size), format="bgr24").reformat(format=pixels)
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def read_all(source: VideoFile) -> list[Frame]:
    return list(iter(source.read, None))


H264 = {"g": "10", "x264-params": "log-level=none"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    container = {"movflags": "faststart"}
    return write(tmp_path_factory.mktemp("video") / "plain.mp4", options=H264, container=container)


def test_frames_times_and_figures(plain: Path) -> None:
    with VideoFile(plain) as source:
        info = source.info
        assert (info.size, info.fps, info.frame_count, info.live, info.seekable) == (SIZE, 30.0, 40, False, True)
        frames = read_all(source)
        assert source.skipped == ()
        assert source.read() is None
    assert [frame.seq for frame in frames] == list(range(40))
    assert [frame.capture_ns for frame in frames] == [index * 10**9 // 30 for index in range(40)]
    assert frames[0].device_clock == "file"
    for frame in frames:
        assert abs(int(frame.image[40, 60, 0]) - int(picture(frame.seq)[40, 60, 0])) <= 8


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mkv", "ffv1", "bgr0"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.mov", "mjpeg", "yuvj420p"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mkv", "ffv1", "yuv420p10le"),
        ("a.mkv", "ffv1", "gray"),
    ],
)
def test_containers_codecs_and_pixel_formats(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    with VideoFile(write(tmp_path / name, 12, codec=codec, pixels=pixels)) as source:
        frames = read_all(source)
        assert source.skipped == ()
    assert [frame.seq for frame in frames] == list(range(12))
    assert frames[0].capture_ns == 0
    assert frames[5].image.dtype == np.uint8
    assert abs(int(frames[5].image[40, 60, 0]) - int(picture(5)[40, 60, 0])) <= 8


def test_a_lossless_video_of_odd_size_comes_back_exactly(tmp_path: Path) -> None:
    with VideoFile(write(tmp_path / "odd.mkv", 3, codec="ffv1", pixels="bgr0", size=(97, 63))) as source:
        for frame in read_all(source):
            np.testing.assert_array_equal(frame.image, picture(frame.seq, (97, 63)))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_rotation_is_exact(tmp_path: Path, quarters: int) -> None:
    with VideoFile(write(tmp_path / "upright.mp4", 3, options=H264)) as source:
        upright = read_all(source)
    with VideoFile(write(tmp_path / "turned.mp4", 3, options=H264, rotation=90 * quarters)) as source:
        turned = read_all(source)
        assert source.info.size == (SIZE if quarters % 2 == 0 else SIZE[::-1])
    for before, after in zip(upright, turned, strict=True):
        np.testing.assert_array_equal(after.image, np.rot90(before.image, quarters))
        assert after.image.flags.c_contiguous


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda image: np.rot90(image, 2).transpose(1, 0, 2)),
    ],
)
def test_mirroring_is_exact(tmp_path: Path, matrix, expected) -> None:
    a, b, c, d = (value * 65536 for value in matrix)
    with VideoFile(write(tmp_path / "upright.mp4", 2, options=H264)) as source:
        upright = read_all(source)
    path = write(tmp_path / "mirrored.mp4", 2, options=H264, matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30))
    with VideoFile(path) as source:
        mirrored = read_all(source)
    for before, after in zip(upright, mirrored, strict=True):
        np.testing.assert_array_equal(after.image, expected(before.image))


def test_a_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    times = [0, 20, 53, 153, 170, 400, 433, 1000]
    with VideoFile(write(tmp_path / "vfr.mkv", len(times), times_ms=times, options=H264)) as source:
        frames = read_all(source)
        assert [frame.capture_ns for frame in frames] == [time * 1_000_000 for time in times]
        source.seek(0.3)
        frame = source.read()
        assert frame is not None
        assert frame.capture_ns == 170_000_000


def test_times_that_begin_late_count_from_the_first_frame(tmp_path: Path) -> None:
    with VideoFile(write(tmp_path / "late.mkv", 3, times_ms=[5000, 5040, 5100], codec="mpeg4")) as source:
        frames = read_all(source)
    assert [frame.capture_ns for frame in frames] == [0, 40_000_000, 100_000_000]
    assert [frame.device_ns for frame in frames] == [5_000_000_000, 5_040_000_000, 5_100_000_000]


def test_a_stream_without_times_is_given_its_nominal_rate(tmp_path: Path) -> None:
    with VideoFile(write(tmp_path / "raw.h264", 20, options=H264)) as source:
        frames = read_all(source)
        assert [frame.seq for frame in frames] == list(range(20))
        steps = np.diff([frame.capture_ns for frame in frames])
        assert np.ptp(steps) <= 1
        source.seek_frame(13)
        again = source.read()
        assert again is not None
        assert (again.seq, again.capture_ns) == (13, frames[13].capture_ns)
        np.testing.assert_array_equal(again.image, frames[13].image)


@pytest.mark.parametrize("name", ["s.mp4", "s.mkv", "s.ts", "s.avi"])
def test_seeking_gives_the_same_frame_as_reading(tmp_path: Path, name: str) -> None:
    codec, options = ("mpeg4", {"g": "10"}) if name.endswith("avi") else ("libx264", H264)
    with VideoFile(write(tmp_path / name, codec=codec, options=options)) as source:
        frames = read_all(source)
        for index in (30, 0, 39, 17, 18, 9):
            source.seek_frame(index)
            by_index = source.read()
            source.seek(frames[index].capture_ns / 1e9)
            by_time = source.read()
            for found in (by_index, by_time):
                assert found is not None
                assert (found.seq, found.capture_ns) == (index, frames[index].capture_ns)
                np.testing.assert_array_equal(found.image, frames[index].image)
        source.seek_frame(36)
        assert [frame.seq for frame in read_all(source)] == [36, 37, 38, 39]
        source.seek(1e9)
        last = source.read()
        assert last is not None
        assert last.seq == 39
        assert source.skipped == ()


def damaged(path: Path, result: Path, packets: range) -> Path:
    """A copy whose packets of these numbers hold nothing but their length."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for number, packet in enumerate(container.demux(video=0)):
            if number in packets and packet.pos is not None:
                data[packet.pos + 4 : packet.pos + packet.size] = bytes(packet.size - 4)
    result.write_bytes(data)
    return result


def accounted(source: VideoFile) -> int:
    """Frames that the lines in `skipped` speak of."""
    total = 0
    for line in source.skipped:
        words = line.split()
        if words[0] == "frame":
            total += 1
        elif words[0] == "frames":
            total += int(words[3]) - int(words[1]) + 1
    return total


def test_damage_in_the_middle_is_skipped_counted_and_named(plain: Path, tmp_path: Path) -> None:
    with VideoFile(damaged(plain, tmp_path / "damaged.mp4", range(13, 16))) as source:
        frames = read_all(source)
        assert accounted(source) >= 3
        assert len(frames) + accounted(source) == 40
        source.seek_frame(0)
        read_all(source)
        assert len(frames) + accounted(source) == 40, "met again, the same damage is counted once"
    seqs = [frame.seq for frame in frames]
    assert seqs == sorted(set(seqs))
    for frame in frames:
        assert frame.capture_ns == frame.seq * 10**9 // 30, "a gap stays a gap"


def test_a_clock_that_starts_anew_does_not_end_the_video(tmp_path: Path) -> None:
    one = write(tmp_path / "one.ts", 20, codec="mpeg2video")
    two = tmp_path / "two.ts"
    two.write_bytes(one.read_bytes() * 2)
    with VideoFile(two) as source:
        frames = read_all(source)
        assert len(frames) + accounted(source) == 40
        assert len(frames) > 35
        times = [frame.capture_ns for frame in frames]
        assert times == sorted(set(times))
        source.seek_frame(30)
        found = source.read()
        assert found is not None
        assert found.seq == 30


def test_a_truncated_file_gives_its_good_part_and_names_the_loss(plain: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(plain.read_bytes()[: plain.stat().st_size * 2 // 3])
    with VideoFile(cut) as source:
        frames = read_all(source)
        assert 5 < len(frames) < 40
        assert any("cut off" in line for line in source.skipped)


@pytest.mark.parametrize("name", ["t.mkv", "t.avi"])
def test_other_truncated_containers(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name, 90, codec="mpeg4")
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with VideoFile(cut) as source:
        assert 1 < len(read_all(source)) < 90
        assert any("cut off" in line for line in source.skipped)


def test_an_mp4_without_its_index_cannot_be_played(tmp_path: Path) -> None:
    whole = write(tmp_path / "w.mp4", options=H264)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(EgoposeError, match="cut off before its end has no index"):
        VideoFile(cut).open()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("noise.mp4", np.random.default_rng(0).bytes(5000)),
        ("empty.mkv", b""),
        ("text.txt", b"hello world\n" * 100),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"),
    ],
)
def test_a_file_that_is_no_video(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    source = open_source(str(path))
    with pytest.raises(EgoposeError, match="not a video") as told:
        source.open()
    assert "\n" not in str(told.value)
    assert source.read() is None


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with pytest.raises(EgoposeError, match="has no video in it"):
        VideoFile(path).open()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="There is no file"):
        VideoFile(tmp_path / "none.mp4").open()


def test_no_damage_crashes_or_hangs(plain: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    whole = plain.read_bytes()
    path = tmp_path / "fuzz.mp4"
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 6):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(len(data) // 4, len(data) + 1)])
        try:
            with VideoFile(path) as source:
                seqs = [frame.seq for frame in read_all(source)]
                source.seek_frame(20)
                source.read()
        except EgoposeError:
            continue
        assert seqs == sorted(set(seqs))


def test_closing_and_opening_again(plain: Path) -> None:
    source = VideoFile(plain)
    assert source.read() is None
    for _ in range(2):
        source.open()
        frame = source.read()
        assert frame is not None
        assert frame.seq == 0
        source.close()
        source.close()
        assert source.read() is None
