"""A server on loopback with a thread for each client, that dies and comes back on the same port."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class LoopbackServer(ABC):
    """Serves any number of clients until `stop`. Subclasses are dataclasses with a field `port`, 0 for any."""

    port: int
    client_timeout_s = 5.0

    def __post_init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._stop.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)

    def stop(self) -> None:
        """Die: every connection is cut."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _serve(self, connection: socket.socket) -> None:
        """One client, on a thread of its own."""

    def _run(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=type(self).__name__)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self.client_timeout_s)
            self._run(self._serve, connection)
