"""The section as it is used: switches, addresses, rates, tokens, faults; what is kept; what the window sends."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QLabel
from websockets.sync.client import connect

from app.main_window import MainWindow
from app.outputs.command import begin_sending
from app.outputs.presenter import Outputs, state_line
from app.outputs.section import OutputsSection
from app.outputs.store import load_outputs, outputs_path, save_outputs
from app.presenter import Presenter
from engine.errors import EgoposeError
from engine.motion.outputs import hub as hub_module
from engine.motion.outputs.choice import DEFAULTS, Address, OutputKind, token_fits
from engine.motion.outputs.output import OutputState, Phase
from tests.app import fake
from tests.app.qt import wait_for
from tests.engine.motion.outputs.sending import free_port, listening, pose_at

OSC, VMC, WEBSOCKET, LSL = OutputKind


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RETRY_S", 0.01)


@pytest.fixture
def section(app: QApplication) -> Iterator[OutputsSection]:
    outputs = Outputs()
    outputs.begin()
    made = OutputsSection(outputs)
    made.show()
    yield made
    made.close()
    outputs.close()


def typed(section: OutputsSection, kind: OutputKind, text: str) -> None:
    field = section.cards[kind].address
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def says(section: OutputsSection, kind: OutputKind, text: str) -> Callable[[], bool]:
    def holds() -> bool:
        section.look(None)
        return text in section.cards[kind].state.text()

    return holds


def test_everything_is_off_at_first_and_says_nothing(section: OutputsSection) -> None:
    for kind, card in section.cards.items():
        assert not card.switch.isChecked()
        assert not card.state.isVisibleTo(section)
        assert card.rate.value() == 30
        assert card.address.text() == str(DEFAULTS[kind].address)
    assert not outputs_path().exists()


def test_what_is_chosen_is_kept(section: OutputsSection, app: QApplication) -> None:
    card = section.cards[OSC]
    card.switch.click()
    typed(section, OSC, "192.168.1.20:9001")
    card.rate.setValue(60)
    kept = load_outputs()
    assert kept[OSC] == replace(DEFAULTS[OSC], address=Address("192.168.1.20", 9001), rate_hz=60.0, on=True)
    again = OutputsSection(Outputs())
    assert again.cards[OSC].switch.isChecked()
    assert again.cards[OSC].address.text() == "192.168.1.20:9001"
    assert again.cards[OSC].rate.value() == 60


def test_an_address_that_is_none_is_told_in_place_and_changes_nothing(section: OutputsSection) -> None:
    typed(section, OSC, "nowhere.local:1")
    section.look(None)
    card = section.cards[OSC]
    assert "'nowhere.local' is no address in numbers" in card.mistake.text()
    assert card.mistake.isVisibleTo(section)
    assert card.address.text() == "nowhere.local:1"  # to be mended, not typed again
    assert load_outputs()[OSC].address == DEFAULTS[OSC].address
    typed(section, OSC, "127.0.0.1:9005")
    assert not card.mistake.isVisibleTo(section)
    assert load_outputs()[OSC].address.port == 9005


def test_a_port_in_use_is_told_in_place(section: OutputsSection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        typed(section, WEBSOCKET, str(port))
        section.cards[WEBSOCKET].switch.click()
        wait_for(says(section, WEBSOCKET, f"The port {port} is taken by another program"))
        assert section.cards[WEBSOCKET].state.property("tone") == "error"
    wait_for(says(section, WEBSOCKET, f"Open at 127.0.0.1:{port}, 0 receivers, waiting for motion"))


def test_an_address_for_others_makes_a_token_that_is_shown_once(section: OutputsSection) -> None:
    card = section.cards[WEBSOCKET]
    row = card.token
    assert row is not None
    assert row.make.isVisibleTo(section)
    typed(section, WEBSOCKET, f"0.0.0.0:{free_port(socket.SOCK_STREAM)}")
    assert not row.text.isVisibleTo(section)
    card.switch.click()
    wait_for(says(section, WEBSOCKET, "Open at 0.0.0.0"))
    token = row.text.text()
    assert row.text.isVisibleTo(section)
    assert re.search(r"ws://[^/:]+:\d+/\?token=", row.note.text())
    assert "0.0.0.0" not in row.note.text()
    assert token_fits(token, load_outputs()[WEBSOCKET].token_hash)
    assert token not in outputs_path().read_text()
    row.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == token
    row.done.click()
    assert not row.text.isVisibleTo(section)
    assert row.text.text() == ""
    row.make.click()
    assert row.text.text() != token
    assert not token_fits(token, load_outputs()[WEBSOCKET].token_hash)


def test_lsl_has_a_reach_instead_of_an_address(section: OutputsSection) -> None:
    card = section.cards[LSL]
    assert any("listens on every address" in label.text() for label in card.findChildren(QLabel)), "before it is on"
    assert not card.address.isVisibleTo(section)
    card.reach.setCurrentIndex(1)
    card.reach.activated.emit(1)
    assert load_outputs()[LSL].address == Address("0.0.0.0", 0)


def test_the_window_sends_what_it_shows_and_stops_with_it(window: MainWindow) -> None:
    feed = fake.FakeFeed()
    window.presenter = Presenter(lambda spec: feed)
    window.run()
    with listening() as there:
        window.outputs.set_address(OSC, str(there.port))
        window.open("fake")
        wait_for(lambda: window.presenter.feed is feed)
        assert not feed.taps  # nothing is switched on
        window.outputs.switch(OSC, True)
        wait_for(lambda: len(feed.taps) == 1)
        card = window.outputs.card

        def flows() -> bool:
            feed.taps.pose(pose_at(1))
            return card(OSC).tone == "good"

        wait_for(flows)
        assert card(OSC).state.startswith(f"Sending to 127.0.0.1:{there.port}, ")
        assert there.messages()[0][0].startswith("/tracking/trackers/")
        window.outputs.switch(OSC, False)
        wait_for(lambda: not feed.taps)
        window.outputs.switch(OSC, True)
        wait_for(lambda: len(feed.taps) == 1)
        window.close()
    assert not feed.taps


def test_a_fault_is_in_the_banner_too_until_it_is_dismissed(window: MainWindow) -> None:
    window.run()
    window.outputs.set_address(OSC, "0.0.0.0:9000")
    window.outputs.switch(OSC, True)
    wait_for(lambda: window.banner.notice is not None)
    assert window.banner.notice is not None
    assert window.banner.notice.text.startswith("VRChat (OSC): 0.0.0.0:9000 cannot be sent to")
    window.banner.dismiss()
    wait_for(lambda: window.banner.notice is None)
    window.outputs.set_address(OSC, "0.0.0.0:9001")
    wait_for(lambda: window.banner.notice is not None and "9001" in window.banner.notice.text)


def test_what_the_command_line_sends_is_not_kept(window: MainWindow) -> None:
    port = free_port(socket.SOCK_STREAM)
    choice = replace(DEFAULTS[WEBSOCKET], address=Address("127.0.0.1", port), on=True)
    begin_sending(window, (choice,))
    assert isinstance(window.view.sidebar.current, OutputsSection)
    window.run()
    wait_for(lambda: window.outputs.card(WEBSOCKET).state.startswith("Open at"))
    with connect(f"ws://127.0.0.1:{port}/"):
        wait_for(lambda: "1 receiver," in window.outputs.card(WEBSOCKET).state)
    assert not outputs_path().exists()
    window.outputs.set_rate(OSC, 50.0)
    assert load_outputs() == DEFAULTS | {OSC: replace(DEFAULTS[OSC], rate_hz=50.0)}


def test_a_choice_that_cannot_be_kept_is_told(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise EgoposeError("cannot write it; make room")

    monkeypatch.setattr("app.outputs.store.write_atomically", refuse)
    window.run()
    window.outputs.set_rate(OSC, 50.0)
    wait_for(lambda: window.banner.notice is not None)
    assert window.banner.notice is not None
    assert window.banner.notice.text == "the choice holds until the program ends: cannot write it; make room"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2}',
        '{"version": 1, "osc": 5}',
        '{"version": 1, "osc": {}}',
        '{"version": 1, "osc": {"address": "x:1", "rate_hz": 30}}',
        '{"version": 1, "osc": {"address": "127.0.0.1:1", "rate_hz": "fast"}}',
        '{"version": 1, "osc": {"address": "127.0.0.1:1", "rate_hz": NaN}}',
        '{"version": 1, "websocket": {"address": "127.0.0.1:1", "rate_hz": 30, "token_hash": "x"}}',
        " " * 70_000,
    ],
)
def test_a_damaged_file_leaves_everything_off(text: str, caplog: pytest.LogCaptureFixture) -> None:
    outputs_path().parent.mkdir(parents=True)
    outputs_path().write_text(text)
    assert load_outputs() == DEFAULTS
    assert "all are off" in caplog.text


def test_what_was_saved_is_loaded() -> None:
    choices = dict(DEFAULTS)
    choices[VMC] = replace(choices[VMC], on=True, rate_hz=59.94, address=Address("::1", 5))
    save_outputs(choices)
    assert load_outputs() == choices
    assert json.loads(outputs_path().read_text())["vmc"]["address"] == "[::1]:5"


@pytest.mark.parametrize(
    ("state", "line", "tone"),
    [
        (OutputState(DEFAULTS[OSC]), "", "muted"),
        (OutputState(DEFAULTS[OSC], Phase.OPENING), "Opening …", "muted"),
        (OutputState(DEFAULTS[OSC], Phase.WAITING), "Ready for 127.0.0.1:9000, waiting for motion", "muted"),
        (OutputState(DEFAULTS[OSC], Phase.SENDING, 29.6), "Sending to 127.0.0.1:9000, 30/s", "good"),
        (OutputState(DEFAULTS[OSC], Phase.SENDING, 30.0, trouble="nobody listens"), "Nobody listens", "warning"),
        (OutputState(DEFAULTS[OSC], Phase.FAILED, trouble="it cannot"), "It cannot", "error"),
        (
            OutputState(DEFAULTS[WEBSOCKET], Phase.SENDING, 30.0, 5, 1),
            "Open at 127.0.0.1:8765, 30/s, 1 receiver",
            "good",
        ),
        (
            OutputState(DEFAULTS[WEBSOCKET], Phase.SENDING, 30.0, 5, 0),
            "Open at 127.0.0.1:8765, 30/s, 0 receivers",
            "muted",
        ),
        (
            OutputState(DEFAULTS[LSL], Phase.SENDING, 30.0, 5, listens=Address("0.0.0.0", 16572)),
            "Announced as “egopose”, open at 0.0.0.0:16572, 30/s",
            "good",
        ),
    ],
)
def test_the_line_of_each_state(state: OutputState, line: str, tone: str) -> None:
    assert state_line(state) == (line, tone)
