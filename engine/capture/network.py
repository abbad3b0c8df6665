"""RTSP and UDP streams through FFmpeg, set for the least delay; and the way to HTTP's."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.capture.mjpeg import MjpegStream, NetworkConfig
from engine.capture.opening import SCHEMES
from engine.capture.picture import MAX_PIXELS, PictureError, whole_jpeg
from engine.capture.source import LiveSource, SourceInfo
from engine.errors import EgoposeError
from engine.types import Frame, ImageArray

DATAGRAM = 65536
_LOW_DELAY = {
    "fflags": "nobuffer+discardcorrupt",
    "flags": "low_delay",
    "probesize": "200000",
    "analyzeduration": "500000",
}


def open_network(address: str) -> LiveSource:
    """The source at an address, not opened. Raises EgoposeError where it is none that can be read."""
    scheme = urlsplit(address).scheme
    if scheme in ("http", "https"):
        return MjpegStream(address)
    if scheme in ("rtsp", "rtsps"):
        return RtspStream(address)
    if scheme == "udp":
        return UdpStream(address)
    raise EgoposeError(f"{address} cannot be read: give an address that begins with {', '.join(SCHEMES)}.")


class FfmpegStream(LiveSource):
    """What RTSP and UDP have in common: packets, decoded at once, each stamped when it came."""

    clock = "stream"

    def __init__(self, address: str, config: NetworkConfig | None = None) -> None:
        self._address = address
        self._config = config or NetworkConfig()
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError as error:
            raise EgoposeError(f"{address} is no address: the port is a number up to 65535.") from error
        host = parts.hostname or ""
        self._where = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._container: InputContainer | None = None
        self._frames: Iterator[Frame] = iter(())
        self._seq = 0
        self._undecoded = 0
        self._size: tuple[int, int] | None = None
        self._fps: float | None = None
        self._codec = ""

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(self._where, self._where, self._size, self._fps, self.clock, True, False)

    @property
    def delivered(self) -> str:
        return f"{self._codec} {self._size[0]} x {self._size[1]}" if self._size else ""

    @property
    def skipped(self) -> tuple[str, ...]:
        return (f"{self._undecoded} packets could not be decoded",) if self._undecoded else ()

    def again(self) -> FfmpegStream:
        made = type(self)(self._address, self._config)
        made._size, made._fps, made._codec = self._size, self._fps, self._codec
        return made

    def open(self) -> None:
        """Connect and find the film. Raises EgoposeError where that fails."""
        with self._lock:
            self._release()
            self._stop.clear()
            self._seq = self._undecoded = 0
            try:
                container = self._container = self._connected()
            except (av.FFmpegError, OSError, ValueError) as error:
                told = self._told("cannot be opened", error)
                self._release()
                raise EgoposeError(told) from error
            streams = [stream for stream in container.streams.video if stream.codec_context is not None]
            if not streams:
                self._release()
                raise EgoposeError(f"{self._where} has no video that can be decoded: set the camera to H.264 or MJPEG.")
            self._prepare(streams[0])
            self._frames = self._decoded(container, streams[0])

    def read(self) -> Frame | None:
        """The next frame; None once closed. Raises EgoposeError where the stream ends or stays silent."""
        with self._lock:
            try:
                frame = None if self._stop.is_set() else next(self._frames, None)
            except (av.FFmpegError, OSError, ValueError) as error:
                if self._stop.is_set():
                    return None
                raise EgoposeError(self._told("is lost", error)) from error
            finally:
                if self._stop.is_set():
                    self._release()
            if frame is None and not self._stop.is_set():
                raise EgoposeError(self._told("is lost", EOFError("it ended the stream")))
            return frame

    def close(self) -> None:
        """Ends at the latest when the time limit of a blocked call is over."""
        self._stop.set()
        if self._lock.acquire(timeout=0.2):
            try:
                self._release()
            finally:
                self._lock.release()

    @abstractmethod
    def _connected(self) -> InputContainer:
        """The opened container. Raises av.FFmpegError, OSError or ValueError."""

    def _told(self, what: str, error: Exception) -> str:
        cause = self._cause(error)
        return f"{self._where} {what} ({_reason(cause)}): {self._advice(cause)}"

    def _cause(self, error: Exception) -> Exception:
        """What lies behind an error of FFmpeg's."""
        return error

    def _advice(self, error: Exception) -> str:
        return "check that the camera is switched on and in this network, and the port."

    def _release(self) -> None:
        self._frames = iter(())
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _prepare(self, stream: VideoStream) -> None:
        codec = stream.codec_context
        if codec.width * codec.height > MAX_PIXELS:
            raise EgoposeError(
                f"{self._where} declares {codec.width} x {codec.height} pixels: set it to a smaller size."
            )
        codec.options = {"max_pixels": str(MAX_PIXELS)}
        # Threads that each hold a frame would delay every one by as many frames.
        codec.thread_type = "SLICE"
        codec.flags |= av.codec.context.Flags.low_delay
        self._codec = codec.name
        rate = stream.average_rate or stream.guessed_rate
        self._fps = float(rate) if rate and 1 <= rate <= 240 else None
        self._size = (codec.width, codec.height) if codec.width else None

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[Frame]:
        for packet in container.demux(stream):
            capture_ns = time.monotonic_ns()
            if self._stop.is_set():
                return
            try:
                pictures = packet.decode()
            except (av.FFmpegError, MemoryError):
                self._undecoded += 1
                continue
            for picture in pictures:
                if isinstance(picture, VideoFrame):
                    yield self._frame(picture, packet, capture_ns)

    def _frame(self, picture: VideoFrame, packet: Packet[VideoStream], capture_ns: int) -> Frame:
        image = cast(ImageArray, np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))
        self._size = image.shape[1], image.shape[0]
        self._seq += 1
        pts, base = picture.pts, picture.time_base
        device_ns = None if pts is None or base is None else int(pts * base * 1_000_000_000)
        clock = self.clock if device_ns is not None else None
        return Frame(image, self._seq - 1, capture_ns, self._where, device_ns, clock, encoded=self._jpeg(packet))

    def _jpeg(self, packet: Packet[VideoStream]) -> bytes | None:
        if self._codec != "mjpeg":
            return None
        try:
            return whole_jpeg(bytes(packet))
        except PictureError:
            return None


class RtspStream(FfmpegStream):
    """An rtsp:// address, over TCP: a lost datagram would spoil a second of H.264."""

    clock = "rtp"

    def __init__(self, address: str, config: NetworkConfig | None = None) -> None:
        super().__init__(address, config)
        if not urlsplit(address).hostname:
            raise EgoposeError(f"{address} is no address: write for instance rtsp://192.168.1.20/stream1.")

    def _connected(self) -> InputContainer:
        options = _LOW_DELAY | {"rtsp_transport": "tcp", "max_delay": "0", "reorder_queue_size": "0"}
        limits = self._config.open_s, self._config.silent_s
        return av.open(self._address, "r", options=options, timeout=limits, metadata_errors="replace")

    def _advice(self, error: Exception) -> str:
        if isinstance(error, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
            return "write name and password into the address, rtsp://name:password@…"
        if isinstance(error, av.HTTPNotFoundError):
            return "check the path in the address."
        return super()._advice(error)


class UdpStream(FfmpegStream):
    """An MPEG transport stream that is sent to a UDP port of this machine, or to a multicast group."""

    def __init__(self, address: str, config: NetworkConfig | None = None) -> None:
        super().__init__(address, config)
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("@") or "127.0.0.1"
        if not parts.port:
            raise EgoposeError(f"{address} names no port: write for instance udp://0.0.0.0:5000.")
        try:
            self._bind = ipaddress.IPv4Address(host), parts.port
        except ValueError as error:
            raise EgoposeError(
                f"{address} names no address of this machine: write udp://0.0.0.0:{parts.port}."
            ) from error
        self._datagrams: Datagrams | None = None

    def _connected(self) -> InputContainer:
        datagrams = self._datagrams = Datagrams(*self._bind, self._config)
        options: dict[str, Any] = _LOW_DELAY
        container = av.open(
            datagrams, "r", format="mpegts", options=options, buffer_size=DATAGRAM, metadata_errors="replace"
        )
        datagrams.until_s = None
        return container

    def _cause(self, error: Exception) -> Exception:
        datagrams = self._datagrams
        if datagrams is not None and datagrams.silent:
            return TimeoutError("nothing arrives")
        return ValueError("what arrives is no film") if datagrams is not None and datagrams.useless else error

    def _advice(self, error: Exception) -> str:
        host, port = self._bind
        if isinstance(error, TimeoutError):
            alone = "; 127.0.0.1 hears this machine alone" if host.is_loopback else ""
            return f"have the camera send MPEG-TS to port {port} of this machine{alone}."
        if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
            return f"close the program that uses port {port}, or give an address of this machine in place of {host}."
        return "have the camera send an MPEG transport stream (MPEG-TS)."

    def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        super().close()

    def _release(self) -> None:
        super()._release()
        if self._datagrams is not None:
            self._datagrams.close()


class Datagrams:
    """A UDP port as a file of bytes, which ends where nothing comes any more; then it is `silent`.

    It also ends, `useless`, where what came until `until_s` was not enough to open it; set that to None then.
    `close` may be called from another thread, and ends a blocked `read`.
    """

    def __init__(self, host: ipaddress.IPv4Address, port: int, config: NetworkConfig) -> None:
        """Raises OSError where the port cannot be had."""
        self._silent_s = config.silent_s
        self.silent = self.useless = False
        self.until_s: float | None = time.monotonic() + 2 * config.open_s
        self._closed = threading.Event()
        self._rest = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 if host.is_multicast else 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            self._socket.bind((str(host), port))
            if host.is_multicast:
                group = host.packed + ipaddress.IPv4Address(0).packed
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            self._socket.settimeout(0.1)
        except OSError:
            self._socket.close()
            raise

    def read(self, size: int) -> bytes:
        """The next bytes; b"" once closed or silent. What is raised here, FFmpeg would drop."""
        until_s = time.monotonic() + self._silent_s
        self.useless = self.until_s is not None and time.monotonic() > self.until_s
        while not self.useless and not self._rest and not self._closed.is_set():
            try:
                self._rest = self._socket.recv(DATAGRAM)
            except TimeoutError:
                if time.monotonic() > until_s:
                    self.silent = True
                    return b""
            except OSError:
                return b""  # closed
        data, self._rest = self._rest[:size], self._rest[size:]
        return b"" if self._closed.is_set() or self.useless else data

    def close(self) -> None:
        self._closed.set()
        self._socket.close()


def _reason(error: Exception) -> str:
    if isinstance(error, av.ExitError):
        return "it sends nothing"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).lower().rstrip(".")
