"""A Motion JPEG camera on loopback that dies, hangs and lies when it is told to."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from engine.capture.picture import encode_jpeg
from tests.engine.capture.loopback import LoopbackServer


@cache
def jpeg(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture whose grey tells its number, with noise as a sensor has it."""
    rng = np.random.default_rng(number)
    image = np.clip(rng.normal(number % 200 + 25, 2, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    return encode_jpeg(image, 90)


@dataclass
class MjpegServer(LoopbackServer):
    """Serves pictures to any number of clients until `stop`; its switches are changed while it runs."""

    fps: float = 60.0
    size: tuple[int, int] = (320, 240)
    status: str = "200 OK"
    content_type: str = "multipart/x-mixed-replace; boundary=--frame"
    length: bool = True
    """Whether the length of each picture is announced."""
    stamps: bool = False
    hangs: bool = False
    """Connections are taken, and nothing is sent."""
    garbage_every: int = 0
    extra_head: str = ""
    variety: int = 200
    """After so many the pictures begin anew."""
    port: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    """When each picture was sent, ns, by its number."""
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.asked.append(connection.recv(65536).decode())
                self._wait_while_hanging()
                head = f"HTTP/1.0 {self.status}\r\nContent-Type: {self.content_type}\r\n{self.extra_head}\r\n"
                connection.sendall(head.encode())
                if self.status.startswith("200") and "multipart" in self.content_type:
                    self._send(connection)
            except OSError:
                pass  # the client has left

    def _send(self, connection: socket.socket) -> None:
        number, due = 0, time.monotonic()
        while not self._stop.is_set():
            due = max(due + 1 / self.fps, time.monotonic() - 0.05)
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._wait_while_hanging()
            spoilt = self.garbage_every and number % self.garbage_every == 0
            data = b"\xff\xd8 no picture \xff\xd9" if spoilt else jpeg(number % self.variety, self.size)
            head = "--frame\r\nContent-Type: image/jpeg\r\n"
            head += f"Content-Length: {len(data)}\r\n" if self.length else ""
            head += f"X-Timestamp: {time.monotonic() + 1000:.6f}\r\n" if self.stamps else ""
            self.sent[number] = time.monotonic_ns()
            connection.sendall(head.encode() + b"\r\n" + data + b"\r\n")
            number += 1

    def _wait_while_hanging(self) -> None:
        while self.hangs and not self._stop.wait(0.005):
            pass
