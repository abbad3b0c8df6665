"""JSON over WebSocket: many receivers, each of which gets the newest pose whenever it has taken the one before.

A receiver that does not read costs a few kilobytes in the system's buffer; then it is passed over until it reads
again, and after `_SILENCE_S` without an answer to a ping it is let go. A web page from elsewhere could connect to this
machine through its visitor's browser: so pages are let in only from this machine, or with the token.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from engine.motion.outputs.choice import OutputChoice, token_fits
from engine.motion.outputs.document import encoded
from engine.motion.outputs.output import Output, OutputError
from engine.types import Pose

if TYPE_CHECKING:
    from websockets.asyncio.server import Server
    from websockets.http11 import Request, Response

MAX_RECEIVERS = 256
MAX_STRANGERS = 32
"""Connections beyond that which have not said yet what they want; further ones are closed at once."""
_SEND_BUFFER = 32 * 1024
"""Bytes that wait in the system for a slow receiver: about ten poses, where the default lets minutes pile up."""
_MAX_HEARD = 4096
"""Bytes of a message from a receiver; what it says is not listened to."""
_SILENCE_S = 20.0
_CLOSE_S = 0.4
_CATCH_UP_S = 0.1
"""How often those that were passed over are looked at while no new pose comes."""
_NEAR_PAGES = ("localhost", "127.0.0.1", "::1")

# The library tells every stranger's half request, with a traceback.
_quiet = logging.getLogger(f"{__name__}.library")
_quiet.setLevel(logging.CRITICAL)


def _counted(present: set[ServerConnection]) -> type[ServerConnection]:
    """Connections that count from their beginning, so that the silent cannot take every socket there is."""

    class Counted(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            present.add(self)
            if len(present) > MAX_RECEIVERS + MAX_STRANGERS:
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            present.discard(self)
            super().connection_lost(exc)

    return Counted


class WebSocketOutput(Output):
    """A server on the address that was chosen."""

    def __init__(self, choice: OutputChoice) -> None:
        self._choice = choice
        self._server: Server | None = None
        self._newest, self._number = b"", 0
        self._present: set[ServerConnection] = set()
        """All there are, those that are not let in yet too."""
        self._had: dict[ServerConnection, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        if self._choice.needs_token and not self._choice.token_hash:
            raise OutputError(f"receivers at {self._choice.address} need a token; make one first")
        listening = self._listening()
        try:
            self._server = await serve(
                self._keep, sock=listening, process_request=self._admit, compression=None, logger=_quiet,
                server_header=None, open_timeout=5, close_timeout=_CLOSE_S, ping_interval=_SILENCE_S,
                ping_timeout=_SILENCE_S, max_size=_MAX_HEARD, max_queue=4,
                create_connection=_counted(self._present),
            )  # fmt: skip
        except BaseException:
            listening.close()
            raise

    @property
    def port(self) -> int:
        """Where it listens, where the choice left that to the system."""
        if self._server is None:
            return 0
        return int(next(iter(self._server.sockets)).getsockname()[1])

    def _listening(self) -> socket.socket:
        address = self._choice.address
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            # On Windows this option would let two programs have the same port.
            if sys.platform != "win32":
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            made.bind((address.host, address.port))
            made.listen(64)
            made.setblocking(False)
        except OSError as error:
            made.close()
            raise OutputError(_why(error, str(address), address.port)) from error
        return made

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let a receiver in with None, or say why not."""
        if len(self._had) >= MAX_RECEIVERS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"there are {MAX_RECEIVERS} receivers already\n")
        if token_fits(_token_shown(request), self._choice.token_hash):
            return None
        if self._choice.needs_token:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "connect with ?token=... as shown in egopose\n")
        if all(_is_near(origin) for origin in request.headers.get_all("Origin")):
            return None
        return connection.respond(HTTPStatus.FORBIDDEN, "web pages from elsewhere need ?token=... of egopose\n")

    async def _keep(self, connection: ServerConnection) -> None:
        """A receiver, from its welcome to its leave. Reading is what tells of the latter."""
        self._had[connection] = 0
        try:
            with suppress(ConnectionClosed):
                async for _ in connection:
                    pass
        finally:
            self._had.pop(connection, None)

    def send(self, pose: Pose) -> None:
        if not self._had:
            return
        text = encoded(pose)
        if text is not None:
            self._newest, self._number = text.encode(), self._number + 1
            self._hand_out()

    def _hand_out(self) -> None:
        """The newest to all who have not had it and have taken what they were sent before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        behind = [connection for connection, had in self._had.items() if had != self._number]
        ready = [connection for connection in behind if not connection.transport.get_write_buffer_size()]
        self._had.update(dict.fromkeys(ready, self._number))
        broadcast(ready, self._newest, text=True)
        if len(ready) < len(behind):
            self._timer = asyncio.get_running_loop().call_later(_CATCH_UP_S, self._hand_out)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        server, self._server = self._server, None
        if server is not None:
            server.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 2 * _CLOSE_S)
            # Who has not answered by now is cut off; the loop closes their sockets in its next round.
            for connection in tuple(self._present):
                connection.transport.abort()
            await asyncio.sleep(0)

    @property
    def receivers(self) -> int:
        return len(self._had)


def _token_shown(request: Request) -> str:
    query = parse_qs(urlsplit(request.path).query, max_num_fields=16)
    header = request.headers.get_all("Authorization")
    bearer = header[0].removeprefix("Bearer ").strip() if header else ""
    return query.get("token", [bearer])[0]


def _is_near(origin: str) -> bool:
    """Whether a page is one of this machine's own; of a file it says "null", as any page can make itself say."""
    try:
        return urlsplit(origin).hostname in _NEAR_PAGES
    except ValueError:
        return False


def _why(error: OSError, address: str, port: int) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"the port {port} is taken by another program; close that, or choose another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no address {address}; give one of its own, 127.0.0.1, or 0.0.0.0 for all of them"
    if error.errno == errno.EACCES:
        return f"the port {port} is not for ordinary users; choose one above 1023"
    return f"cannot listen at {address} ({reason}); choose another address or port"
