"""Finding the messages of an MCAP file, whole, cut off or damaged, without its index.

Only record headers are read, so a large session is scanned quickly and nothing is believed
that the file only claims: every length is checked against what is there before it is used.
Layout: MCAP specification, https://mcap.dev/spec.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Schema, Statistics

from engine.session.contents import CHUNK, COMPRESSIONS, MAX_MESSAGES, ROW, Chunk, Contents, DamageError, Entry

MAGIC = b"\x89MCAP0\r\n"
MAX_RECORD = 16 << 20
"""Largest schema, channel or metadata record that is read."""
MAX_CHUNK = 256 << 20
"""Largest compressed chunk once unpacked."""

HEADER = struct.Struct("<BQ")
"""Of every record: its kind, and the length of what follows."""
MESSAGE = struct.Struct("<HIQQ")
"""Of a message, before its data: channel, sequence, log time, publish time."""
_CHUNK_HEAD = struct.Struct("<QQQII")
_RESERVED = 0x10, 0x80
"""Kinds of records that no version of the format has yet."""


def scan(file: BinaryIO, size: int) -> Contents:
    """Scan an MCAP file of `size` bytes. Raises DamageError where it is none."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise DamageError("does not begin as an MCAP file does")
    found = Contents()
    at = len(MAGIC)
    while at < size:
        try:
            opcode, length = header(file, at, size)
        except DamageError as damage:
            found.lost.append(f"{damage}; the {size - at} bytes from there on are lost")
            return found
        start, end = at + HEADER.size, at + HEADER.size + length
        if opcode == Opcode.FOOTER or (opcode == Opcode.DATA_END and length == 4):
            file.seek(max(size - len(MAGIC), end))
            found.whole = file.read() == MAGIC
            if not found.whole:
                found.lost.append(f"the file is cut off at byte {size}: it has no end mark")
            _compare(file, end, size, found)
            return found
        try:
            if opcode == Opcode.CHUNK:
                _scan_chunk(file, at, start, min(end, size), found)
            elif _RESERVED[0] <= opcode < _RESERVED[1] or opcode == Opcode.DATA_END:
                found.lost.append(f"the record at byte {at} is of an unknown kind")
            elif end <= size:
                read_record(file, found, opcode, start, length)
        except DamageError as damage:
            found.lost.append(str(damage))
        except (McapError, struct.error, UnicodeDecodeError):
            found.lost.append(f"the record at byte {at} is damaged")
        if end > size:
            found.lost.append(f"the file is cut off at byte {size}, inside the record that begins at byte {at}")
            return found
        at = end
    found.lost.append(f"the file is cut off at byte {size}: it has no end mark")
    return found


def read_message(file: BinaryIO, entry: Entry, unpacked: bytes | None) -> bytes:
    """The data of a message; `unpacked` is its chunk's content where that is in memory.

    Raises DamageError where it is not the message that the entry speaks of.
    """
    start = entry.at - MESSAGE.size
    if unpacked is not None:
        data = unpacked[max(start, 0) : entry.at + entry.size]
    else:
        file.seek(start)
        data = file.read(MESSAGE.size + entry.size)
    if len(data) != MESSAGE.size + entry.size:
        raise DamageError(f"the file has become shorter than byte {entry.at + entry.size}")
    if MESSAGE.unpack_from(data)[:3] != entry[:3]:
        raise DamageError(f"the message at byte {start} is another than the file's index says")
    return data[MESSAGE.size :]


def check_chunk(file: BinaryIO, chunk: Chunk) -> None:
    """Raises DamageError where an uncompressed chunk does not have the checksum it was written with."""
    if not chunk.crc or chunk.compression:
        return
    file.seek(chunk.data)
    crc, left = 0, chunk.size
    while left > 0:
        block = file.read(min(left, 1 << 20))
        if not block:
            break
        crc, left = zlib.crc32(block, crc), left - len(block)
    if crc != chunk.crc:
        raise DamageError(f"the chunk at byte {chunk.at} is damaged: its checksum does not match")


def unpack_chunk(file: BinaryIO, chunk: Chunk) -> bytes:
    """The content of a chunk, never more than it declares and `MAX_CHUNK`. Raises DamageError."""
    if chunk.compression and chunk.unpacked > MAX_CHUNK:
        raise DamageError(f"the chunk at byte {chunk.at} declares more than {MAX_CHUNK >> 20} MiB")
    file.seek(chunk.data)
    packed = file.read(chunk.size)
    try:
        data = _decompress(chunk, packed) if chunk.compression else packed
    except (RuntimeError, EOFError, OSError, MemoryError) as error:
        raise DamageError(f"the chunk at byte {chunk.at} cannot be unpacked ({error})") from error
    if len(data) != (chunk.unpacked if chunk.compression else chunk.size):
        raise DamageError(f"the chunk at byte {chunk.at} does not unpack to the size that it declares")
    if chunk.crc and zlib.crc32(data) != chunk.crc:
        raise DamageError(f"the chunk at byte {chunk.at} is damaged: its checksum does not match")
    return data


def _decompress(chunk: Chunk, packed: bytes) -> bytes:
    """At most one byte more than declared, so that a lie shows and costs nothing."""
    if chunk.compression == "zstd":
        import zstandard  # noqa: PLC0415

        try:
            return zstandard.ZstdDecompressor().stream_reader(packed).read(chunk.unpacked + 1)
        except zstandard.ZstdError as error:
            raise RuntimeError(str(error)) from error
    if chunk.compression == "lz4":
        import lz4.frame  # type: ignore[import-untyped]  # noqa: PLC0415

        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=chunk.unpacked + 1))
    raise DamageError(f"the chunk at byte {chunk.at} is compressed with {chunk.compression!r}, which is not known")


def _compare(file: BinaryIO, at: int, size: int, found: Contents) -> None:
    """Name what the statistics in the file's summary count and the scan has not found."""
    try:
        while at < size:
            opcode, length = header(file, at, size)
            at += HEADER.size
            if opcode == Opcode.FOOTER:
                return
            if opcode == Opcode.STATISTICS and length <= size - at:
                counted = Statistics.read(ReadDataStream(io.BytesIO(file.read(length)))).message_count
                missing = counted - len(found.rows) // ROW.size
                if missing:
                    found.lost.append(f"{missing} of {counted} messages are missing")
                return
            at += length
    except (DamageError, McapError, struct.error):
        return  # The summary only repeats: where it is damaged, nothing is lost.


def header(file: BinaryIO, at: int, size: int) -> tuple[int, int]:
    """Kind and length of the record at a byte. Raises DamageError where there is none."""
    file.seek(at)
    data = file.read(min(HEADER.size, size - at))
    if len(data) < HEADER.size:
        raise DamageError(f"the record at byte {at} is cut off")
    opcode, length = HEADER.unpack(data)
    if opcode == 0:
        raise DamageError(f"the record at byte {at} is damaged")
    return opcode, length


def _scan_chunk(file: BinaryIO, at: int, start: int, end: int, found: Contents) -> None:
    file.seek(start)
    head = file.read(_CHUNK_HEAD.size)
    if len(head) < _CHUNK_HEAD.size:
        raise DamageError(f"the chunk at byte {at} is cut off")
    _, _, unpacked, crc, name_size = _CHUNK_HEAD.unpack(head)
    if name_size > 32:
        raise DamageError(f"the chunk at byte {at} is damaged")
    name = file.read(name_size).decode("ascii", "replace")
    if name not in COMPRESSIONS:
        raise DamageError(f"the chunk at byte {at} is compressed with {name!r}, which is not known")
    counted = file.read(8)
    if len(counted) < 8:
        raise DamageError(f"the chunk at byte {at} is cut off")
    (length,) = struct.unpack("<Q", counted)
    data = start + _CHUNK_HEAD.size + name_size + 8
    cut = data + length > end
    number = len(found.packed_chunks) // CHUNK.size
    if not name:
        # Of a chunk that is cut off, the messages before the cut are good; its checksum can tell nothing.
        size = min(length, end - data)
        found.packed_chunks += CHUNK.pack(at, data, size, unpacked, 0 if cut else crc, 0)
        _Records(file, found, None if cut else number).read_all(data, data + size)
    elif cut:
        raise DamageError(f"the chunk at byte {at} is cut off")
    else:
        content = unpack_chunk(file, Chunk(at, data, length, unpacked, crc, name))
        found.packed_chunks += CHUNK.pack(at, data, length, unpacked, crc, COMPRESSIONS.index(name))
        _Records(io.BytesIO(content), found, number).read_all(0, len(content))


@dataclass(slots=True)
class _Records:
    """Reads the records of `file` into `found`; `chunk` is the row of the one whose content they are."""

    file: BinaryIO
    found: Contents
    chunk: int | None = None

    def read_all(self, at: int, end: int) -> None:
        while at < end:
            opcode, length = header(self.file, at, end)
            start = at + HEADER.size
            if length > end - start:
                raise DamageError(f"the record at byte {at} is cut off")
            self.read(opcode, start, length)
            at = start + length

    def read(self, opcode: int, start: int, length: int) -> None:
        if opcode == Opcode.MESSAGE:
            self._message(start, length)
        elif opcode == Opcode.CHANNEL:
            channel = Channel.read(self._body(start, length))
            self.found.channels.setdefault(channel.id, channel)
        elif opcode == Opcode.SCHEMA:
            schema = Schema.read(self._body(start, length))
            self.found.schemas.setdefault(schema.id, schema)
        elif opcode == Opcode.METADATA:
            metadata = Metadata.read(self._body(start, length))
            self.found.metadata.setdefault(metadata.name, metadata.metadata)
        elif opcode == Opcode.ATTACHMENT and self.chunk is None:
            self.found.attachments.append((start, length))

    def _message(self, start: int, length: int) -> None:
        if length < MESSAGE.size:
            raise DamageError(f"the message at byte {start} is damaged")
        if len(self.found.rows) >= MAX_MESSAGES * ROW.size:
            raise DamageError(f"the file holds more than {MAX_MESSAGES} messages: those from byte {start} on are lost")
        self.file.seek(start)
        channel, sequence, log_time, _ = MESSAGE.unpack(self.file.read(MESSAGE.size))
        chunk = -1 if self.chunk is None else self.chunk
        at, size = start + MESSAGE.size, length - MESSAGE.size
        self.found.rows += ROW.pack(channel, sequence, log_time, at, size, chunk)

    def _body(self, start: int, length: int) -> ReadDataStream:
        if length > MAX_RECORD:
            raise DamageError(f"the record at byte {start} declares {length} bytes, more than {MAX_RECORD >> 20} MiB")
        self.file.seek(start)
        return ReadDataStream(io.BytesIO(self.file.read(length)))


def read_record(file: BinaryIO, found: Contents, opcode: int, start: int, length: int) -> None:
    """Take in one record that stands outside of a chunk. Raises DamageError, McapError, struct.error and such."""
    _Records(file, found).read(opcode, start, length)
