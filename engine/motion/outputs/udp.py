"""Datagrams to one address. Whether anybody receives them is known of this machine alone."""

from __future__ import annotations

import errno
import socket
import time
from abc import abstractmethod
from contextlib import suppress

from engine.motion.outputs.choice import Address
from engine.motion.outputs.output import Output, OutputError
from engine.types import Pose

_HEARD_NS = 2_000_000_000
"""For so long after the last sign that nobody listens, that is said."""


class UdpOutput(Output):
    """An output whose poses become datagrams."""

    def __init__(self, address: Address, receiver: str) -> None:
        """`receiver` is what listens as a rule, for the user: "VRChat with OSC switched on"."""
        self.address, self._receiver = address, receiver
        self._socket: socket.socket | None = None
        self._refused_ns: int | None = None

    @abstractmethod
    def datagrams(self, pose: Pose) -> list[bytes]:
        """A pose with a body, as it is sent."""

    async def open(self) -> None:
        if self.address.everywhere:
            raise OutputError(f"{self.address} cannot be sent to; give the receiver's address, as in 192.168.1.20")
        family = socket.AF_INET6 if ":" in self.address.host else socket.AF_INET
        try:
            made = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            raise self._unreachable(error) from error
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # Connected, so that the system tells where nobody listens.
            made.connect((self.address.host, self.address.port))
        except OSError as error:
            made.close()
            raise self._unreachable(error) from error
        self._socket, self._refused_ns = made, None

    def send(self, pose: Pose) -> None:
        for datagram in self.datagrams(pose):
            self._send(datagram)

    def _send(self, datagram: bytes, again: bool = True) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(datagram)
        except BlockingIOError:
            return  # the network takes no more just now: the next pose is newer
        except (ConnectionRefusedError, ConnectionResetError):
            # What an earlier datagram met with; this one was not sent, and may find somebody.
            self._refused_ns = time.monotonic_ns()
            if again:
                self._send(datagram, again=False)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return  # macOS says so where Linux blocks
            raise self._unreachable(error) from error

    async def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    @property
    def warning(self) -> str:
        if self._refused_ns is None or time.monotonic_ns() - self._refused_ns > _HEARD_NS:
            return ""
        return f"nobody listens at {self.address} yet; start {self._receiver}, or change the address"

    def _unreachable(self, error: OSError) -> OutputError:
        reason = error.strerror or str(error)
        return OutputError(f"{self.address} cannot be reached ({reason}); check the address and the network")
