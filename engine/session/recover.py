"""Making a session whole that was cut off or damaged: all that can be read, written anew with its index."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from engine.capture.picture import MAX_BYTES
from engine.errors import EgoposeError
from engine.session import index
from engine.session.container import Container
from engine.session.contents import Chunk, Contents, DamageError, chunk_of, entry_of
from engine.session.reader import Session
from engine.session.scan import MAX_CHUNK, MAX_RECORD, check_chunk, read_message, scan, unpack_chunk
from engine.session.unfinished import PART, held, settle, whole_path
from engine.session.writer import CHUNK_BYTES

RECOVERING = ".recovering"
DAMAGED = ".damaged"
Progress = Callable[[float], None]
"""Is told which share, 0 to 1, is done. What it raises ends the work, and the original stays as it is."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of it."""

    path: Path
    """Of the whole session."""
    frames: int
    seconds: float
    poses: int
    messages: int
    lost: tuple[str, ...]
    """One line for each part that could not be read."""
    kept: Path | None
    """Where the original still is; None where all of it but its torn end is in the new file."""
    was_whole: bool = False
    """Nothing had to be done."""


def recover(path: Path, out: Path | None = None, progress: Progress = lambda share: None) -> Recovered:
    """Write what can be read of a session into a whole one, by default in its place.

    Any MCAP file is taken, with all its topics. The original stays until the new file is on the
    disk and has been opened; where parts within it are damaged it stays for good, as
    `NAME.damaged`. Raises EgoposeError where nothing can be read or written.
    """
    if _held(path):
        raise EgoposeError(f"{path} is being recorded at this moment: stop the recording first.")
    target = out or whole_path(path)
    with _opened(path) as file:
        found = _scanned(path, file)
        if found.whole and not found.lost and out is None and not path.name.endswith(PART):
            return _summary(path, found, len(found.messages), None, was_whole=True)
        if not len(found.messages):
            reason = found.lost[-1] if found.lost else "it is empty"
            raise EgoposeError(f"Nothing of {path} can be recovered: {reason}. It can be deleted.")
        if target != path and target.exists():
            raise EgoposeError(f"{target} is there already: give another name with --out.")
        made = target.with_name(target.name + RECOVERING)
        lost: list[str] = list(found.lost)
        try:
            messages = _write(path, file, found, made, lost, progress)
            result = _summary(made, found, messages, None)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise EgoposeError(
                f"{made} cannot be written ({error.strerror}): free some space, or give --out."
            ) from error
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    kept = _replace(path, made, target, keep=out is not None, damaged=bool(lost) and _damaged(found, lost))
    return Recovered(target, result.frames, result.seconds, result.poses, messages, tuple(lost), kept)


def _replace(path: Path, made: Path, target: Path, *, keep: bool, damaged: bool) -> Path | None:
    """Put the new file in its place; where the original is then, if it is."""
    try:
        kept: Path | None = None
        if keep and target != path:
            kept = path
        elif damaged:
            kept = path.with_name(path.name + DAMAGED)
            path.replace(kept)
        settle(made, target)
        if kept is None and target != path:
            path.unlink()
    except OSError as error:
        raise EgoposeError(
            f"{made} is whole but cannot be put in its place ({error.strerror}): rename it by hand."
        ) from error
    return kept


def _damaged(found: Contents, lost: list[str]) -> bool:
    """Whether something inside the file was lost, and not only its torn end."""
    # A cut-off file tells of its end in one line, and of the chunk or record that the end cuts in another.
    return found.whole or len(lost) > 2 or any("cut off" not in line for line in lost)


def _held(path: Path) -> bool:
    try:
        return held(path)
    except OSError:
        return False  # What is wrong with it is told when it is opened.


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise EgoposeError(f"{path} cannot be opened ({error.strerror}): check the name.") from error


def _scanned(path: Path, file: BinaryIO) -> Contents:
    try:
        return scan(file, path.stat().st_size)
    except DamageError as damage:
        raise EgoposeError(f"{path} is not a session: it {damage}. Choose an .mcap file.") from damage
    except OSError as error:
        raise EgoposeError(f"{path} cannot be read ({error.strerror}).") from error


def _write(path: Path, file: BinaryIO, found: Contents, made: Path, lost: list[str], progress: Progress) -> int:
    """Write the new file and bring it to the disk; the number of its messages."""
    need, room = path.stat().st_size, shutil.disk_usage(made.parent).free
    if need > room:
        raise EgoposeError(
            f"Recovering {path.name} takes {need / 1e9:.1f} GB, and {made.parent} has {room / 1e9:.1f} GB: "
            "free some space, or give --out on another disk."
        )
    count = 0
    with made.open("wb") as target:
        container = Container(target, made.parent)
        try:
            for name, values in found.metadata.items():
                container.metadata(name, values)
            channels = _channels(container, found)
            total = len(found.messages)
            for number, (row, data) in enumerate(_messages(file, found, lost)):
                entry = entry_of(row)
                if data is not None and entry.channel in channels:
                    container.message(channels[entry.channel], entry.sequence, entry.log_time, data)
                    count += 1
                    if container.pending > CHUNK_BYTES:
                        container.cut()
                if number % 256 == 0:
                    progress(number / total)
            _attachments(file, found, container, lost)
            container.finish()
            target.flush()
            os.fsync(target.fileno())
        finally:
            container.close()
    progress(1.0)
    return count


def _channels(container: Container, found: Contents) -> dict[int, int]:
    """Register what the messages need; the new number of each channel."""
    schemas = {0: 0}
    for number, schema in found.schemas.items():
        schemas[number] = container.schema(schema.name, schema.encoding, schema.data)
    return {
        number: container.channel(c.topic, c.message_encoding, schemas.get(c.schema_id, 0), dict(c.metadata))
        for number, c in found.channels.items()
    }


def _messages(file: BinaryIO, found: Contents, lost: list[str]) -> Iterator[tuple[Any, bytes | None]]:
    """Every message with its data, None where they cannot be read; each chunk is read once and its checksum tested."""
    for number, rows in groupby(found.messages, key=lambda row: int(row["chunk"])):
        chunk = chunk_of(found.chunks[number]) if number >= 0 else None
        content: bytes | None = None
        try:
            if chunk is not None and not chunk.compression and chunk.size > MAX_CHUNK:
                check_chunk(file, chunk)
            elif chunk is not None:
                content = unpack_chunk(file, chunk)
        except DamageError as damage:
            several = list(rows)
            lost.append(f"{damage}, {len(several)} messages are lost")
            yield from ((row, None) for row in several)
            continue
        for row in rows:
            yield row, _data(file, row, chunk, content, lost)


def _data(file: BinaryIO, row: Any, chunk: Chunk | None, content: bytes | None, lost: list[str]) -> bytes | None:
    entry = entry_of(row)
    if content is not None and chunk is not None and not chunk.compression:
        entry = entry._replace(at=entry.at - chunk.data)
    try:
        if entry.size > MAX_BYTES:
            raise DamageError(f"the message at byte {entry.at} declares more than {MAX_BYTES >> 20} MiB")
        return read_message(file, entry, content)
    except DamageError as damage:
        lost.append(str(damage))
        return None


def _attachments(file: BinaryIO, found: Contents, container: Container, lost: list[str]) -> None:
    """Take along what other programs have attached; our own index is made anew."""
    for at, length in found.attachments:
        file.seek(at)
        if length > 16 * MAX_RECORD:
            lost.append(f"the attachment at byte {at} is left out: it has {length} bytes")
            continue
        record = file.read(length)
        name = 16 + 4
        if record[name : name + len(index.NAME)] == index.NAME.encode():
            continue
        if len(record) < 4 or zlib.crc32(record[:-4]) != int.from_bytes(record[-4:], "little"):
            lost.append(f"the attachment at byte {at} is damaged")
            continue
        container.raw_attachment(record)


def _summary(path: Path, found: Contents, messages: int, kept: Path | None, *, was_whole: bool = False) -> Recovered:
    """What the file holds, read as anybody would; 0 frames where it is another program's without pictures."""
    try:
        with Session(path) as session:
            frames, seconds, poses = len(session), session.duration_s, session.pose_count
    except EgoposeError:
        frames, seconds, poses = 0, 0.0, 0
    return Recovered(path, frames, seconds, poses, messages, tuple(found.lost), kept, was_whole)
