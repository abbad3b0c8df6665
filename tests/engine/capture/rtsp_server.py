"""An H.264 camera on loopback that speaks RTSP (RFC 2326), its RTP interleaved (RFC 6184), and fails when told to."""

from __future__ import annotations

import base64
import socket
import struct
import time
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
import numpy as np

from tests.engine.capture.loopback import LoopbackServer

RATE = 90_000
MOST = 1400
"""Bytes of a packet's payload."""


@cache
def film(size: tuple[int, int], count: int = 60) -> tuple[tuple[bytes, ...], ...]:
    """The NAL units of each frame: noise, brighter by two greys from frame to frame, a key frame every ten."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = *size, "yuv420p"  # type: ignore[attr-defined]
    codec.time_base = Fraction(1, 30)
    codec.options = {
        "tune": "zerolatency",
        "preset": "ultrafast",
        "g": "10",
        "qp": "10",
        "x264-params": "sliced-threads=0",
    }
    rng = np.random.default_rng(0)
    frames = []
    for number in range(count):
        image = np.clip(rng.normal(60 + 2 * number, 2, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        picture.pts = number
        for packet in codec.encode(picture):  # type: ignore[attr-defined]
            frames.append(tuple(nal for nal in bytes(packet).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if nal))
    return tuple(frames)


@dataclass
class RtspServer(LoopbackServer):
    """Serves any number of clients until `stop`."""

    size: tuple[int, int] = (320, 240)
    fps: float = 30.0
    status: str = "200 OK"
    hangs: bool = False
    port: int = 0
    sent: list[int] = field(default_factory=list)

    client_timeout_s = 0.05

    def __post_init__(self) -> None:
        film(self.size)
        super().__post_init__()

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def _serve(self, connection: socket.socket) -> None:
        data = b""
        with connection:
            try:
                while not self._stop.is_set():
                    try:
                        data += connection.recv(4096)
                    except TimeoutError:
                        continue
                    self._wait_while_hanging()
                    while b"\r\n\r\n" in data:
                        request, _, data = data.partition(b"\r\n\r\n")
                        if self._answer(connection, request.decode()):
                            self._send(connection)
            except OSError:
                pass  # the client has left

    def _answer(self, connection: socket.socket, request: str) -> bool:
        """Whether the client wants to see the film now."""
        method = request.split(maxsplit=1)[0]
        lines = dict(line.split(": ", 1) for line in request.splitlines()[1:])
        body, head = "", f"CSeq: {lines['CSeq']}\r\nSession: 1\r\n"
        if method == "DESCRIBE":
            sets = b",".join(base64.b64encode(nal) for nal in film(self.size)[0] if nal[0] & 31 in (7, 8)).decode()
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            body += f"a=rtpmap:96 H264/{RATE}\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets={sets}\r\n"
            head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "OPTIONS":
            head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n"
        status = self.status if method == "DESCRIBE" else "200 OK"
        connection.sendall(f"RTSP/1.0 {status}\r\n{head}\r\n{body}".encode())
        return method == "PLAY"

    def _send(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        frames, sequence, due = film(self.size), 0, time.monotonic()
        for number in range(1_000_000):
            due = max(due + 1 / self.fps, time.monotonic() - 0.05)
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._wait_while_hanging()
            self.sent.append(time.monotonic_ns())
            payloads = [part for nal in frames[number % len(frames)] for part in payloads_of(nal)]
            for i, payload in enumerate(payloads):
                last = 0x80 if i == len(payloads) - 1 else 0
                head = struct.pack(">BBHII", 0x80, last | 96, sequence & 0xFFFF, number * RATE // 30, 7)
                packet = head + payload
                connection.sendall(struct.pack(">BBH", 0x24, 0, len(packet)) + packet)
                sequence += 1

    def _wait_while_hanging(self) -> None:
        while self.hangs and not self._stop.wait(0.005):
            pass


def payloads_of(nal: bytes) -> list[bytes]:
    """One packet, or fragments (FU-A, RFC 6184, 5.8)."""
    if len(nal) <= MOST:
        return [nal]
    pieces = [nal[1:][i : i + MOST] for i in range(0, len(nal) - 1, MOST)]
    indicator, kind = (nal[0] & 0xE0) | 28, nal[0] & 31
    ends = [(0x80 if i == 0 else 0) | (0x40 if i == len(pieces) - 1 else 0) for i in range(len(pieces))]
    return [bytes([indicator, end | kind]) + piece for end, piece in zip(ends, pieces, strict=True)]
