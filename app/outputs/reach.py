"""Where receivers on other machines find this one."""

from __future__ import annotations

import socket

from engine.motion.outputs.choice import Address

_ELSEWHERE = ("192.0.2.1", 9)
"""Of the block for documentation (RFC 5737): asked for the way there, which sends nothing."""


def reached_at(address: Address) -> str:
    """An address that one listens on, as a receiver types it: this machine's own in place of 0.0.0.0."""
    if not address.everywhere:
        return str(address)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE)
            return str(Address(str(probe.getsockname()[0]), address.port))
    except OSError:
        return f"{socket.gethostname()}:{address.port}"
