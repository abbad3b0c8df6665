"""Many receivers of a WebSocket in one process, some of which never read: `python -m engine.motion.outputs.crowd`.

For the benchmark. Reads lines from stdin: "PORT COUNT STUCK" connects so many and answers with how many there are;
"off" lets go of all and answers with the poses that were read. Bare sockets, so that it costs little.
"""

from __future__ import annotations

import selectors
import socket
import sys

_HELLO = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MARK = b'{"format":"egopose"'


def main() -> None:
    """Until stdin ends."""
    watched = selectors.DefaultSelector()
    watched.register(sys.stdin, selectors.EVENT_READ)
    sockets: list[socket.socket] = []
    poses = 0
    while True:
        for key, _ in watched.select():
            if isinstance(key.fileobj, socket.socket):
                data = key.fileobj.recv(1 << 16)
                poses += data.count(_MARK)
                if not data:
                    watched.unregister(key.fileobj)
                continue
            line = sys.stdin.readline()
            if not line:
                return
            for one in sockets:
                if one in watched.get_map():
                    watched.unregister(one)
                one.close()
            sockets, answer, poses = [], poses, 0
            if line != "off\n":
                port, count, stuck = map(int, line.split())
                sockets = [_connected(port) for _ in range(count)]
                for one in sockets[stuck:]:
                    watched.register(one, selectors.EVENT_READ)
                answer = len(sockets)
            print(answer, flush=True)
            break  # what else was ready belongs to sockets that are closed


def _connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.sendall(_HELLO)
    head = b""
    while b"\r\n\r\n" not in head:
        data = made.recv(1)
        if not data:
            raise ConnectionError("the server let nobody in")
        head += data
    return made


if __name__ == "__main__":
    main()
