"""Writing an MCAP file that grows for hours in constant memory, and is readable at every moment.

The records are the format's own (https://mcap.dev/spec). What belongs to the end of the file,
its index, is kept in nameless files beside it until then: the format's usual writer keeps an
object for each chunk, which is a gigabyte after a night of recording.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections import Counter
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from engine.session import index
from engine.session.contents import CHUNK, ROW
from engine.session.scan import HEADER, MAGIC, MESSAGE

_CHUNK_HEAD = struct.Struct("<BQQQQIIQ")
_CHUNK_INDEX_HEAD = struct.Struct("<BQQQQQI")
_CHUNK_INDEX_TAIL = struct.Struct("<QIQQ")
_BLOCK = 1 << 20


class Container:
    """One MCAP file being written to `file`, uncompressed. Raises OSError wherever the disk fails."""

    def __init__(self, file: BinaryIO, folder: Path) -> None:
        """`folder` takes the nameless files, which vanish when this is closed."""
        self._file = file
        self._at = 0
        self._metadata: list[MetadataIndex] = []
        self._attachments: list[AttachmentIndex] = []
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._counts: Counter[int] = Counter()
        self._times = (2**64 - 1, 0)
        self._chunks = 0
        self._chunk: list[bytes] = []
        self._chunk_size = 0
        self._chunk_rows: list[tuple[int, int, int, int, int]] = []
        """Of each message in the chunk: channel, sequence, log time, place of its record in the chunk, data size."""
        with ExitStack() as spilled:
            self._chunk_table = spilled.enter_context(tempfile.TemporaryFile(dir=folder))
            self._message_table = spilled.enter_context(tempfile.TemporaryFile(dir=folder))
            self._chunk_indexes = spilled.enter_context(tempfile.TemporaryFile(dir=folder))
            self._spilled = spilled.pop_all()
        self._write(MAGIC + _packed(Header("", "egopose")))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._at

    @property
    def pending(self) -> int:
        """Bytes of the chunk that is not written yet."""
        return self._chunk_size

    def metadata(self, name: str, values: dict[str, str]) -> None:
        """Write a record of texts."""
        self.cut()
        data = _packed(Metadata(name, values))
        self._metadata.append(MetadataIndex(self._at, len(data), name))
        self._write(data)

    def raw_attachment(self, record: bytes) -> None:
        """Write an attachment of another file as it is, without its header."""
        self.cut()
        a = Attachment.read(ReadDataStream(BytesIO(record)))
        length = HEADER.size + len(record)
        self._attachments.append(
            AttachmentIndex(self._at, length, a.log_time, a.create_time, len(a.data), a.name, a.media_type)
        )
        self._write(HEADER.pack(Opcode.ATTACHMENT, len(record)) + record)

    def schema(self, name: str, encoding: str, data: bytes) -> int:
        """Its number."""
        schema = Schema(id=len(self._schemas) + 1, data=data, encoding=encoding, name=name)
        self._schemas.append(schema)
        self._put(_packed(schema))
        return schema.id

    def channel(self, topic: str, encoding: str, schema: int, metadata: dict[str, str] | None = None) -> int:
        """Its number."""
        number = len(self._channels) + 1
        channel = Channel(id=number, topic=topic, message_encoding=encoding, metadata=metadata or {}, schema_id=schema)
        self._channels.append(channel)
        self._put(_packed(channel))
        return number

    def message(self, channel: int, sequence: int, log_time: int, data: bytes) -> None:
        """Add a message to the chunk in hand, which `cut` writes."""
        self._chunk_rows.append((channel, sequence, log_time, self._chunk_size, len(data)))
        self._put(HEADER.pack(Opcode.MESSAGE, MESSAGE.size + len(data)))
        self._put(MESSAGE.pack(channel, sequence, log_time, log_time))
        self._put(data)

    def cut(self) -> None:
        """Write the chunk in hand and its index, and begin the next."""
        if not self._chunk_rows:
            return
        rows, parts, size = self._chunk_rows, self._chunk, self._chunk_size
        self._chunk, self._chunk_size, self._chunk_rows = [], 0, []
        crc = 0
        for part in parts:
            crc = zlib.crc32(part, crc)
        first, last = min(row[2] for row in rows), max(row[2] for row in rows)
        at, data = self._at, self._at + _CHUNK_HEAD.size
        head = _CHUNK_HEAD.pack(Opcode.CHUNK, _CHUNK_HEAD.size - HEADER.size + size, first, last, size, crc, 0, size)
        places, indexes = _message_indexes(rows, data + size)
        self._write(b"".join((head, *parts, indexes)))
        self._chunk_table.write(CHUNK.pack(at, data, size, size, crc, 0))
        for channel, sequence, log_time, place, length in rows:
            message = data + place + HEADER.size + MESSAGE.size
            self._message_table.write(ROW.pack(channel, sequence, log_time, message, length, self._chunks))
            self._counts[channel] += 1
        body = _CHUNK_INDEX_HEAD.size - HEADER.size + len(places) + _CHUNK_INDEX_TAIL.size
        self._chunk_indexes.write(
            _CHUNK_INDEX_HEAD.pack(Opcode.CHUNK_INDEX, body, first, last, at, len(head) + size, len(places))
        )
        self._chunk_indexes.write(places + _CHUNK_INDEX_TAIL.pack(len(indexes), 0, size, size))
        self._times = min(first, self._times[0]), max(last, self._times[1])
        self._chunks += 1

    def finish(self) -> None:
        """Write the index and the end mark; nothing can be added afterwards."""
        self.cut()
        self._write_index()
        self._write(HEADER.pack(Opcode.DATA_END, 4) + bytes(4))
        start = self._at
        groups = [
            (Opcode.SCHEMA, b"".join(map(_packed, self._schemas))),
            (Opcode.CHANNEL, b"".join(map(_packed, self._channels))),
            (Opcode.STATISTICS, _packed(self._statistics())),
            (Opcode.METADATA_INDEX, b"".join(map(_packed, self._metadata))),
            (Opcode.ATTACHMENT_INDEX, b"".join(map(_packed, self._attachments))),
        ]
        crc, offsets = 0, []
        for kind, data in groups:
            offsets.append(SummaryOffset(group_opcode=kind, group_start=self._at, group_length=len(data)))
            crc = zlib.crc32(data, crc)
            self._write(data)
        begun = self._at
        crc = self._pour(self._chunk_indexes, crc)
        offsets.append(SummaryOffset(group_opcode=Opcode.CHUNK_INDEX, group_start=begun, group_length=self._at - begun))
        listed = b"".join(_packed(offset) for offset in offsets if offset.group_length)
        footer = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, self._at)
        crc = zlib.crc32(footer, zlib.crc32(listed, crc))
        self._write(listed + footer + struct.pack("<I", crc) + MAGIC)

    def close(self) -> None:
        """Let the nameless files go. Idempotent."""
        with suppress(OSError):  # On a full disk they cannot be written either, and nobody needs them any more.
            self._spilled.close()

    def _write_index(self) -> None:
        """See `engine.session.index`. Written in pieces, however long it is."""
        at, messages = self._at, sum(self._counts.values())
        size = index.HEAD.size + self._chunks * CHUNK.size + messages * ROW.size
        fields = bytes(16) + _text(index.NAME) + _text(index.MEDIA_TYPE) + struct.pack("<Q", size)
        head = fields + index.HEAD.pack(index.MARK, at, self._chunks, messages)
        length = len(fields) + size + 4
        self._write(HEADER.pack(Opcode.ATTACHMENT, length) + head)
        crc = self._pour(self._message_table, self._pour(self._chunk_table, zlib.crc32(head)))
        self._write(struct.pack("<I", crc))
        self._attachments.append(AttachmentIndex(at, HEADER.size + length, 0, 0, size, index.NAME, index.MEDIA_TYPE))

    def _statistics(self) -> Statistics:
        first, last = self._times if self._chunks else (0, 0)
        return Statistics(
            attachment_count=len(self._attachments), channel_count=len(self._channels),
            channel_message_counts=dict(self._counts), chunk_count=self._chunks,
            message_count=sum(self._counts.values()), metadata_count=len(self._metadata),
            message_start_time=first, message_end_time=last, schema_count=len(self._schemas),
        )  # fmt: skip

    def _put(self, data: bytes) -> None:
        """Add to the chunk in hand."""
        self._chunk.append(data)
        self._chunk_size += len(data)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def _pour(self, spilled: IO[bytes], crc: int) -> int:
        """Write what was kept aside; the checksum goes on."""
        spilled.seek(0)
        while block := spilled.read(_BLOCK):
            crc = zlib.crc32(block, crc)
            self._write(block)
        return crc


def _message_indexes(rows: list[tuple[int, int, int, int, int]], at: int) -> tuple[bytes, bytes]:
    """Where the index of each channel lies, as a chunk's index has it, and those indexes; they begin at byte `at`."""
    by_channel: dict[int, list[bytes]] = {}
    for channel, _, log_time, place, _ in rows:
        by_channel.setdefault(channel, []).append(struct.pack("<QQ", log_time, place))
    places, indexes = [], []
    for channel, entries in by_channel.items():
        data = b"".join(entries)
        places.append(struct.pack("<HQ", channel, at))
        indexes.append(struct.pack("<BQHI", Opcode.MESSAGE_INDEX, 6 + len(data), channel, len(data)) + data)
        at += len(indexes[-1])
    return b"".join(places), b"".join(indexes)


def _packed(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    data: bytes = builder.end()  # type: ignore[no-untyped-call]
    return data


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data
