"""The WebSocket with real receivers: who is let in, those that are stuck, and those that leave in the middle."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from engine.motion.outputs import hub as hub_module
from engine.motion.outputs import websocket as module
from engine.motion.outputs.choice import Address, OutputChoice, OutputKind, make_token
from engine.motion.outputs.hub import STOP_S, Hub
from engine.motion.outputs.output import Phase
from tests.engine.motion.outputs.sending import choice_of, eventually, free_port, hub_with, pose_at

WEBSOCKET = OutputKind.WEBSOCKET


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RETRY_S", 0.01)


@pytest.fixture
def server() -> Iterator[tuple[Hub, int]]:
    port = free_port(socket.SOCK_STREAM)
    with hub_with(choice_of(WEBSOCKET, port)) as hub:
        eventually(hub, WEBSOCKET, Phase.WAITING)
        yield hub, port


def joined(port: int, query: str = "", headers: dict[str, str] | None = None) -> connect:
    """A receiver, for a `with`."""
    return connect(f"ws://127.0.0.1:{port}/{query}", additional_headers=headers, open_timeout=10, close_timeout=1)


@contextmanager
def bare(port: int) -> Iterator[socket.socket]:
    """A receiver without a library, which reads nothing, and whose side of the connection takes a few poses alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", port))
        made.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        yield made


def receivers(hub: Hub, count: int) -> None:
    """Wait until so many are connected."""
    deadline = time.monotonic() + 10
    while hub.states()[WEBSOCKET].receivers != count:
        assert time.monotonic() < deadline, hub.states()[WEBSOCKET]
        time.sleep(0.002)


def heard(receiver: ClientConnection, hub: Hub, seq: int) -> None:
    """Push poses until the receiver has one that is at least so new."""
    deadline = time.monotonic() + 10
    while json.loads(receiver.recv(10))["seq"] < seq:
        assert time.monotonic() < deadline


def refused(port: int, query: str = "", headers: dict[str, str] | None = None) -> int:
    with pytest.raises(InvalidStatus) as info, joined(port, query, headers):
        pass
    return int(info.value.response.status_code)


def test_every_receiver_gets_the_same_poses(server: tuple[Hub, int]) -> None:
    hub, port = server
    with ExitStack() as stack:
        clients = [stack.enter_context(joined(port)) for _ in range(5)]
        receivers(hub, 5)
        hub.pose(pose_at(1))
        first = {client.recv(10) for client in clients}
        hub.pose(pose_at(2))
        second = {client.recv(10) for client in clients}
        assert [json.loads(text)["seq"] for text in (*first, *second)] == [1, 2]
        assert eventually(hub, WEBSOCKET, Phase.SENDING).receivers == 5
    receivers(hub, 0)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", "file://"]
)
def test_pages_from_elsewhere_are_let_in_with_the_token_alone(origin: str) -> None:
    port = free_port(socket.SOCK_STREAM)
    token, kept = make_token()
    with hub_with(replace(choice_of(WEBSOCKET, port), token_hash=kept)) as hub:
        eventually(hub, WEBSOCKET, Phase.WAITING)
        for wrong in ("", "?token=", "?token=x", f"?token={kept}", f"?tokens={token}"):
            assert refused(port, wrong, {"Origin": origin}) == 403
        with joined(port, f"?token={token}", {"Origin": origin}) as client:
            receivers(hub, 1)
            hub.pose(pose_at(1))
            assert json.loads(client.recv(10))["seq"] == 1


def test_without_a_token_made_none_fits(server: tuple[Hub, int]) -> None:
    assert refused(server[1], "?token=", {"Origin": "https://evil.example"}) == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]"])
def test_pages_of_this_machine_are_let_in(server: tuple[Hub, int], origin: str) -> None:
    with joined(server[1], headers={"Origin": origin}):
        receivers(server[0], 1)


def test_on_another_address_everybody_needs_the_token() -> None:
    port = free_port(socket.SOCK_STREAM)
    token, kept = make_token()
    choice = OutputChoice(WEBSOCKET, Address("0.0.0.0", port), 240.0, on=True, token_hash=kept)
    with hub_with(choice) as hub:
        eventually(hub, WEBSOCKET, Phase.WAITING)
        assert refused(port) == 401
        assert refused(port, headers={"Origin": "http://localhost"}) == 401
        assert refused(port, headers={"Authorization": "Bearer x"}) == 401
        with joined(port, headers={"Authorization": f"Bearer {token}"}), joined(port, f"?token={token}"):
            receivers(hub, 2)


def test_another_address_without_a_token_is_not_opened() -> None:
    with hub_with(choice_of(WEBSOCKET, free_port(socket.SOCK_STREAM), "0.0.0.0")) as hub:
        assert "need a token" in eventually(hub, WEBSOCKET, Phase.FAILED).trouble


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of Linux alone")
def test_it_listens_on_loopback_alone(server: tuple[Hub, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        # Another address of this machine is free: nothing listens there, nor on all of them.
        other.bind(("127.0.0.2", server[1]))
        other.listen()


def test_a_port_in_use_is_told_and_taken_once_it_is_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        hub = Hub((choice_of(WEBSOCKET, port),))
        trouble = eventually(hub, WEBSOCKET, Phase.FAILED).trouble
    assert trouble == f"the port {port} is taken by another program; close that, or choose another port"
    eventually(hub, WEBSOCKET, Phase.WAITING)
    with joined(port):
        receivers(hub, 1)
    hub.close()


def test_an_address_that_is_not_ours_is_told() -> None:
    with hub_with(replace(choice_of(WEBSOCKET, 8765, "203.0.113.7"), token_hash="x")) as hub:
        assert "no address 203.0.113.7" in eventually(hub, WEBSOCKET, Phase.FAILED).trouble


def test_stuck_receivers_slow_nobody_take_little_and_get_the_newest(
    server: tuple[Hub, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, port = server
    with ExitStack() as stack:
        stuck = []
        for _ in range(3):
            raw = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is full after a few poses
            raw.connect(("127.0.0.1", port))
            client = stack.enter_context(connect(f"ws://127.0.0.1:{port}/", sock=raw, max_queue=1, close_timeout=0.1))
            stuck.append(client)
        reader = stack.enter_context(joined(port))
        receivers(hub, 4)
        for seq in range(1, 201):
            hub.pose(pose_at(seq))
            heard(reader, hub, seq)  # nothing is lost for one that reads, as each is waited for
        output = hub._running[WEBSOCKET].output
        assert isinstance(output, module.WebSocketOutput)
        waiting = [connection.transport.get_write_buffer_size() for connection in output._had]
        assert sorted(waiting)[0] == 0
        assert 0 < max(waiting) < 10_000  # what was begun and not one pose more, of 200 that were sent
        # Those that wake up get a few old ones from the system's buffers, then the newest, though none comes any more.
        for client in stuck:
            numbers = [json.loads(client.recv(10))["seq"]]
            while numbers[-1] != 200:
                numbers.append(json.loads(client.recv(10))["seq"])
            assert numbers == sorted(set(numbers))
            assert len(numbers) < 100


def test_receivers_that_vanish_in_the_middle_of_a_pose_are_forgotten(server: tuple[Hub, int]) -> None:
    hub, port = server
    with joined(port) as reader:
        for number in range(8):
            with bare(port) as leaving:
                receivers(hub, 2)
                hub.pose(pose_at(2 * number + 1))
                if number % 2:  # a reset instead of a goodbye
                    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            hub.pose(pose_at(2 * number + 2))
            heard(reader, hub, 2 * number + 2)
            receivers(hub, 1)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4000, b"GET /" + b"a" * 20_000, b"\x16\x03\x01\x02"]
)
def test_strangers_do_no_harm(server: tuple[Hub, int], sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    hub, port = server
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(sent)
        with joined(port) as client:
            receivers(hub, 1)
            hub.pose(pose_at(1))
            assert json.loads(client.recv(10))["seq"] == 1
    assert not caplog.records


def test_what_receivers_say_is_passed_over_and_too_much_of_it_ends_them(server: tuple[Hub, int]) -> None:
    hub, port = server
    with joined(port) as chatty, joined(port) as reader:
        receivers(hub, 2)
        for _ in range(50):
            chatty.send("hello" * 100)
        chatty.send("x" * 100_000)
        receivers(hub, 1)
        hub.pose(pose_at(1))
        assert json.loads(reader.recv(10))["seq"] == 1


def test_there_is_a_limit_to_receivers(server: tuple[Hub, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RECEIVERS", 2)
    hub, port = server
    with joined(port), joined(port):
        receivers(hub, 2)
        assert refused(port) == 503


def test_those_who_say_nothing_cannot_take_every_socket(
    server: tuple[Hub, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_RECEIVERS", 2)
    monkeypatch.setattr(module, "MAX_STRANGERS", 2)
    hub, port = server
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(5)]
        with suppress(ConnectionResetError):
            assert silent[-1].recv(1) == b""  # one too many
        for one in silent[:-1]:
            one.close()
        deadline, reader = time.monotonic() + 10, None
        while reader is None:  # as soon as it is noticed that they left
            assert time.monotonic() < deadline
            with suppress(OSError, WebSocketException):
                reader = stack.enter_context(joined(port))
        receivers(hub, 1)


def test_closing_with_stuck_receivers_is_quick() -> None:
    port = free_port(socket.SOCK_STREAM)
    hub = Hub((choice_of(WEBSOCKET, port),))
    eventually(hub, WEBSOCKET, Phase.WAITING)
    with bare(port):
        receivers(hub, 1)
        deadline, seq = time.monotonic() + 10, 0
        while hub.states()[WEBSOCKET].sent < 60:
            hub.pose(pose_at(seq := seq + 1))
            assert time.monotonic() < deadline
            time.sleep(0.001)
        began = time.monotonic()
        hub.close()
        assert time.monotonic() - began < STOP_S
    assert not any(thread.name == "egopose outputs" for thread in threading.enumerate())


def test_closing_leaves_no_connection_open() -> None:
    """Neither to those that are stuck nor to those that have said nothing yet."""
    port = free_port(socket.SOCK_STREAM)
    hub = Hub((choice_of(WEBSOCKET, port),))
    eventually(hub, WEBSOCKET, Phase.WAITING)
    with bare(port) as stuck, socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
        receivers(hub, 1)
        hub.pose(pose_at(1))
        output = hub._running[WEBSOCKET].output
        assert isinstance(output, module.WebSocketOutput)
        deadline = time.monotonic() + 10
        while len(output._present) != 2:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        hub.close()
        assert not output._present
        for one in (stuck, silent):
            one.settimeout(10)
            with suppress(ConnectionResetError):
                while one.recv(4096):
                    pass
