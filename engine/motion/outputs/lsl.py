"""Lab Streaming Layer: one stream of numbers per pose, for recordings beside other instruments.

liblsl listens on every address of the machine, whatever it is told; what can be chosen is how far the stream is
announced. That holds for the whole process from the first stream on.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from engine.motion.kinematics import BONE_NAMES
from engine.motion.outputs.choice import Address, OutputChoice
from engine.motion.outputs.output import Output, OutputError
from engine.motion.world import Array
from engine.skeleton import JOINTS
from engine.types import Pose

STREAM_NAME, STREAM_TYPE = "egopose", "MoCap"
_HERE = """[multicast]
ResolveScope = machine
ListenAddress = 127.0.0.1
[ports]
IPv6 = disable
[log]
level = -2
"""
_NETWORK = """[multicast]
ResolveScope = link
[log]
level = -2
"""

# fmt: off
CHANNELS: tuple[tuple[str, str, str], ...] = (
    *((f"{joint}_{axis}", f"Position{axis.upper()}", "meters") for joint in JOINTS for axis in "xyz"),
    *((f"{joint}_confidence", "Confidence", "normalized") for joint in JOINTS),
    *((f"root_{axis}", f"Position{axis.upper()}", "meters") for axis in "xyz"),
    *((f"{bone}_rotation_{axis}", f"Orientation{axis.upper()}", "quaternion")
      for bone in BONE_NAMES for axis in "xyzw"),
)
# fmt: on
"""(label, type, unit) of each channel, in LSL's words for motion capture. Coordinates are our world's."""


def sample(pose: Pose) -> Array | None:
    """(147,) one number for each of `CHANNELS`; None of a pose without a body."""
    body = pose.body
    if body is None:
        return None
    return np.concatenate([body.joints_m.ravel(), pose.confidence, body.root_m, body.rotations.ravel()])


class LSLOutput(Output):
    """A stream with the times at which the frames were taken, on LSL's own clock, which is the monotonic one."""

    _announced: ClassVar[str | None] = None

    def __init__(self, choice: OutputChoice) -> None:
        self._choice = choice
        self._outlet: Any = None
        self._listens: Address | None = None

    async def open(self) -> None:
        lsl = self._library()
        info = lsl.StreamInfo(STREAM_NAME, STREAM_TYPE, len(CHANNELS), 0.0, "float32", "egopose-motion")
        channels = info.desc().append_child("channels")
        for label, kind, unit in CHANNELS:
            channel = channels.append_child("channel")
            for key, value in (("label", label), ("type", kind), ("unit", unit)):
                channel.append_child_value(key, value)
        try:
            self._outlet = lsl.StreamOutlet(info, max_buffered=2)
            port = re.search(r"<v4data_port>(\d{1,5})<", self._outlet.get_info().as_xml())
        except Exception as error:
            raise OutputError(f"LSL cannot open a stream ({error}); close other programs that use LSL") from error
        self._listens = Address("0.0.0.0", int(port[1]) if port is not None else 0)

    def _library(self) -> Any:
        try:
            import pylsl  # noqa: PLC0415
        except (ImportError, RuntimeError, OSError) as error:
            # pylsl raises RuntimeError where it finds no liblsl.
            raise OutputError('LSL is not installed; it comes with: pip install -e ".[lsl]"') from error
        wanted = _HERE if self._choice.address.loopback else _NETWORK
        if LSLOutput._announced is None:
            pylsl.set_config_content(wanted)
            LSLOutput._announced = wanted
        elif LSLOutput._announced != wanted:
            raise OutputError("how far LSL announces its streams holds until the program ends; start it anew")
        return pylsl

    @property
    def listens(self) -> Address | None:
        """Every address of this machine, at the port that the library took."""
        return self._listens

    def send(self, pose: Pose) -> None:
        values = sample(pose)
        if values is None or self._outlet is None:
            return
        seconds = pose.capture_ns / 1e9
        if sys.platform != "linux":
            # Other systems' monotonic clocks need not begin where LSL's does.
            seconds += self._library().local_clock() - time.monotonic()
        self._outlet.push_sample(values.tolist(), seconds)

    async def close(self) -> None:
        outlet, self._outlet, self._listens = self._outlet, None, None
        with suppress(Exception):
            del outlet  # its destructor is what ends the stream
