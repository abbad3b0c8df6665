"""The section Outputs: a card for each way out, with its switch, address, rate and state."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.labels import note, say
from app.outputs.presenter import ABOUT, TITLES, Card, Outputs
from app.sidebar import Section
from app.theme import DARK, GAP, Colours, font
from app.translation import noted, tr
from engine.motion.outputs.choice import GREATEST_HZ, LEAST_HZ, LOOPBACK, OutputKind
from engine.types import Snapshot

_EVERYWHERE = "0.0.0.0"


class OutputCard(QWidget):
    """One output."""

    def __init__(self, outputs: Outputs, kind: OutputKind) -> None:
        super().__init__()
        self._outputs, self.kind = outputs, kind
        title = tr(TITLES[kind])
        self.switch = QCheckBox(title)
        self.switch.setFont(font(strong=True))
        self.switch.setToolTip(tr("Send the motion while a camera or a session is shown"))
        self.switch.toggled.connect(partial(outputs.switch, kind))
        about = note(tr(ABOUT[kind]))
        about.setProperty("muted", True)
        self.state, self.mistake = note(), note()
        self.state.setAccessibleName(tr("How {output} is doing", output=title))
        self.mistake.setProperty("alarming", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 2 * GAP)
        column.setSpacing(GAP // 2)
        column.addWidget(self.switch)
        column.addWidget(about)
        column.addLayout(self._fields(title))
        for part in (self.mistake, self.state):
            column.addWidget(part)
        self.token = TokenRow(outputs) if kind is OutputKind.WEBSOCKET else None
        if self.token is not None:
            column.addWidget(self.token)

    def _fields(self, title: str) -> QGridLayout:
        self.address = QLineEdit()
        self.reach = QComboBox()
        self.rate = QSpinBox()
        self.rate.setRange(round(LEAST_HZ), round(GREATEST_HZ))
        self.rate.setSuffix(tr(" /s"))
        self.rate.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # arrow keys and the wheel do it
        self.rate.setFixedWidth(8 * GAP)
        self.rate.setKeyboardTracking(False)
        self.rate.setAccessibleName(tr("Rate of {output}", output=title))
        self.rate.setToolTip(tr("Poses a second at most; the camera and the network may give fewer"))
        self.rate.valueChanged.connect(partial(self._outputs.set_rate, self.kind))
        lsl = self.kind is OutputKind.LSL
        chosen = self.reach if lsl else self.address
        chosen.setAccessibleName(tr("Address of {output}", output=title))
        for text, host in ((tr("This machine"), LOOPBACK), (tr("This network"), _EVERYWHERE)):
            self.reach.addItem(text, host)
        self.reach.setToolTip(tr("How far the stream is announced; holds until the program ends"))
        self.reach.activated.connect(lambda _: self._outputs.set_address(self.kind, self.reach.currentData()))
        tip = (
            tr("Where receivers connect: 127.0.0.1 for this machine, 0.0.0.0 for the network, which needs a token")
            if self.kind is OutputKind.WEBSOCKET
            else tr("Where it is sent to: address and port of the receiver")
        )
        self.address.setToolTip(tip)
        self.address.editingFinished.connect(self._typed)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.addWidget(chosen, 0, 0)
        grid.addWidget(self.rate, 0, 1)
        grid.setColumnStretch(0, 1)
        for part in (self.address, self.reach, self.rate):
            part.setFont(font(-1))
            part.setSizePolicy(part.sizePolicy().horizontalPolicy(), QSizePolicy.Policy.Preferred)  # one height
        (self.address if lsl else self.reach).setParent(self)
        (self.address if lsl else self.reach).hide()
        return grid

    def _typed(self) -> None:
        if self.address.isModified():
            self.address.setModified(False)
            self._outputs.set_address(self.kind, self.address.text())
            self.show_card(self._outputs.card(self.kind))

    def show_card(self, card: Card) -> None:
        """Draw it; what the user is typing stays."""
        for part in (self.switch, self.rate, self.reach):
            part.blockSignals(True)
        self.switch.setChecked(card.on)
        if not self.rate.hasFocus():
            self.rate.setValue(round(card.rate_hz))
        self.reach.setCurrentIndex(0 if card.address == LOOPBACK else 1)
        for part in (self.switch, self.rate, self.reach):
            part.blockSignals(False)
        if not card.mistake and not self.address.isModified() and self.address.text() != card.address:
            self.address.setText(card.address)
        say(self.mistake, card.mistake)
        say(self.state, card.state, card.tone)
        if self.token is not None:
            self.token.show_card(card)


class TokenRow(QWidget):
    """The token that web pages, and receivers elsewhere, have to show: seen once, when it is made."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self._outputs = outputs
        self.note = note()
        self.note.setProperty("muted", True)
        self.text = QLineEdit()
        self.text.setReadOnly(True)
        self.text.setFont(font(-1))
        self.text.setAccessibleName(tr("Token"))
        self.copy, self.done, self.make = QPushButton(tr("Copy")), QPushButton(tr("Done")), QPushButton(tr("New token"))
        self.copy.setToolTip(tr("Copy the token; it goes behind the address as ?token=…"))
        self.done.setToolTip(tr("Hide the token for good"))
        self.make.setToolTip(tr("Make a token; the one before opens nothing any more"))
        self.copy.clicked.connect(self._copied)
        self.done.clicked.connect(self._finished)
        self.make.clicked.connect(self._made)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        for button in (self.copy, self.done, self.make):
            button.setProperty("small", True)
            button.setFont(font(-1))
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP // 2)
        column.addWidget(self.note)
        column.addWidget(self.text)
        column.addLayout(buttons)

    def show_card(self, card: Card) -> None:
        shown = bool(card.token)
        if self.text.text() != card.token:
            self.text.setText(card.token)
            self.text.setCursorPosition(0)
        for part, on in ((self.text, shown), (self.copy, shown), (self.done, shown), (self.make, not shown)):
            part.setVisible(on)
        say(self.note, _token_note(card))

    def _copied(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text.text())

    def _finished(self) -> None:
        self._outputs.hide_token()
        self.show_card(self._outputs.card(OutputKind.WEBSOCKET))

    def _made(self) -> None:
        self._outputs.new_token()
        self.show_card(self._outputs.card(OutputKind.WEBSOCKET))


def _token_note(card: Card) -> str:
    if card.token:
        return tr("The token, shown this once. Receivers connect to ws://{address}/?token=…", address=card.reached_at)
    if card.token_needed:
        return tr("Receivers show the token that was made.")
    if card.token_made:
        return tr("Web pages from elsewhere show the token that was made.")
    return tr("Web pages from elsewhere need a token.")


class OutputsSection(Section):
    """Draws what `Outputs` computes."""

    title, icon = noted("Outputs"), "section-outputs"

    def __init__(self, outputs: Outputs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outputs = outputs
        self._colours = DARK
        self.cards = {kind: OutputCard(outputs, kind) for kind in OutputKind}
        for card in self.cards.values():
            self.body.addWidget(card)
        self.body.addStretch(1)
        self.look(None)

    def look(self, snapshot: Snapshot | None) -> None:
        self.show_cards(self._outputs.cards())

    def show_cards(self, cards: Iterable[Card]) -> None:
        """Draw them."""
        for card in cards:
            self.cards[card.kind].show_card(card)

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
