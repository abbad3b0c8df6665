"""Sessions that were mangled in every way: the good part or one clear line, in bounded time and memory.

A sample by default; `pytest -m soak` does a thousand.
"""

from __future__ import annotations

import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import CompressionType

from app.sessions.info import describe
from engine.errors import EgoposeError
from engine.session.reader import Session
from engine.session.recover import recover
from engine.session.writer import Pictures, SessionWriter
from engine.types import Event, EventKind, Frame
from tests.engine.session.test_h264 import picture
from tests.engine.session.test_recover import pose
from tests.engine.session.test_session import CAMERA, INFO, START, foreign, image, picture_message, truth

MIB = 1 << 20
Random = np.random.Generator
EXTREMES = (0, 1, 0x7F, 0xFFFF, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**64 - 1)


def ours(path: Path, pictures: Pictures = Pictures.JPEG) -> None:
    with SessionWriter(path, CAMERA, info=INFO, pictures=pictures) as writer:
        for seq in range(8):
            shown = image(seq, (16, 12)) if pictures is Pictures.JPEG else picture(seq)
            writer.add(Frame(shown, seq, START + seq, "x", seq, "v4l2", truth(seq)))
            writer.add_pose(pose(seq))
            writer.add_event(Event(EventKind.MARK, START + seq, f"mark {seq}"))
            writer._cut_ns = 0
            writer.tick()


def video(path: Path) -> None:
    ours(path, Pictures.H264)


def packed(compression: CompressionType) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            writer, channel, _ = foreign(file, "/head", compression=compression, chunk_size=2000)
            for seq in range(8):
                writer.add_message(channel, seq, picture_message(seq), seq, seq)
            writer.finish()

    return write


SEEDS: dict[str, Callable[[Path], None]] = {
    "ours": ours,
    "video": video,
    "zstd": packed(CompressionType.ZSTD),
    "lz4": packed(CompressionType.LZ4),
    "plain": packed(CompressionType.NONE),
}


def flipped(data: bytearray, rng: Random) -> bytearray:
    for _ in range(int(rng.integers(1, 20))):
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return data


def truncated(data: bytearray, rng: Random) -> bytearray:
    return data[: int(rng.integers(len(data)))]


def with_a_hole(data: bytearray, rng: Random) -> bytearray:
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 3000))
    return data[:at] + data[at + length :]


def repeated(data: bytearray, rng: Random) -> bytearray:
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 3000))
    return data[: at + length] + data[at:]


def zeroed(data: bytearray, rng: Random) -> bytearray:
    """As a file system leaves pages that were never written."""
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 5000))
    data[at : at + length] = bytes(len(data[at : at + length]))
    return data


def extreme(data: bytearray, rng: Random) -> bytearray:
    for _ in range(int(rng.integers(1, 4))):
        value = EXTREMES[int(rng.integers(len(EXTREMES)))]
        struct.pack_into("<Q", data, int(rng.integers(len(data) - 8)), value)
    return data


def noisy(data: bytearray, rng: Random) -> bytearray:
    at = int(rng.integers(len(data)))
    return data[:at] + bytearray(rng.bytes(int(rng.integers(1, 2000)))) + data[at:]


MUTATIONS = (flipped, truncated, with_a_hole, repeated, zeroed, extreme, noisy)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check_line(error: EgoposeError) -> None:
    """What the user reads is one line."""
    assert str(error)
    assert "\n" not in str(error)


def use(path: Path, out: Path) -> bool:
    """Everything that is done with a session; whether any of it could be read."""
    read = False
    try:
        with Session(path) as session:
            for index in range(len(session)):
                try:
                    assert session.frame(index).image.ndim == 3
                    read = True
                except EgoposeError as error:
                    check_line(error)
                session.pose(index)
                session.truth(index)
            assert all("\n" not in line for line in session.skipped)
            assert isinstance(session.events, tuple)
        assert describe(path)["frames"] > 0
    except EgoposeError as error:
        check_line(error)
    try:
        done = recover(path, out)
    except EgoposeError as error:
        check_line(error)
        return read
    if done.frames:
        with Session(out) as session:
            assert session.whole
            assert len(session) == done.frames
    out.unlink()
    return read


def mangle(folder: Path, count: int) -> None:
    """`count` mutations of each seed."""
    rng = np.random.default_rng(7)
    path, out = folder / "mangled.mcap", folder / "out.mcap"
    good = total = 0
    slowest = 0.0
    before = peak_bytes()
    for name, seed in SEEDS.items():
        whole = folder / f"{name}.mcap"
        seed(whole)
        assert use(whole, out)
        data = whole.read_bytes()
        for number in range(count):
            changed = bytearray(data)
            for _ in range(int(rng.integers(1, 3))):
                changed = MUTATIONS[number % len(MUTATIONS)](changed, rng) if len(changed) > 8 else changed
            path.write_bytes(changed)
            began = time.process_time()
            good += use(path, out)
            total += 1
            slowest = max(slowest, time.process_time() - began)
    grown = peak_bytes() - before
    print(
        f"{total} mangled sessions: {good} gave frames; the slowest {slowest:.2f} s; peak memory {grown / MIB:+.0f} MiB"
    )
    assert good > total / 4
    assert grown < 300 * MIB
    assert sorted(entry.name for entry in folder.iterdir()) == sorted([*(f"{name}.mcap" for name in SEEDS), path.name])


def test_a_sample_of_mangled_sessions(tmp_path: Path) -> None:
    mangle(tmp_path, 3 * len(MUTATIONS))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_mangled_sessions(tmp_path: Path) -> None:
    mangle(tmp_path, 210)
