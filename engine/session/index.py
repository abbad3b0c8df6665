"""The index at the end of a session of ours: its tables as an attachment, so that hours open at once.

Other programs use the MCAP file's own index, which is there too; to read it, each of its chunks
has to be visited, and there is one for every picture. Here it is two tables in one piece. Where
anything in it does not hold, the file is scanned instead.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import AttachmentIndex, Footer, SummaryOffset

from engine.session.contents import CHUNK, COMPRESSIONS, ROW, Contents, DamageError
from engine.session.scan import HEADER, MAGIC, MAX_RECORD, MESSAGE, header, read_record

NAME = "egopose.index"
MEDIA_TYPE = "application/octet-stream"
HEAD = struct.Struct("<8sQII")
"""Mark and version, the attachment's own place in the file, chunks, messages."""
MARK = b"EGOIDX01"
_FOOTER = HEADER.size + 20 + len(MAGIC)
_FIRST = Opcode.HEADER, Opcode.METADATA


def read_index(file: BinaryIO, size: int) -> Contents | None:
    """What the file's own index tells; None where it has none, or one that does not fit the file."""
    try:
        return _read(file, size)
    except (DamageError, McapError, struct.error, UnicodeDecodeError, ValueError, OverflowError):
        return None


def _read(file: BinaryIO, size: int) -> Contents | None:
    file.seek(0)
    if size < 2 * len(MAGIC) + _FOOTER or file.read(len(MAGIC)) != MAGIC:
        return None
    found = Contents(whole=True, indexed=True)
    at = _summary(file, size, found)
    if at is None:
        return None
    _unpack(_attachment(file, at, size), at, found)
    _first_records(file, size, found)
    return found


def _summary(file: BinaryIO, size: int, found: Contents) -> int | None:
    """Read schemas and channels, and where the index lies."""
    file.seek(size - _FOOTER)
    tail = file.read(_FOOTER)
    if tail[0] != Opcode.FOOTER or tail[-len(MAGIC) :] != MAGIC:
        return None
    footer = Footer.read(ReadDataStream(io.BytesIO(tail[HEADER.size :])))
    start, end = footer.summary_offset_start, size - _FOOTER
    if not len(MAGIC) < footer.summary_start <= start < end or end - start > MAX_RECORD:
        return None
    place = None
    for opcode, offset, length in _records(file, start, end):
        if opcode != Opcode.SUMMARY_OFFSET:
            continue
        group = SummaryOffset.read(_body(file, offset, length))
        if group.group_opcode not in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.ATTACHMENT_INDEX):
            continue
        for kind, inner, inner_length in _records(file, group.group_start, group.group_start + group.group_length):
            if kind == Opcode.ATTACHMENT_INDEX:
                entry = AttachmentIndex.read(_body(file, inner, inner_length))
                place = entry.offset if entry.name == NAME else place
            else:
                read_record(file, found, kind, inner, inner_length)
    return place


def _attachment(file: BinaryIO, at: int, size: int) -> bytes:
    """The attachment's data, its checksum tested."""
    opcode, length = header(file, at, size)
    if opcode != Opcode.ATTACHMENT or length > size - at - HEADER.size:
        raise DamageError("is no attachment")
    file.seek(at + HEADER.size)
    record = file.read(length)
    (crc,) = struct.unpack_from("<I", record, length - 4)
    if zlib.crc32(memoryview(record)[:-4]) != crc:
        raise DamageError("is damaged")
    data = 16 + 4 + len(NAME) + 4 + len(MEDIA_TYPE) + 8
    return record[data:-4]


def _unpack(data: bytes, at: int, found: Contents) -> None:
    """Take in the tables; every place in them is checked to lie before the index."""
    mark, place, chunks, messages = HEAD.unpack_from(data)
    rows = HEAD.size + chunks * CHUNK.size
    if mark != MARK or place != at or len(data) != rows + messages * ROW.size:
        # A program that has copied the file has moved what the index speaks of.
        raise DamageError("belongs to another file")
    found.packed_chunks, found.rows = data[HEAD.size : rows], data[rows:]
    table, limit = found.messages, np.uint64(at)
    inside = (table["at"] >= MESSAGE.size) & (table["at"] <= limit) & (table["size"] <= limit - table["at"])
    if not inside.all() or (table["chunk"] >= chunks).any() or (table["chunk"] < -1).any():
        raise DamageError("speaks of messages beyond it")
    table = found.chunks
    inside = (table["data"] <= limit) & (table["size"] <= limit - table["data"])
    if not inside.all() or (table["compression"] >= len(COMPRESSIONS)).any():
        raise DamageError("speaks of chunks beyond it")


def _first_records(file: BinaryIO, size: int, found: Contents) -> None:
    """The metadata, which stand before the first message."""
    at = len(MAGIC)
    while at < size:
        opcode, length = header(file, at, size)
        if opcode not in _FIRST:
            return
        read_record(file, found, opcode, at + HEADER.size, length)
        at += HEADER.size + length


def _records(file: BinaryIO, at: int, end: int) -> list[tuple[int, int, int]]:
    """Kind, place and length of the records between two bytes."""
    found = []
    while at < end:
        opcode, length = header(file, at, end)
        if length > end - at - HEADER.size:
            raise DamageError("is cut off")
        found.append((opcode, at + HEADER.size, length))
        at += HEADER.size + length
    return found


def _body(file: BinaryIO, at: int, length: int) -> ReadDataStream:
    file.seek(at)
    return ReadDataStream(io.BytesIO(file.read(min(length, MAX_RECORD))))
