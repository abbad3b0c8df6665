"""What a session file holds and where: two tables, a row for each chunk and one for each message.

Rows are packed as they are found or written, so that an hour of messages takes megabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from mcap.records import Channel, Schema
from numpy.typing import NDArray

Rows = NDArray[np.void]
"""(N,) of ROW_TYPE or CHUNK_TYPE."""

ROW = struct.Struct("<HIQQQi")
ROW_TYPE = np.dtype(
    [("channel", "<u2"), ("sequence", "<u4"), ("log_time", "<u8"), ("at", "<u8"), ("size", "<u8"), ("chunk", "<i4")]
)
CHUNK = struct.Struct("<QQQQIB")
CHUNK_TYPE = np.dtype(
    [("at", "<u8"), ("data", "<u8"), ("size", "<u8"), ("unpacked", "<u8"), ("crc", "<u4"), ("compression", "u1")]
)
COMPRESSIONS = ("", "zstd", "lz4")
"""In the order of their numbers in a chunk's row."""
MAX_MESSAGES = 20_000_000
"""More are not read: a packed file of a few megabytes can declare any number."""


class DamageError(Exception):
    """A part of the file is not what it must be; the message says which and why."""


class Chunk(NamedTuple):
    """Where a chunk's records lie."""

    at: int
    """Of the record, in the file."""
    data: int
    size: int
    unpacked: int
    crc: int
    """0 where there is none to check."""
    compression: str


class Entry(NamedTuple):
    """Where a message's data lie: in the file, or in its unpacked chunk where that is compressed."""

    channel: int
    sequence: int
    log_time: int
    at: int
    size: int
    chunk: int
    """The chunk's row, -1 where there is none."""


@dataclass(slots=True)
class Contents:
    """All that is known of a file, in its order."""

    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    attachments: list[tuple[int, int]] = field(default_factory=list)
    """Where each begins in the file, behind its header, and its length."""
    rows: bytearray | bytes = field(default_factory=bytearray)
    packed_chunks: bytearray | bytes = field(default_factory=bytearray)
    lost: list[str] = field(default_factory=list)
    """One line for each part that could not be read."""
    whole: bool = False
    """Whether the file ends as a finished one does."""
    indexed: bool = False
    """Whether all this was read from the file's own index."""

    @property
    def messages(self) -> Rows:
        """(N,) of ROW_TYPE."""
        return np.frombuffer(self.rows, ROW_TYPE)

    @property
    def chunks(self) -> Rows:
        """(N,) of CHUNK_TYPE."""
        return np.frombuffer(self.packed_chunks, CHUNK_TYPE)

    def of(self, channels: list[int]) -> Rows:
        """The messages of these channels."""
        messages = self.messages
        return messages[np.isin(messages["channel"], channels)]

    def topic(self, topic: str) -> Rows:
        """The messages of all channels of a topic."""
        return self.of([channel.id for channel in self.channels.values() if channel.topic == topic])


def entry_of(row: Any) -> Entry:
    """A row of ROW_TYPE in Python's own numbers."""
    return Entry(*row.item())


def chunk_of(row: Any) -> Chunk:
    """A row of CHUNK_TYPE in Python's own numbers."""
    at, data, size, unpacked, crc, compression = row.item()
    return Chunk(at, data, size, unpacked, crc, COMPRESSIONS[compression])
