"""Poses with bodies, and receivers that wait for what comes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pythonosc.osc_packet import OscPacket
from scipy.spatial.transform import Rotation

from engine.motion.kinematics import BONE_COUNT, BodyMotion
from engine.motion.outputs.choice import Address, OutputChoice, OutputKind
from engine.motion.outputs.hub import Hub
from engine.motion.outputs.output import OutputState, Phase
from engine.types import Pose
from tests.engine.motion.bodies import SKELETON

NOTHING = np.zeros(0, np.float32)
GREAT_RATE = 240.0


def body_at(seed: int) -> BodyMotion:
    """Turned anyhow, every bone."""
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(BONE_COUNT, rng=rng).as_quat()
    return BodyMotion(seed, time.monotonic_ns(), SKELETON, rng.normal(size=3), rotations, np.zeros(15))


def pose_of(body: BodyMotion | None, seq: int = 0) -> Pose:
    """With confidences that differ."""
    sure = np.linspace(0.0, 1.0, 15, dtype=np.float32)
    joints = np.zeros((15, 3), np.float32)
    taken = body.capture_ns if body is not None else 0
    return Pose(seq, taken, joints, sure, NOTHING, NOTHING, NOTHING, body=body)


def pose_at(seed: int) -> Pose:
    """Whose number is its seed."""
    return pose_of(body_at(seed), seed)


def choice_of(kind: OutputKind, port: int, host: str = "127.0.0.1", rate: float = GREAT_RATE) -> OutputChoice:
    """An output that is switched on."""
    return OutputChoice(kind, Address(host, port), rate, on=True)


def eventually(hub: Hub, kind: OutputKind, phase: Phase, *, trouble: str = "", seconds: float = 10.0) -> OutputState:
    """The state once the output is in that phase and says that; fails if it never is."""
    deadline = time.monotonic() + seconds
    while True:
        state = hub.states()[kind]
        if state.phase is phase and trouble in state.trouble:
            return state
        assert time.monotonic() < deadline, f"waited in vain, {state}"
        time.sleep(0.002)


def pushed(hub: Hub, kind: OutputKind, count: int = 1) -> None:
    """Hand the hub poses until the output has sent so many."""
    deadline, seed = time.monotonic() + 10, 0
    while hub.states()[kind].sent < count:
        hub.pose(pose_at(seed := seed + 1))
        assert time.monotonic() < deadline, f"waited in vain, {hub.states()[kind]}"
        time.sleep(0.002)


class Listener:
    """A UDP port, whose datagrams are read by a library that is not ours."""

    def __init__(self, port: int = 0, seconds: float = 10.0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(seconds)
        self.port = int(self.socket.getsockname()[1])

    def messages(self) -> list[tuple[str, list[object]]]:
        """Of the next datagram: address and values of each."""
        return decoded(self.socket.recv(65536))


def decoded(datagram: bytes) -> list[tuple[str, list[object]]]:
    """By python-osc."""
    return [(timed.message.address, list(timed.message.params)) for timed in OscPacket(datagram).messages]


@contextmanager
def listening(port: int = 0) -> Iterator[Listener]:
    """A listener for a while."""
    made = Listener(port)
    try:
        yield made
    finally:
        made.socket.close()


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """One that nobody has just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def hub_with(*choices: OutputChoice) -> Iterator[Hub]:
    """A hub that is closed at the end."""
    hub = Hub(choices)
    try:
        yield hub
    finally:
        hub.close()
