"""`--send` through the program: without a window, and what it refuses."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app import cli
from app.outputs import command
from app.outputs.command import send_headless
from app.outputs.store import load_outputs, outputs_path
from engine.assets import DEMO_SESSION
from engine.motion.outputs.choice import DEFAULTS, OutputKind, parse_send
from engine.types import Snapshot, StreamState
from tests.app import fake
from tests.engine.motion.outputs.sending import Listener, free_port, listening, pose_at


def run(*words: str) -> int:
    return cli.main(list(words))


def test_a_session_is_sent_in_its_own_time_without_a_window(
    capsys: pytest.CaptureFixture[str], tiny_weights: Path
) -> None:
    with listening() as there:
        addresses: list[str] = []

        def hear() -> None:
            try:
                addresses.extend(address for address, _ in there.messages())
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        there.socket.settimeout(60)
        hearing = threading.Thread(target=hear)
        hearing.start()
        words = ("--network", str(tiny_weights), "--headless", "--send", f"vmc:{there.port}", "--seconds", "60")
        assert run("replay", str(DEMO_SESSION), *words) == 0
        hearing.join()
    assert addresses[0] == "/VMC/Ext/Root/Pos"
    sent = re.fullmatch(rf"sent: (\d+) poses to vmc:127\.0\.0\.1:{there.port}\n", capsys.readouterr().out)
    assert sent is not None
    assert int(sent[1]) > 0


class Sending(fake.FakeFeed):
    """Hands its taps a pose whenever its state is asked for."""

    def __init__(self, state: StreamState = StreamState.STREAMING, each: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.each = each
        self.current = Snapshot(fake.figures(state, "the camera is gone; plug it in" if state.name == "FAILED" else ""))

    def snapshot(self) -> Snapshot:
        self.taps.pose(pose_at(self.looks + 1))
        self.each()
        return super().snapshot()


def test_ctrl_c_ends_it_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_LOOK_S", 0.002)
    before = signal.getsignal(signal.SIGINT)
    with listening() as there:
        heard = threading.Event()

        def each() -> None:
            if not heard.is_set() and sends(there):
                heard.set()
                os.kill(os.getpid(), signal.SIGINT)

        feed = Sending(each=each)
        line = send_headless(feed, (parse_send(f"osc:{there.port}", DEFAULTS),))
    assert heard.is_set()
    assert feed.stopped.is_set()
    assert line.startswith("sent: ")
    assert signal.getsignal(signal.SIGINT) is before


def sends(there: Listener) -> bool:
    there.socket.setblocking(False)
    try:
        return bool(there.messages())
    except BlockingIOError:
        return False


def test_what_runs_and_what_is_made_meanwhile_is_said_when_it_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eager = replace(fake.figures(), reason="nothing is compiled yet")
    building = [replace(eager, building=f"building OpenVINO int8, {n} %") for n in (0, 40, 80)]
    swapped = replace(eager, runtime="OpenVINO int8, CPU", reason="no NVIDIA GPU")
    news = command.RuntimeNews()
    for figures in (replace(eager, runtime=""), eager, eager, *building, building[-1], swapped, swapped):
        news.look(figures)
    assert capsys.readouterr().err.splitlines() == [
        "egopose: small · PyTorch eager, CPU: nothing is compiled yet",
        "egopose: small · PyTorch eager, CPU · building OpenVINO int8, 0 %",
        "egopose: small · OpenVINO int8, CPU: no NVIDIA GPU",
    ]
    monkeypatch.setattr(command, "_TOLD_S", 0.0)
    for figures in (building[1], replace(swapped, notice="it could not be built"), replace(swapped, notice="")):
        news.look(figures)
    assert capsys.readouterr().err.splitlines() == [
        "egopose: small · PyTorch eager, CPU · building OpenVINO int8, 40 %",
        "egopose: small · OpenVINO int8, CPU: no NVIDIA GPU",
        "egopose: it could not be built",
    ]


def test_a_source_that_fails_is_told() -> None:
    with pytest.raises(cli.EgoposeError, match="plug it in"):
        send_headless(Sending(StreamState.FAILED), (parse_send("osc:9", DEFAULTS),))


def test_a_token_is_made_for_the_run_and_printed_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_LOOK_S", 0.002)
    port = free_port(socket.SOCK_STREAM)
    got: list[object] = []

    def each() -> None:
        out = capsys.readouterr().out
        if not out:
            return
        found = re.search(r"ws://[^/:]+:\d+(/\?token=\S+)\n", out)
        assert found is not None
        threading.Thread(target=listen, args=(found[1],)).start()

    def listen(query: str) -> None:
        try:
            while True:  # until it listens
                try:
                    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{port}/"):
                        pass
                    break
                except ConnectionRefusedError:
                    pass
            with connect(f"ws://127.0.0.1:{port}{query}") as receiver:
                got.append(receiver.recv(10))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    send_headless(Sending(each=each), (parse_send(f"websocket:0.0.0.0:{port}", DEFAULTS),))
    assert len(got) == 1
    assert not outputs_path().exists()
    assert load_outputs()[OutputKind.WEBSOCKET].token_hash == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("live", "synthetic", "--headless"), "add --send"),
        (("live", "synthetic", "--headless", "--send", "smoke"), "there is no output 'smoke'"),
        (("live", "synthetic", "--headless", "--send", "osc:nowhere:1"), "no address in numbers"),
        (("live", "synthetic", "--send", "vmc:1.2.3.4:99999"), "no port"),
        (("replay", str(DEMO_SESSION), "--headless"), "--send"),
        (("replay", str(DEMO_SESSION), "--headless", "--out", "x", "--send", "vmc"), "give one of them"),
        (("replay", "not-there.mcap", "--headless", "--send", "vmc"), "not-there.mcap"),
        (("live", "synthetic", "--headless", "--send", "vmc", "--screenshot", "x.png"), "needs the window"),
    ],
)
def test_what_makes_no_sense_ends_with_status_2_and_one_line(
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1
