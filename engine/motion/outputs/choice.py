"""What is chosen of an output: which, whether it is on, where it sends, how often."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from engine.errors import EgoposeError

LOOPBACK = "127.0.0.1"
LEAST_HZ, GREATEST_HZ = 1.0, 240.0


class OutputKind(StrEnum):
    """The outputs there are, by their names on the command line."""

    OSC = "osc"
    """Trackers for VRChat, by OSC over UDP."""
    VMC = "vmc"
    """Bones for avatars, by the VMC protocol over UDP."""
    WEBSOCKET = "websocket"
    """JSON for any program and for web pages; receivers connect to it."""
    LSL = "lsl"
    """Channels of numbers for recordings, by the Lab Streaming Layer; receivers connect to it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an output sends to, or where its receivers connect. Names are not looked up, which can take seconds."""

    host: str
    """An IP address in numbers."""
    port: int
    """0 where the kind of output has none of its own."""

    def __str__(self) -> str:
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether nothing outside this machine is reached, or reaches it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def everywhere(self) -> bool:
        """Whether it stands for every address of this machine, which one can listen on but not send to."""
        return ipaddress.ip_address(self.host).is_unspecified

    def parsed(self, text: str) -> Address:
        """The address that a user typed; what is left away is as here. Raises EgoposeError."""
        text = text.strip()
        try:
            return Address(str(ipaddress.ip_address(text.strip("[]"))), self.port)
        except ValueError:
            pass
        host, colon, port = text.rpartition(":")
        if not colon:
            host, port = ("", text) if text.isdecimal() else (text, "")
        host = host.strip("[]")
        try:
            known = str(ipaddress.ip_address(LOOPBACK if host == "localhost" else host)) if host else self.host
        except ValueError:
            raise EgoposeError(
                f"{host!r} is no address in numbers; give one such as 192.168.1.20:{self.port or 9000}, "
                "which `ping NAME` tells, or localhost"
            ) from None
        if port and not self.port:
            raise EgoposeError(f"{text!r} has a port, and this output chooses its own; leave it away")
        if port and not (port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
            raise EgoposeError(f"{port!r} is no port; give a number from 1 to 65535")
        return Address(known, int(port) if port else self.port)


@dataclass(frozen=True, slots=True)
class OutputChoice:
    """Of one output."""

    kind: OutputKind
    address: Address
    rate_hz: float = 30.0
    """At most so many poses a second."""
    on: bool = False
    token_hash: str = ""
    """SHA-256 of what receivers of the WebSocket show, in hex; "" where none was made yet."""

    def with_rate(self, rate_hz: float) -> Self:
        """The same at another rate. Raises EgoposeError where it makes no sense."""
        if not (math.isfinite(rate_hz) and LEAST_HZ <= rate_hz <= GREATEST_HZ):
            raise EgoposeError(f"a rate of {rate_hz:g} a second cannot be; give {LEAST_HZ:g} to {GREATEST_HZ:g}")
        return replace(self, rate_hz=rate_hz)

    @property
    def needs_token(self) -> bool:
        """Whether every receiver has to show the token, and not only web pages from elsewhere."""
        return self.kind is OutputKind.WEBSOCKET and not self.address.loopback


DEFAULTS: dict[OutputKind, OutputChoice] = {
    kind: OutputChoice(kind, Address(LOOPBACK, port))
    for kind, port in {
        OutputKind.OSC: 9000,
        OutputKind.VMC: 39539,
        OutputKind.WEBSOCKET: 8765,
        OutputKind.LSL: 0,
    }.items()
}
"""Every output, off, at the ports that its receivers expect."""


def make_token() -> tuple[str, str]:
    """A new token, of 128 random bits, and its hash: only the latter is kept."""
    token = secrets.token_urlsafe(16)
    return token, token_hash(token)


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_fits(token: str, kept: str) -> bool:
    """Whether it is the one that was made; takes equally long for every wrong one."""
    return bool(kept) and hmac.compare_digest(token_hash(token), kept)


def parse_send(text: str, known: dict[OutputKind, OutputChoice]) -> OutputChoice:
    """What `--send` means: "osc", "vmc:39539", "websocket:0.0.0.0:8765,rate=60"; the rest is as `known` has it.

    Raises EgoposeError.
    """
    where, *options = text.split(",")
    name, _, address = where.partition(":")
    try:
        choice = known[OutputKind(name.strip().lower())]
    except ValueError:
        names = ", ".join(OutputKind)
        raise EgoposeError(f"there is no output {name!r}; --send takes {names}, as in osc:127.0.0.1:9000") from None
    if address:
        choice = replace(choice, address=choice.address.parsed(address))
    for option in options:
        key, _, value = option.partition("=")
        try:
            if key.strip() != "rate":
                raise ValueError
            choice = choice.with_rate(float(value))
        except ValueError:
            raise EgoposeError(f"--send does not know {option!r}; give rate=N, as in {name}:9000,rate=60") from None
    return replace(choice, on=True)
