"""The parts of a Motion JPEG stream over HTTP: multipart/x-mixed-replace, as cameras really send it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message

MAX_HEAD = 16 * 1024
MAX_PART = 32 * 1024 * 1024


class StreamError(ValueError):
    """The stream cannot be taken apart; the message ends a sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class Part:
    """One picture and what the camera says of it."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def boundary_of(content_type: str) -> bytes | None:
    """The delimiter of the parts, dashes included; None where the type is not multipart."""
    message = Message()
    message["content-type"] = content_type
    if message.get_content_maintype() != "multipart":
        return None
    boundary = str(message.get_param("boundary") or "").strip('"')
    # Some cameras write the dashes of the delimiter into the parameter already.
    return b"--" + boundary.removeprefix("--").encode("latin-1", "replace")


class Splitter:
    """Bytes in, parts out. Parts end where their length says, else at the next delimiter.

    Raises StreamError where the bytes are no such stream.
    """

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._buffer = bytearray()
        self._headers: dict[str, str] | None = None
        """Of the part whose body is awaited; None between parts."""
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Part]:
        """The parts that these bytes complete."""
        self._buffer += data
        while (part := self._next()) is not None:
            yield part

    def _next(self) -> Part | None:
        if self._headers is None and not self._head():
            return None
        assert self._headers is not None  # _head has found them
        end, rest = self._body(self._headers)
        if end < 0:
            if len(self._buffer) > MAX_PART:
                raise StreamError(f"sends a picture of more than {MAX_PART >> 20} MiB")
            return None
        part = Part(self._headers, bytes(self._buffer[:end]))
        del self._buffer[:rest]
        self._headers, self._searched = None, 0
        return part

    def _head(self) -> bool:
        """Go past a delimiter and the lines after it; False where they are not there in full."""
        start = self._buffer.find(self._delimiter)
        end, gap = self._end_of_head(start)
        if start < 0 or end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise StreamError("sends no pictures that begin with its own delimiter")
            return False
        lines = bytes(self._buffer[start:end]).decode("latin-1").splitlines()[1:]
        pairs = (line.partition(":") for line in lines)
        self._headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        del self._buffer[: end + gap]
        return True

    def _end_of_head(self, start: int) -> tuple[int, int]:
        """Where the empty line is, and how long."""
        if start < 0:
            return -1, 0
        found = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := self._buffer.find(mark, start)) >= 0]
        return min(found, default=(-1, 0))

    def _body(self, headers: Mapping[str, str]) -> tuple[int, int]:
        """(length of the body, where the next part begins); -1 where it is not there in full."""
        said = headers.get("content-length", "")
        if said.isascii() and said.isdecimal():
            length = int(said)
            if length > MAX_PART:
                raise StreamError(f"announces a picture of {length >> 20} MiB, more than {MAX_PART >> 20}")
            return (length, length) if len(self._buffer) >= length else (-1, 0)
        end = self._buffer.find(self._delimiter, self._searched)
        if end < 0:
            # The delimiter may be cut in two.
            self._searched = max(0, len(self._buffer) - len(self._delimiter))
            return -1, 0
        body = end
        for mark in (b"\r\n", b"\n"):
            if self._buffer[:end].endswith(mark):
                body = end - len(mark)
                break
        return body, end
