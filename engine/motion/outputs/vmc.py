"""The VMC protocol, version 2.0 of its performer: https://protocol.vmc.info/english, in Unity's coordinates."""

from __future__ import annotations

import time

import numpy as np

from engine.motion.kinematics import BONE_NAMES
from engine.motion.outputs.choice import Address
from engine.motion.outputs.osc import Message, bundles
from engine.motion.outputs.udp import UdpOutput
from engine.motion.outputs.unity import unity_name, unity_positions, unity_quaternions
from engine.types import Pose

_ROOT = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


class VMCOutput(UdpOutput):
    """The bones of a pose, local to their parents, turned from the T-pose as in VRM."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, "the program that shows the avatar and let it receive VMC")
        self._ok = Message("/VMC/Ext/OK", numbers="i").pack([1])
        self._time = Message("/VMC/Ext/T", numbers="f")
        self._root = Message("/VMC/Ext/Root/Pos", "root", numbers="fffffff").pack(_ROOT)
        self._bones = [Message("/VMC/Ext/Bone/Pos", unity_name(bone), numbers="fffffff") for bone in BONE_NAMES]
        self._began = time.monotonic()

    def datagrams(self, pose: Pose) -> list[bytes]:
        body = pose.body
        if body is None:
            return []
        places = body.skeleton.offsets_m.copy()
        places[0] = body.root_m
        values = np.hstack([unity_positions(places), unity_quaternions(body.rotations)]).tolist()
        bones = [message.pack(row) for message, row in zip(self._bones, values, strict=True)]
        seconds = self._time.pack([time.monotonic() - self._began])
        return bundles([self._root, *bones, self._ok, seconds])
