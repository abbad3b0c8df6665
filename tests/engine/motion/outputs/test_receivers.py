"""The receivers that README.md shows, run as they stand there against a hub that sends."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from engine.motion.kinematics import BONE_NAMES
from engine.motion.outputs import lsl
from engine.motion.outputs.choice import DEFAULTS, OutputKind
from engine.motion.outputs.document import document
from engine.motion.outputs.hub import Hub
from engine.motion.outputs.output import Phase
from tests.engine.motion.outputs.sending import choice_of, eventually, free_port, hub_with, pose_at, pushed

README = Path(lsl.__file__).with_name("README.md")
OSC, VMC, WEBSOCKET, LSL = OutputKind


def block(name: str) -> str:
    """The Python that README.md has for a receiver."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [text for text in blocks if text.startswith(f"# receiver: {name}\n")]
    return str(found)


@contextmanager
def pouring(hub: Hub) -> Iterator[None]:
    """Poses, for a while."""
    ended = threading.Event()

    def pour() -> None:
        seed = 0
        while not ended.wait(0.005):
            hub.pose(pose_at(seed := seed + 1))

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    """A receiver in a process of its own."""
    receiver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        yield receiver
    finally:
        receiver.kill()
        receiver.communicate()


def lines(receiver: subprocess.Popen[str], count: int) -> list[str]:
    assert receiver.stdout is not None
    return [receiver.stdout.readline() for _ in range(count)]


def test_osc() -> None:
    port = free_port()
    with (
        running(block("osc").replace("9000", str(port))) as receiver,
        hub_with(choice_of(OSC, port)) as hub,
        pouring(hub),
    ):
        heard = {" ".join(line.split()[:2]) for line in lines(receiver, 36)}
    names = [*"12345678", "head"]
    assert heard == {f"{name} {what}" for name in names for what in ("position", "rotation")}


def test_blender() -> None:
    """Up to Blender itself: the turns that the bones are given."""
    port = free_port()
    scope: dict[str, object] = {}
    exec(block("blender"), scope)
    receiver = scope["VMC"](port)  # type: ignore[operator]
    with hub_with(choice_of(VMC, port)) as hub:
        pushed(hub, VMC)
        receiver.socket.settimeout(10)
        receiver.socket.recv(1, socket.MSG_PEEK)
        receiver.socket.setblocking(False)
        hub.close()
        turns = receiver.poll()
        sent = hub._newest
    receiver.socket.close()
    assert sent is not None
    assert sent.body is not None
    # Our world to Blender's: x left, y up, z ahead is x, z, -y there, by a turn about x alone.
    to_blender = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    assert len(turns) == len(BONE_NAMES)
    heads = turns["Head"]
    w, x, y, z = heads
    ours = Rotation.from_quat(sent.body.rotations[BONE_NAMES.index("head")]).as_matrix()
    assert Rotation.from_quat([x, y, z, w]).as_matrix() == pytest.approx(to_blender @ ours @ to_blender.T, abs=1e-5)


def test_websocket() -> None:
    port = free_port(socket.SOCK_STREAM)
    with hub_with(choice_of(WEBSOCKET, port)) as hub:
        eventually(hub, WEBSOCKET, Phase.WAITING)
        with running(block("websocket").replace("8765", str(port))) as receiver, pouring(hub):
            heard = lines(receiver, 5)
    for line in heard:
        seq, _, _, *place = line.split()
        made = document(pose_at(int(seq)))
        assert made is not None
        assert [float(part) for part in place] == pytest.approx(made["joints"]["left_wrist"]["position"], abs=6e-4)


def test_the_document_in_the_readme_has_the_fields_that_are_sent() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    shown, sent = json.loads(text), document(pose_at(1))
    assert sent is not None
    assert shown.keys() == sent.keys()
    assert shown["time"].keys() == sent["time"].keys()
    assert shown["joints"]["neck"].keys() == sent["joints"]["neck"].keys()
    assert shown["bones"]["hips"].keys() == sent["bones"]["hips"].keys()
    assert (shown["format"], shown["version"]) == (sent["format"], sent["version"])


def test_the_readme_has_the_usual_addresses() -> None:
    text = README.read_text(encoding="utf-8")
    for kind in (OSC, VMC, WEBSOCKET):
        assert f"| `{kind}` | {DEFAULTS[kind].address} |" in text


def test_lsl() -> None:
    pytest.importorskip("pylsl")
    with hub_with(choice_of(LSL, 0)) as hub, pouring(hub):
        listens = eventually(hub, LSL, Phase.SENDING).listens
        assert listens is not None
        assert listens.everywhere
        with socket.create_connection(("127.0.0.2", listens.port), timeout=10):
            pass  # it is true: an address that nobody chose
        quiet = (
            "import pylsl\npylsl.set_config_content('[log]\\nlevel = -2\\n[multicast]\\nResolveScope = machine\\n')\n"
        )
        with running(quiet + block("lsl")) as receiver:
            for line in lines(receiver, 3):
                assert re.fullmatch(r"\d+\.\d{3} left wrist at height -?\d+\.\d{3}\n", line)


def test_lsl_that_is_announced_cannot_be_announced_further(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pylsl")
    monkeypatch.setattr(lsl.LSLOutput, "_announced", "otherwise")
    with hub_with(choice_of(LSL, 0)) as hub:
        assert "start it anew" in eventually(hub, LSL, Phase.FAILED).trouble


def test_lsl_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with hub_with(choice_of(LSL, 0)) as hub:
        assert eventually(hub, LSL, Phase.FAILED).trouble == (
            'LSL is not installed; it comes with: pip install -e ".[lsl]"'
        )
