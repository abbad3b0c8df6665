"""The sidebar's sections Diagnostics, Outputs and Wearer in their states."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import numpy as np

from app.outputs.presenter import card_of
from app.outputs.section import OutputsSection
from app.screenshots.moments import stays
from app.screenshots.studio import Studio, show_section
from engine.motion.outputs.choice import DEFAULTS, Address
from engine.motion.outputs.output import OutputState, Phase
from engine.motion.profile import from_height, save_profile
from engine.skeleton import JOINTS
from engine.types import Snapshot

_USED, _OTHER = "Ada", "Grace"
"""Whose profiles are kept."""


def diagnostics(studio: Studio) -> None:
    """With two minutes of history."""
    window, figures = studio.window, studio.moment.figures
    show_section(studio, "Diagnostics")
    window.diagnostics.machine.start()
    studio.show_live()
    window.diagnostics.clear()
    begin_s = time.monotonic() - 120
    for number in range(120):
        slow = 1.0 + (0.4 if 70 < number < 84 else 0.05 * (number % 5))
        stages = {name: replace(p, p50=p.p50 * slow) for name, p in figures.stages_ms.items()}
        age = replace(figures.age_ms, p50=figures.age_ms.p50 * slow, p95=figures.age_ms.p95 * slow)
        window.diagnostics.sample(replace(figures, stages_ms=stages, age_ms=age), begin_s + number)
    studio.wait_for(lambda: window.diagnostics.machine.newest.core_count > 0)
    studio.look()


def outputs(studio: Studio) -> None:
    """Each in another state."""
    show_section(studio, "Outputs")
    studio.show_live()
    osc, vmc, websocket, lsl = (replace(choice, on=True) for choice in DEFAULTS.values())
    websocket = replace(websocket, address=Address("0.0.0.0", 8765), token_hash="made")
    receiver = "the program that shows the avatar and let it receive VMC"
    nobody = f"nobody listens at 127.0.0.1:39539 yet; start {receiver}, or change the address"
    states = (
        OutputState(osc, Phase.SENDING, 30.0, 900),
        OutputState(vmc, Phase.SENDING, 30.0, 900, trouble=nobody),
        OutputState(websocket, Phase.SENDING, 30.0, 900, receivers=2),
        OutputState(lsl, Phase.FAILED, trouble='LSL is not installed; it comes with: pip install -e ".[lsl]"'),
    )
    cards = [card_of(state, token="lq3TgXw0V1mTnq8sJ5y-bA" if state.receivers else "") for state in states]
    cast(OutputsSection, studio.window.view.sidebar.current).show_cards(cards)


def outputs_off(studio: Studio) -> None:
    """As they are at first."""
    show_section(studio, "Outputs")
    studio.show_live()


def wearer(studio: Studio) -> None:
    """Standing still, two seconds to go, with a profile in use."""
    _with_profiles(studio)
    feed = studio.show_live()
    studio.window.wearing.measure.click()
    for snapshot in stays(studio.moment, 1.4):
        feed.now = snapshot
        studio.look()


def wearer_unseen(studio: Studio) -> None:
    """The wearer's feet are not seen, and a name was typed that is taken."""
    _with_profiles(studio)
    feed = studio.show_live()
    section = studio.window.wearing
    section.measure.click()
    hidden = [joint for joint, name in enumerate(JOINTS) if name.endswith(("ankle", "foot"))]
    for snapshot in stays(studio.moment, 0.2):
        assert snapshot.pose is not None  # a moment has one
        sure = snapshot.pose.confidence.copy()
        sure[hidden] = 0.0
        pixels = snapshot.pose.uv_px.copy()
        pixels[hidden] = np.nan
        feed.now = Snapshot(snapshot.figures, snapshot.frame, replace(snapshot.pose, confidence=sure, uv_px=pixels))
        studio.look()
    section.name.setText(_OTHER)
    section.rename.click()


def wearer_first(studio: Studio) -> None:
    """Nobody has a profile yet."""
    show_section(studio, "Wearer")
    studio.show_live()


def wearer_deleted(studio: Studio) -> None:
    """The profile in use was deleted a moment ago."""
    _with_profiles(studio)
    studio.show_live()
    studio.window.wearing.delete.click()


def wearer_measured(studio: Studio) -> None:
    """Measured a moment ago."""
    _with_profiles(studio)
    feed = studio.show_live()
    section = studio.window.wearing
    section.measure.click()
    for snapshot in stays(studio.moment, 4.2):
        feed.now = snapshot
        studio.look()


def _with_profiles(studio: Studio) -> None:
    for height_m, name in ((1.72, _USED), (1.64, _OTHER)):
        save_profile(from_height(height_m, name))
    wearer = studio.window.wearing.wearer
    wearer.choose(_USED)
    show_section(studio, "Wearer")
