"""`--send` on the command line, and sending without a window."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from app.feed import Feed
from app.outputs.reach import reached_at
from app.outputs.store import load_outputs
from app.wording import what_runs
from engine.errors import EgoposeError
from engine.motion.outputs.choice import OutputChoice, OutputKind, make_token, parse_send
from engine.motion.outputs.hub import Hub
from engine.types import Figures, StreamState

if TYPE_CHECKING:
    from app.main_window import MainWindow

_LOOK_S = 0.1
_TOLD_S = 10.0
"""Between two lines of what is made in the background."""
_OVER = (StreamState.ENDED, StreamState.FAILED)


def add_send(command: argparse.ArgumentParser) -> None:
    """Options of every command that shows live poses."""
    command.add_argument(
        "--send",
        action="append",
        default=[],
        metavar="OUTPUT",
        help="send the motion: osc, vmc, websocket or lsl, with an address and a rate where they are not the usual "
        "ones, as in osc:192.168.1.20:9000,rate=60; can be given several times",
    )


def sent(arguments: argparse.Namespace) -> tuple[OutputChoice, ...]:
    """What `--send` asks for. Raises EgoposeError."""
    words: list[str] = arguments.send
    if not words:
        return ()
    known = load_outputs()
    choices = {choice.kind: choice for choice in (parse_send(word, known) for word in words)}
    return tuple(choices.values())


def begin_sending(window: MainWindow, choices: tuple[OutputChoice, ...]) -> None:
    """In a window: send, and show how it goes."""
    if choices:
        window.outputs.send(choices)
        sidebar = window.view.sidebar
        sidebar.show_section(next(section for section in sidebar.sections if section.title == "Outputs"))


def send_headless(feed: Feed, choices: tuple[OutputChoice, ...], seconds: float | None = None) -> str:
    """Send what a feed gives, in its own time, until it ends, Ctrl+C, or so many seconds; a line of what was sent.

    Raises EgoposeError where nothing is to be sent, and where the source fails.
    """
    if not choices:
        raise EgoposeError("--headless without --out needs to know where to send; add --send vmc, or --out DIR")
    hub = Hub(_with_tokens(choices))
    feed.taps.add(hub)
    try:
        with _asked_to_end() as ended:
            feed.start()
            deadline = None if seconds is None else time.monotonic() + seconds
            runtime = RuntimeNews()
            while not ended.wait(_LOOK_S) and (figures := feed.snapshot().figures).state not in _OVER:
                runtime.look(figures)
                if deadline is not None and time.monotonic() > deadline:
                    break
        figures = feed.snapshot().figures
    finally:
        feed.stop()
        hub.close()
    if figures.state is StreamState.FAILED:
        raise EgoposeError(figures.message)
    states = hub.states()
    return "sent: " + ", ".join(f"{states[choice.kind].sent} poses to {name_of(choice)}" for choice in choices)


class RuntimeNews:
    """Says on the standard error what runs the network, when that changes, and how far a faster one is."""

    def __init__(self) -> None:
        self._told = Told("", "", "")
        self._at = 0.0

    def look(self, figures: Figures) -> None:
        """The figures of now."""
        before, told = self._told, Told(figures.runtime, figures.building, figures.notice)
        self._told = told
        other = told.runtime != before.runtime or bool(told.building and not before.building)
        further = told.building and time.monotonic() - self._at >= _TOLD_S
        if told.runtime and (other or further):
            self._at = time.monotonic()
            print(f"egopose: {what_runs(figures)}", file=sys.stderr, flush=True)
        if told.notice and told.notice != before.notice:
            print(f"egopose: {told.notice}", file=sys.stderr, flush=True)


class Told(NamedTuple):
    """What was said of the runtime."""

    runtime: str
    building: str
    notice: str


def name_of(choice: OutputChoice) -> str:
    """As on the command line."""
    return f"{choice.kind}:{choice.address}"


def _with_tokens(choices: tuple[OutputChoice, ...]) -> Iterator[OutputChoice]:
    """A WebSocket that needs a token and has none gets one for this run, which is printed."""
    for choice in choices:
        if choice.kind is OutputKind.WEBSOCKET and choice.needs_token and not choice.token_hash:
            token, kept = make_token()
            print(f"receivers connect to ws://{reached_at(choice.address)}/?token={token}", flush=True)
            yield replace(choice, token_hash=kept)
        else:
            yield choice


@contextmanager
def _asked_to_end() -> Iterator[threading.Event]:
    """Set by Ctrl+C and SIGTERM."""
    ended = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in numbers}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
