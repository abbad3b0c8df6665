"""A Motion JPEG stream over HTTP, its pictures handed through as they came."""

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from engine.capture.multipart import Part, Splitter, StreamError, boundary_of
from engine.capture.picture import PictureError, decode_picture, whole_jpeg
from engine.capture.source import LiveSource, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame

CHUNK = 1 << 18
BEHIND_S = 0.1
"""Where pictures that have arrived wait for so long that decoding does not keep up, the newest is taken: a burst after
a hiccup of the network is decoded whole, a backlog is not."""
REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """How long a network camera may take, in seconds."""

    open_s: float = 1.5
    """To connect, and to answer."""
    silent_s: float = 1.5
    """Between two pieces of data: then it is lost."""

    def __post_init__(self) -> None:
        if not (0 < self.open_s <= 60 and 0 < self.silent_s <= 60):
            raise EgoposeError("the time limits of a network camera are 0 to 60 seconds: give others.")


class MjpegStream(LiveSource):
    """An http:// or https:// address that sends multipart/x-mixed-replace.

    `capture_ns` is when the last byte of a picture came, before it is decoded; `device_ns` is the
    camera's own time where it sends `X-Timestamp` (mjpg-streamer and ESP32 cameras do).
    """

    def __init__(self, address: str, config: NetworkConfig | None = None) -> None:
        self._address = address
        self._config = config or NetworkConfig()
        self._stop = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._splitter = Splitter(b"")
        self._parts: deque[tuple[Part, int]] = deque()
        """Pictures that have arrived, and when."""
        self._even_s = 0.0
        """When no more than one was waiting last."""
        self._undecoded, self._undecoded_last = 0, ""
        self._seq = 0
        self._size: tuple[int, int] | None = None
        parts = _checked(address)
        self._name = f"{parts.hostname}{parts.path}"
        self._where = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(self._name, self._where, self._size, None, "http", True, False)

    @property
    def delivered(self) -> str:
        return f"Motion JPEG {self._size[0]} x {self._size[1]}" if self._size else ""

    @property
    def skipped(self) -> tuple[str, ...]:
        if not self._undecoded:
            return ()
        return (f"{self._undecoded} pictures could not be decoded; the last {self._undecoded_last}",)

    def again(self) -> MjpegStream:
        made = MjpegStream(self._address, self._config)
        made._size = self._size
        return made

    def open(self) -> None:
        """Connect, and see that it is a stream of pictures. Raises EgoposeError where that fails."""
        self._stop.clear()
        self._parts.clear()
        self._seq, self._even_s = 0, time.monotonic()
        try:
            response = self._answer()
            delimiter = boundary_of(response.getheader("content-type", ""))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._release()
            raise EgoposeError(f"{self._where} cannot be opened ({_reason(error)}): {_advice(error)}") from error
        except EgoposeError:
            self._release()
            raise
        if delimiter is None:
            kind = response.getheader("content-type", "nothing it would name")
            self._release()
            raise EgoposeError(f"{self._where} sends {kind}, not Motion JPEG: give the address of its video stream.")
        self._splitter = Splitter(delimiter)

    def read(self) -> Frame | None:
        """The next frame; None once closed. Raises EgoposeError where the stream ends or stays silent."""
        while not self._stop.is_set():
            try:
                part, capture_ns = self._next_part()
            except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
                if self._stop.is_set():
                    return None
                raise EgoposeError(f"{self._where} is lost ({_reason(error)}): {_advice(error)}") from error
            self._seq += 1
            try:
                encoded = whole_jpeg(part.body)
                image = decode_picture(encoded)
            except PictureError as error:
                self._undecoded += 1
                self._undecoded_last = str(error)
                continue
            self._size = image.shape[1], image.shape[0]
            device_ns = _stamp(part.headers.get("x-timestamp", ""))
            clock = "http" if device_ns is not None else None
            return Frame(image, self._seq - 1, capture_ns, self._where, device_ns, clock, encoded=encoded)
        return None

    def close(self) -> None:
        self._stop.set()
        self._release()

    def _release(self) -> None:
        found, self._socket = self._socket, None
        response, self._response = self._response, None
        if found is not None:
            with contextlib.suppress(OSError):  # where it is not connected any more
                found.shutdown(socket.SHUT_RDWR)  # wakes a blocked read, which a close alone does not
            found.close()
        if response is not None:
            response.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _answer(self) -> http.client.HTTPResponse:
        """The stream's head, after redirections."""
        address = self._address
        for _ in range(REDIRECTS + 1):
            response = self._asked(_checked(address))
            if response.status in (301, 302, 303, 307, 308):
                address = urljoin(address, response.getheader("location", ""))
                self._release()
                continue
            if response.status != http.client.OK:
                raise EgoposeError(
                    f"{self._where} answers {response.status} {response.reason}: {_cure(response.status)}"
                )
            return response
        raise EgoposeError(f"{self._where} redirects for ever: give the address of the stream itself.")

    def _asked(self, parts: SplitResult) -> http.client.HTTPResponse:
        host, port = parts.hostname or "", parts.port
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=self._config.open_s)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._config.open_s)
        self._connection = connection
        connection.connect()
        self._socket = connection.sock
        if self._stop.is_set():
            raise ConnectionAbortedError("closed")
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Accept": "multipart/x-mixed-replace, image/jpeg"}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        response = self._response = connection.getresponse()
        self._socket.settimeout(self._config.silent_s)
        return response

    def _next_part(self) -> tuple[Part, int]:
        while not self._parts or self._more_at_hand():
            response, found = self._response, self._socket
            if response is None or found is None:
                raise ConnectionAbortedError("closed")
            data = response.read1(CHUNK)
            now = time.monotonic_ns()
            if not data:
                raise ConnectionResetError("it ended the stream")
            self._parts.extend((part, now) for part in self._splitter.feed(data))
            if len(self._parts) > 1 and time.monotonic() - self._even_s > BEHIND_S:
                self._seq += len(self._parts) - 1
                self._parts = deque([self._parts[-1]])
        if len(self._parts) == 1:
            self._even_s = time.monotonic()
        return self._parts.popleft()

    def _more_at_hand(self) -> bool:
        """Whether data have arrived already, so that reading them does not wait."""
        found = self._socket
        if found is None or (isinstance(found, ssl.SSLSocket) and found.pending()):
            return found is not None
        return bool(select.select([found], [], [], 0)[0])


def _checked(address: str) -> SplitResult:
    """The parts of an address. Raises EgoposeError where it has none."""
    try:
        parts = urlsplit(address)
        if not parts.hostname or parts.scheme not in ("http", "https") or parts.port == 0:
            raise ValueError
    except ValueError as error:
        raise EgoposeError(f"{address} is no address: write for instance http://192.168.1.20:8080/video.") from error
    return parts


def _stamp(said: str) -> int | None:
    """Nanoseconds of an `X-Timestamp` in seconds, None where it is none."""
    whole, _, part = said.partition(".")
    if not (whole.isascii() and whole.isdecimal() and len(whole) < 12 and (not part or part.isdecimal())):
        return None
    return int(whole) * 1_000_000_000 + int(part[:9].ljust(9, "0") or "0")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it sends nothing"
    if isinstance(error, socket.gaierror):
        return "nobody has this name"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__


def _advice(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "check the name, or give the camera's number address."
    if isinstance(error, StreamError):
        return "give the address of its Motion JPEG stream."
    return "check that it is switched on and in this network, and the port."


def _cure(status: int) -> str:
    if status in (401, 403):
        return "write name and password into the address, http://name:password@…"
    if status == 404:
        return "check the path in the address."
    return "switch the camera off and on, or try its other addresses."
