"""Network and runtime as they were chosen in the window last, as far as they can still be had. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.preferences import Preferences
from app.settings import DEFAULT_NETWORK
from app.translation import tr
from engine.assets import bundled_weights
from engine.errors import EgoposeError
from engine.replay.memory import memory_of
from engine.runtime.artefacts import Artefacts
from engine.runtime.backend import Backend
from engine.runtime.choice import AUTO, TITLES, way


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the window begins with."""

    network: str
    runtime: str
    lost: str = ""
    """What was chosen last and cannot be had any more, for people; "" where all of it can."""


def recall(preferences: Preferences, network: str | None, runtime: str | None) -> Recalled:
    """What the command line asks for, None where it asks for nothing; else what was chosen last, else the default.

    Raises EgoposeError where what the command line asks for is not there. Nothing is made here: a runtime that has to
    be compiled first is left to be chosen again.
    """
    lost: list[str] = []
    if network is None:
        network = preferences.network or DEFAULT_NETWORK
        if network != DEFAULT_NETWORK and not _readable(network):
            lost.append(
                tr(
                    "{network}, the network that was chosen last, is gone or damaged: {other} stands in.",
                    network=network,
                    other=DEFAULT_NETWORK,
                )
            )
            network = DEFAULT_NETWORK
    if runtime is None:
        runtime = preferences.runtime or AUTO
        if runtime != AUTO and (why := _lacking(network, runtime)):
            title = TITLES.get(runtime, runtime)
            lost.append(
                tr(
                    "{runtime}, which was chosen last, cannot be had ({reason}): the fastest there is stands in.",
                    runtime=title,
                    reason=why,
                )
            )
            runtime = AUTO
    if lost:
        lost.append(tr("Live in the sidebar changes that."))
    return Recalled(network, runtime, " ".join(lost))


def _readable(network: str) -> bool:
    """Whether there is a file of weights behind it, by its head and its length."""
    try:
        memory_of(bundled_weights(network))
    except EgoposeError:
        return False
    return True


def _lacking(network: str, runtime: str) -> str:
    """Why a runtime cannot run this network at once, "" where it can. Raises EgoposeError without weights."""
    if runtime not in TITLES:
        return tr("this version does not know it")
    wanted = way(runtime)
    if (line := wanted.missing()) is not None:
        return line.partition(";")[0]
    if not isinstance(wanted, Backend):
        return ""
    folder = Artefacts().compiled(bundled_weights(network), wanted)
    return "" if folder is not None else tr("it is not compiled for this network any more")
