"""Trackers for VRChat: https://docs.vrchat.com/docs/osc-trackers, in Unity's coordinates, metres and degrees."""

from __future__ import annotations

import numpy as np

from engine.motion.kinematics import BONE_NAMES
from engine.motion.outputs.choice import Address
from engine.motion.outputs.osc import Message, bundles
from engine.motion.outputs.udp import UdpOutput
from engine.motion.outputs.unity import unity_euler_degrees, unity_positions
from engine.types import Pose

TRACKERS: dict[str, tuple[str, str]] = {
    "1": ("hips", "hips"),
    "2": ("chest", "chest"),
    "3": ("left_foot", "left_foot"),
    "4": ("right_foot", "right_foot"),
    "5": ("left_lower_leg", "left_upper_leg"),
    "6": ("right_lower_leg", "right_upper_leg"),
    "7": ("left_lower_arm", "left_upper_arm"),
    "8": ("right_lower_arm", "right_upper_arm"),
    "head": ("head", "head"),
}
"""Name in the OSC address: the bone that begins where the tracker is, and the bone that it is strapped to, whose
rotation it has. Knees and elbows sit at the lower end of the upper limb. VRChat finds out which is which at
calibration; it aligns its space with ours by the head."""

_PLACES = [BONE_NAMES.index(place) for place, _ in TRACKERS.values()]
_TURNS = [BONE_NAMES.index(strapped) for _, strapped in TRACKERS.values()]


class VRChatOutput(UdpOutput):
    """One bundle a pose, position and rotation of nine trackers."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, "VRChat and switch OSC on in it")
        self._messages = [
            (Message(f"/tracking/trackers/{name}/position", numbers="fff"),
             Message(f"/tracking/trackers/{name}/rotation", numbers="fff"))
            for name in TRACKERS
        ]  # fmt: skip

    def datagrams(self, pose: Pose) -> list[bytes]:
        body = pose.body
        if body is None:
            return []
        positions = unity_positions(body.positions_m[_PLACES]).tolist()
        angles = unity_euler_degrees(np.asarray(body.world_rotations[_TURNS])).tolist()
        packed = []
        for (place, turn), position, angle in zip(self._messages, positions, angles, strict=True):
            packed += [place.pack(position), turn.pack(angle)]
        return bundles(packed)
