"""The hub: rates, the newest wins, faults told once, outputs that hang, and its end."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

import pytest

from engine.errors import EgoposeError
from engine.motion.outputs import hub as hub_module
from engine.motion.outputs.choice import (
    DEFAULTS,
    Address,
    OutputChoice,
    OutputKind,
    make_token,
    parse_send,
    token_fits,
)
from engine.motion.outputs.hub import STOP_S, Hub
from engine.motion.outputs.output import Output, OutputError, Phase
from engine.motion.outputs.udp import UdpOutput
from engine.types import Pose
from tests.engine.motion.outputs.sending import (
    choice_of,
    eventually,
    free_port,
    hub_with,
    listening,
    pose_at,
    pose_of,
    pushed,
)

OSC, VMC = OutputKind.OSC, OutputKind.VMC


class Kept(Output):
    """Keeps what it is sent; does what it is told when opened, sent to and closed."""

    def __init__(self, opening: Callable[[], None] = lambda: None, sending: Callable[[Pose], None] = lambda _: None):
        self.opening, self.sending = opening, sending
        self.sent: list[tuple[float, Pose]] = []
        self.got, self.closed = threading.Event(), threading.Event()

    async def open(self) -> None:
        self.opening()

    def send(self, pose: Pose) -> None:
        self.sending(pose)
        self.sent.append((time.monotonic(), pose))
        self.got.set()

    async def close(self) -> None:
        self.closed.set()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again at once."""
    monkeypatch.setattr(hub_module, "RETRY_S", 0.01)


def test_a_hub_without_outputs_has_no_thread_and_takes_poses() -> None:
    hub = Hub(DEFAULTS.values())
    hub.pose(pose_at(1))
    assert not hub.on
    assert all(state.phase is Phase.OFF for state in hub.states().values())
    assert not any(thread.name == "egopose outputs" for thread in threading.enumerate())
    hub.close()


def test_the_newest_wins_and_the_rate_is_kept() -> None:
    output = Kept()
    hub = Hub(make=lambda choice: output)
    hub.choose(choice_of(OSC, 9, rate=100.0))
    eventually(hub, OSC, Phase.WAITING)
    began, seq = time.monotonic(), 0
    while len(output.sent) < 20:
        hub.pose(pose_at(seq := seq + 1))
        time.sleep(0.0005)  # twenty times the rate, at most
        assert time.monotonic() - began < 20
    took = output.sent[-1][0] - output.sent[0][0]
    assert eventually(hub, OSC, Phase.SENDING).sent >= 20
    hub.close()
    numbers = [pose.seq for _, pose in output.sent]
    assert numbers == sorted(set(numbers))
    assert len(output.sent) <= 100.0 * took + 8  # a load may move the ends; without a limit it would be all 20 at once
    assert seq > len(numbers)


def test_each_output_has_its_own_rate_and_none_waits_for_one_that_fails() -> None:
    def refuse(_: Pose) -> None:
        raise OutputError("it cannot; try another")

    outputs = {OSC: Kept(), VMC: Kept(sending=refuse)}
    with_fault = Hub((choice_of(OSC, 9), choice_of(VMC, 9)), make=lambda choice: outputs[choice.kind])
    pushed(with_fault, OSC, 5)
    state = eventually(with_fault, VMC, Phase.FAILED)
    with_fault.close()
    assert state.trouble == "it cannot; try another"
    assert len(outputs[OSC].sent) >= 5


def test_a_cause_is_told_once_and_the_output_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    tries = []

    def opening() -> None:
        tries.append(time.monotonic())
        if len(tries) < 5:
            raise OutputError("the port is taken; choose another")

    output = Kept(opening)
    with caplog.at_level(logging.WARNING):
        hub = Hub((choice_of(OSC, 9),), make=lambda choice: output)
        assert eventually(hub, OSC, Phase.FAILED).trouble == "the port is taken; choose another"
        pushed(hub, OSC)
        state = eventually(hub, OSC, Phase.SENDING)
        hub.close()
    assert state.trouble == ""
    assert [record.getMessage() for record in caplog.records] == ["osc: the port is taken; choose another"]


def test_what_fails_inside_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Pose) -> None:
        raise ZeroDivisionError("by chance")

    hub = Hub((choice_of(OSC, 9),), make=lambda choice: Kept(sending=broken))
    eventually(hub, OSC, Phase.WAITING)
    deadline = time.monotonic() + 10
    while hub.states()[OSC].phase is not Phase.FAILED:
        hub.pose(pose_at(1))
        assert time.monotonic() < deadline
    assert "by chance" in eventually(hub, OSC, Phase.FAILED).trouble
    hub.close()
    assert "ZeroDivisionError" in caplog.text


def test_switching_off_and_changing_the_address_close_what_was_open_first() -> None:
    made: list[Kept] = []
    order: list[str] = []

    class Slow(Kept):
        async def open(self) -> None:
            order.append("open")

        async def close(self) -> None:
            await asyncio.sleep(0.05)
            order.append("close")
            self.closed.set()

    def make(choice: OutputChoice) -> Output:
        made.append(Slow())
        return made[-1]

    hub = Hub(make=make)
    for port in range(1, 6):  # faster than each can close
        hub.choose(choice_of(OSC, port))
    pushed(hub, OSC)
    hub.choose(DEFAULTS[OSC])
    assert made[-1].closed.wait(10)
    assert hub.states()[OSC].phase is Phase.OFF
    hub.close()
    assert order == ["open", "close"] * (len(order) // 2)


def test_closing_is_quick_final_and_harmless_twice() -> None:
    output = Kept()
    hub = Hub((choice_of(OSC, 9),), make=lambda choice: output)
    pushed(hub, OSC)
    began = time.monotonic()
    hub.close()
    assert time.monotonic() - began < STOP_S
    assert output.closed.is_set()
    assert not any(thread.name == "egopose outputs" for thread in threading.enumerate())
    hub.close()
    hub.pose(pose_at(1))
    hub.choose(choice_of(OSC, 10))
    assert not any(thread.name == "egopose outputs" for thread in threading.enumerate())


def test_one_that_hangs_while_closing_is_left_in_time_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    class Hanging(Kept):
        async def close(self) -> None:
            go_on.wait(20)

    monkeypatch.setattr(hub_module, "STOP_S", 0.1)
    hub = Hub((choice_of(OSC, 9),), make=lambda choice: Hanging())
    pushed(hub, OSC)
    hub.close()
    go_on.set()
    assert "'egopose outputs' did not end" in caplog.text


def test_poses_without_a_body_are_not_handed_on() -> None:
    output = Kept()
    hub = Hub((choice_of(OSC, 9),), make=lambda choice: output)
    eventually(hub, OSC, Phase.WAITING)
    hub.pose(pose_of(None))
    pushed(hub, OSC)
    hub.close()
    assert all(pose.body is not None for _, pose in output.sent)


def test_osc_and_vmc_reach_their_ports() -> None:
    with (
        listening() as trackers,
        listening() as bones,
        hub_with(choice_of(OSC, trackers.port), choice_of(VMC, bones.port)) as hub,
    ):
        pushed(hub, OSC)
        pushed(hub, VMC)
        assert trackers.messages()[0][0] == "/tracking/trackers/1/position"
        assert bones.messages()[0][0] == "/VMC/Ext/Root/Pos"
        assert eventually(hub, OSC, Phase.SENDING).trouble == ""


def test_a_port_where_nobody_listens_is_told_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with hub_with(choice_of(OSC, port)) as hub:
        pushed(hub, OSC, 4)
        state = eventually(hub, OSC, Phase.SENDING, trouble="nobody listens")
        assert f"127.0.0.1:{port}" in state.trouble
        assert "VRChat" in state.trouble
        with listening(port) as late:
            pushed(hub, OSC, hub.states()[OSC].sent + 1)
            assert late.messages()
            monkeypatch.setattr("engine.motion.outputs.udp._HEARD_NS", 0)
            assert eventually(hub, OSC, Phase.SENDING).trouble == ""
    assert [record.getMessage() for record in caplog.records] == [f"osc: {state.trouble}"]


@pytest.mark.parametrize(
    ("host", "told"), [("0.0.0.0", "cannot be sent to"), ("255.255.255.255", ""), ("203.0.113.7", "")]
)
def test_addresses_that_cannot_be_reached_are_told_with_the_address(host: str, told: str) -> None:
    """A network may or may not lead there: where it does not, that is told, and the hub goes on."""
    with hub_with(choice_of(OSC, 9000, host)) as hub:
        deadline = time.monotonic() + 10
        while not hub.states()[OSC].sent and hub.states()[OSC].phase is not Phase.FAILED:
            hub.pose(pose_at(1))
            assert time.monotonic() < deadline
        state = hub.states()[OSC]
        if told:
            assert told in state.trouble
        if state.trouble:
            assert host in state.trouble


def test_a_network_that_goes_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as there, hub_with(choice_of(OSC, there.port)) as hub:
        pushed(hub, OSC)

        class Gone:
            def send(self, data: bytes) -> int:
                raise OSError(101, "Network is unreachable")

            def close(self) -> None:
                pass

        original = UdpOutput.open

        async def opened(self: UdpOutput) -> None:
            await original(self)
            assert self._socket is not None
            self._socket.close()
            self._socket = Gone()  # type: ignore[assignment]

        monkeypatch.setattr(UdpOutput, "open", opened)
        hub.choose(choice_of(OSC, there.port, rate=100.0))
        deadline = time.monotonic() + 10
        while hub.states()[OSC].phase is not Phase.FAILED:
            hub.pose(pose_at(1))
            assert time.monotonic() < deadline
        trouble = hub.states()[OSC].trouble
    assert "Network is unreachable" in trouble
    assert str(there.port) in trouble


# What is typed


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("9001", "127.0.0.1:9001"),
        (":9001", "127.0.0.1:9001"),
        ("localhost:9001", "127.0.0.1:9001"),
        ("192.168.1.20", "192.168.1.20:9000"),
        (" 192.168.1.20:1 ", "192.168.1.20:1"),
        ("[::1]:9001", "[::1]:9001"),
        ("::1", "[::1]:9000"),
    ],
)
def test_addresses_as_people_type_them(text: str, meant: str) -> None:
    assert str(Address("127.0.0.1", 9000).parsed(text)) == meant


@pytest.mark.parametrize(
    "text", ["", "a.b.c:1", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3.4:x", "300.1.1.1:9000", "²", "-1"]
)
def test_addresses_that_are_none_are_told(text: str) -> None:
    if text == "":
        assert Address("127.0.0.1", 9000).parsed(text) == Address("127.0.0.1", 9000)
        return
    with pytest.raises(EgoposeError, match="give"):
        Address("127.0.0.1", 9000).parsed(text)


def test_send_takes_defaults_from_what_is_known() -> None:
    assert parse_send("osc", DEFAULTS) == OutputChoice(OSC, Address("127.0.0.1", 9000), on=True)
    assert parse_send("websocket:0.0.0.0:81,rate=60", DEFAULTS) == OutputChoice(
        OutputKind.WEBSOCKET, Address("0.0.0.0", 81), 60.0, on=True
    )
    for wrong in ("vcm", "osc:9000,speed=3", "osc,rate=x", "osc,rate=nan", "osc,rate=0", "lsl:5", "osc:host:1"):
        with pytest.raises(EgoposeError):
            parse_send(wrong, DEFAULTS)


def test_tokens_fit_themselves_alone() -> None:
    token, kept = make_token()
    other, _ = make_token()
    assert token not in kept
    assert token_fits(token, kept)
    assert not token_fits(other, kept)
    assert not token_fits("", "")
    assert not token_fits(kept, kept)
