"""The index of a session: the same as a scan finds, used where it fits the file and nowhere else."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.records import Attachment

from engine.session.contents import CHUNK, CHUNK_TYPE, ROW, ROW_TYPE, Contents
from engine.session.index import MARK, read_index
from engine.session.reader import Session
from engine.session.scan import scan
from engine.session.writer import SessionWriter
from engine.types import Event, EventKind
from tests.engine.session.test_session import CAMERA, START, frame, write


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("index") / "whole.mcap")


def both(path: Path) -> tuple[Contents | None, Contents]:
    with path.open("rb") as file:
        size = path.stat().st_size
        return read_index(file, size), scan(file, size)


def test_rows_have_no_padding() -> None:
    assert ROW.size == ROW_TYPE.itemsize
    assert CHUNK.size == CHUNK_TYPE.itemsize


def test_the_index_tells_what_a_scan_finds(path: Path) -> None:
    indexed, scanned = both(path)
    assert indexed is not None
    assert indexed.rows == scanned.rows
    assert indexed.packed_chunks == scanned.packed_chunks
    assert indexed.channels == scanned.channels
    assert indexed.schemas == scanned.schemas
    assert indexed.metadata == scanned.metadata
    assert len(indexed.messages) == 41


def test_the_formats_own_reader_finds_every_message_by_its_index(path: Path) -> None:
    """Seeking, with every checksum tested: chunk indexes, message indexes and the summary are what they must be."""
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_start_time == START
        assert len(summary.chunk_indexes) == summary.statistics.chunk_count > 1
        assert [entry.name for entry in summary.attachment_indexes] == ["egopose.index"]
        assert [entry.name for entry in summary.metadata_indexes] == ["egopose", "egopose.calibration"]
        times = [message.log_time for _, _, message in reader.iter_messages("/camera/image")]
        late = [message.sequence for _, _, message in reader.iter_messages("/camera/image", starting_at=times[15])]
        attachment = next(reader.iter_attachments())
        assert isinstance(attachment, Attachment)
        assert attachment.data.startswith(MARK)
    assert times == [frame(seq).capture_ns for seq in range(20)]
    assert late == [15, 16, 17, 18, 19]


def test_a_copy_whose_bytes_have_moved_is_scanned(path: Path, tmp_path: Path) -> None:
    """As after a program that writes the file anew and takes the attachment along."""
    data = path.read_bytes()
    at = data.index(MARK)
    (place,) = struct.unpack_from("<Q", data, at + len(MARK))
    changed = bytearray(data)
    struct.pack_into("<Q", changed, at + len(MARK), place + 1)
    copy = tmp_path / "copy.mcap"
    copy.write_bytes(changed)
    indexed, _ = both(copy)
    assert indexed is None
    with Session(copy) as session:
        assert len(session) == 20


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_index_is_not_believed(path: Path, tmp_path: Path, seed: int) -> None:
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    begin = data.index(MARK)
    data[int(rng.integers(begin, begin + 41 * ROW.size))] ^= int(rng.integers(1, 256))
    broken = tmp_path / "broken.mcap"
    broken.write_bytes(data)
    indexed, _ = both(broken)
    assert indexed is None
    with Session(broken) as session:
        assert len(session) == 20


def test_events_come_back_in_the_order_of_time(tmp_path: Path) -> None:
    events = (
        Event(EventKind.STATE, START, "streaming"),
        Event(EventKind.GAP, START + 5_000, "nothing for 2.0 s", 2_000_000_000),
        Event(EventKind.MARK, START + 9_000, "mark 1"),
    )
    with SessionWriter(tmp_path / "s.mcap", CAMERA) as writer:
        for event in (events[0], events[2], events[1]):
            writer.add_event(event)
        writer.add(frame(0))
    with Session(tmp_path / "s.mcap") as session:
        assert session.events == events
        assert session.skipped == ()


def test_a_damaged_event_is_named_and_costs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [b"{", b'{"name": "mark"}', b'{"name": "feast", "message": "x"}', b'{"name": "mark", "message": "m"}']
    texts.append(b'{"name": "gap", "message": "m", "duration_ns": -1}')
    with SessionWriter(tmp_path / "s.mcap", CAMERA) as writer:
        for text in texts:
            monkeypatch.setattr("engine.session.layout.event_text", lambda event, text=text: text)
            writer.add_event(Event(EventKind.MARK, START, ""))
        writer.add(frame(0))
    with Session(tmp_path / "s.mcap") as session:
        assert session.events == (Event(EventKind.MARK, START, "m"),)
        assert len(session.skipped) == 4
        assert all("event" in line for line in session.skipped)
