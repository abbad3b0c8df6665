"""What the section shows of each output, computed from the hub and the choices. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.feed import Feed
from app.outputs.reach import reached_at
from app.outputs.store import load_outputs, save_outputs
from app.presenter import Notice
from app.translation import noted, tr
from engine.errors import EgoposeError
from engine.motion.outputs.choice import OutputChoice, OutputKind, make_token
from engine.motion.outputs.hub import Hub
from engine.motion.outputs.output import OutputState, Phase

TITLES: dict[OutputKind, str] = {
    OutputKind.OSC: noted("VRChat (OSC)"),
    OutputKind.VMC: noted("Avatar (VMC)"),
    OutputKind.WEBSOCKET: noted("WebSocket (JSON)"),
    OutputKind.LSL: noted("Lab recording (LSL)"),
}
ABOUT: dict[OutputKind, str] = {
    OutputKind.OSC: noted("Eight trackers and the head, to VRChat's port 9000 on its machine or headset."),
    OutputKind.VMC: noted("Bones for VSeeFace, VNyan, Warudo, Unity or Blender, to port 39539 as a rule."),
    OutputKind.WEBSOCKET: noted("Joints and bones for your own program or web page, which connects to this address."),
    OutputKind.LSL: noted(
        "A Lab Streaming Layer stream, beside your other instruments. Its library listens on every address of this "
        "machine and asks nobody who connects; what is chosen here is how far it is announced."
    ),
}


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that is drawn of one output."""

    kind: OutputKind
    on: bool
    address: str
    rate_hz: float
    state: str
    """One line; "" where nothing is to be said."""
    tone: str
    """"muted", "good", "warning" or "error"."""
    mistake: str = ""
    """What is wrong with the address that was typed."""
    token: str = ""
    """A token that was made just now and is shown this once."""
    token_made: bool = False
    """Whether there is one, shown or not."""
    token_needed: bool = False
    reached_at: str = ""
    """Where receivers connect to, while a token is shown."""


class Outputs:
    """Owns the hub. Used on the GUI thread, never waits but in `close`."""

    def __init__(self, hub: Hub | None = None) -> None:
        self._kept = load_outputs()
        self._choices = dict(self._kept)
        self._hub = hub or Hub()
        self._feed: Feed | None = None
        self._mistakes: dict[OutputKind, str] = {}
        self._token = ""
        self._unsaved = ""
        self._dismissed: set[str] = set()
        self._begun = False

    def begin(self) -> None:
        """The window is shown: open what was on when the program ended, and what `send` asked for."""
        self._begun = True
        for choice in self._choices.values():
            self._hub.choose(choice)

    def follow(self, feed: Feed | None) -> None:
        """Send what this feed gives, as long as anything is switched on. Called at every look."""
        wanted = feed if self._hub.on else None
        if wanted is self._feed:
            return
        if self._feed is not None:
            self._feed.taps.remove(self._hub)
        if wanted is not None:
            wanted.taps.add(self._hub)
        self._feed = wanted

    def card(self, kind: OutputKind) -> Card:
        """What is drawn now of an output."""
        state = replace(self._hub.states()[kind], choice=self._choices[kind])
        return card_of(state, self._mistakes.get(kind, ""), self._token if kind is OutputKind.WEBSOCKET else "")

    def cards(self) -> tuple[Card, ...]:
        """Of every output."""
        return tuple(self.card(kind) for kind in OutputKind)

    def sent(self) -> dict[OutputKind, int]:
        """Poses that each output which is on has sent."""
        return {kind: state.sent for kind, state in self._hub.states().items() if self._choices[kind].on}

    def notice(self) -> Notice | None:
        """For the banner, so that a fault is seen while another section is open; once for each."""
        failed = {kind: state.trouble for kind, state in self._hub.states().items() if state.phase is Phase.FAILED}
        lines = [f"{tr(TITLES[kind])}: {trouble}" for kind, trouble in failed.items()]
        lines += [self._unsaved] if self._unsaved else []
        return next((Notice(line, "warning") for line in lines if line not in self._dismissed), None)

    def dismiss(self, notice: Notice) -> None:
        """The user has read it."""
        self._dismissed.add(notice.text)

    # What the user does

    def switch(self, kind: OutputKind, on: bool) -> None:
        """On or off."""
        self._choose(replace(self._choices[kind], on=on))

    def set_address(self, kind: OutputKind, text: str) -> None:
        """As typed; what makes no sense is told and changes nothing."""
        self._mistakes.pop(kind, None)
        choice = self._choices[kind]
        try:
            self._choose(replace(choice, address=choice.address.parsed(text)))
        except EgoposeError as error:
            self._mistakes[kind] = str(error)

    def set_rate(self, kind: OutputKind, rate_hz: float) -> None:
        """Poses a second, at most."""
        self._choose(self._choices[kind].with_rate(rate_hz))

    def new_token(self) -> None:
        """Make one in place of that before, which then opens nothing any more, and show it."""
        self._token, kept = make_token()
        self._choose(replace(self._choices[OutputKind.WEBSOCKET], token_hash=kept))

    def hide_token(self) -> None:
        """It has been copied; it cannot be shown again."""
        self._token = ""

    def send(self, choices: Iterable[OutputChoice]) -> None:
        """What `--send` asks for: for this run, not kept."""
        for choice in choices:
            self._set(choice)

    def close(self) -> None:
        """Send nothing more; the hub's thread has ended."""
        self.follow(None)
        self._hub.close()

    def _choose(self, choice: OutputChoice) -> None:
        self._kept[choice.kind] = self._set(choice)
        self._dismissed.clear()
        try:
            save_outputs(self._kept)
            self._unsaved = ""
        except EgoposeError as error:
            self._unsaved = str(error)

    def _set(self, choice: OutputChoice) -> OutputChoice:
        """Make it hold; the choice with the token that it needs."""
        if choice.on and choice.needs_token and not choice.token_hash:
            self._token, kept = make_token()
            choice = replace(choice, token_hash=kept)
        self._choices[choice.kind] = choice
        if self._begun:
            self._hub.choose(choice)
        return choice


def card_of(state: OutputState, mistake: str = "", token: str = "") -> Card:
    """What is drawn of an output in this state."""
    choice, (text, tone) = state.choice, state_line(state)
    return Card(
        choice.kind,
        choice.on,
        str(choice.address),
        choice.rate_hz,
        text,
        tone,
        mistake,
        token,
        bool(choice.token_hash),
        choice.needs_token,
        reached_at(choice.address) if token else "",
    )


def state_line(state: OutputState) -> tuple[str, str]:
    """How an output is doing, and in which tone."""
    address, receives = state.choice.address, state.receivers
    if state.phase is Phase.OFF:
        return "", "muted"
    if state.trouble:
        return state.trouble[0].upper() + state.trouble[1:], "error" if state.phase is Phase.FAILED else "warning"
    if state.phase is Phase.OPENING:
        return tr("Opening …"), "muted"
    waiting = state.phase is Phase.WAITING
    parts = [_doing(state.choice.kind, waiting, str(address))]
    if state.listens is not None:
        parts.append(tr("open at {address}", address=state.listens))
    if not waiting:
        parts.append(tr("{rate}/s", rate=f"{state.rate_hz:.0f}"))
    if receives is not None:
        parts.append(tr("{n} receiver", "{n} receivers", n=receives))
    if waiting:
        parts.append(tr("waiting for motion"))
    idle = waiting or receives == 0
    return ", ".join(parts), "muted" if idle else "good"


def _doing(kind: OutputKind, waiting: bool, address: str) -> str:
    if kind in (OutputKind.OSC, OutputKind.VMC):
        return tr("Ready for {address}", address=address) if waiting else tr("Sending to {address}", address=address)
    if kind is OutputKind.LSL:
        return tr("Announced as “egopose”")
    return tr("Open at {address}", address=address)
